"""The table of intents: what should be said, written with the change it tells of.

In: a connection. Out: frozen `Intent` values. Kept: one row an intent, until it is pruned.
A pending intent waits to be routed; a queued one has deliveries under way; a done one has an outcome with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts.tables import METADATA, Id, Instant, insert_once

PENDING, QUEUED, DONE = "pending", "queued", "done"


class Outcome(StrEnum):
    """How an intent ended."""

    DELIVERED = "delivered"
    COALESCED = "coalesced"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


INTENTS = sa.Table(
    "intents",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(200), unique=True, nullable=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("model", sa.Text, nullable=True),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("channels", sa.JSON, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("served", sa.JSON, nullable=False),
    sa.Column("silence", Id, nullable=True),
    sa.Index("intents_state_due", "state", "due_at"),
    sa.Index("intents_stream", "stream"),
)
_FINISH = (
    INTENTS.update()
    .where(INTENTS.c.id == sa.bindparam("its_id"))
    .values(
        state=DONE,
        outcome=sa.bindparam("its_outcome"),
        reason=sa.bindparam("its_reason"),
        served=sa.bindparam("its_served", type_=sa.JSON),
    )
)
# What waits in a conversation, and everything that was to be said of incidents in it.
_WHOLE = (
    INTENTS.select()
    .where(
        INTENTS.c.stream.in_(sa.bindparam("streams", expanding=True)),
        sa.or_(INTENTS.c.kind == "incident", INTENTS.c.state == PENDING),
    )
    .order_by(INTENTS.c.id)
)
_QUEUE = (
    INTENTS.update()
    .where(INTENTS.c.id == sa.bindparam("its_id"))
    .values(state=QUEUED, served=sa.bindparam("its_served", type_=sa.JSON))
)


@dataclass(frozen=True, slots=True)
class Intent:
    """Something to be said; `channels` is None where routes decide, `served` are the channels that have it queued.

    `reason` says why it waits, `silence` which silence it waited for last.
    """

    id: int
    kind: str
    stream: str
    model: str | None
    payload: Mapping[str, Any]
    channels: tuple[str, ...] | None
    created_at: datetime
    due_at: datetime
    served: tuple[str, ...]
    reason: str = ""
    silence: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One incident of a stream: the newest intent about it, and every channel that has had anything of it."""

    newest: Intent
    served: frozenset[str]


def add(
    conn: Connection,
    *,
    kind: str,
    stream: str,
    payload: Mapping[str, Any],
    at: datetime,
    model: str | None = None,
    channels: Sequence[str] | None = None,
    key: str | None = None,
) -> bool:
    """Write an intent; false if one with this key is there already."""
    values = {
        "key": key,
        "kind": kind,
        "stream": stream,
        "model": model,
        "payload": dict(payload),
        "channels": None if channels is None else list(channels),
        "created_at": at,
        "due_at": at,
        "state": PENDING,
        "reason": "",
        "served": [],
    }
    return insert_once(conn, INTENTS, values)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stream of which something is due: all that is pending in it, oldest first, and its incidents by id."""

    pending: Sequence[Intent]
    members: Mapping[str, Member]


def due(conn: Connection, now: datetime, limit: int, hold: Collection[str] = ()) -> list[Conversation]:
    """Every stream of which an intent is due, whole, the longest waiting first.

    Those of models in `hold` are left out.
    """
    held = sa.and_(INTENTS.c.kind == "incident", INTENTS.c.model.in_(list(hold)))
    streams = (
        sa.select(INTENTS.c.stream)
        .where(INTENTS.c.state == PENDING, INTENTS.c.due_at <= now, ~held)
        .group_by(INTENTS.c.stream)
        .order_by(sa.func.min(INTENTS.c.id))
        .limit(limit)
    )
    pending: dict[str, list[Intent]] = {row.stream: [] for row in conn.execute(streams)}
    members: dict[str, dict[str, Member]] = {name: {} for name in pending}
    for row in conn.execute(_WHOLE, {"streams": list(pending)}):
        intent = _intent(row)
        if row.state == PENDING:
            pending[row.stream].append(intent)
        if row.kind == "incident":
            _join(members[row.stream], intent)
    return [Conversation(found, members[name]) for name, found in pending.items()]


def _intent(row: Row[tuple[Any, ...]]) -> Intent:
    return Intent(
        id=row.id,
        kind=row.kind,
        stream=row.stream,
        model=row.model,
        payload=row.payload,
        channels=None if row.channels is None else tuple(row.channels),
        created_at=row.created_at,
        due_at=row.due_at,
        served=tuple(row.served),
        reason=row.reason,
        silence=row.silence,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How an intent without deliveries ended; `served` are the channels that were told with another one."""

    id: int
    outcome: Outcome
    reason: str
    served: Sequence[str]


