"""The table of deliveries: what is sent to one channel, frozen, with its attempts.

In: a connection. Out: frozen `Delivery` values and figures. Kept: one row a delivery, until it is pruned.
Order holds per (stream, channel): a delivery is claimed only when none before it is still under way. An attempt is
counted when it is claimed, before anything is sent; a lease that has run out means that it may have been sent, and
counts as a failure, so that a message that kills its sender does not do so for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts.channels.base import Delivery
from alerts.intents import INTENTS, QUEUED, Outcome
from alerts.tables import METADATA, Id, Instant

PENDING, SENDING, DELIVERED, DEAD = "pending", "sending", "delivered", "dead"

DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), unique=True, nullable=False),
    sa.Column("intent", Id, sa.ForeignKey("intents.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("channel", sa.String(200), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("ambiguous", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("lease_owner", sa.String(200), nullable=True),
    sa.Column("lease_until", Instant, nullable=True),
    sa.Column("finished_at", Instant, nullable=True),
    sa.Column("last_error", sa.Text, nullable=False, default=""),
    sa.Column("remote", sa.JSON, nullable=False),
    sa.UniqueConstraint("stream", "channel", "seq"),
    sa.Index("deliveries_state_next", "state", "channel", "next_at"),
)
_EARLIER = DELIVERIES.alias("earlier")
_UNBLOCKED = ~sa.exists().where(
    _EARLIER.c.stream == DELIVERIES.c.stream,
    _EARLIER.c.channel == DELIVERIES.c.channel,
    _EARLIER.c.seq < DELIVERIES.c.seq,
    _EARLIER.c.state.in_((PENDING, SENDING)),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel has been told of one stream: the highest number, when, and whether any of it may arrive."""

    seq: int
    at: datetime
    told: bool


def add(
    conn: Connection,
    *,
    key: str,
    intent: int,
    stream: str,
    channel: str,
    seq: int,
    event: str,
    body: bytes,
    at: datetime,
    dead: str | None = None,
) -> None:
    """Freeze a delivery; with `dead`, one that cannot even be tried, and why."""
    conn.execute(
        DELIVERIES.insert().values(
            key=key, intent=intent, stream=stream, channel=channel, seq=seq, event=event, body=body, created_at=at,
            next_at=at, state=PENDING if dead is None else DEAD, last_error=dead or "",
            finished_at=None if dead is None else at, remote={},
        )
    )  # fmt: skip


def told(conn: Connection, stream: str, channel: str) -> Told | None:
    """What this channel has queued or heard of a stream; None for nothing."""
    alive = sa.func.sum(sa.case((DELIVERIES.c.state == DEAD, 0), else_=1))
    last = sa.type_coerce(sa.func.max(DELIVERIES.c.created_at), Instant)
    query = sa.select(sa.func.max(DELIVERIES.c.seq).label("seq"), last.label("at"), alive.label("alive")).where(
        DELIVERIES.c.stream == stream, DELIVERIES.c.channel == channel
    )
    row = conn.execute(query).one()
    return None if row.seq is None else Told(row.seq, row.at, bool(row.alive))


def due_channels(conn: Connection, now: datetime) -> list[str]:
    """Channels that have something to send now."""
    return [row.channel for row in conn.execute(sa.select(DELIVERIES.c.channel).where(_due(now)).distinct())]


def claim(
    conn: Connection, channel: str, now: datetime, *, worker: str, lease: timedelta, limit: int
) -> list[Delivery]:
    """Take up to `limit` deliveries of a channel for `lease`, counting the attempt, in order."""
    chosen = (
        DELIVERIES.select()
        .where(DELIVERIES.c.channel == channel, _due(now), _UNBLOCKED)
        .order_by(DELIVERIES.c.id)
        .limit(limit)
        # Locks on PostgreSQL; SQLite's write transaction is the lock.
        .with_for_update(skip_locked=True, of=DELIVERIES)
    )
    rows = conn.execute(chosen).all()
    conn.execute(
        DELIVERIES.update()
        .where(DELIVERIES.c.id.in_([row.id for row in rows]))
        .values(
            state=SENDING,
            attempts=DELIVERIES.c.attempts + 1,
            failures=DELIVERIES.c.failures + sa.case((DELIVERIES.c.state == SENDING, 1), else_=0),
            lease_owner=worker,
            lease_until=now + lease,
        )
    )
    return [_delivery(row, now, _earlier(conn, row.stream, row.channel, row.seq)) for row in rows]


def _delivery(row: Row[tuple[Any, ...]], now: datetime, earlier: Mapping[str, Any]) -> Delivery:
    abandoned = row.state == SENDING
    return Delivery(
        id=row.id,
        key=row.key,
        stream=row.stream,
        seq=row.seq,
        channel=row.channel,
        event=row.event,
        body=row.body,
        attempts=row.attempts + 1,
        failures=row.failures + int(abandoned),
        ambiguous=row.ambiguous or abandoned,
        created_at=row.created_at,
        at=now,
        earlier=earlier,
        progress=row.remote,
    )


def _earlier(conn: Connection, stream: str, channel: str, seq: int) -> Mapping[str, Any]:
    if seq == 1:
        return {}
    query = (
        sa.select(DELIVERIES.c.remote)
        .where(
            DELIVERIES.c.stream == stream,
            DELIVERIES.c.channel == channel,
            DELIVERIES.c.seq < seq,
            DELIVERIES.c.state == DELIVERED,
        )
        .order_by(DELIVERIES.c.seq.desc())
        .limit(1)
    )
    found: Mapping[str, Any] | None = conn.execute(query).scalar_one_or_none()
    return found or {}


