"""Look at an unknown prediction log: its columns, how far it goes, its newest rows.

In: where the log is. Out: a `Sample`. Kept: nothing. The log is read through the same classes the daemon uses, so
what works here works there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from monitor.first_config.guess import guess_timestamp
from monitor.prediction_log.base import LogMismatch, PredictionLog
from monitor.prediction_log.open import open_log
from monitor.settings import Columns, LogSettings, ModelSettings

# Read back in steps, so that a log of millions of rows an hour and one of ten rows a month both give a sample soon.
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 7, 24 * 28, 24 * 365))


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest rows, the column that holds their time, and the time of the first and last row of the whole log."""

    table: pa.Table
    timestamp: str
    span: tuple[datetime, datetime] | None


def sample(source: LogSettings, model: str, rows: int, timestamp: str | None = None) -> Sample:
    """Read about `rows` of the newest rows.

    Raises LogError where the log cannot be read or has no column with times; `timestamp` names one outright.
    """
    schema = _schema(source, model)
    column = timestamp or guess_timestamp(schema)
    names = ", ".join(schema.names)
    if column is None:
        raise LogMismatch(
            f"no column looks like the time of a prediction; name it with --timestamp. There are: {names}"
        )
    if column not in schema.names:
        raise LogMismatch(f"there is no column {column!r}; there are: {names}")
    log = _open(source, model, column)
    try:
        span = log.span()
        table = schema.empty_table() if span is None else _newest(log, span, schema, rows)
    finally:
        log.close()
    return Sample(table, column, span)


def _schema(source: LogSettings, model: str) -> pa.Schema:
    log = _open(source, model, "timestamp")
    try:
        return log.schema()
    finally:
        log.close()


def _open(source: LogSettings, model: str, timestamp: str) -> PredictionLog:
    return open_log(ModelSettings(columns=Columns(timestamp=timestamp)), source, model)


def _newest(log: PredictionLog, span: tuple[datetime, datetime], schema: pa.Schema, rows: int) -> pa.Table:
    first, last = span
    end = last + timedelta(microseconds=1)
    table = schema.empty_table()
    for step in _STEPS:
        start = max(first, end - step) if end - datetime.min.replace(tzinfo=UTC) > step else first
        table = _read(log, start, end, schema.names, rows)
        if table.num_rows >= rows or start == first:
            return table
    return _read(log, first, end, schema.names, rows)


def _read(log: PredictionLog, start: datetime, end: datetime, columns: list[str], rows: int) -> pa.Table:
    """At most `rows` rows of an interval; the batches need not agree on types that are all null."""
    found: list[pa.Table] = []
    count = 0
    for batch in log.batches(start, end, columns):
        found.append(pa.Table.from_batches([batch]))
        count += batch.num_rows
        if count >= rows:
            break
    return pa.concat_tables(found, promote_options="permissive").slice(0, rows) if found else pa.table({})
