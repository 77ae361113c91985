"""What a baseline's days taught: one calibration a baseline, made when a false-alarm budget is first asked for.

In: a connection, a baseline's id. Out: bytes, or why there are none. Kept: one row a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA

CALIBRATIONS = sa.Table(
    "calibrations",
    METADATA,
    sa.Column("baseline", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of a calibration; None with the `reason` where the baseline's days teach nothing."""

    data: bytes | None
    reason: str = ""


def get(connection: Connection, baseline: str) -> Stored | None:
    """What is known of a baseline's days; None where nobody has looked yet."""
    row = connection.execute(sa.select(CALIBRATIONS).where(CALIBRATIONS.c.baseline == baseline)).one_or_none()
    return None if row is None else Stored(row.data, row.reason)


def save(connection: Connection, baseline: str, stored: Stored) -> None:
    """Keep a calibration in place of an earlier one."""
    connection.execute(CALIBRATIONS.delete().where(CALIBRATIONS.c.baseline == baseline))
    connection.execute(CALIBRATIONS.insert().values(baseline=baseline, data=stored.data, reason=stored.reason))
