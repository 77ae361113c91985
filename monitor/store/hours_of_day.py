"""What each hour of the day looks like in a baseline: what an hour's window is held against under a budget.

In: a connection, a baseline's id. Out: profiles as bytes. Kept: one row a baseline and local hour that has rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA

HOURS_OF_DAY = sa.Table(
    "hours_of_day",
    METADATA,
    sa.Column("baseline", sa.String(64), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)


def get(connection: Connection, baseline: str, hours: Collection[int]) -> list[bytes]:
    """The profiles of some hours, 0 to 23, of those that have rows."""
    of = sa.select(HOURS_OF_DAY.c.data).where(HOURS_OF_DAY.c.baseline == baseline, HOURS_OF_DAY.c.hour.in_(hours))
    return list(connection.scalars(of))


def save(connection: Connection, baseline: str, profiles: Mapping[int, bytes]) -> None:
    """Keep the profiles of a baseline's hours in place of earlier ones."""
    connection.execute(HOURS_OF_DAY.delete().where(HOURS_OF_DAY.c.baseline == baseline))
    if profiles:
        rows = [{"baseline": baseline, "hour": hour, "data": data} for hour, data in profiles.items()]
        connection.execute(HOURS_OF_DAY.insert(), rows)
