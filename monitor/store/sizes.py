"""How large the state database is.

In: a connection. Out: bytes and rows by table. Kept: nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def sizes(connection: Connection) -> tuple[int, dict[str, int]]:
    """(bytes of the whole database, rows of each table by name)."""
    if connection.dialect.name == "sqlite":
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
        total = pages * connection.execute(sa.text("PRAGMA page_size")).scalar_one()
    else:
        total = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    tables = {
        name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        for name in sorted(sa.inspect(connection).get_table_names())
    }
    return int(total), tables
