"""The table of intents: what should be said, written with the change it tells of.

In: a connection. Out: frozen `Intent` values. Kept: one row an intent, until it is pruned.
A pending intent waits to be routed; a queued one has deliveries under way; a done one has an outcome with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    sa.Index("intents_state_due", "state", "due_at"),
    sa.Index("intents_stream", "stream"),
)
_QUEUE = (
    INTENTS.update()
    .where(INTENTS.c.id == sa.bindparam("its_id"))
    .values(state=QUEUED, served=sa.bindparam("its_served", type_=sa.JSON))
)


@dataclass(frozen=True, slots=True)
class Intent:
    """Something to be said; `channels` is None where routes decide, `served` are the channels that have it queued."""

    id: int
    kind: str
    stream: str
    model: str | None
    payload: Mapping[str, Any]
    channels: tuple[str, ...] | None
    created_at: datetime
    due_at: datetime
    served: tuple[str, ...]


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


def due(conn: Connection, now: datetime, limit: int, hold: Collection[str] = ()) -> list[list[Intent]]:
    """Pending intents by stream, the longest waiting first: every stream of which one is due, whole.

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
    names = [row.stream for row in conn.execute(streams)]
    groups: dict[str, list[Intent]] = {name: [] for name in names}
    rows = INTENTS.select().where(INTENTS.c.state == PENDING, INTENTS.c.stream.in_(names)).order_by(INTENTS.c.id)
    for row in conn.execute(rows):
        groups[row.stream].append(_intent(row))
    return list(groups.values())


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
    )


def finish(conn: Connection, ids: Iterable[int], outcome: Outcome, reason: str) -> None:
    """These intents have ended."""
    conn.execute(
        INTENTS.update().where(INTENTS.c.id.in_(list(ids))).values(state=DONE, outcome=outcome.value, reason=reason)
    )


def queue(conn: Connection, number: int, served: Sequence[str]) -> None:
    """Every channel that is to have this intent has it queued."""
    conn.execute(_QUEUE, {"its_id": number, "its_served": list(served)})


def defer(conn: Connection, number: int, until: datetime, served: Sequence[str]) -> None:
    """Look at this intent again later; some channels may have it queued already."""
    conn.execute(INTENTS.update().where(INTENTS.c.id == number).values(due_at=until, served=list(served)))


def state_of(conn: Connection, key: str) -> tuple[str, str | None, str] | None:
    """(state, outcome, reason) of the intent with this key."""
    query = sa.select(INTENTS.c.state, INTENTS.c.outcome, INTENTS.c.reason).where(INTENTS.c.key == key)
    row = conn.execute(query).one_or_none()
    return None if row is None else (row.state, row.outcome, row.reason)
