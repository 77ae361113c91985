"""Dead letters, put back into the queue or dropped by a person.

In: a connection, which ones. Out: which were changed, and which were not and why. Kept: their state, and who dropped
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.deliveries import DEAD, DELIVERED, DELIVERIES, DROPPED, PENDING, SENDING, settle_all
from alerts.intents import INTENTS, QUEUED

_LATER = DELIVERIES.alias("later")
_OVERTAKEN = sa.exists().where(
    _LATER.c.stream == DELIVERIES.c.stream,
    _LATER.c.channel == DELIVERIES.c.channel,
    _LATER.c.seq > DELIVERIES.c.seq,
    _LATER.c.state.in_((PENDING, SENDING, DELIVERED)),
)
_SENDING_NOW = "it is being sent at this moment"
_NOT_DEAD = "it is {0}, not dead"
_NEWER = "newer news of the same incident has gone there since; sent now, this would replace it"


@dataclass(frozen=True, slots=True)
class Handled:
    """Which deliveries were changed, and why others were not."""

    done: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


def matching(conn: Connection, channel: str | None = None) -> list[int]:
    """The dead letters, of one channel or all, oldest first."""
    query = sa.select(DELIVERIES.c.id).where(DELIVERIES.c.state == DEAD).order_by(DELIVERIES.c.id)
    if channel is not None:
        query = query.where(DELIVERIES.c.channel == channel)
    return [row.id for row in conn.execute(query)]


def retry(conn: Connection, ids: Sequence[int], at: datetime, *, looked: bool = False) -> Handled:
    """Send these again, from the first try, with the same bytes and key; one that newer news has overtaken stays.

    `looked`: somebody knows that none of them has arrived.
    """
    query = sa.select(DELIVERIES.c.id, DELIVERIES.c.intent, DELIVERIES.c.state, _OVERTAKEN.label("overtaken"))
    rows = {row.id: row for row in conn.execute(query.where(DELIVERIES.c.id.in_(ids)).with_for_update(of=DELIVERIES))}
    done, refused = [], []
    for number in ids:
        row = rows.get(number)
        if row is None or row.state != DEAD:
            refused.append((number, "there is none" if row is None else _NOT_DEAD.format(row.state)))
        elif row.overtaken:
            refused.append((number, _NEWER))
        else:
            done.append(number)
    values: dict[str, object] = {"state": PENDING, "failures": 0, "next_at": at, "finished_at": None}
    if looked:
        values["ambiguous"] = False
    conn.execute(DELIVERIES.update().where(DELIVERIES.c.id.in_(done)).values(**values))
    again = {rows[number].intent for number in done}
    conn.execute(INTENTS.update().where(INTENTS.c.id.in_(again)).values(state=QUEUED, outcome=None, reason=""))
    return Handled(tuple(done), tuple(refused))


def drop(conn: Connection, ids: Sequence[int], by: str, at: datetime) -> Handled:
    """Give these up for good, dead or still waiting; the reason says who did."""
    query = sa.select(DELIVERIES.c.id, DELIVERIES.c.intent, DELIVERIES.c.state, DELIVERIES.c.last_error)
    rows = {row.id: row for row in conn.execute(query.where(DELIVERIES.c.id.in_(ids)).with_for_update())}
    done, refused = [], []
    for number in ids:
        row = rows.get(number)
        if row is None or row.state not in (DEAD, PENDING):
            why = "there is none" if row is None else _SENDING_NOW if row.state == SENDING else f"it is {row.state}"
            refused.append((number, why))
            continue
        reason = f"dropped by {by}" + (f"; it was: {row.last_error}" if row.last_error else "")
        values = {"state": DROPPED, "finished_at": at, "last_error": reason}
        conn.execute(DELIVERIES.update().where(DELIVERIES.c.id == number).values(**values))
        done.append(number)
    settle_all(conn, [rows[number].intent for number in done])
    return Handled(tuple(done), tuple(refused))
