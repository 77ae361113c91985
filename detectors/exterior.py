"""The cells hardly any row of the reference is in: where production goes when a unit changes.

In: a number's edges with their ranks. Out: the same with more edges outside of the reference's range, in gaps inside
of it, and between its outermost rows. Kept: nothing.

Two sets of edges:

- at distances of 1/64, 1/32, ... 512 spreads from the range (and from the rest of the rows, where the outermost ones
  are far), so that whatever leaves it is followed about as precisely as it is near; the outermost cell is open-ended,
  so nothing can stretch anything;
- where each known conversion of units (`units.CONVERSIONS`) would bring the reference's quartiles: after a change of
  units a narrow column can lie far from its range and in one of the cells above as a whole, or, of whole numbers,
  between two of them.

Only the first and last cell inside of the range, of 1/500 of the rows each, are cut where the reference has rows: so
the bins of PSI are what they are without these edges, and KS differs from what it would be by 1/500 at most, towards
the exact one.
"""

from __future__ import annotations

import numpy as np

from detectors.result import FloatArray, IntArray
from detectors.units import CONVERSIONS

STEPS = 2.0 ** np.arange(-6, 10)
_LARGEST = float(np.finfo(np.float64).max)
_QUARTILES = (0.25, 0.75)


def with_exterior(
    edges: FloatArray, ranks: IntArray, ordered: FloatArray, convertible: bool = True
) -> tuple[FloatArray, IntArray]:
    """Edges of sorted values `ordered`, the first just below the minimum and the last the maximum, with more of them.

    `ranks[i]` is how many reference values are <= `edges[i]`. All new edges are finite and the whole is strictly
    increasing; where floats end, there are fewer. `convertible` says whether units can be mistaken at all.
    """
    width = spread(edges, ranks)
    with np.errstate(over="ignore", invalid="ignore"):
        places = [edges[0] - width * STEPS, edges[-1] + width * STEPS]
        # An outlier at either end is not where the rows are.
        places += [edges[1] - width * STEPS] if edges[1] / 2 - edges[0] / 2 > width / 2 else []
        places += [edges[-2] + width * STEPS] if edges[-1] / 2 - edges[-2] / 2 > width / 2 else []
        if convertible:
            middles = quartiles(edges, ranks)
            places += [each.factor * middles + each.offset for each in CONVERSIONS if middles[1] > middles[0]]
    found = np.setdiff1d(np.concatenate(places), edges)
    found = found[np.abs(found) < _LARGEST]
    place = np.searchsorted(edges, found)
    held = np.diff(ranks, prepend=0, append=ranks[-1])[place]
    free = (held == 0) | (place <= 1) | (place >= len(edges) - 1)
    found = found[free]
    everything = np.sort(np.concatenate((edges, found)))
    return everything, np.searchsorted(ordered, everything, side="right").astype(np.int64)


def quartiles(edges: FloatArray, ranks: IntArray) -> FloatArray:
    """First and third quartile, each half-way into the gap above it, so that ties lie clearly on one side."""
    positions = np.searchsorted(ranks, np.array(_QUARTILES) * ranks[-1])
    middles: FloatArray = edges[positions] / 2 + edges[np.minimum(positions + 1, len(edges) - 1)] / 2
    return middles


def spread(edges: FloatArray, ranks: IntArray) -> float:
    """A robust standard deviation, above zero: the narrowest central range that is not empty, from the middle half on.

    Of a constant it is its own size, or 1 for zero.
    """
    n = int(ranks[-1])
    for share, deviations in ((0.25, 1.349), (0.1, 2.563), (0.05, 3.29), (0.01, 4.653), (0.0, 6.0)):
        low, high = (edges[np.searchsorted(ranks, max(part * n, 1))] for part in (share, 1.0 - share))
        width = min(float(high / 2) - float(low / 2), _LARGEST / 2) / (deviations / 2)
        if width > 0.0:
            return width
    return abs(float(edges[-1])) or 1.0
