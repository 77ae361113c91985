"""The table of reminders: what is to be said again, or to others, unless somebody acknowledges it first.

In: a connection. Out: frozen `Reminder` values. Kept: one row a reminder that is still to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.incident import Change
from alerts.tables import METADATA, Id, Instant, insert_once

REMINDERS = sa.Table(
    "reminders",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("channel", sa.String(200), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("after", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.UniqueConstraint("stream", "channel", "event", "after"),
)


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is said at `due_at`, after `after` seconds: the same again (`reminded`), or to others (`escalated`)."""

    id: int
    stream: str
    channel: str
    event: Change
    after: int
    due_at: datetime


def plan(conn: Connection, stream: str, channel: str, event: Change, after: int, due_at: datetime) -> None:
    """Plan one, or move it if it is planned already."""
    values = {"stream": stream, "channel": channel, "event": event.value, "after": after}
    if not insert_once(conn, REMINDERS, {**values, "due_at": due_at}):
        same = [REMINDERS.c[name] == value for name, value in values.items()]
        conn.execute(REMINDERS.update().where(*same).values(due_at=due_at))


def due(conn: Connection, now: datetime, limit: int) -> list[Reminder]:
    """What is due, the longest waiting first."""
    query = REMINDERS.select().where(REMINDERS.c.due_at <= now).order_by(REMINDERS.c.due_at, REMINDERS.c.id)
    return [
        Reminder(row.id, row.stream, row.channel, Change(row.event), row.after, row.due_at)
        for row in conn.execute(query.limit(limit))
    ]


def of_stream(conn: Connection, stream: str) -> list[Reminder]:
    """What is planned for one incident, soonest first."""
    query = REMINDERS.select().where(REMINDERS.c.stream == stream).order_by(REMINDERS.c.due_at, REMINDERS.c.id)
    return [
        Reminder(row.id, row.stream, row.channel, Change(row.event), row.after, row.due_at)
        for row in conn.execute(query)
    ]


def postpone(conn: Connection, reminder: Reminder, until: datetime) -> None:
    """Not now: look at it again then."""
    conn.execute(REMINDERS.update().where(REMINDERS.c.id == reminder.id).values(due_at=until))


def done(conn: Connection, reminder: Reminder) -> None:
    """It has been said."""
    conn.execute(REMINDERS.delete().where(REMINDERS.c.id == reminder.id))


def drop(conn: Connection, stream: str) -> None:
    """Nothing more is to be said of this incident unasked."""
    conn.execute(REMINDERS.delete().where(REMINDERS.c.stream == stream))


def next_due(conn: Connection) -> datetime | None:
    """When something is due next."""
    found: datetime | None = conn.scalar(sa.select(sa.type_coerce(sa.func.min(REMINDERS.c.due_at), Instant)))
    return found
