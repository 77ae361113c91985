"""Surrogates: what stands for a model in finding reasons, one a baseline and explained prediction.

In: a connection, a baseline's id, what is explained. Out: bytes, or why there are none. Kept: one row each.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA

SURROGATES = sa.Table(
    "surrogates",
    METADATA,
    sa.Column("baseline", sa.String(64), primary_key=True),
    sa.Column("target", sa.String(200), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredSurrogate:
    """The bytes of a surrogate; None with the `reason` where none could be fitted."""

    data: bytes | None
    reason: str = ""


def get(connection: Connection, baseline: str, target: str) -> StoredSurrogate | None:
    """What is known; None where nobody has looked yet."""
    row = connection.execute(
        sa.select(SURROGATES).where(SURROGATES.c.baseline == baseline, SURROGATES.c.target == target[:200])
    ).one_or_none()
    return None if row is None else StoredSurrogate(row.data, row.reason)


def first(connection: Connection, baseline: str) -> bytes | None:
    """The surrogate of a baseline, whichever of its outputs it explains; None where none was fitted."""
    mine = (SURROGATES.c.baseline == baseline, SURROGATES.c.data.is_not(None))
    query = sa.select(SURROGATES.c.data).where(*mine).order_by(SURROGATES.c.target).limit(1)
    return connection.execute(query).scalar_one_or_none()


def save(connection: Connection, baseline: str, target: str, stored: StoredSurrogate) -> None:
    """Keep a surrogate in place of an earlier one."""
    mine = SURROGATES.c.baseline == baseline, SURROGATES.c.target == target[:200]
    connection.execute(SURROGATES.delete().where(*mine))
    connection.execute(
        SURROGATES.insert().values(baseline=baseline, target=target[:200], data=stored.data, reason=stored.reason)
    )
