"""What a person may do with an incident: take it on, close it with a verdict, take that back.

In: an incident, who, when. Out: the event. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.errors import IncidentError
from alerts.incident import BY_HAND, Change, Incident, IncidentEvent, State, Verdict
from detectors.result import iso
from detectors.trouble import Trouble


def acknowledge(incident: Incident, actor: str, at: datetime) -> IncidentEvent:
    """Someone has taken it on. Raises IncidentError if it is not open."""
    if incident.state is not State.OPEN:
        raise IncidentError(f"incident {incident.id} is {incident.state.value}; only an open one can be acknowledged")
    changed = replace(incident, state=State.ACKNOWLEDGED, acknowledged_at=at, updated_at=at, actor=actor)
    return IncidentEvent(Change.ACKNOWLEDGED, changed, at, f"acknowledged by {actor}")


def close(
    incident: Incident, verdict: Verdict, actor: str, at: datetime, accepted_from: datetime | None = None
) -> IncidentEvent:
    """Someone has closed it with a verdict, or says what one that is over was; a later verdict replaces an earlier one.

    `accepted_from` is where the new normal begins (default: with the first window that breached). Raises
    IncidentError for a verdict it has already, and for a start where nothing is accepted.
    """
    since = None
    if verdict is Verdict.ACCEPTED:
        if incident.trouble is Trouble.BLIND:
            raise IncidentError(f"incident {incident.id}: a log that cannot be read is no new normal")
        since = accepted_from or incident.span[0]
        if since >= at:
            raise IncidentError(f"incident {incident.id}: a new normal begins in the past, not at {iso(since)}")
    elif accepted_from is not None:
        raise IncidentError(f"a new normal begins only where an incident is accepted, not where it is {verdict.value}")
    if incident.resolved and (incident.verdict, incident.accepted_from) == (verdict, since):
        raise IncidentError(f"incident {incident.id} is closed as {verdict.value} already")
    changed = replace(incident, verdict=verdict, actor=actor, judged_at=at, updated_at=at, accepted_from=since)
    if not incident.resolved:
        changed = replace(changed, state=State.RESOLVED, resolved_at=at)
        reason = f"closed by {actor} as {verdict.value}"
    elif incident.verdict is None:
        reason = f"{actor} says it was {_a(verdict)}"
    else:
        # One that was closed by hand stays so, whatever it is called now.
        closed = incident.resolved_at == incident.judged_at
        changed = replace(changed, judged_at=incident.judged_at if closed else at)
        reason = f"{actor} says it was {_a(verdict)}, not {_a(incident.verdict)}"
    return IncidentEvent(Change.RESOLVED, changed, at, reason)


def _a(verdict: Verdict) -> str:
    return "a false alarm" if verdict is Verdict.FALSE_ALARM else verdict.value


def reopen(incident: Incident, actor: str, at: datetime) -> IncidentEvent:
    """Someone takes a verdict back, or does not believe that it is over. Raises IncidentError if it is not over."""
    if not incident.resolved:
        raise IncidentError(f"incident {incident.id} is {incident.state.value}; only one that is over can be reopened")
    was = f"it was closed as {incident.verdict.value}" if incident.verdict else "it was resolved"
    return IncidentEvent(Change.REOPENED, back(incident, at, incident.latest.end), at, f"{BY_HAND}{actor}: {was}")


def back(incident: Incident, at: datetime, stretch: datetime) -> Incident:
    """The incident open once more; windows, clean or not, are counted anew from `stretch` on."""
    return replace(
        incident,
        state=State.OPEN,
        resolved_at=None,
        acknowledged_at=None,
        actor=None,
        verdict=None,
        judged_at=None,
        accepted_from=None,
        updated_at=at,
        reopened=incident.reopened + 1,
        stretch=stretch,
        easing=0,
        cause=None,
        tracks={name: replace(track, clean=0, breaches=0) for name, track in incident.tracks.items()},
    )
