"""What one message says of several changes, and of several models with the same problem.

In: the changes a channel has not heard of, the incidents it may hear of. Out: the event to tell. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerts.incident import Change, Incident, IncidentEvent
from alerts.routing import NEW

# In a fleet one model's news is an update of the whole.
_PLAIN = (Change.UPDATED, Change.ACKNOWLEDGED, Change.STANDING)


@dataclass(frozen=True, slots=True)
class Said:
    """One message: the event it is named after, what else is told along with it, and the incidents it stands for."""

    event: IncidentEvent
    missed: tuple[str, ...]
    fleet: tuple[Incident, ...]


def said(waiting: Sequence[IncidentEvent], members: Mapping[str, Incident], known: bool) -> Said:
    """One message for all that waits, oldest first: the newest state, named after the weightiest change.

    `members`: every incident of the conversation that this channel may hear of, as it now is, by id, in the order they
    joined; `known`: whether the channel has heard of the conversation.
    """
    newest = waiting[-1]
    if len(members) < 2:
        return Said(
            replace(newest, event=_name(waiting, known)),
            tuple(event.reason for event in waiting[:-1]),
            (),
        )
    fleet = tuple(members.values())
    shown = worst(fleet)
    reasons = _reasons(waiting, fleet, known)
    event = IncidentEvent(_fleet_name(waiting, fleet, known), shown, newest.at, reasons[-1] if reasons else "")
    return Said(event, tuple(reasons[:-1]), fleet)


def _name(waiting: Sequence[IncidentEvent], known: bool) -> Change:
    name = waiting[-1].event
    if name not in _PLAIN:
        return name
    openings = [event.event for event in waiting if event.event in NEW]
    return openings[-1] if openings else (name if known else Change.OPENED)


def _fleet_name(waiting: Sequence[IncidentEvent], fleet: Sequence[Incident], known: bool) -> Change:
    changes = {event.event for event in waiting}
    for asked in (Change.ESCALATED, Change.REMINDED):
        if asked in changes:
            return asked
    if all(incident.resolved for incident in fleet):
        return Change.RESOLVED
    if not known:
        return Change.OPENED
    still = [incident for incident in fleet if not incident.resolved]
    if Change.ACKNOWLEDGED in changes and all(incident.acknowledged_at is not None for incident in still):
        return Change.ACKNOWLEDGED
    return Change.UPDATED


def _reasons(waiting: Sequence[IncidentEvent], fleet: Sequence[Incident], known: bool) -> list[str]:
    """One reason for each kind of change, however many models it happened in."""
    models: dict[str, dict[str, None]] = {}
    for event in waiting:
        if event.event in NEW:
            text = "spread" if known else "opened"
        elif event.event is Change.RESOLVED:
            text = "over" if any(not incident.resolved for incident in fleet) else event.reason
        else:
            text = event.reason
        models.setdefault(text, {})[event.incident.model] = None
    return [f"{text} in {names(tuple(where))}" for text, where in models.items()]


def names(models: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 37 more`."""
    rest = len(models) - most
    return ", ".join(models[:most]) + (f" and {rest} more" if rest > 0 else "")


def worst(fleet: Sequence[Incident]) -> Incident:
    """The incident that stands for all: open before over, the most severe, the first."""
    return min(fleet, key=lambda one: (one.resolved, -one.severity.rank, one.opened_at))
