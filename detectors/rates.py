"""Is the rate of something the same in two samples?

In: how many of how many, twice. Out: two-sided p-values. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, ndtr

from detectors.result import FloatArray, IntArray

LARGE = 10.0


def rate(part: NDArray[np.int64], whole: NDArray[np.int64]) -> FloatArray:
    """part / whole, NaN where the whole is empty."""
    out: FloatArray = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def two_proportions(first: IntArray, n: IntArray, second: IntArray, m: IntArray) -> FloatArray:
    """Two-sided p-values that `first` of `n` and `second` of `m` have one rate; NaN where a sample is empty.

    Where the rarer outcome is expected 10 times or more in both samples: the pooled normal test with continuity
    correction (Fleiss 1981). Elsewhere the count in the second sample given the total, which is binomial for rare
    outcomes (Przyborowski & Wilenski 1940) and wider than the hypergeometric one for common ones, so never too small
    by this choice; the plain normal test would be, by orders of magnitude.
    """
    total, both = first + second, n + m
    flip = 2 * total > both
    total = np.where(flip, both - total, total)
    seen = np.where(flip, m - second, second)
    share = np.divide(m, both, out=np.full(np.shape(both), 0.5), where=both > 0)
    expected = total * share
    odds = np.divide(total, both, out=np.zeros(np.shape(both)), where=both > 0)
    deviation = np.sqrt(np.maximum(expected * (1.0 - share) * (1.0 - odds), 1e-300))
    normal = 2.0 * ndtr(-np.maximum(np.abs(seen - expected) - 0.5, 0.0) / deviation)
    upper = np.where(seen > 0, bdtrc(np.maximum(seen - 1.0, 0.0), total, share), 1.0)
    lower = bdtr(seen.astype(np.float64), total, share)
    exact = np.minimum(1.0, 2.0 * np.minimum(upper, lower))
    large = total * np.minimum(share, 1.0 - share) >= LARGE
    return np.where((n > 0) & (m > 0), np.where(large, normal, exact), np.nan)
