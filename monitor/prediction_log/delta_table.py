"""A Delta table read by time: its schema, the hours it holds, the rows of an interval.

In: a folder or object-store URL, the name of the time column. Out: Arrow record batches, counts and tokens by hour.
Kept: the newest version seen, rows by hour of files already looked at, and of small files the batches read last (files
never change); the version is pinned for each call.

Files are read with pyarrow.parquet one at a time: `pyarrow.dataset` would load pandas and hold a gigabyte.
Tables with deletion vectors or column mapping (Databricks) go through deltalake's own engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from monitor.prediction_log import parquet_file
from monitor.prediction_log.arrow import (
    HOUR,
    as_times,
    conform,
    count_hours,
    digest,
    is_time,
    micros,
    moment,
    select,
    whole_hours,
    within,
)
from monitor.prediction_log.base import Held, Hour, LogMismatch, LogUnreachable, Part
from monitor.prediction_log.delta_newest import Commit, commit_of, opened_at, still_newest
from monitor.prediction_log.parquet_parts import FileReaders, file_parts, one_after_another
from monitor.prediction_log.recent import Recent

DAY = "_day"  # partition column of the tables we write; never shown

_ENGINE_FEATURES = {"deletionVectors", "columnMapping"}
_STAT_SLACK = 1_000  # statistics in the log are cut to milliseconds
# A month of ids, scores and labels of a model of a few thousand rows a day takes 4 MB.
_RECENT = Recent(24 << 20)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One active file: `first` and `last` enclose its times (microseconds), None where the log does not say."""

    path: str
    size: int
    rows: int | None
    first: int | None
    last: int | None
    nulls: bool
    partition: dict[str, Any]

    def overlaps(self, low: int, high: int) -> bool:
        """Whether the file may hold rows of `[low, high)`."""
        return self.first is None or self.last is None or (self.first < high and self.last >= low)

    def within(self, low: int, high: int) -> bool:
        """Whether all of the file's rows are known to be of `[low, high)`."""
        return self.first is not None and self.last is not None and low <= self.first and self.last < high


def first_line(error: BaseException | None) -> str:
    """What an error says, without terminal colours, stack frames and tree drawings."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    lines = [re.sub(r"^[\s↳]+", "", line) for line in text.splitlines()]
    return "; ".join(line for line in lines[:3] if line and not re.match(r"\d+: ", line)) or type(error).__name__


def local_folder(location: str) -> Path | None:
    """The folder a location names, None for an object store's URL."""
    if location.startswith("file://"):
        return Path(unquote(location.removeprefix("file://")))
    return None if "://" in location else Path(location).absolute()


