"""What explains what: an upstream cause, and the consequences that are not told beside it.

In: an incident that may be a cause, a breach. Out: whether the one is enough to expect the other. Kept: nothing.
No rows explain everything of the same time. A column that is lost explains what the model made of it: its predictions,
how columns go together, and its performance; never another column's drift.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.breach import Breach
from alerts.incident import Incident, horizon_hours
from detectors.registry import JOINT
from detectors.result import Finding, Kind
from detectors.trouble import Trouble

_NOTHING_CAME = ("no rows", "missed run")
# Out of range in most rows is as likely a season as a fault: it explains nothing.
_NO_LOSS = ("out_of_range",)
_LOST = 0.5


def cause_of(breach: Breach, incidents: Iterable[Incident]) -> Incident | None:
    """The incident that explains this breach, if one does."""
    return next((incident for incident in incidents if _explains(incident, breach)), None)


def _explains(cause: Incident, breach: Breach) -> bool:
    if cause.trouble is breach.trouble or not _overlaps(cause, breach):
        return False
    if cause.trouble is Trouble.SILENCE:
        return cause.diagnosis in _NOTHING_CAME and breach.trouble is not Trouble.BLIND
    if cause.trouble is not Trouble.DATA or not _lost_a_column(cause):
        return False
    if breach.trouble is Trouble.DRIFT:
        return all(_made_of_it(finding) for finding in breach.findings)
    return breach.trouble is Trouble.PERFORMANCE


def _lost_a_column(incident: Incident) -> bool:
    return any(
        figure["kind"] == Kind.QUALITY and figure["detector"] not in _NO_LOSS and (figure["statistic"] or 0.0) >= _LOST
        for figure in incident.evidence
    )


def _made_of_it(finding: Finding) -> bool:
    return finding.kind is Kind.PREDICTION or finding.detector in JOINT


def _overlaps(cause: Incident, breach: Breach) -> bool:
    """Whether every window that breached holds some of the cause's time."""
    shortest = min(cause.tracks, key=horizon_hours)
    start, end = cause.window.start, cause.tracks[shortest].last
    return all(window.start < end and window.end > start for window in breach.windows)
