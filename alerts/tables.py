"""The alerts' tables' common ground: one MetaData, and the column type for instants.

In: nothing. Out: `METADATA`, `Instant`, `insert_once`. Kept: nothing.
Instants are stored as whole microseconds since 1970 (UTC): exact, ordered and alike on every database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.types import TypeDecorator

METADATA = sa.MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since the epoch."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# SQLite counts up only a column that is plainly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def insert_once(conn: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of its unique keys is taken; whether it was inserted."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    return conn.execute(insert(table).values(**values).on_conflict_do_nothing()).rowcount > 0
