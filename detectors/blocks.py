"""Columns by blocks whose cells, with what is computed of them, stay in the processor's cache.

In: a grid. Out: slices. Kept: nothing. Over all cells of 10,000 columns at once each step waits for memory: five times
as long for KS (docs/decisions/detectors-in-numpy.md).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.grid import Grid

_CELLS = 16_384


def blocks(grid: Grid) -> Iterator[tuple[slice, slice]]:
    """Neighbouring columns and all of their cells, about 16,000 cells a block or one column if it has more."""
    offsets, start = grid.offsets, 0
    while start < len(grid):
        stop = int(np.searchsorted(offsets, offsets[start] + _CELLS, side="right")) - 1
        stop = max(stop, start + 1)
        yield slice(start, stop), slice(int(offsets[start]), int(offsets[stop]))
        start = stop
