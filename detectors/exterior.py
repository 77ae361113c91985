"""The cells outside of the reference's range: where production goes when a unit changes.

In: a number's edges with their ranks. Out: the same with exterior edges on either side. Kept: nothing.

Two sets of edges, none of which a row of the reference is beyond:

- at distances from the range of 1/64, 1/32, ... 512 spreads, so that whatever leaves the range is followed about as
  precisely as it is near; the outermost cell is open-ended, so nothing can stretch anything;
- where each known conversion of units (`units.CONVERSIONS`) would bring the reference's quartiles: after a change of
  units a narrow column can lie far from its range and in one of the cells above as a whole.

A left edge has rank 0 and a right one rank n, so quantiles and the bins of PSI are what they are without them; KS
against the grid's own reference is too, for outside of its range a distance only shrinks.
"""

from __future__ import annotations

import numpy as np

from detectors.result import FloatArray, IntArray
from detectors.units import CONVERSIONS

STEPS = 2.0 ** np.arange(-6, 10)
_LARGEST = float(np.finfo(np.float64).max)
_QUARTILES = (0.25, 0.75)


def with_exterior(edges: FloatArray, ranks: IntArray, convertible: bool = True) -> tuple[FloatArray, IntArray]:
    """Edges, the first just below the minimum and the last the maximum, with exterior ones before and after.

    `ranks[i]` is how many reference values are <= `edges[i]`. All new edges are finite and the whole is strictly
    increasing; where floats end, there are fewer. `convertible` says whether units can be mistaken at all.
    """
    width, n = spread(edges, ranks), int(ranks[-1])
    with np.errstate(over="ignore"):
        places = [edges[0] - width * STEPS, edges[-1] + width * STEPS]
        if convertible:
            middles = quartiles(edges, ranks)
            places += [each.factor * middles + each.offset for each in CONVERSIONS if middles[1] > middles[0]]
    found = np.unique(np.concatenate(places))
    left = found[(found > -_LARGEST) & (found < edges[0])]
    right = found[(found > edges[-1]) & (found < _LARGEST)]
    return (
        np.concatenate((left, edges, right)),
        np.concatenate((np.zeros(len(left), np.int64), ranks, np.full(len(right), n, np.int64))),
    )


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
