"""Total variation: the share of rows that would have to change their bin.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

Half the sum of |p - r| over the bins of PSI, from 0 to 1 (no bin in common); larger is further apart. No smoothing: an
empty bin is a share of 0. `effect` is the value less its expectation under no drift; the p-value is Pearson's on the
same bins. Source: Levin, Peres & Wilmer 2009, chapter 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import FloatArray, Statistic
from detectors.separable import summed


def total_variation(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """Total variation of every column: value, p-value and effect, each of shape (features,).

    NaN where a side has no usable value. Raises DetectorError for fewer than 2 bins, and for profiles of two grids.
    """
    return summed(binned(reference, production, bins), _terms, _smooth)


def total_variation_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """`total_variation` of raw arrays of shape (rows, features) on the reference's quantile bins; see `psi_exact`."""
    return on_arrays(total_variation, reference, production, bins)


def _terms(first: FloatArray, second: FloatArray, n: FloatArray, m: FloatArray) -> FloatArray:
    moved: FloatArray = np.abs(second / m - first / n) / 2.0
    return moved


def _smooth(share: FloatArray, variance: FloatArray) -> FloatArray:
    # Half the mean of a normal variable without its sign.
    return np.sqrt(share * (1.0 - share) * variance / (2.0 * np.pi))