def delivered(
    conn: Connection, delivery: Delivery, *, worker: str, at: datetime, remote: Mapping[str, Any], note: str = ""
) -> bool:
    """It has arrived. False if the lease was lost meanwhile: then whoever took it over records what became of it."""
    values = {"state": DELIVERED, "finished_at": at, "remote": dict(remote), "last_error": note}
    return _record(conn, delivery, worker, values)


def retry(
    conn: Connection,
    delivery: Delivery,
    *,
    worker: str,
    error: str,
    next_at: datetime,
    failed: bool,
    ambiguous: bool,
    progress: Mapping[str, Any] | None,
) -> bool:
    """It has not arrived and is to be tried again; `failed` counts against its patience. False as in `delivered`."""
    values = {
        "state": PENDING,
        "next_at": next_at,
        "last_error": error,
        "failures": delivery.failures + int(failed),
        "ambiguous": delivery.ambiguous or ambiguous,
        "remote": dict(delivery.progress if progress is None else progress),
    }
    return _record(conn, delivery, worker, values)


def dead(conn: Connection, delivery: Delivery, *, worker: str, error: str, at: datetime) -> bool:
    """It will never arrive. False as in `delivered`."""
    values = {"state": DEAD, "finished_at": at, "last_error": error, "failures": delivery.failures + 1}
    return _record(conn, delivery, worker, values)


def release(conn: Connection, deliveries: Sequence[Delivery], *, worker: str) -> None:
    """Give back claimed deliveries that were not tried after all."""
    for one in deliveries:
        values = {"state": PENDING, "attempts": one.attempts - 1, "ambiguous": one.ambiguous}
        _record(conn, one, worker, values)


def _record(conn: Connection, delivery: Delivery, worker: str, values: Mapping[str, Any]) -> bool:
    mine = (DELIVERIES.c.id == delivery.id, DELIVERIES.c.state == SENDING, DELIVERIES.c.lease_owner == worker)
    # The attempt tells a worker's own later claim of the same row from the one being recorded.
    here = DELIVERIES.c.attempts == delivery.attempts
    update = DELIVERIES.update().where(*mine, here).values(**values, lease_owner=None, lease_until=None)
    if conn.execute(update).rowcount == 0:
        return False
    if values["state"] in (DELIVERED, DEAD):
        intent = sa.select(DELIVERIES.c.intent).where(DELIVERIES.c.id == delivery.id).scalar_subquery()
        settle(conn, conn.execute(sa.select(intent)).scalar_one())
    return True


def settle(conn: Connection, intent: int) -> None:
    """End a queued intent none of whose deliveries is under way: delivered if any arrived, else dead."""
    # Two channels may finish at the same moment: without the lock each would see the other still under way.
    conn.execute(sa.select(INTENTS.c.id).where(INTENTS.c.id == intent).with_for_update())
    rows = conn.execute(
        sa.select(DELIVERIES.c.state, DELIVERIES.c.channel, DELIVERIES.c.last_error)
        .where(DELIVERIES.c.intent == intent)
        .order_by(DELIVERIES.c.id)
    ).all()
    if any(row.state in (PENDING, SENDING) for row in rows):
        return
    lost = "; ".join(f"{row.channel}: {row.last_error}" for row in rows if row.state == DEAD)
    if any(row.state == DELIVERED for row in rows):
        outcome, reason = Outcome.DELIVERED, f"not to all: {lost}" if lost else "delivered"
    else:
        outcome, reason = Outcome.DEAD, lost
    conn.execute(
        INTENTS.update()
        .where(INTENTS.c.id == intent, INTENTS.c.state == QUEUED)
        .values(state="done", outcome=outcome.value, reason=reason)
    )


def postpone(conn: Connection, channel: str, until: datetime) -> None:
    """The receiver wants fewer messages: nothing of this channel is due before `until`."""
    conn.execute(
        DELIVERIES.update()
        .where(DELIVERIES.c.channel == channel, DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at < until)
        .values(next_at=until)
    )


def give_up(conn: Connection, channel: str, error: str, at: datetime) -> list[int]:
    """Everything still waiting for this channel is dead; the intents it belonged to."""
    waiting = (DELIVERIES.c.channel == channel, DELIVERIES.c.state == PENDING)
    found = [row.intent for row in conn.execute(sa.select(DELIVERIES.c.intent).where(*waiting).distinct())]
    conn.execute(DELIVERIES.update().where(*waiting).values(state=DEAD, finished_at=at, last_error=error))
    for intent in found:
        settle(conn, intent)
    return found


def next_due(conn: Connection, busy: Collection[str] = ()) -> datetime | None:
    """When something of a channel that is not busy is to be sent or taken over next."""
    moment = sa.case((DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at), else_=DELIVERIES.c.lease_until)
    query = sa.select(sa.type_coerce(sa.func.min(moment), Instant)).where(
        DELIVERIES.c.state.in_((PENDING, SENDING)), DELIVERIES.c.channel.not_in(list(busy)), _UNBLOCKED
    )
    found: datetime | None = conn.execute(query).scalar_one()
    return found


def _due(now: datetime) -> sa.ColumnElement[bool]:
    waiting = sa.and_(DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at <= now)
    abandoned = sa.and_(DELIVERIES.c.state == SENDING, DELIVERIES.c.lease_until <= now)
    return sa.or_(waiting, abandoned)


def of_intent(conn: Connection, intent: int) -> int:
    """How many deliveries an intent has."""
    query = sa.select(sa.func.count()).where(DELIVERIES.c.intent == intent)
    return int(conn.execute(query).scalar_one())