class TimedTable:
    """A Delta table whose rows have a time. Every call reads the newest version and stays on it."""

    def __init__(self, location: str, time: str, hint: Callable[[], str] = str) -> None:
        """`hint` says what to do when there is no table at `location`."""
        self.location = location
        self.folder = local_folder(location)
        # Plain paths with spaces or question marks are misread by deltalake; URLs are not.
        self.uri = self.folder.as_uri() if self.folder else location
        self.time = time
        self._hint = hint
        self._hours: dict[str, dict[int, int]] = {}
        self._listed: tuple[tuple[str, int], list[DataFile]] | None = None
        self._seen: Commit | None = None

    def open(self) -> DeltaTable:
        """The table at its newest version. Raises LogUnreachable."""
        table = self.find()
        if table is None:
            raise LogUnreachable(f"no Delta table at {self.location}{self._hint()}")
        return table

    def find(self) -> DeltaTable | None:
        """The table at its newest version, None where there is none; only to be read. Raises LogUnreachable."""
        if self._seen is not None and still_newest(self._seen):
            return opened_at(self.uri, self._seen) or self.load()
        table = self.load()
        if table is not None and self.folder:
            self._seen = commit_of(self.folder, table.version())
        return table

    def load(self) -> DeltaTable | None:
        """The table at its newest version as an object of the caller's own, who may write. Raises LogUnreachable."""
        try:
            return DeltaTable(self.uri) if DeltaTable.is_deltatable(self.uri) else None
        except (DeltaError, OSError, ValueError) as error:
            raise LogUnreachable(f"cannot read the Delta table at {self.location}: {first_line(error)}") from error

    def schema(self, table: DeltaTable | None = None) -> pa.Schema:
        """The columns, without our own partition column."""
        table = table or self.open()
        schema = pa.schema(table.schema().to_arrow()).remove_metadata()
        fields = [field.remove_metadata() for field in schema if not self._hidden(table, field.name)]
        return pa.schema(fields)

    @staticmethod
    def _hidden(table: DeltaTable, name: str) -> bool:
        return name == DAY and DAY in table.metadata().partition_columns

    def _time_type(self, table: DeltaTable) -> pa.DataType:
        schema = self.schema(table)
        if self.time not in schema.names:
            raise LogMismatch(
                f"{self.location} has no column {self.time!r}; it has {', '.join(schema.names[:20]) or 'no columns'}"
            )
        kind = schema.field(self.time).type
        if not is_time(kind):
            raise LogMismatch(f"column {self.time!r} of {self.location} is {kind}, not a time")
        return kind

    def files(self, table: DeltaTable) -> list[DataFile]:
        """The active files, in the order of their paths; listed once for each version."""
        known = (str(table.metadata().id), table.version())
        if self._listed is not None and self._listed[0] == known:
            return self._listed[1]
        field = pa.schema(table.schema().to_arrow()).field(self.time)
        # With column mapping, files and statistics know a column by another name.
        name = (field.metadata or {}).get(b"delta.columnMapping.physicalName", self.time.encode()).decode()
        actions = pa.table(table.get_add_actions(flatten=True))
        partitions = [column for column in actions.column_names if column.startswith("partition.")]
        wanted = ["path", "size_bytes", "num_records", f"min.{name}", f"max.{name}", f"null_count.{name}", *partitions]
        rows = actions.select([column for column in wanted if column in actions.column_names]).to_pylist()
        firsts, lasts = (_stats(actions, f"{end}.{name}") for end in ("min", "max"))
        days = _stats(actions, f"partition.{DAY}")
        files = []
        for row, first, last, day in zip(rows, firsts, lasts, days, strict=True):
            if first is None and day is not None:
                first, last = day, day + 24 * HOUR - 1
            files.append(
                DataFile(
                    path=row["path"],
                    size=row["size_bytes"],
                    rows=row.get("num_records"),
                    first=first,
                    last=None if last is None else last + _STAT_SLACK,
                    nulls=row.get(f"null_count.{name}") != 0,
                    partition={column.removeprefix("partition."): row[column] for column in partitions},
                )
            )
        files.sort(key=lambda file: file.path)
        self._listed = (known, files)
        return files

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and the last row."""
        table = self.open()
        self._time_type(table)
        if _needs_engine(table):
            values: list[int] = []
            for batch in self._scan(table, [self.time], None):
                raw = as_times(batch.column(0), self.time).cast(pa.int64()).drop_null().to_numpy()
                values += [int(raw.min()), int(raw.max())] if len(raw) else []
            return (moment(min(values)), moment(max(values))) if values else None
        files = self.files(table)
        # Only the files at either end can hold the first or the last row.
        least = min((file.first for file in files if file.first is not None), default=0)
        most = max((file.last for file in files if file.last is not None), default=0)
        ends: list[int] = []
        for file in files:
            if file.first is None or file.last is None or file.first <= least + _STAT_SLACK or file.last >= most:
                with self._opened(table, file) as opened:
                    ends += parquet_file.file_span(opened, self.time, file.partition) or ()
        return (moment(min(ends)), moment(max(ends))) if ends else None

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """Hours with rows. The token names the files that hold rows of the hour."""
        table = self.open()
        kind = self._time_type(table)
        start, end = whole_hours(start, end)
        active = self.files(table)
        self._hours = {file.path: self._hours[file.path] for file in active if file.path in self._hours}
        files = [file for file in active if file.overlaps(micros(start), micros(end))]
        counts: dict[int, int] = {}
        holders: dict[int, list[tuple[str, int]]] = {}
        if _needs_engine(table):
            for batch in self._scan(table, [self.time], _predicate(self.time, kind, start, end)):
                count_hours(as_times(batch.column(0), self.time), counts)
            for hour in counts:
                holders[hour] = [(f.path, f.size) for f in files if f.overlaps(hour * HOUR, (hour + 1) * HOUR)]
        else:
            for file in files:
                for hour, rows in self._file_hours(table, file).items():
                    counts[hour] = counts.get(hour, 0) + rows
                    holders.setdefault(hour, []).append((file.path, file.size))
        low, high = micros(start) // HOUR, micros(end) // HOUR
        return [
            Hour(moment(hour * HOUR), digest(counts[hour], holders[hour]), counts[hour])
            for hour in sorted(counts)
            if low <= hour < high
        ]

    def _file_hours(self, table: DeltaTable, file: DataFile) -> dict[int, int]:
        if file.first is not None and file.last is not None and file.rows is not None and not file.nulls:
            hour = file.first // HOUR
            if hour == file.last // HOUR:
                return {hour: file.rows}
        if file.path not in self._hours:
            with self._opened(table, file) as opened:
                self._hours[file.path] = parquet_file.file_hours(opened, self.time, file.partition)
        return self._hours[file.path]

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of `[start, end)` at the version of the first batch."""
        table = self.open()
        kind = self._time_type(table)
        schema = self.schema(table)
        if _needs_engine(table):
            yield from self._engine_batches(table, kind, schema, start, end, columns)
            return
        types = tuple(schema.field(name).type if name in schema.names else None for name in columns)
        for file in self.files(table):
            if not file.overlaps(micros(start), micros(end)):
                continue
            key = (str(table.metadata().id), file.path, file.size, tuple(columns), types)
            if not file.within(micros(start), micros(end)):
                with self._opened(table, file) as opened:
                    yield from parquet_file.file_batches(opened, self.time, start, end, columns, schema, file.partition)
            elif (known := _RECENT.get(key)) is not None:
                yield from known
            else:
                read = []
                with self._opened(table, file) as opened:
                    for batch in parquet_file.file_batches(
                        opened, self.time, start, end, columns, schema, file.partition
                    ):
                        read.append(batch)
                        yield batch
                _RECENT.keep(key, read)

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """Row groups that may hold rows of `[start, end)`, at the version of the first part."""
        table = self.open()
        kind = self._time_type(table)
        schema = self.schema(table)
        if _needs_engine(table):
            yield from map(Held, self._engine_batches(table, kind, schema, start, end, columns))
            return
        wanted = (file for file in self.files(table) if file.overlaps(micros(start), micros(end)))
        opened = ((self._readers(table, file), file.partition) for file in wanted)
        yield from one_after_another(
            (readers, file_parts(readers, self.time, start, end, schema, told)) for readers, told in opened
        )

    def _engine_batches(
        self,
        table: DeltaTable,
        kind: pa.DataType,
        schema: pa.Schema,
        start: datetime,
        end: datetime,
        columns: Sequence[str],
    ) -> Iterator[pa.RecordBatch]:
        chosen = [name for name in columns if name in schema.names]
        read = list(dict.fromkeys([self.time, *chosen]))
        for batch in self._scan(table, read, _predicate(self.time, kind, start, end)):
            times = as_times(batch.column(0), self.time)
            arrays = [conform(batch.column(name), schema.field(name).type) for name in read[1:]]
            whole = pa.RecordBatch.from_arrays([times, *arrays], names=read)
            cut = within(whole, times, start, end)
            if cut.num_rows:
                yield select(cut, columns)

    def _scan(self, table: DeltaTable, columns: list[str], predicate: str | None) -> Iterator[pa.RecordBatch]:
        try:
            yield from pa.RecordBatchReader.from_stream(table.scan(columns=columns, predicate=predicate))
        except (DeltaError, OSError, pa.ArrowException) as error:
            raise LogUnreachable(f"cannot read the Delta table at {self.location}: {first_line(error)}") from error

    @contextmanager
    def _opened(self, table: DeltaTable, file: DataFile) -> Iterator[pq.ParquetFile]:
        with self._readers(table, file) as readers, readers.one() as opened:
            yield opened

    def _readers(self, table: DeltaTable, file: DataFile) -> FileReaders:
        path = unquote(file.path)

        def opening(known: pq.FileMetaData | None) -> pq.ParquetFile:
            if self.folder:
                # Mapped, its pages would count as ours, and letting go of them costs what copying does.
                return parquet_file.open_file(self.folder / path, metadata=known)
            return parquet_file.open_file(stored_file(table, path), buffer=1 << 20, metadata=known)

        def told(error: Exception) -> LogUnreachable:
            return LogUnreachable(f"cannot read {path} of {self.location}: {first_line(error)}")

        return FileReaders(opening, told, (OSError, pa.ArrowException, DeltaError))

    def token(self) -> str:
        """The table's identity and version, `none` while there is no table."""
        table = self.find()
        return "none" if table is None else f"{table.metadata().id}:{table.version()}"


