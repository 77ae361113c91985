"""Importing files into the embedded log: good rows in, bad rows refused with file, line and reason.

In: CSV, NDJSON and Parquet files, a log of ours, which column plays which part, the time. Out: an `ImportReport`.
Kept: nothing beside the log, which knows the digest of every file in it.

A file is read twice: once to find each column's type (from all its values, unless the log knows the column), once to
load it. It lands in parts of some hundred thousand rows, each one commit that carries the file's digest and the part's
number: what was cut short is finished by importing again, and what is there adds nothing.

Labels in a file go to the labels table; they count as received at `columns.label_time`, else at the row's own time.
A file without the timestamp column that has ids and labels is a file of labels, received at `label_time`, else now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from monitor.prediction_log import import_types
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import Appended, LogMismatch, LogNotWritten, LogUnreachable
from monitor.prediction_log.import_block import Refusal
from monitor.prediction_log.import_read import file_format, parquet_schema, read_blocks
from monitor.prediction_log.import_rows import RowCheck, labels_only
from monitor.settings import Columns

PART_CELLS = 25_000_000  # about 200 MB as Arrow: large commits, bounded memory
PART_ROWS = (10_000, 1_000_000)  # at least, at most
LISTED = 100

Progress = Callable[[int, int, int], None]


class Target(Protocol):
    """The log rows are imported into."""

    def append(self, rows: pa.Table, import_id: str, part: int = 0) -> Appended: ...

    def append_labels(self, labels: pa.Table, import_id: str, part: int = 0) -> Appended: ...

    def known_types(self) -> pa.Schema: ...

    def known_label_type(self) -> pa.DataType | None: ...


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one file gave: rows and labels added, rows that were there from an earlier import, rows refused."""

    file: str
    rows: int
    labels: int
    skipped: int
    refused: int

    @property
    def already(self) -> bool:
        """Whether the whole file had been imported before."""
        return self.skipped > 0 and self.rows == 0 and self.labels == 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `refused` lists the first hundred refusals, `refused_total` counts all of them."""

    files: tuple[FileReport, ...]
    refused: tuple[Refusal, ...]
    refused_total: int
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows added."""
        return sum(file.rows for file in self.files)

    @property
    def labels(self) -> int:
        """Labels added."""
        return sum(file.labels for file in self.files)

    @property
    def skipped(self) -> int:
        """Rows that were there already."""
        return sum(file.skipped for file in self.files)


@dataclass(slots=True)
class _Refusals:
    """Bad rows on their way to the report and, when asked for, to `<file>.refused.ndjson`."""

    beside: bool
    first: list[Refusal] = field(default_factory=list)
    total: int = 0

    def add(self, path: Path, found: Iterable[tuple[int, str]]) -> None:
        rows = [Refusal(str(path), line, reason) for line, reason in sorted(found)]
        self.total += len(rows)
        self.first += rows[: max(LISTED - len(self.first), 0)]
        if self.beside and rows:
            with refused_path(path).open("a", encoding="utf-8") as out:
                out.writelines(
                    json.dumps({"file": row.file, "line": row.line, "reason": row.reason}) + "\n" for row in rows
                )


def refused_path(path: Path) -> Path:
    """Where the refusals of a file are written."""
    return path.with_name(path.name + ".refused.ndjson")


def import_files(
    log: Target,
    columns: Columns,
    files: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
    assume_timezone: str | None = None,
    write_refused: bool = False,
) -> ImportReport:
    """Import files one after another.

    Parameters
    ----------
    now: the present, aware; a row more than a day ahead of it is refused.
    progress: called with bytes done, bytes in all, rows read so far.
    assume_timezone: the zone of times written without one (of an hour that comes twice, the first); without it they
        are refused.
    write_refused: write every refusal to `<file>.refused.ndjson` beside the file.

    Raises LogMismatch (a file lacks the timestamp column, or is no CSV, NDJSON or Parquet file), LogUnreachable
    (it cannot be read), LogNotWritten (the log cannot take it). What landed before stays, and is skipped next time.
    """
    paths = [Path(file) for file in files]
    for path in paths:
        file_format(path)
        if not path.is_file():
            raise LogUnreachable(f"there is no file {path}")
    zone = ZoneInfo(assume_timezone) if assume_timezone else None
    total = 2 * sum(path.stat().st_size for path in paths)
    refusals = _Refusals(write_refused)
    reports: list[FileReport] = []
    notes: list[str] = []
    before = rows = 0
    for path in paths:
        size = path.stat().st_size
        done = _Done(progress, total, before, rows)
        job = _File(log, columns, path, zone, now, refusals, done, notes)
        try:
            reports.append(job.run())
        except OSError as error:
            raise LogNotWritten(f"cannot write beside {path}: {error.strerror or error}") from error
        before += 2 * size
        rows = done.rows
        done.tell(2 * size)
    return ImportReport(tuple(reports), tuple(refusals.first), refusals.total, tuple(dict.fromkeys(notes)))


