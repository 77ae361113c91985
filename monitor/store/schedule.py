"""What is due by the clock beside windows: reports, scheduled triggers, maintenance.

In: a connection. Out: due rows. Kept: one row a (kind, name) with the time it is due next; it is moved in the
transaction that records the work, so a crash between the two repeats the work rather than losing it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA, Instant

SCHEDULE = sa.Table(
    "schedule",
    METADATA,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(400), primary_key=True),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=True),
)


def next_at(connection: Connection, kind: str, name: str) -> datetime | None:
    """When a job is due next; None if it was never planned."""
    return connection.execute(
        sa.select(SCHEDULE.c.next_at).where(SCHEDULE.c.kind == kind, SCHEDULE.c.name == name)
    ).scalar_one_or_none()


def plan(connection: Connection, kind: str, name: str, at: datetime, last_at: datetime | None = None) -> None:
    """Set when a job is due next, and (if given) when it was last tried."""
    values: dict[str, datetime] = {"next_at": at}
    if last_at is not None:
        values["last_at"] = last_at
    key = [SCHEDULE.c.kind == kind, SCHEDULE.c.name == name]
    if connection.execute(SCHEDULE.update().where(*key).values(**values)).rowcount == 0:
        connection.execute(SCHEDULE.insert().values(kind=kind, name=name, **values))


def due(connection: Connection, now: datetime, tried_before: datetime) -> list[tuple[str, str, datetime]]:
    """(kind, name, due time) of every job due at `now`, earliest first.

    One that was tried since it fell due comes again only if that was before `tried_before`.
    """
    tried = sa.and_(SCHEDULE.c.last_at.is_not(None), SCHEDULE.c.last_at >= SCHEDULE.c.next_at)
    again = sa.or_(sa.not_(tried), SCHEDULE.c.last_at < tried_before)
    rows = connection.execute(
        sa.select(SCHEDULE).where(SCHEDULE.c.next_at <= now, again).order_by(SCHEDULE.c.next_at, SCHEDULE.c.name)
    )
    return [(row.kind, row.name, row.next_at) for row in rows]


def drop(connection: Connection, kind: str, name: str) -> None:
    """Forget a job that is no longer configured."""
    connection.execute(SCHEDULE.delete().where(SCHEDULE.c.kind == kind, SCHEDULE.c.name == name))


def names(connection: Connection, kind: str) -> list[str]:
    """The planned jobs of one kind."""
    return [row.name for row in connection.execute(sa.select(SCHEDULE.c.name).where(SCHEDULE.c.kind == kind))]
