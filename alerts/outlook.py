"""What a trouble is expected to cost, and what was looked at beside it and is as usual.

In: everything judged of the same windows. Out: a short text, empty where nothing is known. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alerts.text import said
from alerts.wording import text_of
from detectors.conclusion import ESTIMATED
from detectors.performance import MEASURES
from detectors.result import Finding, Kind, Status

_NAME = 80
_ROWS = ("volume", "freshness", "run_due")


def _realised(finding: Finding) -> bool:
    return finding.kind is Kind.PERFORMANCE and finding.detector in MEASURES


def _estimated(finding: Finding) -> bool:
    return finding.kind is Kind.PERFORMANCE and finding.detector.startswith(ESTIMATED)


# In the order in which they would explain each other.
_LOOKED_AT: tuple[tuple[str, Callable[[Finding], bool]], ...] = (
    ("rows come as usual", lambda one: one.detector in _ROWS),
    ("no column is broken", lambda one: one.kind is Kind.QUALITY),
    ("no input has moved", lambda one: one.kind is Kind.FEATURE),
    ("predictions have not moved", lambda one: one.kind is Kind.PREDICTION),
    ("performance is as before", _realised),
    ("performance is expected to hold, by estimate", _estimated),
    ("business figures are as before", lambda one: one.kind is Kind.BUSINESS),
)


def ruled_out(findings: Sequence[Finding]) -> str:
    """Everything that was judged, is as usual, and breached nowhere; what nobody could judge is not ruled out."""
    whole = [finding for finding in findings if finding.segment is None]
    found = []
    for text, about in _LOOKED_AT:
        status = {finding.status for finding in whole if about(finding)}
        if Status.OK in status and Status.BREACH not in status:
            found.append(text)
    return "; ".join(found)


def cost_of(findings: Sequence[Finding]) -> str:
    """What it does to business figures, else to performance, else what the model's own probabilities expect."""
    breaches = [one for one in findings if one.status is Status.BREACH and one.segment is None]
    for about in (lambda one: one.kind is Kind.BUSINESS, _realised, _estimated):
        worst = max(filter(about, breaches), key=_size, default=None)
        if worst is not None:
            return _told(worst)
    return ""


def _size(finding: Finding) -> float:
    effect = finding.effect if finding.effect is not None else finding.statistic or 0.0
    return abs(effect) / finding.threshold if finding.threshold else abs(effect)


def _told(finding: Finding) -> str:
    """`AUC fell from 0.81 to 0.74`, `AUC is expected to be 0.74, was 0.81`, `revenue: 310, was 400`.

    What is best at 0 neither rises nor falls when it gets worse: `mean error: -0.24, was 0.012`.
    """
    estimated = finding.detector.startswith(ESTIMATED)
    measure = MEASURES.get(finding.detector.removeprefix(ESTIMATED))
    if measure is None or measure.signed or finding.statistic is None or finding.effect is None:
        before, after = finding.detail.get("before"), finding.detail.get("after", finding.statistic)
        was = f", was {text_of(before)}" if before is not None else ""
        return f"{said(finding.subject, _NAME)}: {said(text_of(after), _NAME)}{said(was, _NAME)}"
    sign = 1.0 if measure.higher_is_better else -1.0
    worse = sign * finding.effect
    usual = finding.statistic / (1.0 - worse) if measure.relative else finding.statistic + worse
    now, before = text_of(finding.statistic), text_of(usual)
    if estimated:
        return f"{measure.title} is expected to be {now}, was {before}; labels have not come yet"
    return f"{measure.title} {'fell' if measure.higher_is_better else 'rose'} from {before} to {now}"
