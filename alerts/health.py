"""How each channel fares: its failures in a row, its pauses, its rate, and whether it is dead.

In: a connection; what became of an attempt, `now`. Out: `Health`, and whether it has just died or come back.
Kept: one row a channel, shared by all who deliver, so that two processes keep one rate and try a broken receiver once.

After `OPEN_AFTER` failures in a row the breaker opens: nothing is sent for half a minute, then one message as a probe,
and so on with pauses twice as long, ten minutes at most. Messages held back meanwhile lose none of their tries. A
channel is dead when it has failed `DEAD_TRIES` times in a row over `DEAD_AFTER`, or asked never to be called again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import METADATA, Instant, insert_once

OPEN_AFTER = 5
DEAD_TRIES, DEAD_AFTER = 3, timedelta(minutes=5)
_FIRST_PAUSE, _LONGEST_PAUSE, _JITTER = timedelta(seconds=30), timedelta(minutes=10), 0.2

HEALTH = sa.Table(
    "channel_health",
    METADATA,
    sa.Column("channel", sa.String(200), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("since", Instant, nullable=True),
    sa.Column("pauses", sa.Integer, nullable=False),
    sa.Column("paused_until", Instant, nullable=True),
    sa.Column("next_slot", Instant, nullable=True),
    sa.Column("dead_since", Instant, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
)
_ONE = HEALTH.select().where(HEALTH.c.channel == sa.bindparam("its_channel"))
_LOCKED = _ONE.with_for_update()
_UPDATE = HEALTH.update().where(HEALTH.c.channel == sa.bindparam("its_channel"))


@dataclass(frozen=True, slots=True)
class Health:
    """One channel: `failures` in a row `since` the first of them, `pauses` of the breaker in a row.

    Nothing is sent before `paused_until` (the breaker, or a receiver that asked for it); `next_slot` is when the
    rate would be used up to; `dead_since` is set from the moment its death is told until it delivers again.
    """

    channel: str
    failures: int = 0
    since: datetime | None = None
    pauses: int = 0
    paused_until: datetime | None = None
    next_slot: datetime | None = None
    dead_since: datetime | None = None
    reason: str = ""

    @property
    def sound(self) -> bool:
        """Whether a success changes nothing."""
        return not (self.failures or self.paused_until or self.dead_since)

    def failed(self, at: datetime, reason: str, rng: random.Random) -> Health:
        """After one more attempt that did not get through."""
        failures, since = self.failures + 1, self.since or at
        pauses, until = self.pauses, self.paused_until
        if failures >= OPEN_AFTER:
            pause = min(_FIRST_PAUSE * 2 ** min(pauses, 10), _LONGEST_PAUSE)
            pauses, until = pauses + 1, at + pause * (1 + _JITTER * rng.random())
        dead = self.dead_since
        if dead is None and failures >= DEAD_TRIES and at - since >= DEAD_AFTER:
            dead = at
        return replace(
            self, failures=failures, since=since, pauses=pauses, paused_until=until, dead_since=dead, reason=reason
        )

    def gone(self, at: datetime, reason: str) -> Health:
        """After a receiver asked never to be called again."""
        return replace(self, dead_since=self.dead_since or at, since=self.since or at, reason=reason)

    def asked_to_wait(self, until: datetime) -> Health:
        """After a receiver that is well wanted fewer messages."""
        return replace(self, paused_until=max(until, self.paused_until or until))

    def succeeded(self) -> Health:
        """After a message got through."""
        return Health(self.channel, next_slot=self.next_slot)

    def ready_at(self, rate: Rate | None) -> datetime | None:
        """When something may be sent again; None: at any time."""
        moments = [self.paused_until]
        if rate is not None and self.next_slot is not None:
            moments.append(self.next_slot - rate.every * (rate.burst - 1))
        return max((moment for moment in moments if moment is not None), default=None)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most one message `every` so often on average, and `burst` at once."""

    every: timedelta
    burst: int = 1

    def admitted(self, next_slot: datetime | None, now: datetime, wanted: int) -> int:
        """How many of `wanted` may go at `now`, when the rate is used up to `next_slot`."""
        if next_slot is None or next_slot <= now:
            return min(wanted, self.burst)
        used = -((now - next_slot) // self.every)
        return max(0, min(wanted, self.burst - used))


def of(conn: Connection, channel: str) -> Health:
    """A channel's health, as it is just now."""
    row = conn.execute(_ONE, {"its_channel": channel}).one_or_none()
    return Health(channel) if row is None else Health(**row._asdict())


def lock(conn: Connection, channel: str) -> Health:
    """A channel's health, which nobody else changes until this transaction ends."""
    row = conn.execute(_LOCKED, {"its_channel": channel}).one_or_none()
    if row is None:
        insert_once(conn, HEALTH, {**asdict(Health(channel))})
        row = conn.execute(_LOCKED, {"its_channel": channel}).one()
    return Health(**row._asdict())


def write(conn: Connection, health: Health) -> None:
    """Keep it."""
    values = {field.name: getattr(health, field.name) for field in fields(Health) if field.name != "channel"}
    conn.execute(_UPDATE, {"its_channel": health.channel, **values})


def every(conn: Connection) -> Mapping[str, Health]:
    """The health of all channels that were ever sent to."""
    return {row.channel: Health(**row._asdict()) for row in conn.execute(HEALTH.select())}
