"""Appending to a Delta table by day, and compacting its closed days.

In: Arrow tables whose time column has a zone. Out: commits that carry the import they belong to.
Kept: one application transaction an import in the table itself, so that nothing lands twice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from monitor.prediction_log.arrow import TIME, fits, plain
from monitor.prediction_log.base import Appended, LogMismatch, LogNotWritten
from monitor.prediction_log.delta_table import DAY, TimedTable, first_line

# An hour of a busy day is then read without the other twenty-three; and columns of distinct numbers, as most features
# are, soon leave the dictionary, which made writing four times and reading twice as slow.
_WRITER = WriterProperties(max_row_group_size=65_536, dictionary_page_size_limit=65_536)
_ATTEMPTS = 10
_KEPT = timedelta(days=7)  # how long files replaced by compaction stay for readers of older versions


def append(table: TimedTable, rows: pa.Table, import_id: str, part: int, text: Collection[str] = ()) -> Appended:
    """Append in one commit, sorted by time, unless this part of the import is there already.

    Parameters
    ----------
    text: columns that are always strings, whatever type they come in (ids, versions).

    Raises LogMismatch for rows the table cannot take, LogNotWritten when writing fails, LogUnreachable.
    """
    failure: Exception | None = None
    for _ in range(_ATTEMPTS):
        found = table.load()
        last = None if found is None else found.transaction_version(import_id)
        if last is not None and last >= part:
            return Appended(rows=0, skipped=rows.num_rows)
        ready = _prepare(table, found, rows, text)
        if ready.num_rows == 0:
            return Appended(rows=0)
        try:
            _write(table, found, ready, import_id, part)
            return Appended(rows=ready.num_rows)
        except (DeltaError, OSError, pa.ArrowException) as error:
            failure = error
            # Where another writer was first (in making the table, too) we look again: perhaps it was this import.
            if not isinstance(error, CommitFailedError) and (found is not None or table.load() is None):
                break
    raise LogNotWritten(f"cannot write to {table.location}: {first_line(failure)}") from failure


def replace_from(table: TimedTable, start: datetime, rows: pa.Table, text: Collection[str] = ()) -> int:
    """Put `rows` in place of everything from `start` on, in one commit; returns how many they are.

    For rows that nobody has judged yet: what has been read stays as it was read. Raises LogMismatch for rows before
    `start` or of another shape, LogNotWritten.
    """
    found = table.load()
    if found is None:
        raise LogNotWritten(f"there is no table at {table.location} to replace rows of")
    ready = _prepare(table, found, rows, text)
    if ready.num_rows and pc.min(ready.column(table.time)).as_py() < start:
        raise LogMismatch(f"rows before {start:%Y-%m-%d %H:%M} cannot take the place of later ones")
    quoted = '"' + table.time.replace('"', '""') + '"'
    try:
        write_deltalake(
            found,
            ready,
            mode="overwrite",
            predicate=f"{quoted} >= '{start:%Y-%m-%dT%H:%M:%S.%f}Z'",
            writer_properties=_WRITER,
        )
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise LogNotWritten(f"cannot write to {table.location}: {first_line(error)}") from error
    return int(ready.num_rows)


def _write(table: TimedTable, found: DeltaTable | None, rows: pa.Table, import_id: str, part: int) -> None:
    mark = [Transaction(import_id, part)]
    if found is not None:
        commit = CommitProperties(app_transactions=mark)
        write_deltalake(
            found, rows, mode="append", schema_mode="merge", commit_properties=commit, writer_properties=_WRITER
        )
        return
    quoted = "`" + table.time.replace("`", "``") + "`"
    write_deltalake(
        table.uri,
        rows,
        # Of two writers that make the table at once, the second may not come after the first as version 1: it would
        # put its own columns in place of the first one's. It fails, and appends at the next attempt.
        mode="error",
        commit_properties=CommitProperties(app_transactions=mark, max_commit_retries=0),
        partition_by=[DAY],
        # Least and greatest of every column would be most of the transaction log, and show values of private ones.
        configuration={"delta.dataSkippingStatsColumns": quoted},
        writer_properties=_WRITER,
    )


def _prepare(table: TimedTable, found: DeltaTable | None, rows: pa.Table, text: Collection[str]) -> pa.Table:
    """The rows as the table takes them: times checked, types matched, sorted, with their day."""
    _check_names(table, rows)
    times = rows.column(table.time)
    if not pa.types.is_timestamp(times.type) or times.type.tz is None:
        raise LogMismatch(f"column {table.time!r} is {times.type}; times need a time zone, such as timestamp[us, UTC]")
    if times.null_count:
        raise LogMismatch(f"column {table.time!r} has {times.null_count} rows without a time")
    known = table.schema(found) if found is not None else pa.schema([])
    columns: dict[str, pa.ChunkedArray] = {}
    for name in [table.time, *(name for name in rows.column_names if name != table.time)]:
        column = storable(rows.column(name), name in text)
        if name in known.names:
            column = _match(column, known.field(name).type, name)
        if not pa.types.is_null(column.type):
            columns[name] = column
    ready = pa.table(columns)
    raw = ready.column(table.time).cast(pa.int64()).to_numpy()
    if (raw[1:] < raw[:-1]).any():
        ready = ready.take(pc.sort_indices(ready, sort_keys=[(table.time, "ascending")]))
    if found is None or DAY in found.metadata().partition_columns:
        ready = ready.append_column(DAY, ready.column(table.time).cast(pa.date32()))
    return ready


def _check_names(table: TimedTable, rows: pa.Table) -> None:
    if table.time not in rows.column_names:
        raise LogMismatch(f"no column {table.time!r}; there are {', '.join(rows.column_names[:20]) or 'none'}")
    if DAY in rows.column_names:
        raise LogMismatch(f"column name {DAY!r} is reserved for the log's own partitions; rename the column")
    seen: dict[str, str] = {}
    for name in rows.column_names:
        if name.lower() in seen:
            raise LogMismatch(
                f"columns {seen[name.lower()]!r} and {name!r} differ at most in case, which Delta refuses"
            )
        seen[name.lower()] = name


def storable(column: pa.ChunkedArray, as_text: bool = False) -> pa.ChunkedArray:
    """The column in a type Delta has: unsigned as int64, half floats as float, times of day and durations apart."""
    kind = plain(column.type)
    if kind != column.type:
        column = column.cast(kind)
    if as_text and not pa.types.is_null(kind):
        return column if pa.types.is_string(kind) else column.cast(pa.string())
    if pa.types.is_unsigned_integer(kind):
        return column.cast(pa.int64() if column.type.bit_width < 64 or _small(column) else pa.float64(), safe=False)
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_time(kind):
        return column.cast(pa.string())
    if pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(TIME)
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    return column


def _small(column: pa.ChunkedArray) -> bool:
    most = pc.max(column).as_py()
    return most is None or most < 2**63


def _match(column: pa.ChunkedArray, wanted: pa.DataType, name: str) -> pa.ChunkedArray:
    if column.type == wanted:
        return column
    problem = f"column {name!r} is {column.type} in these rows and {wanted} in the log"
    if not fits(column.type, wanted):
        raise LogMismatch(problem)
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LogMismatch(f"{problem}, which cannot hold them: {first_line(error)}") from error


def compact_closed_days(table: TimedTable, before: date) -> int:
    """Join the files of each day before `before` that has several; returns how many files went.

    Days that may still grow are left alone, and so are tables that are not ours. Files replaced more than a week
    ago are deleted; files the transaction log does not know are never touched.
    """
    found = table.load()
    if found is None or found.metadata().partition_columns != [DAY]:
        return 0
    days: dict[date, int] = {}
    for file in table.files(found):
        day = file.partition[DAY]
        days[day] = days.get(day, 0) + 1
    gone = 0
    try:
        for day in sorted(day for day, count in days.items() if day is not None and day < before and count > 1):
            metrics = found.optimize.compact(partition_filters=[(DAY, "=", day.isoformat())], writer_properties=_WRITER)
            gone += metrics["numFilesRemoved"] - metrics["numFilesAdded"]
        if gone:
            found.vacuum(retention_hours=int(_KEPT.total_seconds() // 3600), dry_run=False, full=False)
    except (DeltaError, OSError) as error:
        raise LogNotWritten(f"cannot compact {table.location}: {first_line(error)}") from error
    return gone
