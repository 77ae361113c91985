"""The table of deliveries: what is sent to one channel, frozen, with its attempts.

In: a connection. Out: frozen `Delivery` values and figures. Kept: one row a delivery, until it is pruned.
Order holds per (stream, channel): a delivery is claimed only when none before it is still under way. An attempt is
counted when it is claimed, before anything is sent; a lease that has run out means that it may have been sent, and
what has to be taken over twice counts a failure each time, so that a message that kills its sender does not do so for
ever. Statements are made once, here: making one takes SQLAlchemy longer than SQLite takes to run it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts.channels.base import Delivery
from alerts.intents import INTENTS, QUEUED, Outcome
from alerts.tables import METADATA, Id, Instant

PENDING, SENDING, DELIVERED, DEAD, DROPPED = "pending", "sending", "delivered", "dead", "dropped"

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


_ALIVE = sa.func.sum(sa.case((DELIVERIES.c.state.in_((DEAD, DROPPED)), 0), else_=1))
_TOLD = sa.select(
    sa.func.max(DELIVERIES.c.seq).label("seq"),
    sa.type_coerce(sa.func.max(DELIVERIES.c.created_at), Instant).label("at"),
    _ALIVE.label("alive"),
).where(DELIVERIES.c.stream == sa.bindparam("its_stream"), DELIVERIES.c.channel == sa.bindparam("its_channel"))
_HEARD = (
    sa.select(
        DELIVERIES.c.stream,
        DELIVERIES.c.channel,
        sa.func.max(DELIVERIES.c.seq).label("seq"),
        sa.type_coerce(sa.func.max(DELIVERIES.c.created_at), Instant).label("at"),
        _ALIVE.label("alive"),
    )
    .where(DELIVERIES.c.stream.in_(sa.bindparam("streams", expanding=True)))
    .group_by(DELIVERIES.c.stream, DELIVERIES.c.channel)
)
_INSERT = DELIVERIES.insert()
_NOW = sa.bindparam("now", type_=Instant)
_DUE = sa.or_(
    sa.and_(DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at <= _NOW),
    sa.and_(DELIVERIES.c.state == SENDING, DELIVERIES.c.lease_until <= _NOW),
)
_DUE_CHANNELS = sa.select(DELIVERIES.c.channel).where(_DUE).distinct()
_OURS = (DELIVERIES.c.channel == sa.bindparam("its_channel"), _UNBLOCKED)
# Each is read off an index in its order: with both in one, a long queue would be sorted at every claim.
_ABANDONED = (
    DELIVERIES.select()
    .where(DELIVERIES.c.state == SENDING, DELIVERIES.c.lease_until <= _NOW, *_OURS)
    .order_by(DELIVERIES.c.id)
    .limit(1)
    # Locks on PostgreSQL; SQLite's write transaction is the lock.
    .with_for_update(skip_locked=True, of=DELIVERIES)
)
_WAITING = (
    DELIVERIES.select()
    .where(DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at <= _NOW, *_OURS)
    .order_by(DELIVERIES.c.next_at, DELIVERIES.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True, of=DELIVERIES)
)
_TAKE = (
    DELIVERIES.update()
    .where(DELIVERIES.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        state=SENDING,
        attempts=DELIVERIES.c.attempts + 1,
        failures=DELIVERIES.c.failures
        + sa.case((sa.and_(DELIVERIES.c.state == SENDING, DELIVERIES.c.ambiguous), 1), else_=0),
        ambiguous=sa.or_(DELIVERIES.c.ambiguous, DELIVERIES.c.state == SENDING),
        lease_owner=sa.bindparam("worker"),
        lease_until=sa.bindparam("until", type_=Instant),
    )
)
_EARLIER_OF = (
    sa.select(DELIVERIES.c.remote)
    .where(
        DELIVERIES.c.stream == sa.bindparam("its_stream"),
        DELIVERIES.c.channel == sa.bindparam("its_channel"),
        DELIVERIES.c.seq < sa.bindparam("its_seq"),
        DELIVERIES.c.state == DELIVERED,
    )
    .order_by(DELIVERIES.c.seq.desc())
    .limit(1)
)
_MINE = (
    sa.select(DELIVERIES.c.id, DELIVERIES.c.attempts, DELIVERIES.c.intent)
    .where(
        DELIVERIES.c.id.in_(sa.bindparam("ids", expanding=True)),
        DELIVERIES.c.state == SENDING,
        DELIVERIES.c.lease_owner == sa.bindparam("worker"),
    )
    .order_by(DELIVERIES.c.id)
    .with_for_update()
)
_WRITE = DELIVERIES.update().where(DELIVERIES.c.id == sa.bindparam("its_id")).values(lease_owner=None, lease_until=None)
_LOCK_INTENTS = (
    sa.select(INTENTS.c.id)
    .where(INTENTS.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(INTENTS.c.id)
    .with_for_update()
)
_STATES_OF = (
    sa.select(DELIVERIES.c.intent, DELIVERIES.c.state, DELIVERIES.c.channel, DELIVERIES.c.last_error)
    .where(DELIVERIES.c.intent.in_(sa.bindparam("ids", expanding=True)))
    .order_by(DELIVERIES.c.id)
)
_SETTLE = (
    INTENTS.update()
    .where(INTENTS.c.id == sa.bindparam("its_id"), INTENTS.c.state == QUEUED)
    .values(state="done", outcome=sa.bindparam("its_outcome"), reason=sa.bindparam("its_reason"))
)
_WITH_ANY = (
    sa.select(DELIVERIES.c.intent).where(DELIVERIES.c.intent.in_(sa.bindparam("ids", expanding=True))).distinct()
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel has been told of one stream: the highest number, when, and whether any of it may arrive."""

    seq: int
    at: datetime
    told: bool


