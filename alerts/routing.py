"""Who hears of an incident, and how soon.

In: an incident, routes, silences, `now`. Out: a `Decision` with a named reason. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.incident import Incident
from alerts.matching import Matchers, matches


class Reason(StrEnum):
    """Why an incident's news goes where it goes, or nowhere."""

    ROUTED = "routed"
    NO_ROUTE = "no route matches"
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class Route:
    """Incidents that match go to these channels; the routes after it are looked at only if it goes on."""

    to: tuple[str, ...]
    matchers: Matchers = field(default_factory=dict)
    go_on: bool = False
    group_wait: timedelta = timedelta(0)
    group_interval: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Silence:
    """A time-boxed mute: `[starts_at, ends_at)`, with its author and the reason."""

    id: int
    matchers: Matchers
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    def active(self, now: datetime) -> bool:
        """Whether it mutes at `now`."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a new incident waits for company, and the least time between two updates of one."""

    group_wait: timedelta
    group_interval: timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """The channels that hear of it, each with its timing, and why; `note` tells which silence it was."""

    reason: Reason
    channels: Mapping[str, Timing] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.note}" if self.note else self.reason.value


def decide(incident: Incident, routes: Sequence[Route], silences: Sequence[Silence], now: datetime) -> Decision:
    """Route one incident: silences first, then the first route that matches, and on while they say so.

    A channel reached by several routes keeps the timing of the first.
    """
    for silence in silences:
        if silence.active(now) and matches(silence.matchers, incident):
            return Decision(Reason.SILENCED, note=f"by silence {silence.id} of {silence.author} ({silence.reason})")
    channels: dict[str, Timing] = {}
    matched: list[str] = []
    for number, route in enumerate(routes, start=1):
        if not matches(route.matchers, incident):
            continue
        matched.append(str(number))
        for channel in route.to:
            channels.setdefault(channel, Timing(route.group_wait, route.group_interval))
        if not route.go_on:
            break
    if not matched:
        return Decision(Reason.NO_ROUTE)
    return Decision(Reason.ROUTED, channels, f"by route {' and '.join(matched)}")
