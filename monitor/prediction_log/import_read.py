"""Files to import, read in blocks: CSV, NDJSON (both also gzipped) and Parquet.

In: a path. Out: blocks of columns with the line (Parquet: row) each came from, and the lines that are no rows.
Kept: nothing; a block holds about two million cells, whatever the file's size.

Blocks depend on the file alone, so that an import that was cut short finds the same ones again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.prediction_log import parquet_file
from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.prediction_log.delta_table import first_line
from monitor.prediction_log.import_block import Block, block_rows, text_block
from monitor.prediction_log.import_csv import csv_blocks

_FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet", ".pq": "parquet"}


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
        yield from csv_blocks(path, stream, raw)


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
            kinds: dict[str, set[str]] = {}
            cells: dict[str, Any] = {}
            for name in names:
                cells[name], kinds[name] = _json_column([row.get(name) for row in rows])
            block = text_block(cells, lines, refused, len(rows) + len(refused), raw.tell())
            block.json_kinds = kinds
            yield block


_JSON_KINDS = {str: "text", bool: "bool", int: "int", float: "float"}


def _json_column(values: list[Any]) -> tuple[pa.Array | list[str | None], set[str]]:
    """One column of NDJSON: an array of numbers or booleans, else its values as text; and the kinds among them."""
    kinds = {_JSON_KINDS.get(kind, "text") for kind in set(map(type, values)) - {type(None)}}
    for kinds_of, arrow in (({"bool"}, pa.bool_()), ({"int"}, pa.int64()), ({"int", "float"}, pa.float64())):
        if kinds and kinds <= kinds_of:
            try:
                return pa.array(values, arrow), kinds
            except (OverflowError, pa.ArrowInvalid):  # an integer beyond 64 bits, or beyond what a float tells apart
                break
    return [None if value is None else _json_text(value) for value in values], kinds


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
