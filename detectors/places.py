"""Where each row of a column lies: its cell, or what is wrong with it.

In: a `Column` and the Arrow values that came for it. Out: one place a row. Kept: nothing.
Counting needs no places; segments and samples do.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detectors.cells import is_countable
from detectors.columns import Column, ColumnKind
from detectors.no_cell import ABSENT, INFINITE, MISMATCH, NAN, NULL
from detectors.result import FloatArray, IntArray
from detectors.values import Family, coded, family_of, hashed, numbers

COMPILED_ROWS = 4096


def places(column: Column, array: pa.Array | pa.ChunkedArray | None, rows: int) -> IntArray:
    """The cell of each row, shape (rows,); from `column.cells` on, `column.cells` + the place in `cells.AUX`."""
    if array is None:
        return np.full(rows, column.cells + ABSENT, dtype=np.int64)
    family = family_of(array.type)
    if family is Family.EMPTY:
        return np.full(rows, column.cells + NULL, dtype=np.int64)
    number = column.kind is ColumnKind.NUMBER
    if family is Family.UNUSABLE or (number and not is_countable(column, array)):
        found = np.full(rows, column.cells + MISMATCH, dtype=np.int64)
    elif number:
        found = _of_numbers(column, numbers(array, keep_null=True))
    else:
        return _of_categories(column, array)
    if array.null_count:
        found[np.asarray(array.is_null())] = column.cells + NULL
    return found


def _of_numbers(column: Column, values: FloatArray) -> IntArray:
    if len(values) >= COMPILED_ROWS and column.locator is not None:
        found, total = np.zeros(len(values), dtype=np.uint16), np.zeros(column.cells, dtype=np.int64)
        bounds, odd = np.array([0, len(values)]), np.zeros((1, 2), dtype=np.int64)
        column.locator.count(values, bounds, np.zeros(1, dtype=np.int64), total, column.cells, 0, odd, found)
        return found.astype(np.int64)
    cells = np.searchsorted(column.edges, values, side="left").astype(np.int64)
    wild = ~np.isfinite(values)
    if wild.any():
        cells[wild] = column.cells + np.where(np.isnan(values[wild]), NAN, INFINITE)
    return cells


def _of_categories(column: Column, array: pa.Array | pa.ChunkedArray) -> IntArray:
    texts, codes = coded(array)
    found: IntArray = np.array([_of_category(column, text) for text in texts], dtype=np.int64)[codes]
    return found


def _of_category(column: Column, text: str | float | None) -> int:
    if text is None:
        return column.cells + NULL
    if isinstance(text, float):
        return column.cells + (NAN if np.isnan(text) else INFINITE)
    return column.lookup.get(hashed(column.name, text) if column.private else text, column.cells - 1)