@dataclass(frozen=True, slots=True)
class Frozen:
    """A delivery to be kept; with `dead`, one that cannot even be tried, and why."""

    key: str
    intent: int
    stream: str
    channel: str
    seq: int
    event: str
    body: bytes
    at: datetime
    dead: str | None = None


def add(conn: Connection, frozen: Sequence[Frozen]) -> None:
    """Keep these deliveries."""
    rows: list[dict[str, Any]] = [
        {
            "key": one.key, "intent": one.intent, "stream": one.stream, "channel": one.channel, "seq": one.seq,
            "event": one.event, "body": one.body, "created_at": one.at, "next_at": one.at,
            "state": PENDING if one.dead is None else DEAD, "last_error": one.dead or "",
            "finished_at": None if one.dead is None else one.at, "remote": {},
        }
        for one in frozen
    ]  # fmt: skip
    if rows:
        conn.execute(_INSERT, rows)


def told(conn: Connection, stream: str, channel: str) -> Told | None:
    """What this channel has queued or heard of a stream; None for nothing."""
    row = conn.execute(_TOLD, {"its_stream": stream, "its_channel": channel}).one()
    return None if row.seq is None else Told(row.seq, row.at, bool(row.alive))


def heard(conn: Connection, stream: str) -> Mapping[str, Told]:
    """What each channel has queued or heard of a stream."""
    return heard_of(conn, [stream]).get(stream, {})


def heard_of(conn: Connection, streams: Sequence[str]) -> dict[str, dict[str, Told]]:
    """`heard` of several streams; those nobody has heard of are left out."""
    found: dict[str, dict[str, Told]] = {}
    for row in conn.execute(_HEARD, {"streams": list(streams)}):
        found.setdefault(row.stream, {})[row.channel] = Told(row.seq, row.at, bool(row.alive))
    return found


def due_channels(conn: Connection, now: datetime) -> list[str]:
    """Channels that have something to send now."""
    return [row.channel for row in conn.execute(_DUE_CHANNELS, {"now": now})]


def claim(
    conn: Connection, channel: str, now: datetime, *, worker: str, lease: timedelta, limit: int
) -> list[Delivery]:
    """Take up to `limit` deliveries of a channel for `lease`, counting the attempt, in order.

    What was abandoned before is taken alone: should it kill this sender too, nothing else is held against others.
    """
    which = {"its_channel": channel, "now": now}
    rows = conn.execute(_ABANDONED, which).all() or conn.execute(_WAITING, {**which, "most": limit}).all()
    if rows:
        conn.execute(_TAKE, {"ids": [row.id for row in rows], "worker": worker, "until": now + lease})
    return [_delivery(conn, row, now) for row in rows]


def _abandoned(row: Row[tuple[Any, ...]]) -> bool:
    return bool(row.state == SENDING)


def _delivery(conn: Connection, row: Row[tuple[Any, ...]], now: datetime) -> Delivery:
    earlier: Mapping[str, Any] | None = None
    if row.seq > 1:
        place = {"its_stream": row.stream, "its_channel": row.channel, "its_seq": row.seq}
        earlier = conn.execute(_EARLIER_OF, place).scalar_one_or_none()
    return Delivery(
        id=row.id,
        key=row.key,
        stream=row.stream,
        seq=row.seq,
        channel=row.channel,
        event=row.event,
        body=row.body,
        attempts=row.attempts + 1,
        failures=row.failures + int(_abandoned(row) and row.ambiguous),
        ambiguous=row.ambiguous or _abandoned(row),
        created_at=row.created_at,
        at=now,
        earlier=earlier or {},
        progress=row.remote,
        taken_over=_abandoned(row),
    )


def delivered(
    conn: Connection, delivery: Delivery, *, worker: str, at: datetime, remote: Mapping[str, Any], note: str = ""
) -> bool:
    """It has arrived. False if the lease was lost meanwhile: then whoever took it over records what became of it."""
    return bool(record(conn, worker, [(delivery, arrived(at, remote, note))]))


def arrived(at: datetime, remote: Mapping[str, Any], note: str = "") -> dict[str, Any]:
    """The values of a delivery that got through."""
    return {"state": DELIVERED, "finished_at": at, "remote": dict(remote), "last_error": note}


