"""Counting one column of a few rows on its cells.

In: a `Column` and the Arrow values that came for it. Out: `Counted`: integer counts of cells, of what fits no cell,
and an output's fixed-point sums. Kept: nothing; the count of two batches is the sum of their counts, exactly.
Many rows are counted by `tally.py`, by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from detectors.columns import Column, ColumnKind
from detectors.result import FloatArray, IntArray
from detectors.values import Family, family_of, hashed, numbers, tally

AUX = ("null", "nan", "infinite", "mismatch", "absent")
NULL, NAN, INFINITE, MISMATCH, ABSENT = range(5)
SUM_STEPS = 2**20
SQUARE_STEPS = 2**15


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of one column: cells of shape (cells,), `aux` as in `AUX`, and the sums of steps and squared steps."""

    cells: IntArray
    aux: tuple[int, int, int, int, int]
    sums: tuple[int, int] = (0, 0)


def count(column: Column, array: pa.Array | pa.ChunkedArray | None, rows: int) -> Counted:
    """Count what came for a column: `array` of `rows` values, or None where the column is absent."""
    if array is None:
        return Counted(np.zeros(column.cells, dtype=np.int64), (0, 0, 0, 0, rows))
    family = family_of(array.type)
    if family is Family.EMPTY:
        return Counted(np.zeros(column.cells, dtype=np.int64), (rows, 0, 0, 0, 0))
    if column.kind is ColumnKind.NUMBER:
        return _count_numbers(column, array) if is_countable(column, array) else _mismatch(column, array, rows)
    return _mismatch(column, array, rows) if family is Family.UNUSABLE else _count_categories(column, array)


def is_countable(column: Column, array: pa.Array | pa.ChunkedArray) -> bool:
    """Whether the values can be compared with a numeric column's: the same family, or booleans for numbers."""
    family = family_of(array.type.value_type if pa.types.is_dictionary(array.type) else array.type)
    return family is column.family or (family is Family.BOOLEAN and column.family is Family.NUMBER)


def fixed_sums(column: Column, finite: FloatArray) -> tuple[int, int]:
    """The sum of an output's values in steps of its range, and of the squares of coarser steps."""
    steps, squares = _steps(column, finite)
    return int(steps.sum()), int(squares.sum())


def output_steps(column: Column, array: pa.Array | pa.ChunkedArray) -> tuple[IntArray, IntArray]:
    """What each row adds to the sums of an output, shape (rows,) each: 0 for what is no finite number."""
    if not is_countable(column, array):
        return np.zeros(len(array), dtype=np.int64), np.zeros(len(array), dtype=np.int64)
    values = numbers(array, keep_null=True)
    finite = np.isfinite(values)
    steps, squares = _steps(column, np.where(finite, values, column.low))
    return np.where(finite, steps, 0), np.where(finite, squares, 0)


def _steps(column: Column, finite: FloatArray) -> tuple[IntArray, IntArray]:
    place = (np.clip(finite, column.low, column.high) - column.low) / (column.high - column.low)
    coarse = np.rint(place * SQUARE_STEPS).astype(np.int64)
    return np.rint(place * SUM_STEPS).astype(np.int64), coarse * coarse


def _mismatch(column: Column, array: pa.Array | pa.ChunkedArray, rows: int) -> Counted:
    null = int(array.null_count)
    return Counted(np.zeros(column.cells, dtype=np.int64), (null, 0, 0, rows - null, 0))


def _count_numbers(column: Column, array: pa.Array | pa.ChunkedArray) -> Counted:
    null = int(array.null_count)
    # One sort and one search answer everything: numpy sorts -inf first, +inf and then NaN last.
    ordered = np.sort(numbers(array))
    upto = np.searchsorted(ordered, column.keys, side="right")
    first, last, number = int(upto[0]), int(upto[-2]), int(upto[-1])
    sums = fixed_sums(column, ordered[first:last]) if column.is_output else (0, 0)
    cells = np.diff(upto[:-1]).astype(np.int64, copy=False)
    return Counted(cells, (null, len(ordered) - number, first + number - last, 0, 0), sums)


def _count_categories(column: Column, array: pa.Array | pa.ChunkedArray) -> Counted:
    known, null, nan, infinite = tally(array)
    cells = np.zeros(column.cells, dtype=np.int64)
    unseen = column.cells - 1
    for text, rows in known.items():
        cells[column.lookup.get(hashed(column.name, text) if column.private else text, unseen)] += rows
    return Counted(cells, (null, nan, infinite, 0, 0))
