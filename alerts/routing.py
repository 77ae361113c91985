"""Who hears of an incident, how soon, and why not sooner.

In: an incident, routes, silences, what has been told, `now`. Out: decisions, each with a named reason. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.hours import Digest, MuteTime, audible
from alerts.incident import Change, Incident
from alerts.matching import Matchers, matches
from detectors.result import Severity

NEW = frozenset({Change.OPENED, Change.REOPENED})
_NEWS = NEW | {Change.UPDATED, Change.STANDING}
# Another model that joins is news; one a minute for forty minutes is noise.
_JOINING = timedelta(minutes=5)


class Reason(StrEnum):
    """Why an incident's news goes where it goes, and when, or nowhere."""

    ROUTED = "routed"
    NO_ROUTE = "no route matches"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    AT_ONCE = "at once"
    GROUP_WAIT = "waits for company"
    GROUP_INTERVAL = "told lately"
    MUTE_TIME = "mute time"
    DIGEST = "in the digest"
    NEVER_TOLD = "over or taken on before this channel was told of it"


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who hears of it too when nobody has acknowledged it `after` so long."""

    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon and how often a channel hears of an incident.

    `group_wait`: how long a new one waits for company. `group_interval`: least time between two updates.
    `repeat_interval`: how long after the last message it is said again while nobody has acknowledged it (None: never).
    `mute`: times in which nothing is said. `digest`: what is below `digest_below` waits for it.
    """

    group_wait: timedelta = timedelta(0)
    group_interval: timedelta = timedelta(hours=6)
    repeat_interval: timedelta | None = None
    mute: tuple[MuteTime, ...] = ()
    escalate: tuple[Escalation, ...] = ()
    digest: Digest | None = None
    digest_below: Severity = Severity.CRITICAL

    def in_digest(self, severity: Severity) -> bool:
        """Whether an incident of this severity is told in the digest alone."""
        return self.digest is not None and severity.rank < self.digest_below.rank


@dataclass(frozen=True, slots=True)
class Route:
    """Incidents that match go to these channels; the routes after it are looked at only if it goes on."""

    to: tuple[str, ...]
    matchers: Matchers = field(default_factory=dict)
    go_on: bool = False
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class Silence:
    """A time-boxed mute: `[starts_at, ends_at)`, with its author and the reason."""

    id: int
    matchers: Matchers
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    notify: tuple[str, ...] = ()

    def active(self, now: datetime) -> bool:
        """Whether it mutes at `now`."""
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Decision:
    """The channels that hear of it, each with its timing, and why.

    `note` tells which route, silence or incident it was; `until` when a silence ends, `silence` its number.
    """

    reason: Reason
    channels: Mapping[str, Timing] = field(default_factory=dict)
    note: str = ""
    until: datetime | None = None
    silence: int | None = None

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.note}" if self.note else self.reason.value


@dataclass(frozen=True, slots=True)
class Turn:
    """When a channel hears of something, and why then."""

    at: datetime
    reason: Reason
    note: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.note}" if self.note else self.reason.value


def decide(
    incident: Incident,
    routes: Sequence[Route],
    silences: Sequence[Silence],
    now: datetime,
    told: Collection[str] = (),
) -> Decision:
    """Route one incident: silences first, then inhibition, then the first route that matches, and on while they say so.

    A channel reached by several routes keeps the timing of the first. A channel in `told` has heard of it and goes on
    hearing of it, whatever became of the routes or of the severity they match.
    """
    muting = [one for one in silences if one.active(now) and matches(one.matchers, incident)]
    if muting:
        last = max(muting, key=lambda one: one.ends_at)
        note = f"by silence {last.id} of {last.author} ({last.reason})"
        return Decision(Reason.SILENCED, note=note, until=last.ends_at, silence=last.id)
    if incident.cause is not None and not told:
        return Decision(Reason.INHIBITED, note=f"by incident {incident.cause}, which explains it")
    channels: dict[str, Timing] = {}
    notes: list[str] = []
    for number, route in enumerate(routes, start=1):
        if incident.cause is not None or not matches(route.matchers, incident):
            continue
        notes.append(str(number))
        for channel in route.to:
            channels.setdefault(channel, route.timing)
        if not route.go_on:
            break
    note = f"by route {' and '.join(notes)}" if notes else ""
    still = [channel for channel in told if channel not in channels]
    if still:
        channels |= {channel: Timing() for channel in still}
        note = "; ".join(part for part in (note, f"{', '.join(still)} told before") if part)
    return Decision(Reason.ROUTED, channels, note) if channels else Decision(Reason.NO_ROUTE)


def turn(
    changes: Sequence[Change],
    created_at: datetime,
    timing: Timing,
    told_at: datetime | None,
    severity: Severity,
    *,
    joining: bool = False,
) -> Turn | None:
    """When a channel is to hear of changes that wait for it; None for never.

    New ones wait for company, updates for their turn, an end for nobody. `told_at` is when the channel heard of it
    last (None: never); `joining` that another model joins an incident the channel knows.
    """
    digested = told_at is None and timing.in_digest(severity)
    # A digest says too what is over: it may have told of it the time before.
    if told_at is None and not (_NEWS | ({Change.RESOLVED} if digested else set())) & set(changes):
        return None
    if digested:
        assert timing.digest is not None
        due = timing.digest.after(created_at)
        return Turn(due, Reason.DIGEST, f"{timing.digest}, next {due:%Y-%m-%d %H:%M} UTC")
    found = _own_time(changes, created_at, timing, told_at, joining)
    later, by = audible(found.at, timing.mute)
    return Turn(later, Reason.MUTE_TIME, f"{by} until {later:%Y-%m-%d %H:%M} UTC") if by else found


def _own_time(
    changes: Sequence[Change], created_at: datetime, timing: Timing, told_at: datetime | None, joining: bool
) -> Turn:
    at_once = Turn(created_at, Reason.AT_ONCE)
    if changes[-1] is Change.RESOLVED and not joining:
        return at_once
    if told_at is None:
        due = created_at + timing.group_wait
        return (
            Turn(due, Reason.GROUP_WAIT, f"group_wait until {due:%Y-%m-%d %H:%M} UTC") if due > created_at else at_once
        )
    if joining or all(change is Change.UPDATED for change in changes):
        due = told_at + (min(_JOINING, timing.group_interval) if joining else timing.group_interval)
        if due > created_at:
            return Turn(due, Reason.GROUP_INTERVAL, f"group_interval until {due:%Y-%m-%d %H:%M} UTC")
    return at_once
