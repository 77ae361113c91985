"""Chi-squared: Pearson's test that both sides have the same shares, and Cramér's V as its size.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

`value` is Cramér's V, the root of chi-squared over all rows of both sides: 0 to 1 (no bin in common), larger is further
apart, on the bins of PSI. It depends on the ratio of the two sizes: one side many times the other makes V small
whatever has changed, so hold it against a threshold only between windows of like size. `effect` is V less its bias
(Bergsma 2013), never below 0. The p-value is that of chi-squared, sparse bins put together (`Binned.sparse`); bins
empty on both sides are left out, one empty on one side needs no smoothing.
Source: Pearson 1900; Cramér 1946.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import Statistic


def chi_squared(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """Cramér's V of every column: value, p-value and effect, each of shape (features,).

    NaN where a side has no usable value. Raises DetectorError for fewer than 2 bins, and for profiles of two grids.
    """
    counts = binned(reference, production, bins)
    n, m = np.maximum(counts.n, 1).astype(np.float64), np.maximum(counts.m, 1).astype(np.float64)
    r, p = counts.shares()
    total = np.maximum(counts.reference + counts.production, 1)
    both = n + m
    # chi-squared / (n + m) of a table of two rows, with the shares pooled as (n r + m p) / (n + m).
    square = counts.total((p - r) ** 2 / total) * n * m / both
    free = np.maximum(counts.total(counts.filled.astype(np.int64)) - 1, 0)
    bias = free / (both - 1.0)
    most = np.minimum(1.0 - 1.0 / (both - 1.0), free * (1.0 - bias))
    effect = np.sqrt(np.maximum(square - bias, 0.0) / np.maximum(most, 1e-9))
    usable = counts.usable
    return Statistic(
        np.where(usable, np.sqrt(square), np.nan),
        counts.pvalue,
        np.where(usable, np.minimum(effect, 1.0), np.nan),
    )


def chi_squared_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """`chi_squared` of raw arrays of shape (rows, features) on the reference's quantile bins; see `psi_exact`."""
    return on_arrays(chi_squared, reference, production, bins)
