"""What people do to incidents, whichever way it reaches us: the command line, a link in a message, an API, a button.

In: the store, an incident's id, what to do, who does it, now. Out: the change. Kept: the incident's new state, its
timeline and the intents that tell of it, in one transaction; a silence where something is muted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from alerts import outbox, silences
from alerts.by_hand import acknowledge, close
from alerts.errors import IncidentError
from alerts.incident import Change, Incident, IncidentEvent, Verdict
from alerts.routing import Silence
from monitor.errors import UserError
from monitor.store import Store, incidents


class NoSuchIncident(UserError):
    """An id that no incident has."""


def acknowledged(store: Store, incident_id: str, by: str, now: datetime) -> IncidentEvent:
    """Someone takes an incident on. Raises NoSuchIncident, IncidentError if it is not open."""
    return changed(store, incident_id, lambda incident: acknowledge(incident, by, now), now)


def closed(store: Store, incident_id: str, verdict: Verdict, by: str, now: datetime) -> IncidentEvent:
    """Someone closes an incident with a verdict. Raises NoSuchIncident, IncidentError if it is over."""
    return changed(store, incident_id, lambda incident: close(incident, verdict, by, now), now)


def muted(
    store: Store, incident_id: str, length: timedelta, by: str, now: datetime, tell: str | None = None
) -> Silence:
    """Silence an incident's kind of trouble in its models for a while; the channel `tell` hears of that all the same.

    Raises NoSuchIncident.
    """
    with store.begin() as connection:
        incident = _found(incidents.get(connection, incident_id), incident_id)
        models = dict.fromkeys(one.model for one in (incident, *incidents.fleet(connection, incident_id)))
        silence = silences.add(
            connection,
            matchers={"model": tuple(models), "kind": (incident.trouble.value,)},
            author=by,
            reason=f"muted from incident {incident_id}",
            starts_at=now,
            ends_at=now + length,
        )
        if tell is not None:
            said = f"muted until {silence.ends_at:%Y-%m-%d %H:%M} UTC by {by}"
            outbox.add_incident_intents(connection, [IncidentEvent(Change.UPDATED, incident, now, said)], now, [tell])
        return silence


def changed(
    store: Store, incident_id: str, change: Callable[[Incident], IncidentEvent], now: datetime
) -> IncidentEvent:
    """Apply one change to one incident, with what is to be said of it. Raises NoSuchIncident, IncidentError.

    The first incident of a fleet stands for all of it: what is done to it is done to each that it can be done to.
    """
    events: list[IncidentEvent] = []
    refused: list[IncidentError] = []
    with store.begin() as connection:
        named = _found(incidents.get(connection, incident_id), incident_id)
        for incident in [named, *(one for one in incidents.fleet(connection, incident_id) if one.id != incident_id)]:
            try:
                event = change(incident)
                if event.event is Change.REOPENED:
                    _none_open(connection, incident)
                events.append(event)
            except IncidentError as error:
                refused.append(error)
        if not events:
            raise refused[0]
        incidents.apply(connection, [event.incident for event in events], events)
        outbox.add_incident_intents(connection, events, now)
    return events[0]


def _none_open(connection: Connection, incident: Incident) -> None:
    """A model has one open incident of a kind. Raises IncidentError where that is another one."""
    for other in incidents.listing(connection, model=incident.model, open_only=True):
        if other.trouble is incident.trouble and other.id != incident.id:
            raise IncidentError(f"the same kind of trouble is open as incident {other.id} already")


def _found(incident: Incident | None, incident_id: str) -> Incident:
    if incident is None:
        raise NoSuchIncident(f"there is no incident {incident_id!r}; `driftline incidents list --all` shows them")
    return incident
