"""The counting loops of large batches, compiled (numba), free of the interpreter lock.

In: values in runs, and a locator's table. Out: counts of cells, of NaN and of infinities, added to the caller's arrays.
Kept: the machine code, in numba's cache where there is a writable place for it. Importing this module costs 100 MB and
half a second: `tally.py` does so only when a batch is large enough to earn it.

The loops take the same path for every value: whichever way a comparison goes, its outcome is added. Where a branch is
guessed wrong the processor loses as much as five values cost. Indices are unsigned, since numba would test a signed one
for being below zero.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from detectors.locate import CROWDED, PLACE
from detectors.result import FloatArray, IntArray

_LARGEST = float(np.finfo(np.float64).max)


def _count(
    values: FloatArray,
    raw: IntArray,
    bounds: IntArray,
    slots: IntArray,
    bits: bool,
    twice: bool,
    edges: FloatArray,
    table: NDArray[np.uint16],
    low: float,
    scale: float,
    bins: float,
    total: IntArray,
    width: int,
    offset: int,
    odd: IntArray,
    found: NDArray[np.uint16],
) -> None:
    """Count run j, `values[bounds[j] : bounds[j + 1]]`, into `total[slots[j] * width + offset + cell]`.

    `odd`, shape (slots, 2), takes NaN and infinities. `raw` is the same memory as `values`, as integers; the key is
    linear in it where `bits`. `table` and `edges` are a locator's; `twice` says that a bin may hold two edges. `found`,
    unless empty, takes each value's cell (the number of cells, for what is not finite).
    """
    keep = len(found) > 0
    for run in range(len(slots)):
        base = np.uint64(slots[run] * width + offset)
        for i in range(np.uint64(bounds[run]), np.uint64(bounds[run + 1])):
            x = values[i]
            if not (abs(x) <= _LARGEST):
                odd[slots[run], 0 if x != x else 1] += 1
                if keep:
                    found[i] = np.uint16(len(edges))
                continue
            place = ((np.float64(raw[i]) if bits else x) - low) * scale
            place = place if place > -1.0 else -1.0
            place = place if place < bins else bins
            key = np.uint64(np.int64(place + 1.0))
            cell = np.uint64(table[key])
            if cell & np.uint64(CROWDED):
                cell = cell & np.uint64(PLACE)
                after = np.uint64(table[key + np.uint64(1)]) & np.uint64(PLACE)
                while cell < after:
                    middle = (cell + after) >> np.uint64(1)
                    if x > edges[middle]:
                        cell = middle + np.uint64(1)
                    else:
                        after = middle
            else:
                cell += np.uint64(x > edges[cell])
                if twice:
                    cell += np.uint64(x > edges[cell])
            total[base + cell] += 1
            if keep:
                found[i] = np.uint16(cell)


def _compiled(function: Any) -> Any:
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # nowhere to write a cache: compiled anew in every process
        return numba.njit(nogil=True)(function)


count = _compiled(_count)
