"""The reason for what changed: what the findings amount to, and what a change of the predictions is attributed to.

In: `Gathered`, or the evaluations an incident rests on. Out: a `Why`, or None. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectors.conclusion import Conclusion, Verdict
from detectors.diagnosis import verdict_of
from detectors.performance import MEASURES
from detectors.reason import ATTRIBUTION, BECAUSE, UNEXPLAINED
from detectors.result import Finding, Status
from monitor.reporting.gather import Gathered
from monitor.reporting.pictures import figure
from monitor.store.evaluations import Evaluation
from reports.parts import Contribution, Why
from reports.wording import measured, plural, sentence, window

_BREACHES, _IN_ORDER = 3, 2


def why(gathered: Gathered) -> Why | None:
    """The newest reason that was found in the period, with the verdict of its latest windows."""
    evaluations = gathered.in_period(gathered.inputs) + gathered.in_period(gathered.performance)
    horizon = gathered.summary
    latest = [
        gathered.of_horizon(gathered.in_period(which), horizon) for which in (gathered.inputs, gathered.performance)
    ]
    verdict = verdict_of([finding for found in latest if found for finding in found[-1].findings])
    return _told(evaluations, verdict, named=True)


def why_of(evaluations: Sequence[Evaluation], diagnosis: str) -> Why | None:
    """The same of the windows an incident rests on; its own diagnosis stands, and is told elsewhere."""
    verdict = verdict_of([finding for one in evaluations for finding in one.findings])
    if verdict.conclusion != diagnosis:
        verdict = Verdict(Conclusion.UNKNOWN, "")
    return _told(evaluations, verdict, named=False)


def _told(evaluations: Sequence[Evaluation], verdict: Verdict, *, named: bool) -> Why | None:
    reasons = [f for one in evaluations for f in one.findings if f.detector == ATTRIBUTION and BECAUSE in f.detail]
    newest = max(reasons, key=lambda finding: finding.window.end, default=None)
    if newest is None and verdict.conclusion in (Conclusion.HEALTHY, Conclusion.UNKNOWN):
        return None
    name = f"{verdict.conclusion.value[:1].upper()}{verdict.conclusion.value[1:]}"
    found = f"{name}: {verdict.sentence}" if verdict.sentence else name
    told = sentence(found if named else verdict.sentence)
    evidence = tuple(in_words(finding) for finding in _telling(verdict.evidence))
    if newest is None:
        return Why(told, evidence) if told or evidence else None
    detail: Mapping[str, Any] = newest.detail
    contributions = tuple(
        Contribution(", ".join(term["features"]), float(term["points"]), text=_percent(term["percent"]))
        for term in detail["terms"]
    )
    rest = float(detail.get("other_terms") or 0.0)
    if rest:
        contributions += (Contribution("all others", rest),)
    worst = detail.get("worst_segment")
    if worst:
        evidence += (
            f"{worst['segment']}: {worst['before']:.3g} before, {worst['now']:.3g} now "
            f"({worst['share']:.0%} of the rows; the worst of {worst['looked_at']:,} parts looked at)",
        )
    because = "; ".join(str(detail[part]) for part in (BECAUSE, UNEXPLAINED) if part in detail)
    return Why(
        sentence=f"{told} {sentence(because)}".strip(),
        evidence=evidence,
        measure=str(detail["measure"]),
        unit="points" if detail["unit"] == "share" else str(detail["unit"]),
        total=newest.statistic,
        residual=float(detail["residual"]),
        contributions=contributions,
        method=str(detail["method"]),
    )


def _telling(evidence: Sequence[Finding]) -> list[Finding]:
    """What speaks for a verdict, each figure once: what breached, and what is as it was."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in evidence:
        if finding.statistic is not None and finding.detail.get("judged", True):
            seen.setdefault((finding.subject, finding.detector), finding)
    breaches = [finding for finding in seen.values() if finding.status is Status.BREACH]
    others = [finding for finding in seen.values() if finding.status is Status.OK and finding.threshold is not None]
    return [*breaches[:_BREACHES], *others[:_IN_ORDER]]


def in_words(finding: Finding) -> str:
    """`temperature: KS 0.61, over its limit of 0.5 (7-day window, 6,014 rows)`; of a measure `AUC 0.61, …`."""
    shown = figure(finding)
    where = f" where {finding.segment}" if finding.segment is not None else ""
    name = "" if finding.subject == shown.statistic and not where else f"{finding.subject}{where}: "
    said = f"{name}{shown.statistic} {measured(shown.value, shown.unit)}"
    if shown.threshold is not None:
        over = "beyond" if finding.detector in MEASURES else "over"
        how = over if finding.status is Status.BREACH else "within"
        said += f", {how} its limit of {measured(shown.threshold, shown.unit, limit=True)}"
    return f"{said} ({window(shown.horizon)}, {plural(finding.n, 'row')})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}% of it"
