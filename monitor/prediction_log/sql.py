"""A table or query of the user's own database as a read-only prediction log.

In: a database URL, a table or query, which column is the time. Out: the `PredictionLog` protocol.
Kept: the engine and, for SQLite, how the table writes its times. Nothing is ever written.

An hour's token is its row count with its least and greatest time, from one GROUP BY (of other databases than PostgreSQL
and SQLite the times are streamed): rows that come or go change it,
a value edited in place does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from monitor.prediction_log import sqlite_times
from monitor.prediction_log.arrow import (
    HOUR,
    TIME,
    as_times,
    digest,
    is_time,
    moment,
    whole_hours,
    within,
)
from monitor.prediction_log.base import Held, Hour, LogMismatch, Part
from monitor.prediction_log.sql_source import SqlSource
from monitor.prediction_log.sql_types import to_array
from monitor.settings import Columns

# Python objects are some ten times as large as the Arrow columns made of them.
BATCH_ROWS = 8_192
_GROUPED = ("postgresql", "sqlite")


class SqlLog:
    """The prediction log of one model in a table, view or query that somebody else fills."""

    def __init__(
        self,
        url: str,
        columns: Columns,
        *,
        table: str | None = None,
        query: str | None = None,
        filled: str | None = None,
        asked_by: str | None = None,
    ) -> None:
        """
        Parameters
        ----------
        filled: a column; rows where it is NULL are as if they were not there (labels yet to come).
        asked_by: the column a query's `:start` and `:end` are about, when that is not the timestamp column.

        Raises LogMismatch for a URL or query that cannot be one.
        """
        if (table is None) == (query is None):
            raise LogMismatch("a SQL log is either a table or a query")
        self._source = SqlSource(url, table, query)
        self.time = columns.timestamp
        self._filled = filled
        self._asked_by_time = table is None and asked_by in (None, self.time)
        self._style: sqlite_times.Style | None = None
        self._ever: tuple[Any, Any] = sqlite_times.EVER
        if self._source.dialect == "sqlite":
            self._ever = sqlite_times.EVER_TEXT

    def schema(self) -> pa.Schema:
        """The columns; on SQLite by declared type, else by what the first rows hold."""
        with self._source.connect() as connection:
            return self._schema(connection)

    def _schema(self, connection: sa.Connection) -> pa.Schema:
        kinds = self._source.columns(connection, self._ever)
        if self.time in kinds and self._source.dialect == "sqlite":
            kinds[self.time] = TIME
        return pa.schema([pa.field(name, kind) for name, kind in kinds.items()])

    def _checked(self, connection: sa.Connection) -> pa.Schema:
        schema = self._schema(connection)
        if self.time not in schema.names:
            there = ", ".join(schema.names[:20])
            raise LogMismatch(f"{self._source.name}: no column {self.time!r} (the timestamp); there are {there}")
        if self._filled is not None and self._filled not in schema.names:
            there = ", ".join(schema.names[:20])
            raise LogMismatch(f"{self._source.name}: no column {self._filled!r} (the label); there are {there}")
        kind = schema.field(self.time).type
        if not is_time(kind) and not pa.types.is_null(kind):
            raise LogMismatch(f"{self._source.name}: column {self.time!r} is {kind}, not a time")
        if self._source.dialect == "sqlite" and self._style is None:
            self._style = self._sample_style(connection)
        return schema

    def _sample_style(self, connection: sa.Connection) -> sqlite_times.Style | None:
        """How SQLite writes the times, None while there are no rows."""
        statement = self._source.select(connection, [self.time]).where(sa.column(self.time).is_not(None)).limit(1)
        for ever in (sqlite_times.EVER_TEXT, sqlite_times.EVER_NUMBER):
            row = connection.execute(self._source.bound(statement, ever)).fetchone()
            if row is not None:
                self._ever = ever
                return sqlite_times.style_of(row[0], self.time)
            if self._source.query is None:
                break
        return None

    def _bounds(self, schema: pa.Schema, start: datetime, end: datetime) -> tuple[Any, Any]:
        """`start` and `end` as the time column compares with them."""
        if self._source.dialect == "sqlite":
            return self._style.bounds(start, end) if self._style else (start.isoformat(), end.isoformat())
        kind = schema.field(self.time).type
        if self._asked_by_time and self._source.dialect == "postgresql":
            return start, end
        if pa.types.is_date(kind):
            return start.date(), (end + timedelta(days=1) - timedelta(microseconds=1)).date()
        return (start, end) if kind.tz else (start.replace(tzinfo=None), end.replace(tzinfo=None))

    def _ranged(
        self, connection: sa.Connection, schema: pa.Schema, names: list[Any], start: datetime, end: datetime
    ) -> sa.Select[Any]:
        """A SELECT over `[start, end)`, by parameters so that an index on the time serves it."""
        low, high = self._bounds(schema, start, end)
        statement = self._kept(self._source.select(connection, names))
        if self._asked_by_time:
            return self._source.bound(statement, (low, high))
        statement = statement.where(sa.column(self.time) >= low, sa.column(self.time) < high)
        return self._source.bound(statement, self._ever)

    def _kept(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        return statement if self._filled is None else statement.where(sa.column(self._filled).is_not(None))

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last row."""
        with self._source.connect() as connection:
            self._checked(connection)
            column: sa.ColumnClause[Any] = sa.column(self.time)
            statement = self._kept(self._source.select(connection, [sa.func.min(column), sa.func.max(column)]))
            row = connection.execute(self._source.bound(statement, self._ever)).one()
        if row[0] is None:
            return None
        first, last = self._times(list(row)).to_pylist()
        return first.astimezone(UTC), last.astimezone(UTC)

    def _times(self, values: list[Any]) -> pa.Array:
        if self._source.dialect == "sqlite":
            return sqlite_times.to_times(values, self.time)
        return as_times(to_array(values, None), self.time)

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """Hours with rows."""
        start, end = whole_hours(start, end)
        with self._source.connect() as connection:
            schema = self._checked(connection)
            count = self._grouped if self._source.dialect in _GROUPED else self._streamed
            found = list(count(connection, schema, start, end))
        return sorted((hour for hour in found if start <= hour.start < end), key=lambda hour: hour.start)

    def _grouped(self, connection: sa.Connection, schema: pa.Schema, start: datetime, end: datetime) -> Iterator[Hour]:
        if self._source.dialect == "sqlite" and self._style is None:
            return
        column: sa.ColumnClause[Any] = sa.column(self.time)
        hour = self._style.hour(column) if self._style else sa.func.date_trunc("hour", column)
        counted = [hour.label("driftline_hour"), sa.func.count(), sa.func.min(column), sa.func.max(column)]
        statement = self._ranged(connection, schema, counted, start, end)
        statement = statement.where(column.is_not(None)).group_by(sa.literal_column("1"))
        for value, rows, first, last in connection.execute(statement):
            begins = moment(value * HOUR) if isinstance(value, int) else value
            begins = begins if begins.tzinfo else begins.replace(tzinfo=UTC)
            yield Hour(begins.astimezone(UTC), digest(rows, str(first), str(last)), rows)

    def _streamed(self, connection: sa.Connection, schema: pa.Schema, start: datetime, end: datetime) -> Iterator[Hour]:
        """For databases whose way to cut a time to its hour we do not know."""
        counts: dict[int, int] = {}
        sums: dict[int, int] = {}
        for batch in self._read(connection, schema, start, end, [self.time]):
            raw = batch.column(0).cast(pa.int64()).to_numpy()
            hours, where = np.unique(raw // HOUR, return_inverse=True)
            rows = np.bincount(where)
            within_hour = np.bincount(where, weights=raw % HOUR)
            for index, hour in enumerate(hours.tolist()):
                counts[hour] = counts.get(hour, 0) + int(rows[index])
                sums[hour] = sums.get(hour, 0) + int(within_hour[index])
        for hour, count in counts.items():
            yield Hour(moment(hour * HOUR), digest(count, sums[hour]), count)

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of `[start, end)` from one SELECT, streamed."""
        with self._source.connect() as connection:
            schema = self._checked(connection)
            yield from self._read(connection, schema, start, end, columns)

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """The same rows, a SELECT's pieces."""
        yield from map(Held, self.batches(start, end, columns))

    def _read(
        self, connection: sa.Connection, schema: pa.Schema, start: datetime, end: datetime, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        if self._source.dialect == "sqlite" and self._style is None:
            return
        chosen = [name for name in columns if name in schema.names]
        read = list(dict.fromkeys([self.time, *chosen]))
        statement = self._ranged(connection, schema, list(read), start, end)
        options = {"stream_results": True, "yield_per": BATCH_ROWS}
        with connection.execute(statement, execution_options=options) as result:
            for rows in result.partitions():
                values = dict(zip(read, zip(*rows, strict=True), strict=True))
                times = self._times(list(values[self.time]))
                arrays = [
                    times if name == self.time else to_array(values[name], schema.field(name).type) for name in chosen
                ]
                cut = within(pa.RecordBatch.from_arrays(arrays, names=chosen), times, start, end)
                if cut.num_rows:
                    yield cut

    def token(self) -> str:
        """Row count, least and greatest time of everything."""
        with self._source.connect() as connection:
            self._checked(connection)
            column: sa.ColumnClause[Any] = sa.column(self.time)
            counted = [sa.func.count(), sa.func.min(column), sa.func.max(column)]
            statement = self._kept(self._source.select(connection, counted))
            row = connection.execute(self._source.bound(statement, self._ever)).one()
        return digest(*(str(value) for value in row))

    def close(self) -> None:
        """Dispose of the engine."""
        self._source.close()