def stored_file(table: DeltaTable, path: str) -> Any:
    """A file of the table opened through deltalake's own object-store client."""
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import PyFileSystem

    handler = DeltaStorageHandler.from_table(table._table, table._storage_options, table._table.get_add_file_sizes())
    return PyFileSystem(handler).open_input_file(path)


def _needs_engine(table: DeltaTable) -> bool:
    features = set(table.protocol().reader_features or ())
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    return bool(features & _ENGINE_FEATURES) or mapping != "none"


def _predicate(time: str, kind: pa.DataType, start: datetime, end: datetime) -> str:
    column = '"' + time.replace('"', '""') + '"'
    if pa.types.is_date(kind):
        # Rows are cut exactly afterwards; a day compares with days.
        return f"{column} >= DATE '{start.date()}' AND {column} <= DATE '{end.date()}'"
    zone = "Z" if kind.tz else ""
    low, high = (value.isoformat().replace("+00:00", zone) for value in (start, end))
    return f"{column} >= TIMESTAMP '{low}' AND {column} < TIMESTAMP '{high}'"


def _stats(actions: pa.Table, column: str) -> list[int | None]:
    """Minima or maxima of the log (times or dates) as microseconds, one a file; None where it says nothing."""
    if column not in actions.column_names:
        return [None] * actions.num_rows
    values = actions.column(column).combine_chunks()
    if not is_time(values.type):
        return [None] * actions.num_rows
    found: list[int | None] = as_times(values, "statistics").cast(pa.int64()).to_pylist()
    return found
