"""Files to import, read in blocks: CSV, NDJSON (both also gzipped) and Parquet.

In: a path. Out: blocks of columns with the line (Parquet: row) each came from, and the lines that are no rows.
Kept: nothing; a block holds about two million cells, whatever the file's size.

Blocks depend on the file alone, so that an import that was cut short finds the same ones again.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.prediction_log import parquet_file
from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.prediction_log.delta_table import first_line

BLOCK_CELLS = 2_000_000
BLOCK_ROWS = (1_000, 100_000)  # at least, at most
_FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: where it is and why. Never what it holds."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Block:
    """Some consecutive records. Columns are strings (CSV, NDJSON) or typed (Parquet).

    `records` counts the file's records in the block, good or not; `done` the bytes of the file read so far;
    `json_kinds` says which kinds of values NDJSON had in each column.
    """

    columns: dict[str, pa.Array]
    lines: np.ndarray[Any, np.dtype[np.int64]]
    refused: list[tuple[int, str]]
    records: int
    done: int
    json_kinds: dict[str, set[str]] = field(default_factory=dict)


def file_format(path: Path) -> str:
    """`csv`, `ndjson` or `parquet`, by extension. Raises LogMismatch."""
    name = path.name.lower()
    packed = name.endswith(".gz")
    kind = _FORMATS.get(Path(name.removesuffix(".gz")).suffix)
    if kind is None or (packed and kind == "parquet"):
        raise LogMismatch(f"{path}: import takes .csv, .ndjson, .jsonl (also .gz) and .parquet files")
    return kind


def read_blocks(path: Path) -> Iterator[Block]:
    """The file's blocks in order. Raises LogUnreachable (cannot be read), LogMismatch (no such format, no header)."""
    kind = file_format(path)
    try:
        if kind == "parquet":
            yield from _parquet(path)
        elif kind == "csv":
            yield from _csv(path)
        else:
            yield from _ndjson(path)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise LogUnreachable(f"cannot read {path}: {first_line(error)}") from error


def block_rows(columns: int) -> int:
    """Records a block takes of a file this wide."""
    return min(max(BLOCK_CELLS // max(columns, 1), BLOCK_ROWS[0]), BLOCK_ROWS[1])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file's bytes unpacked, and the file itself, whose position is the progress."""
    with path.open("rb") as raw:
        if path.name.lower().endswith(".gz"):
            with gzip.open(raw, "rb") as unpacked:
                yield unpacked, raw  # type: ignore[misc]  # GzipFile reads as IO[bytes] does
        else:
            yield raw, raw


def _parquet(path: Path) -> Iterator[Block]:
    size = path.stat().st_size
    with parquet_file.open_file(str(path), buffer=1 << 20) as file:
        parquet_file.check_columns(file, str(path))
        total = file.metadata.num_rows
        done = 0
        for batch in file.iter_batches(batch_size=block_rows(len(file.schema_arrow))):
            lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
            done += batch.num_rows
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            yield Block(columns, lines, [], batch.num_rows, size * done // max(total, 1))
        if total == 0:
            empty = {field.name: pa.nulls(0, field.type) for field in file.schema_arrow}
            yield Block(empty, np.arange(0, dtype=np.int64), [], 0, size)


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a Parquet file. Raises LogUnreachable."""
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise LogUnreachable(f"cannot read {path}: {first_line(error)}") from error


def _csv(path: Path) -> Iterator[Block]:
    with _opened(path) as (stream, raw):
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline()
        if not first.strip():
            raise LogMismatch(f"{path} has no header line")
        delimiter = max(",;\t|", key=first.count)
        # The header's own quoted line breaks count as lines too.
        reader = csv.reader(itertools.chain([first], text), delimiter=delimiter, strict=True)
        try:
            header = next(reader)
        except csv.Error as error:
            raise LogMismatch(f"{path}: its header line cannot be read: {error}") from error
        double = sorted({name for name in header if name and header.count(name) > 1})
        if double:
            raise LogMismatch(f"{path} has several columns named {', '.join(double)}")
        limit = block_rows(len(header))
        ended = False
        while not ended:
            rows: list[list[str]] = []
            lines: list[int] = []
            refused: list[tuple[int, str]] = []
            while len(rows) + len(refused) < limit:
                line = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    ended = True
                    break
                except csv.Error as error:
                    refused.append((line, f"cannot be read as CSV: {error}"))
                    continue
                if len(row) == len(header):
                    rows.append(row)
                    lines.append(line)
                elif row:
                    refused.append((line, f"has {len(row)} fields, the header has {len(header)}"))
            records = len(rows) + len(refused)
            values = list(zip(*rows, strict=True)) if rows else [()] * len(header)
            cells = {name: values[place] for place, name in enumerate(header) if name}
            yield _text_block(cells, lines, refused, records, raw.tell(), empty_is_null=True)


def _ndjson(path: Path) -> Iterator[Block]:
    with _opened(path) as (stream, raw):
        limit: int | None = None
        number = 0
        ended = False
        while not ended:
            rows: list[dict[str, Any]] = []
            lines: list[int] = []
            refused: list[tuple[int, str]] = []
            while limit is None or len(rows) + len(refused) < limit:
                line = stream.readline()
                if not line:
                    ended = True
                    break
                number += 1
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    what = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else "is not JSON"
                    refused.append((number, what))
                    continue
                if not isinstance(row, dict):
                    refused.append((number, "is not a JSON object"))
                    continue
                rows.append(row)
                lines.append(number)
                limit = limit or block_rows(len(row))
            names = dict.fromkeys(name for row in rows for name in row if name)
            kinds: dict[str, set[str]] = {name: set() for name in names}
            cells = {name: [_json_text(row.get(name), kinds[name]) for row in rows] for name in names}
            block = _text_block(cells, lines, refused, len(rows) + len(refused), raw.tell(), empty_is_null=False)
            block.json_kinds = kinds
            yield block


def _json_text(value: Any, kinds: set[str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        kinds.add("text")
        return value
    if isinstance(value, bool):
        kinds.add("bool")
        return "true" if value else "false"
    if isinstance(value, int):
        kinds.add("int")
        return str(value)
    if isinstance(value, float):
        kinds.add("float")
        return repr(value) if not math.isnan(value) else "nan"
    kinds.add("text")
    return json.dumps(value, ensure_ascii=False)


def _text_block(
    cells: dict[str, Any],
    lines: list[int],
    refused: list[tuple[int, str]],
    records: int,
    done: int,
    *,
    empty_is_null: bool,
) -> Block:
    columns = {}
    bad: set[int] = set()
    for name, values in cells.items():
        given = [value or None for value in values] if empty_is_null else list(values)
        try:
            columns[name] = pa.array(given, pa.string())
        except UnicodeEncodeError:
            broken = {place for place, value in enumerate(given) if value is not None and not _is_unicode(value)}
            columns[name] = pa.array([None if i in broken else v for i, v in enumerate(given)], pa.string())
            bad |= broken
    numbers = np.array(lines, dtype=np.int64)
    if bad:
        refused += [(lines[place], "is not UTF-8") for place in sorted(bad)]
        keep = np.array([place not in bad for place in range(len(lines))])
        columns = {name: column.filter(pa.array(keep)) for name, column in columns.items()}
        numbers = numbers[keep]
    return Block(columns, numbers, refused, records, done)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
