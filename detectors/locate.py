"""Which cell every number of a large batch falls into, without sorting them.

In: a column's edges with their ranks, then finite values. Out: counts of cells, exactly as searching
the edges one by one would give. Kept: one small table a column, made when first used.

A monotone key (linear over the central values, or linear in the bits of positive floats, which is nearly logarithmic)
points into a table that says how many edges lie before the key's bin; comparing with the next edge or two decides
inside the bin. Rows in the few bins with more edges than that are searched. Which key, table and number of comparisons
suit a column is judged once by the reference's own ranks. A sort does the same in 6 ms a million values on processors
with a fast vector sort and in 40 to 60 on others; this takes 6 to 12 on either.

Batches of `COMPILED_ROWS` or more are counted by a compiled loop over the same table (`kernel.py`), smaller ones by
numpy, so that whoever has only small ones never loads the compiler.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.result import FloatArray, IntArray

FEWEST_ROWS = 2048
COMPILED_ROWS = 4096
_BLOCK = 32_768
_TAIL = 0.005
_MOST_PASSES = 3
# Milliseconds a million values: one comparison, a search, and a sort where it is slow. Only their ratios matter.
_PASS, _SEARCH, _SORT = 2.0, 60.0, 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """A column's table: `first[key]` is the number of edges in bins before `key`'s.

    `crowded[key]` marks bins with more edges than `passes` comparisons can tell apart. `padded` and `narrow` are edges
    and table as the compiled loop wants them: ended by +inf and by the number of edges, and small enough for the
    processor's nearest cache.
    """

    edges: FloatArray
    bits: bool
    low: float
    scale: float
    bins: int
    first: NDArray[np.intp]
    crowded: NDArray[np.bool_] | None
    passes: int
    padded: FloatArray
    narrow: NDArray[np.uint16]

    def everything(self, values: FloatArray) -> tuple[IntArray, int, int]:
        """Counts of shape (edges + 1,), then how many values are NaN and how many infinite; by the compiled loop."""
        from detectors import kernel

        total = np.zeros(len(self.edges) + 3, dtype=np.int64)
        raw = values.view(np.int64)
        kernel.count(values, raw, self.bits, self.padded, self.narrow, self.low, self.scale, float(self.bins), total)
        return total[:-2], int(total[-2]), int(total[-1])

    def counts(self, values: FloatArray) -> IntArray:
        """Counts of shape (edges + 1,) of finite values: cell i holds edges[i - 1] < x <= edges[i]."""
        total = np.zeros(len(self.edges) + 1, dtype=np.int64)
        padded = np.append(self.edges, np.inf)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            key = _key(block, self.bits, self.low, self.scale, self.bins)
            cell = self.first.take(key)
            for _ in range(self.passes):
                cell += block > padded.take(cell)
            if self.crowded is not None:
                rows = np.flatnonzero(self.crowded.take(key))
                cell[rows] = np.searchsorted(self.edges, block[rows], side="left")
            total += np.bincount(cell, minlength=len(total))
        return total


def _key(values: FloatArray, bits: bool, low: float, scale: float, bins: int) -> NDArray[np.intp]:
    """The bin of each value, 0 to bins + 1; a larger value never has a smaller one. Negative bits all fall into 0."""
    with np.errstate(over="ignore", under="ignore"):
        place = values.view(np.int64).astype(np.float64) if bits else values
        place = np.subtract(place, low)
        place *= scale
    np.clip(place, -1.0, bins, out=place)
    place += 1.0
    return place.astype(np.intp)


def locator(edges: FloatArray, ranks: IntArray) -> Locator | None:
    """The cheapest table for these edges, or None where sorting is expected to be as good.

    `ranks[i]` is how many reference values are <= edges[i]: it says where the rows are.
    """
    n = int(ranks[-1])
    low, high = (float(edges[np.searchsorted(ranks, share * n)]) for share in (_TAIL, 1.0 - _TAIL))
    best, cheapest = None, _SORT
    for bits, bins, base in ((False, 4096, 6.0), (False, 32_768, 7.0), (True, 4096, 7.0)):
        if bits and low <= 0.0:
            continue
        start, stop = (float(np.float64(end).view(np.int64)) for end in (low, high)) if bits else (low, high)
        with np.errstate(over="ignore", divide="ignore"):
            scale = float(np.float64(bins) / (np.float64(stop) - np.float64(start)))
        if not 0.0 < scale < 1e300 or not np.isfinite(start * scale):
            continue
        place = _key(edges, bits, start, scale, bins)
        held = np.bincount(place, minlength=bins + 2)
        for passes in range(1, _MOST_PASSES + 1):
            crowded = held > passes
            cost = base + _PASS * passes + _SEARCH * _share(place, crowded, ranks)
            if cost < cheapest:
                cheapest = cost
                first = np.searchsorted(place, np.arange(bins + 2), side="left").astype(np.intp)
                padded, narrow = np.append(edges, np.inf), np.append(first, len(edges)).astype(np.uint16)
                some = crowded if crowded.any() else None
                best = Locator(edges, bits, start, scale, bins, first, some, passes, padded, narrow)
    return best


def _share(place: NDArray[np.intp], crowded: NDArray[np.bool_], ranks: IntArray) -> float:
    """Share of the reference's rows in crowded bins: those of the cells that begin or end in one."""
    inside = crowded[place]
    held = np.diff(ranks, prepend=0)
    touched = inside | np.append(False, inside[:-1])
    return float(held[touched].sum() / ranks[-1])
