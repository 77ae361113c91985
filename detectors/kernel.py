"""The counting loops of large batches, compiled (numba), free of the interpreter lock.

In: values in runs, and a locator's table. Out: counts of cells, of NaN and of infinities, added to the caller's arrays.
Kept: nothing. Importing this module loads a compiler (`compiled.py`): `tally.py` does so only when a batch is large
enough to earn it.

A block of values goes through three short loops, keys, cells and counts, each of which the processor can keep full: in
one long loop a value's cell would wait for its key. The first has no table and no branch, so that several values are
taken at once. The second takes the same path for every value: whichever way a comparison goes, its outcome is added.
Where a branch is guessed wrong the processor loses as much as ten values cost. The third counts every other value in an
array of its own, since adding to a number that has just been added to is slow, and columns with a frequent value do
little else. Indices are unsigned, since numba would test a signed one for being below zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.locate import CROWDED, INFINITIES, MISSING, PLACE
from detectors.no_cell import INFINITE, NAN
from detectors.result import FloatArray, IntArray

BLOCK = 2048
# Runs of fewer rows a cell are counted one by one.
_SHORT = 8
_LARGEST = float(np.finfo(np.float64).max)

CodeArray = NDArray[np.uint16]


@compiled
def _key(x: float, place: float, bins: float) -> np.uint16:
    """The key of a value by its place between the ends: what lies outside is at either end, NaN beyond."""
    place = place if place > -1.0 else -1.0
    place = place if place < bins else bins
    place = place if x == x else bins + MISSING
    return np.uint16(np.int32(place + 1.0))


@compiled
def _linear(values: FloatArray, low: float, scale: float, bins: float, keys: CodeArray) -> None:
    """The key of each value, its place linear in itself."""
    for i in range(len(values)):
        keys[i] = _key(values[i], (values[i] - low) * scale, bins)


@compiled
def _logarithmic(values: FloatArray, raw: IntArray, low: float, scale: float, bins: float, keys: CodeArray) -> None:
    """The same with the place linear in the bits of a positive value; negative ones all lie below."""
    for i in range(len(values)):
        keys[i] = _key(values[i], (float(raw[i]) - low) * scale, bins)


@compiled
def _cells(
    values: FloatArray, keys: CodeArray, table: CodeArray, edges: FloatArray, passes: int, cells: CodeArray
) -> None:
    """The place of each value: its cell; NaN and infinities have theirs after the cells."""
    wild = np.uint64(len(edges) - INFINITIES + 1 + INFINITE)
    for i in range(np.uint64(len(values))):
        x, key = values[i], np.uint64(keys[i])
        cell = np.uint64(table[key])
        if cell & np.uint64(CROWDED):
            cell = cell & np.uint64(PLACE)
            after = np.uint64(table[key + np.uint64(1)]) & np.uint64(PLACE)
            if not (abs(x) <= _LARGEST):
                cell = after = wild
            while cell < after:
                middle = (cell + after) >> np.uint64(1)
                if x > edges[middle]:
                    cell = middle + np.uint64(1)
                else:
                    after = middle
        else:
            cell += np.uint64(x > edges[cell])
            if passes > 1:
                cell += np.uint64(x > edges[cell])
            if passes > 2:
                cell += np.uint64(x > edges[cell])
                cell += np.uint64(x > edges[cell])
        cells[i] = np.uint16(cell)


@compiled
def _add(cells: CodeArray, even: NDArray[np.uint32], odd: NDArray[np.uint32]) -> None:
    """Count the cells of a block, every other one apart."""
    half = np.uint64(len(cells) // 2)
    for i in range(half):
        first = np.uint64(2) * np.uint64(i)
        even[np.uint64(cells[first])] += np.uint32(1)
        odd[np.uint64(cells[first + np.uint64(1)])] += np.uint32(1)
    if len(cells) & 1:
        even[np.uint64(cells[np.uint64(len(cells) - 1)])] += np.uint32(1)


@compiled
def _add_few(cells: CodeArray, total: IntArray, odd: IntArray) -> None:
    """Count the cells of a short run where they belong: emptying arrays of their own would cost as much."""
    number = np.uint64(len(total))
    for i in range(np.uint64(len(cells))):
        cell = np.uint64(cells[i])
        if cell < number:
            total[cell] += 1
        else:
            odd[cell - number - np.uint64(NAN)] += 1


@compiled
def count(
    values: FloatArray,
    raw: IntArray,
    bounds: IntArray,
    slots: IntArray,
    bits: bool,
    passes: int,
    edges: FloatArray,
    table: CodeArray,
    low: float,
    scale: float,
    bins: float,
    total: IntArray,
    width: int,
    offset: int,
    odd: IntArray,
    found: CodeArray,
) -> None:
    """Count run j, `values[bounds[j] : bounds[j + 1]]`, into `total[slots[j] * width + offset + cell]`.

    `odd`, shape (slots, 2), takes NaN and infinities. `raw` is the same memory as `values`, as integers; the key is
    linear in it where `bits`. `table` and `edges` are a locator's; a bin holds `passes` edges at most, or is crowded.
    `found`, unless empty, takes each value's place, in the order of `places.py`.
    """
    number, keep = len(edges) - INFINITIES + 1, len(found) > 0
    keys, cells = np.empty(BLOCK, np.uint16), np.empty(BLOCK, np.uint16)
    even, others = np.zeros(number + INFINITE + 1, np.uint32), np.zeros(number + INFINITE + 1, np.uint32)
    for run in range(len(slots)):
        slot, start, stop = slots[run], bounds[run], bounds[run + 1]
        short = stop - start < _SHORT * number
        own_total = total[slot * width + offset : slot * width + offset + number]
        while start < stop:
            end = min(start + BLOCK, stop)
            part, own = values[start:end], cells[: end - start]
            if bits:
                _logarithmic(part, raw[start:end], low, scale, bins, keys)
            else:
                _linear(part, low, scale, bins, keys)
            _cells(part, keys, table, edges, passes, own)
            if short:
                _add_few(own, own_total, odd[slot])
            else:
                _add(own, even, others)
            if keep:
                for row in range(start, end):
                    found[row] = cells[row - start]
            start = end
        if not short:
            for cell in range(number + INFINITE + 1):
                rows = np.int64(even[cell]) + np.int64(others[cell])
                even[cell] = others[cell] = 0
                if cell < number:
                    own_total[cell] += rows
                elif rows:
                    odd[slot, cell - number - NAN] += rows