@dataclass(slots=True)
class _Done:
    """How far we are, over both readings of all files."""

    progress: Progress | None
    total: int
    before: int
    rows: int

    def tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(min(self.before + done, self.total), self.total, self.rows)


@dataclass(slots=True)
class _File:
    """The import of one file."""

    log: Target
    columns: Columns
    path: Path
    zone: ZoneInfo | None
    now: datetime
    refusals: _Refusals
    done: _Done
    notes: list[str]

    def run(self) -> FileReport:
        import_id = _digest(self.path)
        if self.refusals.beside:
            refused_path(self.path).unlink(missing_ok=True)
        types = self._types()
        self._check(types)
        check = RowCheck(self.columns, self.zone, self.now, types)
        rows = labels = skipped = 0
        refused = self.refusals.total
        for part, table in enumerate(self._parts(check)):
            predictions, found = check.split(table)
            if predictions is not None:
                added = self.log.append(predictions, import_id, part)
                rows, skipped = rows + added.rows, skipped + added.skipped
            if found is not None:
                added = self.log.append_labels(found, import_id, part)
                labels += added.rows
                skipped += added.skipped if predictions is None else 0
        report = FileReport(str(self.path), rows, labels, skipped, self.refusals.total - refused)
        if report.already:
            self.notes.append(f"{self.path}: imported before; nothing added")
        return report

    def _parts(self, check: RowCheck) -> Iterator[pa.Table]:
        """The file's good rows, as many records at a time as one commit takes."""
        limit = min(max(PART_CELLS // max(len(check.types), 1), PART_ROWS[0]), PART_ROWS[1])
        size = self.path.stat().st_size
        tables: list[pa.Table] = []
        records = 0
        for block in read_blocks(self.path):
            if tables and records + block.records > limit:
                yield pa.concat_tables(tables)
                tables, records = [], 0
            table, bad = check.good(block)
            self.refusals.add(self.path, [*block.refused, *bad])
            tables.append(table)
            records += block.records
            self.done.rows += block.records
            self.done.tell(size + block.done)
        if tables:
            yield pa.concat_tables(tables)

    def _types(self) -> dict[str, pa.DataType]:
        """Every column's type in the log: as the log has it, else the narrowest for all values of the file."""
        known = self.log.known_types()
        fixed = self._fixed(known)
        if file_format(self.path) == "parquet":
            schema = parquet_schema(self.path)
            stored = {entry.name: import_types.stored_type(entry.type) for entry in schema}
            return {name: fixed.get(name, kind) for name, kind in stored.items()}
        found: dict[str, pa.DataType] = {}
        for block in read_blocks(self.path):
            for name, column in block.columns.items():
                if name in fixed:
                    found[name] = fixed[name]
                    continue
                kinds = block.json_kinds.get(name)
                kind = import_types.guess(column) if kinds is None else import_types.from_json(kinds)
                found[name] = import_types.merge(found.get(name, pa.null()), kind)
            self.done.tell(block.done)
            if file_format(self.path) == "csv" and found.keys() <= fixed.keys():
                break  # the header names all there is, and the log knows it
        return found

    def _fixed(self, known: pa.Schema) -> dict[str, pa.DataType]:
        """Types that do not depend on the file."""
        columns = self.columns
        fixed = {entry.name: entry.type for entry in known}
        for name in (columns.id, columns.version, columns.run):
            if name is not None:
                fixed[name] = pa.string()
        if columns.score is not None and columns.score not in known.names:
            fixed[columns.score] = pa.float64()  # a file may hold nothing but zeros and ones
        for name in (columns.timestamp, columns.label_time):
            if name is not None:
                fixed[name] = TIME
        label = self.log.known_label_type() if columns.label is not None else None
        if label is not None and columns.label is not None:
            fixed[columns.label] = label
        return fixed

    def _check(self, types: dict[str, pa.DataType]) -> None:
        columns = self.columns
        if columns.timestamp in types or labels_only(columns, types):
            if columns.id is not None and columns.id not in types:
                raise LogMismatch(f"{self.path} has no column {columns.id!r} (the id); it has {_some(types)}")
            for part in ("version", "score", "prediction", "run"):
                name = getattr(columns, part)
                if name is not None and name not in types and columns.timestamp in types:
                    self.notes.append(f"{self.path}: no column {name!r} (the {part}); its rows have none")
            if columns.label in types and columns.id is None:
                self.notes.append(f"{self.path}: labels stay in the rows, for columns.id is not set")
            return
        raise LogMismatch(f"{self.path} has no column {columns.timestamp!r} (the timestamp); it has {_some(types)}")


def _some(types: dict[str, Any]) -> str:
    return ", ".join(list(types)[:20]) or "no columns"


def _digest(path: Path) -> str:
    """Names a file by its content. Raises LogUnreachable."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise LogUnreachable(f"cannot read {path}: {error.strerror or error}") from error
