"""How far each model has been evaluated.

In: a connection. Out: instants. Kept: one row a model; moved in the transaction that writes the evaluation.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA, Instant

CURSORS = sa.Table(
    "cursors",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("through", Instant, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
)


def through(connection: Connection, model: str) -> datetime | None:
    """Every window due up to this instant has its ledger row; None before the model's first start."""
    return connection.execute(sa.select(CURSORS.c.through).where(CURSORS.c.model == model)).scalar_one_or_none()


def all_through(connection: Connection) -> dict[str, datetime]:
    """The cursor of every model that has been started."""
    return {row.model: row.through for row in connection.execute(sa.select(CURSORS))}


def move(connection: Connection, model: str, to: datetime) -> None:
    """Advance (or start) a model's cursor."""
    moved = connection.execute(CURSORS.update().where(CURSORS.c.model == model).values(through=to))
    if moved.rowcount == 0:
        connection.execute(CURSORS.insert().values(model=model, through=to, started_at=to))
