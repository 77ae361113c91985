"""Do two samples have one mean?

In: means, standard deviations and sizes of both. Out: two-sided p-values. Kept: nothing. Source: Welch 1947.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from detectors.result import FloatArray, IntArray


def welch(
    mean: FloatArray, spread: FloatArray, n: IntArray, now: FloatArray, now_spread: FloatArray, m: IntArray
) -> FloatArray:
    """Welch's t-test of arrays of one shape; NaN where a side has fewer than 2 rows. Spreads must be above 0."""
    parts = spread**2 / np.maximum(n - 1, 1), now_spread**2 / np.maximum(m - 1, 1)
    error = parts[0] + parts[1]
    freedom = error**2 / (parts[0] ** 2 / np.maximum(n - 1, 1) + parts[1] ** 2 / np.maximum(m - 1, 1))
    pvalue = 2.0 * stdtr(freedom, -np.abs(now - mean) / np.sqrt(error))
    tested: FloatArray = np.where((n > 1) & (m > 1), pvalue, np.nan)
    return tested
