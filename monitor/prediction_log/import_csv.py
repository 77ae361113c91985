"""CSV files in blocks, each line that is no row with its number.

In: the bytes of a CSV file with a header line, in UTF-8. Out: blocks of string columns, an empty field being null.
Kept: nothing.

A block in which every line is a row, as in most, is read by Arrow, ten times as fast; any other record by record.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log.base import LogMismatch
from monitor.prediction_log.import_block import Block, block_rows, text_block


def csv_blocks(path: Path, stream: IO[bytes], raw: IO[bytes]) -> Iterator[Block]:
    """The blocks of `stream`; `raw` is the file it is unpacked from. Raises LogMismatch for an unusable header."""
    header, delimiter, line = _header(path, stream)
    limit = block_rows(len(header))
    while lines := list(itertools.islice(stream, limit)):
        block = _fast(header, delimiter, lines, line, raw)
        if block is None:
            block, read = _slow(header, delimiter, lines, stream, line, raw)
        else:
            read = len(lines)
        line += read
        yield block
    if line == 1 + _extra(header):
        yield text_block({name: [] for name in header if name}, [], [], 0, raw.tell())


def _extra(header: list[str]) -> int:
    return sum(name.count("\n") for name in header)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _header(path: Path, stream: IO[bytes]) -> tuple[list[str], str, int]:
    """The column names, the delimiter, and how many lines they took."""
    first = _text(stream.readline()).removeprefix("\ufeff")
    if not first.strip():
        raise LogMismatch(f"{path} has no header line")
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(itertools.chain([first], map(_text, stream)), delimiter=delimiter, strict=True)
    try:
        header = next(reader)
    except csv.Error as error:
        raise LogMismatch(f"{path}: its header line cannot be read: {error}") from error
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        raise LogMismatch(f"{path} has several columns named {', '.join(double)}")
    return header, delimiter, reader.line_num


def _fast(header: list[str], delimiter: str, lines: list[bytes], before: int, raw: IO[bytes]) -> Block | None:
    """The lines as a block, None where they need a closer look."""
    import pyarrow.csv

    if any(line[:1] in b"\r\n" for line in lines):
        return None
    data = b"".join(lines)
    if len(header) == 1 or not _well_quoted(data, delimiter):
        return None
    names = [str(place) for place in range(len(header))]
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            pyarrow.csv.ReadOptions(column_names=names, block_size=len(data) + 1),
            pyarrow.csv.ParseOptions(delimiter=delimiter),
            options,
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(lines):
        return None
    columns = {name: _whole(table.column(place)) for place, name in enumerate(header) if name}
    return text_block(columns, list(range(before + 1, before + 1 + len(lines))), [], len(lines), raw.tell())


def _well_quoted(data: bytes, delimiter: str) -> bool:
    """Whether every quote opens or closes a field. Arrow also takes others, which the csv module refuses."""
    cells = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(cells == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    # A doubled quote inside a field closes it and opens it again at once.
    edges = np.array([ord(delimiter), ord("\n"), ord("\r"), ord('"')], dtype=np.uint8)
    return bool(np.isin(cells[opening - 1], edges).all() and np.isin(cells[closing + 1], edges).all())


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _slow(
    header: list[str], delimiter: str, lines: list[bytes], stream: IO[bytes], before: int, raw: IO[bytes]
) -> tuple[Block, int]:
    """The same, record by record; a quoted field that goes on takes further lines. Also how many lines were read."""
    reader = csv.reader(map(_text, itertools.chain(lines, stream)), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    places: list[int] = []
    refused: list[tuple[int, str]] = []
    while reader.line_num < len(lines):
        place = before + reader.line_num + 1
        try:
            row = next(reader)
        except csv.Error as error:
            refused.append((place, f"cannot be read as CSV: {error}"))
            continue
        if len(row) == len(header):
            rows.append(row)
            places.append(place)
        elif row:
            refused.append((place, f"has {len(row)} fields, the header has {len(header)}"))
    values = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    cells = {name: values[place] for place, name in enumerate(header) if name}
    block = text_block(cells, places, refused, len(rows) + len(refused), raw.tell())
    block.columns = {
        name: pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        for name, column in block.columns.items()
    }
    return block, reader.line_num
