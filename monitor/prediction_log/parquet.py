"""Parquet files as a read-only prediction log: the usual form of batch predictions.

In: a file, a folder (with or without `key=value` folders below it) or a glob. Out: the `PredictionLog` protocol.
Kept: per file its schema and rows by hour, as long as path, size and time of change stay the same.

Files come and go while we look. A file that is half-written or vanishes in the middle is a LogUnreachable that
names it, never fewer rows. Files are read, not memory-mapped: one cut short under a mapping would end the process.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.prediction_log import parquet_file
from monitor.prediction_log.arrow import HOUR, digest, is_time, micros, moment, union, whole_hours
from monitor.prediction_log.base import Hour, LogMismatch, LogUnreachable, Part
from monitor.prediction_log.delta_table import first_line
from monitor.prediction_log.parquet_parts import FileReaders, file_parts, one_after_another
from monitor.settings import Columns

_NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Found:
    """One file as the folder listed it; `told` holds the `key=value` folders above it."""

    path: str
    size: int
    changed: int
    told: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one look into a file gave.

    `told` holds what its path says of every row, the time as a datetime; `hours` the rows by hour and `span` the
    least and greatest time in microseconds.
    """

    schema: pa.Schema
    told: dict[str, Any]
    timed: bool
    hours: dict[int, int]
    span: tuple[int, int] | None

    def overlaps(self, start: int, end: int) -> bool:
        """Whether it may hold rows of `[start, end)`, in microseconds."""
        return self.span is not None and self.span[0] < end and self.span[1] >= start


