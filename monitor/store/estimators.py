"""What a baseline's labelled rows taught about performance without labels: one estimator a baseline.

In: a connection, a baseline's id. Out: bytes, or why there are none yet. Kept: one row a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA, Instant

ESTIMATORS = sa.Table(
    "estimators",
    METADATA,
    sa.Column("baseline", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("coverage", sa.Double, nullable=False),
    sa.Column("tried_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of an estimator; None with the `reason` where there is none.

    `coverage` is the share of the baseline's rows that had a label at `tried_at`.
    """

    data: bytes | None
    reason: str
    coverage: float
    tried_at: datetime


def get(connection: Connection, baseline: str) -> Stored | None:
    """What was learned from a baseline's labels; None where nobody has tried."""
    row = connection.execute(sa.select(ESTIMATORS).where(ESTIMATORS.c.baseline == baseline)).one_or_none()
    return None if row is None else Stored(row.data, row.reason, row.coverage, row.tried_at)


def save(connection: Connection, baseline: str, stored: Stored) -> None:
    """Keep an estimator in place of an earlier attempt."""
    connection.execute(ESTIMATORS.delete().where(ESTIMATORS.c.baseline == baseline))
    connection.execute(
        ESTIMATORS.insert().values(
            baseline=baseline,
            data=stored.data,
            reason=stored.reason,
            coverage=stored.coverage,
            tried_at=stored.tried_at,
        )
    )
