"""Jensen-Shannon distance: how far the shares of bins are from those of both sides together.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

The root of the Jensen-Shannon divergence in bits, so that it ranges from 0 to 1 (no bin in common); larger is further
apart. On the bins of PSI, of which for small changes it is the root of PSI / (8 ln 2): 0.19 at a PSI of 0.2. Bins empty
on one side need no smoothing, bins empty on both add nothing. `effect` is the value less its expectation under no
drift; the p-value is Pearson's on the same bins. (scipy's and Evidently's default is in nats: 0.83 times this.)
Source: Lin 1991; Endres & Schindelin 2003 for the root being a metric.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import FloatArray, Statistic
from detectors.separable import distance

_EIGHT_NATS = 8.0 * float(np.log(2.0))


def js(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """Jensen-Shannon distance of every column: value, p-value and effect, each of shape (features,).

    NaN where a side has no usable value. Raises DetectorError for fewer than 2 bins, and for profiles of two grids.
    """
    return distance(binned(reference, production, bins), _terms, _smooth)


def js_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """`js` of raw arrays of shape (rows, features) on the reference's quantile bins; see `psi_exact`."""
    return on_arrays(js, reference, production, bins)


def _terms(first: FloatArray, second: FloatArray, n: FloatArray, m: FloatArray) -> FloatArray:
    r, p = first / n, second / m
    middle = np.maximum(r + p, 1e-300) / 2.0
    # The logarithm of an empty side is multiplied by 0: any number does.
    bits: FloatArray = r * np.log2(np.maximum(r, 1e-300) / middle) + p * np.log2(np.maximum(p, 1e-300) / middle)
    return bits / 2.0


def _smooth(share: FloatArray, variance: FloatArray) -> FloatArray:
    return (1.0 - share) * variance / _EIGHT_NATS
