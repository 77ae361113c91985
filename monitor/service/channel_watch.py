"""A channel that does not deliver is an incident of its own, told through another channel.

In: what delivery says of a channel, inside its transaction. Out: the incident, its event, and the intent to tell it.
Kept: the incident, in the state database; `driftline incidents` lists it like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.health import Health
from alerts.incident import Change, Incident, IncidentEvent, State, Track, incident_id
from detectors.result import Severity, Window
from detectors.trouble import Trouble
from monitor.store import incidents

# Whose trouble it is: of no model, but of Driftline itself.
OURSELVES = "driftline"
_ACTION = (
    "run `driftline alerts test {0}` to see what the receiver says; once it is mended, what waits goes out by itself, "
    "and `driftline outbox retry --channel {0}` sends again what was given up"
)


@dataclass(frozen=True, slots=True)
class ChannelWatch:
    """Opens and resolves the incidents of channels; `operators` are told first, all others in their order."""

    channels: Sequence[str]
    operators: Sequence[str] = ()

    def died(self, conn: Connection, channel: Health, at: datetime) -> None:
        """Open an incident, and tell it elsewhere."""
        since = channel.since or at
        # An hour's horizon is what its grace and its place in lists follow.
        window = Window("1h", since, max(at, since + timedelta(seconds=1)))
        incident = Incident(
            id=incident_id(OURSELVES, channel.channel, Trouble.CHANNEL, window),
            model=OURSELVES,
            version="",
            owner=None,
            trouble=Trouble.CHANNEL,
            diagnosis="channel dead",
            severity=Severity.CRITICAL,
            state=State.OPEN,
            subjects=(channel.channel,),
            summary=f"channel {channel.channel} does not deliver: {channel.reason}",
            action=_ACTION.format(channel.channel),
            opened_at=at,
            updated_at=at,
            window=window,
            latest=window,
            tracks={window.horizon: Track(window.end, window.end, window.end)},
        )
        self._tell(conn, IncidentEvent(Change.OPENED, incident, at, channel.reason), channel.channel)

    def recovered(self, conn: Connection, channel: Health, at: datetime) -> None:
        """Resolve its incident, if it is still open."""
        for incident in incidents.listing(conn, model=OURSELVES, open_only=True):
            if incident.trouble is Trouble.CHANNEL and incident.subjects == (channel.channel,):
                over = replace(incident, state=State.RESOLVED, resolved_at=at, updated_at=at)
                self._tell(conn, IncidentEvent(Change.RESOLVED, over, at, "it delivers again"), channel.channel)

    def _tell(self, conn: Connection, event: IncidentEvent, dead: str) -> None:
        incidents.apply(conn, [event.incident], [event])
        outbox.add_channel_intent(conn, event, self.told(conn, dead), event.at)

    def told(self, conn: Connection, dead: str) -> tuple[str, ...]:
        """Who hears of it: the operators that work, else the first other channel that does, else all others."""
        states = outbox.health.every(conn)
        gone = outbox.disabled.reasons(conn)
        others = [name for name in self.channels if name != dead]
        working = [
            name for name in others if name not in gone and (name not in states or states[name].dead_since is None)
        ]
        operators = tuple(name for name in self.operators if name in working)
        return operators or tuple(working[:1]) or tuple(others)
