"""The counting loop of large batches, compiled (numba), free of the interpreter lock.

In: values, and a locator's table. Out: counts of cells, of NaN and of infinities. Kept: the machine code, in numba's
cache where there is a writable place for it. Importing this module costs 100 MB and half a second: `locate.py` does so
only when a batch is large enough to earn it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from detectors.result import FloatArray, IntArray


def _count(
    values: FloatArray,
    raw: IntArray,
    bits: bool,
    edges: FloatArray,
    first: NDArray[np.uint16],
    low: float,
    scale: float,
    bins: float,
    total: IntArray,
) -> None:
    """Add to `total` (cells, then NaN, then infinities) each value's cell.

    `raw` is the same memory as `values`, as integers; the key is linear in it where `bits`. `edges` ends with +inf,
    `first[key]` and `first[key + 1]` enclose the edges that lie in the key's bin.
    """
    cells = len(total) - 2
    for i in range(len(values)):
        x = values[i]
        if not np.isfinite(x):
            total[cells + (0 if np.isnan(x) else 1)] += 1
            continue
        place = (np.float64(raw[i]) if bits else x) - low
        key = int(min(max(place * scale, -1.0), bins) + 1.0)
        cell, after = np.int64(first[key]), np.int64(first[key + 1])
        cell += x > edges[cell]
        while cell < after:
            # A bin with several edges: halve what is left of them.
            middle = (cell + after) // 2
            if x > edges[middle]:
                cell = middle + 1
            else:
                after = middle
        total[cell] += 1


def _compiled() -> Any:
    try:
        return numba.njit(nogil=True, cache=True)(_count)
    except RuntimeError:  # nowhere to write a cache: compiled anew in every process
        return numba.njit(nogil=True)(_count)


count = _compiled()
