"""Counting the rows of many slots (hours) at once, column by column.

In: a grid, how many slots, then the columns of batches with the runs of rows that belong to each slot. Out: one profile
a slot. Kept: the counts so far, added to in place; threads may add columns at the same time.

Of few rows every row's place is found (`places.py`); many rows go through the compiled loop (`kernel.py`), which
whoever has only small batches never loads. Both count alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.cells import fixed_sums, is_countable, output_steps
from detectors.columns import Column, ColumnKind
from detectors.no_cell import ABSENT, AUX, INFINITE, NAN, NULL
from detectors.places import COMPILED_ROWS, places
from detectors.profile import Profile, parts_shape
from detectors.result import IntArray
from detectors.values import numbers

if TYPE_CHECKING:
    from detectors.grid import Grid

# Where rows lie (`places.py`): as the compiled loop tells it, or as integers of any batch.
PlaceArray = NDArray[np.uint16] | IntArray

_NOTHING = np.empty(0, dtype=np.uint16)


@dataclass(frozen=True, slots=True)
class Runs:
    """Which rows of a batch belong to which slot.

    Run j, rows `bounds[j]` to `bounds[j + 1]` of those that `order` names (None: the rows as they are, from `first`
    on), belongs to `slots[j]`. `bounds` begins at 0, has shape (runs + 1,); rows that no run names are left out.
    `segments` holds, for each segment column, the segment of every row of the runs.
    """

    first: int
    bounds: IntArray
    slots: IntArray
    order: IntArray | None = None
    segments: tuple[IntArray, ...] = ()

    @classmethod
    def whole(cls, rows: int, segments: tuple[IntArray, ...] = ()) -> Runs:
        """All rows of a batch, for slot 0."""
        return cls(0, np.array([0, rows], dtype=np.int64), np.zeros(1, dtype=np.int64), None, segments)

    @classmethod
    def of(cls, keys: IntArray, segments: tuple[IntArray, ...] = ()) -> Runs:
        """Rows by the slot that `keys`, shape (rows,), says; below 0 is left out. Rows in order are not moved.

        `segments` are those of all rows, one array of shape (rows,) a segment column.
        """
        order: IntArray | None = None
        first, last = 0, len(keys)
        if np.any(keys[1:] < keys[:-1]):
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
        if len(keys) and keys[0] < 0:
            first = int(np.searchsorted(keys, 0))
            keys = keys[first:]
            if order is not None:
                order, first = order[first:], 0
        last = len(keys)
        cuts = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        bounds = np.concatenate(([0], cuts, [last])) if last else np.zeros(1, dtype=np.int64)
        chosen = slice(first, first + last) if order is None else order
        codes = tuple(each[chosen] for each in segments)
        return cls(first, bounds.astype(np.int64), keys[bounds[:-1]].astype(np.int64), order, codes)

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Each run's slot, first row and number of rows."""
        return zip(self.slots.tolist(), self.bounds.tolist(), self.lengths.tolist(), strict=False)

    @property
    def rows(self) -> int:
        """How many rows have a slot."""
        return int(self.bounds[-1])

    @property
    def lengths(self) -> IntArray:
        """Rows of each run, shape (runs,)."""
        return np.diff(self.bounds)

    def cut(self, array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """The rows that have a slot, in the order of the runs."""
        if self.order is not None:
            return array.take(pa.array(self.order))
        return array if self.rows == len(array) else array.slice(self.first, self.rows)


class Tally:
    """Counts of `slots` slots on one grid, at zero."""

    def __init__(self, grid: Grid, slots: int) -> None:
        self.grid = grid
        self.rows = np.zeros(slots, dtype=np.int64)
        self._counts = np.zeros((slots, grid.cells), dtype=np.int64)
        self._aux = np.zeros((slots, len(grid), len(AUX)), dtype=np.int64)
        self._sums = np.zeros((slots, len(grid), 2), dtype=np.int64)
        self._parts = np.zeros((slots, *parts_shape(grid)), dtype=np.int64)
        self._locks = [Lock() for _ in range(len(grid))]  # a column of two batches is added one after the other

    def add_rows(self, runs: Runs) -> None:
        """Count a batch's rows; each of the grid's columns is to be added once for it."""
        np.add.at(self.rows, runs.slots, runs.lengths)
        for slot, start, rows in runs.spans():
            for first, last, codes in self._segments(runs):
                self._parts[slot, first:last, 0] += np.bincount(codes[start : start + rows], minlength=last - first)

    def _segments(self, runs: Runs) -> Iterator[tuple[int, int, IntArray]]:
        starts = self.grid.segment_starts.tolist()
        return zip(starts, starts[1:], runs.segments, strict=False)

    def add(self, place: int, array: pa.Array | pa.ChunkedArray | None, runs: Runs) -> None:
        """Count one column of a batch: the grid's column at `place`, None where the batch lacks it."""
        with self._locks[place]:
            self._add(place, array, runs)

    def _add(self, place: int, array: pa.Array | pa.ChunkedArray | None, runs: Runs) -> None:
        column = self.grid.columns[place]
        if array is not None:
            array = runs.cut(array)
        if array is None:
            np.add.at(self._aux[:, place, ABSENT], runs.slots, runs.lengths)
            found = places(column, None, runs.rows) if runs.segments else _NOTHING
        elif _is_fast(column, array, runs):
            found = self._add_many(place, column, array, runs)
        else:
            found = self._add_few(place, column, array, runs)
        if runs.segments:
            self._add_parts(place, column, array, runs, found)

    def _add_few(self, place: int, column: Column, array: pa.Array | pa.ChunkedArray, runs: Runs) -> PlaceArray:
        """Find every row's place, count the places of all runs at once, and return them."""
        width, first = column.cells + len(AUX), int(self.grid.offsets[place])
        run = np.repeat(np.arange(len(runs.slots)), runs.lengths)
        where = places(column, array, runs.rows)
        found = np.bincount(run * width + where, minlength=len(runs.slots) * width).reshape(-1, width)
        # A slot is in one run at most, so that none is added to twice here.
        self._counts[runs.slots, first : first + column.cells] += found[:, : column.cells]
        self._aux[runs.slots, place] += found[:, column.cells :]
        if column.is_output:
            for which, steps in enumerate(output_steps(column, array)):
                # Sums of integers below 2**53: exact in float64.
                total = np.bincount(run, steps, minlength=len(runs.slots))
                self._sums[runs.slots, place, which] += total.astype(np.int64)
        return where

    def _add_many(self, place: int, column: Column, array: pa.Array | pa.ChunkedArray, runs: Runs) -> PlaceArray:
        """Count by the compiled loop; returns every row's place where there are segments."""
        assert column.locator is not None
        values = numbers(array, keep_null=True)
        odd = np.zeros((len(self.rows), 2), dtype=np.int64)
        total, offset = self._counts.reshape(-1), int(self.grid.offsets[place])
        found = np.empty(len(values), dtype=np.uint16) if runs.segments else _NOTHING
        column.locator.count(values, runs.bounds, runs.slots, total, self.grid.cells, offset, odd, found)
        if array.null_count:
            nulls = np.array([array.slice(start, rows).null_count for _, start, rows in runs.spans()], dtype=np.int64)
            np.add.at(self._aux[:, place, NULL], runs.slots, nulls)
            np.subtract.at(odd[:, 0], runs.slots, nulls)  # the loop saw them as NaN
            if runs.segments:
                found[np.asarray(array.is_null())] = column.cells + NULL
        self._aux[:, place, NAN] += odd[:, 0]
        self._aux[:, place, INFINITE] += odd[:, 1]
        if column.is_output:
            for slot, start, rows in runs.spans():
                part = values[start : start + rows]
                self._sums[slot, place] += fixed_sums(column, part[np.isfinite(part)])
        return found

    def _add_parts(
        self, place: int, column: Column, array: pa.Array | pa.ChunkedArray | None, runs: Runs, found: PlaceArray
    ) -> None:
        """Count one column by segment: on the coarse cells, and beside them what fits no cell."""
        coarse = self.grid.coarse
        at, own = int(coarse.offsets[place]), coarse.columns[place].cells
        width, aux = own + len(AUX), 1 + coarse.cells + place * len(AUX)
        sums = 1 + coarse.cells + len(coarse) * len(AUX) + place * 2
        first = int(self.grid.offsets[place])
        fold = np.concatenate((self.grid.folds[first : first + column.cells] - at, own + np.arange(len(AUX))))
        steps = output_steps(column, array) if column.is_output and array is not None else None
        for low, high, codes in self._segments(runs):
            each = _by_segment(found, fold, codes, runs, high - low, width)
            # A slot is in one run at most, so that none is added to twice here.
            self._parts[runs.slots, low:high, 1 + at : 1 + at + own] += each[:, :, :own]
            self._parts[runs.slots, low:high, aux : aux + len(AUX)] += each[:, :, own:]
            for shift, weights in enumerate(steps or ()):
                for slot, start, rows in runs.spans():
                    mine = slice(start, start + rows)
                    # Sums of integers below 2**53: exact in float64.
                    total = np.bincount(codes[mine], weights[mine], minlength=high - low)
                    self._parts[slot, low:high, sums + shift] += total.astype(np.int64)

    def profile(self, slot: int) -> Profile:
        """What has been counted for a slot."""
        return Profile(
            self.grid,
            int(self.rows[slot]),
            self._counts[slot].copy(),
            self._aux[slot].copy(),
            self._sums[slot].copy(),
            self._parts[slot].copy(),
        )


def _is_fast(column: Column, array: pa.Array | pa.ChunkedArray, runs: Runs) -> bool:
    """Whether the compiled loop counts a column."""
    many = runs.rows >= COMPILED_ROWS and column.kind is ColumnKind.NUMBER and is_countable(column, array)
    return many and column.locator is not None


def _by_segment(found: PlaceArray, fold: IntArray, codes: IntArray, runs: Runs, segments: int, width: int) -> IntArray:
    """Rows of each run, segment and coarse place, shape (runs, segments, width)."""
    shape = (len(runs.slots), segments, width)
    if found.dtype == np.uint16:
        from detectors.partkernel import count_parts

        total = np.zeros(shape, dtype=np.int64)
        count_parts(found, fold, codes, runs.bounds, total)
        return total
    run = np.repeat(np.arange(len(runs.slots)), runs.lengths)
    keys = (run * segments + codes) * width + fold[found]
    return np.bincount(keys, minlength=segments * width * len(runs.slots)).reshape(shape)
