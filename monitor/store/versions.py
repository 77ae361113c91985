"""The model versions seen in the logs.

In: a connection. Out: names and first sightings. Kept: one row per (model, version).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import insert_once
from monitor.store.metadata import METADATA, Instant

VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("first_row", Instant, nullable=False),
    sa.Column("last_row", Instant, nullable=False),
)


_ALL = (
    sa.select(VERSIONS)
    .where(VERSIONS.c.model == sa.bindparam("model"))
    .order_by(VERSIONS.c.first_row, VERSIONS.c.version)
)


def seen(connection: Connection, model: str, version: str, first: datetime, last: datetime) -> None:
    """Record that a version had rows in `[first, last]`; widens what is known, never narrows it."""
    if insert_once(connection, VERSIONS, {"model": model, "version": version, "first_row": first, "last_row": last}):
        return
    row = connection.execute(sa.select(VERSIONS).where(VERSIONS.c.model == model, VERSIONS.c.version == version)).one()
    if first < row.first_row or last > row.last_row:
        connection.execute(
            VERSIONS.update()
            .where(VERSIONS.c.model == model, VERSIONS.c.version == version)
            .values(first_row=min(first, row.first_row), last_row=max(last, row.last_row))
        )


def versions(connection: Connection, model: str) -> dict[str, tuple[datetime, datetime]]:
    """Every version of a model with the times of its first and last row, oldest first."""
    rows = connection.execute(_ALL, {"model": model})
    return {row.version: (row.first_row, row.last_row) for row in rows}
