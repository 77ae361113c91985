"""What an import reads at a time: a block of columns, and the lines that are no rows.

In: cells as strings or arrays. Out: `Block`.
Kept: nothing; a block holds about two million cells, whatever the file's size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

BLOCK_CELLS = 2_000_000
BLOCK_ROWS = (1_000, 100_000)  # at least, at most


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: where it is and why. Never what it holds."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Block:
    """Some consecutive records. Columns are strings (CSV) or have the type of their values (NDJSON, Parquet).

    `records` counts the file's records in the block, good or not; `done` the bytes of the file read so far;
    `json_kinds` says which kinds of values NDJSON had in each column.
    """

    columns: dict[str, pa.Array]
    lines: np.ndarray[Any, np.dtype[np.int64]]
    refused: list[tuple[int, str]]
    records: int
    done: int
    json_kinds: dict[str, set[str]] = field(default_factory=dict)


def block_rows(columns: int) -> int:
    """Records a block takes of a file this wide."""
    return min(max(BLOCK_CELLS // max(columns, 1), BLOCK_ROWS[0]), BLOCK_ROWS[1])


def text_block(
    cells: dict[str, Any], lines: list[int], refused: list[tuple[int, str]], records: int, done: int
) -> Block:
    """A block of columns that are arrays already or text; text that is not Unicode refuses its row."""
    columns = {}
    bad: set[int] = set()
    for name, values in cells.items():
        if isinstance(values, pa.Array):
            columns[name] = values
            continue
        try:
            columns[name] = pa.array(values, pa.string())
        except UnicodeEncodeError:
            broken = {place for place, value in enumerate(values) if value is not None and not _is_unicode(value)}
            columns[name] = pa.array([None if i in broken else v for i, v in enumerate(values)], pa.string())
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
