"""Where numbers lie among a column's edges, by looking it up instead of sorting.

In: a column's edges with their ranks. Out: a `Locator`, whose table the compiled loop (`kernel.py`) reads.
Kept: nothing.

A monotone key (linear over the central values, or linear in the bits of positive floats, which is nearly logarithmic)
points into a table that says how many edges lie before the key's bin; comparing with the next edge, or two or four,
decides inside the bin. Bins with more edges than that are crowded: there the edges are searched. Which key, table and
number of comparisons suit a column is judged once by the reference's own ranks, and where nothing suits, values are
sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.no_cell import NAN
from detectors.result import FloatArray, IntArray

CROWDED, PLACE = 0x8000, 0x7FFF
# Keys are 0 (below), 1 to bins, bins + 1 (above), an end for searches in that, and NaN's.
MISSING = 2
# After the edges: for comparisons past the end, and of NaN, which has its place after the cells.
INFINITIES = 3
_TAIL = 0.001
# The ends are frequent values of many columns (0 and 1): a few bins further out, they share theirs with no edge beyond.
_MARGIN = 2
# Nanoseconds a value, but only their ratios matter: one comparison, a search among many edges, a sort where it is slow.
_PASS, _SEARCH, _SORT = 1.0, 20.0, 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """A column's table: `table[key]` is the number of edges in bins before `key`'s, with `CROWDED` set or not.

    Bins that are not crowded hold `passes` edges at most; those beyond both ends always are, so that infinities are
    looked for nowhere else. `edges` are the column's and then infinities, so that comparisons past the end add nothing.
    """

    edges: FloatArray
    bits: bool
    passes: int
    low: float
    scale: float
    bins: int
    table: NDArray[np.uint16]

    def count(
        self,
        values: FloatArray,
        bounds: IntArray,
        slots: IntArray,
        total: IntArray,
        width: int,
        offset: int,
        odd: IntArray,
        found: NDArray[np.uint16],
    ) -> None:
        """Count runs of values by the compiled loop; the arguments are `kernel.count`'s. Loads the compiler."""
        from detectors import kernel

        # Arrow's memory cannot be written, what was converted can: one kind only, or the loops are compiled twice.
        values = values.view()
        values.setflags(write=False)
        kernel.count(
            values, values.view(np.int64), bounds, slots, self.bits, self.passes, self.edges, self.table, self.low,
            self.scale, float(self.bins), total, width, offset, odd, found,
        )  # fmt: skip


def locator(edges: FloatArray, ranks: IntArray) -> Locator | None:
    """The cheapest table for these edges, or None where sorting is expected to be as good.

    `ranks[i]` is how many reference values are <= edges[i]: it says where the rows are.
    """
    n = int(ranks[-1])
    if len(edges) + INFINITIES >= CROWDED:
        return None
    low, high = (float(edges[np.searchsorted(ranks, share * n)]) for share in (_TAIL, 1.0 - _TAIL))
    best, cheapest = None, _SORT
    for bits, bins, base in ((False, 4096, 2.0), (False, 32_000, 3.0), (True, 4096, 2.5)):
        if bits and low <= 0.0:
            continue
        start, stop = (float(np.float64(end).view(np.int64)) for end in (low, high)) if bits else (low, high)
        with np.errstate(over="ignore", divide="ignore"):
            scale = float(np.float64(bins - 2 * _MARGIN) / (np.float64(stop) - np.float64(start)))
        if not 0.0 < scale < 1e300:
            continue
        start -= _MARGIN / scale
        if not np.isfinite(start * scale):
            continue
        place = _key(edges, bits, start, scale, bins)
        held = np.bincount(place, minlength=bins + 2)
        for passes in (1, 2, 4):
            crowded = held > passes
            crowded[[0, -1]] = True
            cost = base + _PASS * passes + _SEARCH * _share(place, crowded, ranks)
            if cost < cheapest:
                cheapest = cost
                first = np.searchsorted(place, np.arange(bins + 2), side="left")
                marked = np.where(crowded, first | CROWDED, first)
                table = np.append(marked, [len(edges), len(edges) + 1 + NAN]).astype(np.uint16)
                padded = np.append(edges, [np.inf] * INFINITIES)
                best = Locator(padded, bits, passes, start, scale, bins, table)
    return best


def _key(values: FloatArray, bits: bool, low: float, scale: float, bins: int) -> NDArray[np.intp]:
    """The bin of each value, 0 to bins + 1; a larger value never has a smaller one. Negative bits all fall into 0."""
    with np.errstate(over="ignore", under="ignore"):
        place = values.view(np.int64).astype(np.float64) if bits else values
        place = np.subtract(place, low)
        place *= scale
    np.clip(place, -1.0, bins, out=place)
    place += 1.0
    return place.astype(np.intp)


def _share(place: NDArray[np.intp], crowded: NDArray[np.bool_], ranks: IntArray) -> float:
    """Share of the reference's rows in crowded bins: those of the cells that begin or end in one."""
    inside = crowded[place]
    held = np.diff(ranks, prepend=0)
    touched = inside | np.append(False, inside[:-1])
    return float(held[touched].sum() / ranks[-1])
