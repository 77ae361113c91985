"""One writer of a model's profiles and baselines at a time: `driftline check` may run beside the daemon.

In: a connection inside a write transaction. Out: nothing. Kept: a lock until the transaction ends.
SQLite lets one writer in at a time anyway.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_CLASS = 0x64726C66


def lock_model(connection: Connection, model: str) -> None:
    """Wait until nobody else writes what is read from this model's log."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CLASS, sa.func.hashtext(model))))