class ParquetLog:
    """The prediction log of one model in Parquet files that somebody else writes."""

    def __init__(self, path: str, columns: Columns) -> None:
        self.path = os.path.expanduser(path)
        self.time = columns.timestamp
        self._facts: dict[Found, Facts] = {}

    def schema(self) -> pa.Schema:
        """The columns of all files, newest file first; the wider type where number types differ."""
        found = sorted(self._look(), key=lambda file: (-file.changed, file.path))
        merged = union(self._facts[file].schema for file in found)
        told = [key for key in dict.fromkeys(key for file in found for key, _ in file.told) if key not in merged.names]
        return pa.schema([*merged, *(pa.field(key, pa.string()) for key in told)])

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last row."""
        spans = [span for file in self._timed() if (span := self._facts[file].span) is not None]
        return (moment(min(low for low, _ in spans)), moment(max(high for _, high in spans))) if spans else None

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """Hours with rows. The token names the files (path, size, time of change) that hold rows of the hour."""
        start, end = whole_hours(start, end)
        low, high = micros(start) // HOUR, micros(end) // HOUR
        counts: dict[int, int] = {}
        holders: dict[int, list[tuple[str, int, int]]] = {}
        for file in self._timed():
            for hour, rows in self._facts[file].hours.items():
                if low <= hour < high:
                    counts[hour] = counts.get(hour, 0) + rows
                    holders.setdefault(hour, []).append((file.path, file.size, file.changed))
        return [Hour(moment(hour * HOUR), digest(counts[hour], holders[hour]), counts[hour]) for hour in sorted(counts)]

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of `[start, end)`, one file at a time."""
        found = self._timed()
        schema = self.schema() if found else pa.schema([])
        low, high = micros(start), micros(end)
        for file in found:
            if self._facts[file].overlaps(low, high):
                with _opened(file) as opened:
                    yield from parquet_file.file_batches(
                        opened, self.time, start, end, columns, schema, self._facts[file].told
                    )

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """Row groups that hold rows of `[start, end)`."""
        found = self._timed()
        schema = self.schema() if found else pa.schema([])
        low, high = micros(start), micros(end)
        known = ((file, self._facts[file]) for file in found)
        wanted = ((_readers(file), facts) for file, facts in known if facts.overlaps(low, high))
        yield from one_after_another(
            (readers, file_parts(readers, self.time, start, end, schema, facts.told)) for readers, facts in wanted
        )

    def token(self) -> str:
        """Names every file with its size and time of change."""
        return digest([(file.path, file.size, file.changed) for file in self._list()])

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _timed(self) -> list[Found]:
        """The files whose rows have a time. Raises LogMismatch when there are files and none has."""
        found = self._look()
        timed = [file for file in found if self._facts[file].timed]
        if found and not timed:
            there = ", ".join(self.schema().names[:20]) or "none"
            raise LogMismatch(f"no file of {self.path} has a column {self.time!r}; the columns are {there}")
        return timed

    def _look(self) -> list[Found]:
        """The files of now, each looked into once."""
        found = self._list()
        facts = {}
        for file in found:
            known = self._facts.get(file)
            if known is None:
                with _opened(file) as opened:
                    known = self._inspect(file, opened)
            facts[file] = known
        self._facts = facts
        return found

    def _inspect(self, file: Found, opened: pq.ParquetFile) -> Facts:
        schema = opened.schema_arrow.remove_metadata()
        told: dict[str, Any] = dict(file.told)
        if self.time in schema.names:
            kind = schema.field(self.time).type
            if not is_time(kind):
                raise LogMismatch(f"column {self.time!r} of {file.path} is {kind}, not a time")
        elif told.get(self.time) is not None:
            told[self.time] = _told_time(told[self.time], self.time, file.path)
        else:
            return Facts(schema, told, False, {}, None)
        parquet_file.check_columns(opened, file.path)
        hours = parquet_file.file_hours(opened, self.time, told)
        return Facts(schema, told, True, hours, parquet_file.file_span(opened, self.time, told))

    def _list(self) -> list[Found]:
        """The files of now, by path. Raises LogUnreachable when the path or the glob's folder is missing."""
        base = Path(self.path)
        try:
            if base.is_dir():
                paths = sorted(str(path) for path in base.rglob("*.parquet") if not _hidden(path.relative_to(base)))
            elif glob.has_magic(self.path) and not base.exists():
                base = _glob_root(self.path)
                if not base.is_dir():
                    raise LogUnreachable(f"cannot read {self.path}: there is no folder {base}")
                paths = sorted(path for path in glob.glob(self.path, recursive=True) if os.path.isfile(path))
            else:
                paths = [self.path]
            return [self._found(path, base) for path in paths]
        except OSError as error:
            raise LogUnreachable(f"cannot read {error.filename or self.path}: {error.strerror or error}") from error

    @staticmethod
    def _found(path: str, base: Path) -> Found:
        state = os.stat(path)
        below = Path(path).parent.parts[len(base.parts) if base.is_dir() else 0 :]
        pairs = [part.split("=", 1) for part in below if "=" in part]
        told = tuple((unquote(key), None if value == _NULL_FOLDER else unquote(value)) for key, value in pairs)
        return Found(path, state.st_size, state.st_mtime_ns, told)


def _hidden(path: Path) -> bool:
    """Files being written or kept aside by other tools begin with a dot or an underscore."""
    return any(part.startswith((".", "_")) for part in path.parts)


def _told_time(text: str, name: str, path: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise LogMismatch(f"{name}={text} in {path} is not a date or time") from error
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _glob_root(pattern: str) -> Path:
    """The last folder of a glob that is named in full."""
    parts = []
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts) if parts else Path()


@contextmanager
def _opened(file: Found) -> Iterator[pq.ParquetFile]:
    with _readers(file) as readers, readers.one() as opened:
        yield opened


def _readers(file: Found) -> FileReaders:
    def told(error: Exception) -> LogUnreachable:
        if isinstance(error, FileNotFoundError):
            return LogUnreachable(f"{file.path} vanished while the log was read")
        return LogUnreachable(f"cannot read {file.path} (half-written?): {first_line(error)}")

    return FileReaders(lambda known: parquet_file.open_file(file.path, buffer=1 << 20, metadata=known), told)
