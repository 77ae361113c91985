"""What breached at one moment, as one value for each kind of trouble.

In: findings of one model. Out: `Breach`es, and what an upstream cause leaves of the findings. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alerts.evidence import times_limit
from alerts.incident import horizon_name
from alerts.outlook import cost_of, ruled_out
from detectors.diagnosis import diagnose
from detectors.result import Finding, Kind, Severity, Status, Window
from detectors.trouble import Diagnosis, Trouble

# Of the columns that are listed beside an alarm, at most this many are kept.
MOST_LISTED = 30
# Rows that have come are there: one clean window ends these.
CAUSES = (Trouble.BLIND, Trouble.SILENCE)
_KINDS = {
    Kind.FEATURE: Trouble.DRIFT,
    Kind.PREDICTION: Trouble.DRIFT,
    Kind.QUALITY: Trouble.DATA,
    Kind.PERFORMANCE: Trouble.PERFORMANCE,
    Kind.BUSINESS: Trouble.PERFORMANCE,
    Kind.VOLUME: Trouble.SILENCE,
}
_DETECTORS = {"log_reachable": Trouble.BLIND, "label_feed": Trouble.LABELS, "training_overlap": Trouble.LABELS}


@dataclass(frozen=True, slots=True)
class Breach:
    """All diagnoses of one kind of trouble at this moment, as one; windows oldest first.

    `also` names the columns that a budget lists beside those that drifted; `cost` says what it is expected to cost,
    `ruled_out` what else was looked at and is as usual.
    """

    trouble: Trouble
    diagnosis: str
    severity: Severity
    subjects: tuple[str, ...]
    summary: str
    action: str
    findings: tuple[Finding, ...]
    windows: tuple[Window, ...]
    also: tuple[str, ...] = ()
    cost: str = ""
    ruled_out: str = ""

    @property
    def effect(self) -> float:
        """The worst figure, as a multiple of its limit."""
        return max((times_limit(finding) for finding in self.findings), default=0.0)

    def effect_in(self, horizon: str) -> float | None:
        """The worst figure of one horizon; None where it did not breach."""
        return max((times_limit(f) for f in self.findings if horizon_name(f.window) == horizon), default=None)

    def subjects_in(self, window: Window) -> set[str]:
        """What breached in one window."""
        return {finding.subject for finding in self.findings if finding.window == window}


def breaches_of(findings: Sequence[Finding], cap: Severity, beside: Sequence[Finding] = ()) -> dict[Trouble, Breach]:
    """What these findings amount to, with what is known beside them, by kind of trouble; no severity is above `cap`."""
    grouped: dict[Trouble, list[Diagnosis]] = {}
    for diagnosis in diagnose(findings, beside):
        grouped.setdefault(diagnosis.trouble, []).append(diagnosis)
    everything = (*findings, *beside)
    cost, usual = cost_of(everything), ruled_out(everything)
    breaches = {
        trouble: replace(_merged(trouble, found, cap), cost="" if trouble in CAUSES else cost, ruled_out=usual)
        for trouble, found in grouped.items()
    }
    if (drift := breaches.get(Trouble.DRIFT)) is not None:
        listed = (f.subject for f in findings if "listed" in f.detail and f.window in drift.windows)
        also = tuple(dict.fromkeys(subject for subject in listed if subject not in drift.subjects))
        breaches[Trouble.DRIFT] = replace(drift, also=also[:MOST_LISTED])
    return breaches


def heard(findings: Sequence[Finding]) -> list[Finding]:
    """The findings without those of windows in which no rows came: nothing else that is found there is news."""
    empty = {f.window for f in findings if f.status is Status.BREACH and f.n == 0 and trouble_of(f) in CAUSES}
    return [f for f in findings if trouble_of(f) in CAUSES or not _within(f.window, empty)]


def trouble_of(finding: Finding) -> Trouble:
    """The kind of trouble a finding of this kind speaks for when it is clean."""
    return _DETECTORS.get(finding.detector) or _KINDS[finding.kind]


def _merged(trouble: Trouble, found: Sequence[Diagnosis], cap: Severity) -> Breach:
    ordered = sorted(found, key=lambda one: one.severity.rank, reverse=True)
    first = ordered[0]
    evidence = [f for one in ordered for f in one.evidence if f.status is Status.BREACH]
    summary = first.summary if len(ordered) == 1 else f"{first.summary} (and {len(ordered) - 1} more)"
    return Breach(
        trouble=trouble,
        diagnosis=first.diagnosis,
        severity=min(first.severity, cap, key=lambda one: one.rank),
        subjects=tuple(dict.fromkeys(subject for one in ordered for subject in one.subjects)),
        summary=summary,
        action=first.action,
        findings=tuple(evidence),
        windows=tuple(sorted({f.window for f in evidence}, key=lambda window: (window.end, window.start))),
    )


def _within(window: Window, spans: Iterable[Window]) -> bool:
    return any(span.start <= window.start and window.end <= span.end for span in spans)
