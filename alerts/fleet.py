"""The same problem in several models at once: which incident a new one belongs to.

In: an incident just opened, open incidents of other models. Out: the one it follows, or none. Kept: nothing.
A column that breaks or drifts in the same way, and a log that several models read, have one cause wherever they are
seen. That performance fell, or predictions moved, is every model's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from alerts.breach import CAUSES
from alerts.incident import Incident
from detectors.result import Kind
from detectors.trouble import Trouble

# Days end at other times in other time zones.
TOGETHER = timedelta(days=1)
_OWN = (Kind.PREDICTION, Kind.PERFORMANCE, Kind.BUSINESS)


def lead_of(incident: Incident, others: Iterable[Incident]) -> Incident | None:
    """The first of these that has the same problem at the same time in another model."""
    return next((other for other in others if _same(incident, other)), None)


def _same(one: Incident, other: Incident) -> bool:
    if one.model == other.model or one.trouble is not other.trouble:
        return False
    if abs(one.opened_at - other.opened_at) > TOGETHER or other.lead is not None or one.cause or other.cause:
        return False
    if one.trouble in CAUSES:
        return bool(one.source) and one.source == other.source and one.diagnosis == other.diagnosis
    return one.trouble is not Trouble.PERFORMANCE and bool(_signature(one) & _signature(other))


def _signature(incident: Incident) -> set[tuple[str, str]]:
    """Which detectors breached on what is most affected; nothing where that is the model's own."""
    first = incident.subjects[0] if incident.subjects else ""
    return {
        (first, str(figure["detector"]))
        for figure in incident.evidence
        if figure["subject"] == first and Kind(figure["kind"]) not in _OWN
    }
