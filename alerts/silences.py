"""The table of silences: time-boxed mutes with author and reason.

In: a connection. Out: `routing.Silence` values. Kept: one row a silence; an ended one stays as history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts import intents
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
    sa.Column("notify", sa.JSON, nullable=True),
    sa.Column("notice_at", Instant, nullable=True),
)
# Long enough to look and extend it; a short silence is noticed in its last quarter.
_NOTICE = timedelta(minutes=30)


def add(
    conn: Connection,
    *,
    matchers: Matchers,
    author: str,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    notify: Sequence[str] = (),
) -> Silence:
    """Keep a new silence; before it ends, `notify` (or the channels it keeps things from) are told.

    Raises AlertError where it would mute everything, nothing, or has no author or reason.
    """
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
        "notify": list(notify),
        "notice_at": _notice(starts_at, ends_at),
    }
    number = conn.execute(SILENCES.insert().values(**values)).inserted_primary_key
    assert number is not None
    return Silence(number[0], matchers, author, reason, starts_at, ends_at, tuple(notify))


def extend(conn: Connection, number: int, ends_at: datetime, now: datetime) -> Silence:
    """Move a silence's end; it is noticed anew. Raises AlertError as `end` does, and for an end that is past."""
    row = conn.execute(SILENCES.select().where(SILENCES.c.id == number, SILENCES.c.ends_at > now)).one_or_none()
    if row is None:
        raise AlertError(f"there is no silence {number} that has not ended already")
    if ends_at <= max(now, row.starts_at):
        raise AlertError("a silence must end in the future; `driftline silence end` ends it now")
    values = {"ends_at": ends_at, "notice_at": _notice(max(now, row.starts_at), ends_at)}
    conn.execute(SILENCES.update().where(SILENCES.c.id == number).values(**values))
    if ends_at < row.ends_at:
        intents.unmute(conn, number, now)
    return _silence(conn.execute(SILENCES.select().where(SILENCES.c.id == number)).one())


def to_notice(conn: Connection, now: datetime) -> list[Silence]:
    """The silences whose end is to be announced by now and has not been, oldest first; they count as announced.

    One that has ended meanwhile is not announced any more.
    """
    due = (SILENCES.c.notice_at <= now,)
    found = [_silence(row) for row in conn.execute(SILENCES.select().where(*due).order_by(SILENCES.c.id))]
    if found:
        conn.execute(SILENCES.update().where(*due).values(notice_at=None))
    return [silence for silence in found if silence.ends_at > now]


def next_notice(conn: Connection) -> datetime | None:
    """When the end of a silence is to be announced next."""
    found: datetime | None = conn.scalar(sa.select(sa.type_coerce(sa.func.min(SILENCES.c.notice_at), Instant)))
    return found


def _notice(starts_at: datetime, ends_at: datetime) -> datetime:
    return ends_at - min(_NOTICE, (ends_at - starts_at) / 4)


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
    update = (
        SILENCES.update().where(SILENCES.c.id == number, SILENCES.c.ends_at > now).values(ends_at=now, notice_at=None)
    )
    if conn.execute(update).rowcount == 0:
        raise AlertError(f"there is no silence {number} that has not ended already")
    intents.unmute(conn, number, now)


def _silence(row: Row[tuple[object, ...]]) -> Silence:
    matchers = {key: tuple(wanted) for key, wanted in row.matchers.items()}
    return Silence(row.id, matchers, row.author, row.reason, row.starts_at, row.ends_at, tuple(row.notify or ()))
