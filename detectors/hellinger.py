"""Hellinger distance: how far the roots of the shares of bins have moved.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

The root of half the sum of (sqrt(p) - sqrt(r))^2, from 0 to 1 (no bin in common); larger is further apart. On the bins
of PSI, of which for small changes it is the root of PSI / 8: 0.16 at a PSI of 0.2. No smoothing: an empty bin is a
share of 0. `effect` is the value less its expectation under no drift; the p-value is Pearson's on the same bins.
Source: Hellinger 1909.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import FloatArray, Statistic
from detectors.separable import distance


def hellinger(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """Hellinger distance of every column: value, p-value and effect, each of shape (features,).

    NaN where a side has no usable value. Raises DetectorError for fewer than 2 bins, and for profiles of two grids.
    """
    return distance(binned(reference, production, bins), _terms, _smooth)


def hellinger_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """`hellinger` of raw arrays of shape (rows, features) on the reference's quantile bins; see `psi_exact`."""
    return on_arrays(hellinger, reference, production, bins)


def _terms(first: FloatArray, second: FloatArray, n: FloatArray, m: FloatArray) -> FloatArray:
    squares: FloatArray = (np.sqrt(second / m) - np.sqrt(first / n)) ** 2 / 2.0
    return squares


def _smooth(share: FloatArray, variance: FloatArray) -> FloatArray:
    return (1.0 - share) * variance / 8.0
