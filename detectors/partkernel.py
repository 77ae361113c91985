"""Counting a column of a large batch by segment, compiled.

In: the place of every row, its segment, runs. Out: counts, added to the caller's array. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.result import IntArray


@compiled
def count_parts(
    places: NDArray[np.uint16], fold: IntArray, codes: IntArray, bounds: IntArray, total: NDArray[np.int64]
) -> None:
    """Add the rows of run j, `bounds[j]` to `bounds[j + 1]`, to `total[j, codes[i], fold[places[i]]]`."""
    for run in range(len(bounds) - 1):
        for i in range(bounds[run], bounds[run + 1]):
            total[run, np.uint64(codes[i]), np.uint64(fold[np.uint64(places[i])])] += 1