def record(conn: Connection, worker: str, results: Sequence[tuple[Delivery, Mapping[str, Any]]]) -> list[Delivery]:
    """Write what became of several deliveries (`arrived`, `failed`, `lost`); those whose lease was still ours."""
    if not results:
        return []
    rows = conn.execute(_MINE, {"ids": [delivery.id for delivery, _ in results], "worker": worker}).all()
    # The attempt tells a worker's own later claim of the same row from the one being recorded.
    held = {(row.id, row.attempts): row.intent for row in rows}
    mine = [(delivery, values) for delivery, values in results if (delivery.id, delivery.attempts) in held]
    for _, alike in groupby(mine, key=lambda one: tuple(one[1])):
        conn.execute(_WRITE, [{"its_id": delivery.id, **values} for delivery, values in alike])
    settle_all(conn, [held[one.id, one.attempts] for one, values in mine if values["state"] in (DELIVERED, DEAD)])
    return [delivery for delivery, _ in mine]


def failed(
    delivery: Delivery,
    *,
    error: str,
    next_at: datetime,
    failed: bool,
    ambiguous: bool,
    progress: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The values of one that is to be tried again; `failed` counts against its patience."""
    return {
        "state": PENDING,
        "next_at": next_at,
        "last_error": error,
        "failures": delivery.failures + int(failed),
        "ambiguous": delivery.ambiguous or ambiguous,
        "remote": dict(delivery.progress if progress is None else progress),
    }


def lost(delivery: Delivery, *, error: str, at: datetime, ambiguous: bool = False) -> dict[str, Any]:
    """The values of one that is given up; `ambiguous`: it may have arrived all the same."""
    return {
        "state": DEAD,
        "finished_at": at,
        "last_error": error,
        "failures": delivery.failures + 1,
        "ambiguous": delivery.ambiguous or ambiguous,
    }


def release(conn: Connection, deliveries: Sequence[Delivery], *, worker: str) -> None:
    """Give back claimed deliveries that were not tried after all."""
    back = [(one, {"state": PENDING, "attempts": one.attempts - 1, "ambiguous": one.ambiguous}) for one in deliveries]
    record(conn, worker, back)


def settle_all(conn: Connection, intents: Collection[int]) -> None:
    """End each queued intent none of whose deliveries is under way: delivered if any arrived, else dead."""
    if not intents:
        return
    ids = sorted(set(intents))
    # Two channels may finish at the same moment: without the lock each would see the other still under way.
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK_INTENTS, {"ids": ids})
    found: dict[int, list[Any]] = {}
    for row in conn.execute(_STATES_OF, {"ids": ids}):
        found.setdefault(row.intent, []).append(row)
    ends = [
        {"its_id": intent, "its_outcome": end[0].value, "its_reason": end[1]}
        for intent, rows in found.items()
        if (end := _end(rows)) is not None
    ]
    if ends:
        conn.execute(_SETTLE, ends)


def _end(rows: Sequence[Any]) -> tuple[Outcome, str] | None:
    """How an intent with these deliveries has ended; None while one is under way."""
    if any(row.state in (PENDING, SENDING) for row in rows):
        return None
    lost = "; ".join(f"{row.channel}: {row.last_error}" for row in rows if row.state in (DEAD, DROPPED))
    if any(row.state == DELIVERED for row in rows):
        return Outcome.DELIVERED, f"not to all: {lost}" if lost else "delivered"
    return Outcome.DEAD, lost


def give_up(conn: Connection, channel: str, error: str, at: datetime) -> list[int]:
    """Everything still waiting for this channel is dead; the intents it belonged to."""
    waiting = (DELIVERIES.c.channel == channel, DELIVERIES.c.state == PENDING)
    found = [row.intent for row in conn.execute(sa.select(DELIVERIES.c.intent).where(*waiting).distinct())]
    conn.execute(DELIVERIES.update().where(*waiting).values(state=DEAD, finished_at=at, last_error=error))
    settle_all(conn, found)
    return found


def next_due(conn: Connection, busy: Collection[str] = ()) -> dict[str, datetime]:
    """When something is to be sent or taken over next, by channel, but for those in `busy`."""
    moment = sa.case((DELIVERIES.c.state == PENDING, DELIVERIES.c.next_at), else_=DELIVERIES.c.lease_until)
    query = (
        sa.select(DELIVERIES.c.channel, sa.type_coerce(sa.func.min(moment), Instant).label("at"))
        .where(DELIVERIES.c.state.in_((PENDING, SENDING)), DELIVERIES.c.channel.not_in(list(busy)), _UNBLOCKED)
        .group_by(DELIVERIES.c.channel)
    )
    return {row.channel: row.at for row in conn.execute(query)}


def with_any(conn: Connection, intents: Sequence[int]) -> set[int]:
    """Which of these intents have deliveries."""
    return {row.intent for row in conn.execute(_WITH_ANY, {"ids": list(intents)})}
