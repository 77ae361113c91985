"""What is counted beside cells: an output's fixed-point sums.

In: a `Column` and the Arrow values that came for it. Out: whether they can be compared with it, and what each row adds
to the sums. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detectors.columns import Column
from detectors.result import FloatArray, IntArray
from detectors.values import Family, family_of, numbers

SUM_STEPS = 2**20
SQUARE_STEPS = 2**15


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
