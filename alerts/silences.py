"""The table of silences: time-boxed mutes with author and reason.

In: a connection. Out: `routing.Silence` values. Kept: one row a silence; an ended one stays as history.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts.errors import AlertError
from alerts.matching import Matchers, check
from alerts.routing import Silence
from alerts.tables import METADATA, Id, Instant

SILENCES = sa.Table(
    "silences",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("matchers", sa.JSON, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False, index=True),
)


def add(
    conn: Connection, *, matchers: Matchers, author: str, reason: str, starts_at: datetime, ends_at: datetime
) -> Silence:
    """Keep a new silence. Raises AlertError where it would mute everything, nothing, or has no author or reason."""
    check(matchers)
    if not matchers:
        raise AlertError("a silence needs at least one matcher, such as model=flight-delay")
    if ends_at <= starts_at:
        raise AlertError("a silence must end after it starts")
    if not author.strip() or not reason.strip():
        raise AlertError("a silence needs an author and a reason")
    values = {
        "matchers": {key: list(wanted) for key, wanted in matchers.items()},
        "author": author,
        "reason": reason,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    number = conn.execute(SILENCES.insert().values(**values)).inserted_primary_key
    assert number is not None
    return Silence(number[0], matchers, author, reason, starts_at, ends_at)


def active(conn: Connection, now: datetime) -> list[Silence]:
    """The silences that mute at `now`, oldest first."""
    query = SILENCES.select().where(SILENCES.c.starts_at <= now, SILENCES.c.ends_at > now).order_by(SILENCES.c.id)
    return [_silence(row) for row in conn.execute(query)]


def listed(conn: Connection, since: datetime) -> list[Silence]:
    """Every silence that ends after `since`, those to come included, oldest first."""
    return [
        _silence(row)
        for row in conn.execute(SILENCES.select().where(SILENCES.c.ends_at > since).order_by(SILENCES.c.id))
    ]


def end(conn: Connection, number: int, now: datetime) -> None:
    """End a silence now. Raises AlertError if there is none of that number that has not ended."""
    update = SILENCES.update().where(SILENCES.c.id == number, SILENCES.c.ends_at > now).values(ends_at=now)
    if conn.execute(update).rowcount == 0:
        raise AlertError(f"there is no silence {number} that has not ended already")


def _silence(row: Row[tuple[object, ...]]) -> Silence:
    matchers = {key: tuple(wanted) for key, wanted in row.matchers.items()}
    return Silence(row.id, matchers, row.author, row.reason, row.starts_at, row.ends_at)
