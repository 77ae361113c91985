"""Population stability index: how far the shares of bins have moved.

In: two profiles on one grid. Out: a `Statistic`. Kept: nothing.

PSI = sum over bins of (p - r) ln(p / r), with r and p the shares of the reference's and production's usable values.
Range 0 upwards, 0.1 and 0.2 (0.25) are the customary marks for some and much change. A bin empty on one side counts
as half a row there; one empty on both sides adds nothing; nothing else is smoothed, so without empty bins it is the
textbook value. Categories are their own bins, with one for the rare and one for the unseen ones.
Under no drift PSI is not 0 but about (K - 1)(1/n + 1/m) on average for K bins: `effect` is the value less its
expectation (`null_expectation.py`), 0 on average, so that a small window does not breach by noise. The p-value is
Pearson's chi-squared of homogeneity on the same bins, sparse ones put together (`Binned.sparse`): unlike
n m / (n + m) PSI, it holds where categories are many and rows are few.
Source: Kullback & Leibler 1951 (J-divergence); Yurdakul & Naranjo 2020 for its distribution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import FloatArray, Statistic
from detectors.separable import summed


def psi(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """PSI of every column: value, p-value and effect, each of shape (features,); NaN where a side has no usable value.

    `bins` is the number of the grid's quantile bins for numbers (`psi_bins` shows them). Raises DetectorError for
    fewer than 2, and for profiles of two grids.
    """
    return summed(binned(reference, production, bins), _terms, _smooth)


def psi_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """PSI of raw arrays of shape (rows, features) on the reference's quantile bins, as a grid of it makes them.

    NaN and infinite values are left out, feature by feature; a feature without any left is NaN. Raises DetectorError
    for arrays of different widths.
    """
    return on_arrays(psi, reference, production, bins)


def _terms(first: FloatArray, second: FloatArray, n: FloatArray, m: FloatArray) -> FloatArray:
    r, p = np.maximum(first, 0.5) / n, np.maximum(second, 0.5) / m
    terms: FloatArray = (p - r) * np.log(p / r)
    return terms


def _smooth(share: FloatArray, variance: FloatArray) -> FloatArray:
    return (1.0 - share) * variance