def finish(conn: Connection, ended: Sequence[Ended]) -> None:
    """These intents have ended."""
    if ended:
        rows = [
            {"its_id": one.id, "its_outcome": one.outcome.value, "its_reason": one.reason, "its_served": [*one.served]}
            for one in ended
        ]
        conn.execute(_FINISH, rows)


def queue(conn: Connection, served: Mapping[int, Sequence[str]]) -> None:
    """Every channel that is to have these intents has them queued."""
    if served:
        conn.execute(_QUEUE, [{"its_id": number, "its_served": [*names]} for number, names in served.items()])


def defer(
    conn: Connection,
    number: int,
    until: datetime,
    served: Sequence[str],
    reason: str,
    silence: int | None = None,
) -> None:
    """Look at this intent again later, and why; some channels may have it queued already."""
    values = {"due_at": until, "served": list(served), "reason": reason, "silence": silence}
    conn.execute(INTENTS.update().where(INTENTS.c.id == number).values(**values))


def muted_by(conn: Connection, silence: int) -> list[str]:
    """The streams that this silence holds back."""
    query = sa.select(INTENTS.c.stream).where(INTENTS.c.state == PENDING, INTENTS.c.silence == silence).distinct()
    return [row.stream for row in conn.execute(query.order_by(INTENTS.c.stream))]


def unmute(conn: Connection, silence: int, now: datetime) -> None:
    """The silence is over before its time: what it holds back is due now."""
    held = (INTENTS.c.state == PENDING, INTENTS.c.silence == silence)
    conn.execute(INTENTS.update().where(*held).values(due_at=now))


def members(conn: Connection, stream: str) -> Mapping[str, Member]:
    """The incidents of a stream by id, in the order they joined."""
    found: dict[str, Member] = {}
    for row in conn.execute(_WHOLE, {"streams": [stream]}):
        if row.kind == "incident":
            _join(found, _intent(row))
    return found


def _join(found: dict[str, Member], intent: Intent) -> None:
    name = intent.payload["incident"]["id"]
    before = found[name].served if name in found else frozenset()
    found[name] = Member(intent, before | frozenset(intent.served))


def told(conn: Connection, stream: str) -> list[Mapping[str, Any]]:
    """Every intent of a stream as plain JSON, oldest first: what was to be said, and what became of it."""
    rows = conn.execute(INTENTS.select().where(INTENTS.c.stream == stream).order_by(INTENTS.c.id))
    return [
        {
            "id": row.id,
            "event": row.payload.get("event"),
            "incident": (row.payload.get("incident") or {}).get("id"),
            "at": row.created_at,
            "state": row.state,
            "outcome": row.outcome,
            "reason": row.reason,
            "due_at": row.due_at if row.state == PENDING else None,
        }
        for row in rows
    ]


def state_of(conn: Connection, key: str) -> tuple[str, str | None, str] | None:
    """(state, outcome, reason) of the intent with this key."""
    query = sa.select(INTENTS.c.state, INTENTS.c.outcome, INTENTS.c.reason).where(INTENTS.c.key == key)
    row = conn.execute(query).one_or_none()
    return None if row is None else (row.state, row.outcome, row.reason)
