"""What a sum over bins comes to on average when nothing has drifted, so that small windows can be told from drift.

In: the rows of both sides in bins (`Binned`), and the statistic's term of one bin. Out: its expectation, shape
(features,). Kept: nothing. No random numbers.

Under no drift each side is a draw of its size from the rows of both together, so a bin's rows in the smaller sample
are hypergeometric given the bin's total (what a permutation test shuffles). Where 10 or more of them are expected the
statistic's second-order formula is used, which for PSI adds up to (K - 1)(1/n + 1/m); below, where it fails (empty
bins, logarithms), the distribution is summed out, bin by bin. Why not Monte Carlo: docs/decisions/null-expectation.md.
Source: the expectation is that of Fisher's permutation distribution (1935); for PSI Yurdakul & Naranjo 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammaln

from detectors.bins import Binned
from detectors.result import FloatArray, IntArray

ENOUGH = 10.0
# Beyond this many rows in a bin where fewer than `ENOUGH` are expected lies less than 1e-12 of the distribution.
_MOST_ROWS = 42

Terms = Callable[[Any, Any, Any, Any], FloatArray]
"""Of rows in bins and rows of samples (first, second, n, m), broadcast: what each bin adds to the statistic."""

Smooth = Callable[[FloatArray, FloatArray], FloatArray]
"""Of a bin's share and the variance 1/n + 1/m: what it adds on average where it is well filled."""


def expectation(counts: Binned, terms: Terms, smooth: Smooth) -> FloatArray:
    """The expected sum of `terms` over each column's bins under no drift, shape (features,); 0 without rows."""
    n, m = counts.n, counts.m
    total = counts.reference + counts.production
    both = n + m
    variance = 1.0 / np.maximum(n, 1) + 1.0 / np.maximum(m, 1)
    each = smooth(total / counts.spread(np.maximum(both, 1)), counts.spread(variance))
    expected = total * counts.spread(np.minimum(n, m) / np.maximum(both, 1))
    each[total == 0] = 0.0
    few = np.flatnonzero((expected > 0.0) & (expected < ENOUGH))
    if len(few):
        each[few] = _few_rows(total[few], counts.spread(n)[few], counts.spread(m)[few], terms)
    return counts.total(each)


def _few_rows(total: IntArray, n: IntArray, m: IntArray, terms: Terms) -> FloatArray:
    if (n != n[0]).any() or (m != m[0]).any():
        return _summed_out(total, n, m, terms)
    # Without gaps in the data all columns have as many rows, and few different totals.
    different, which = np.unique(total, return_inverse=True)
    return _summed_out(different, n[: len(different)], m[: len(different)], terms)[which]


def _summed_out(total: IntArray, n: IntArray, m: IntArray, terms: Terms) -> FloatArray:
    """Expected terms of bins with `total` rows, over how many of these fall into the smaller of two samples."""
    reverse = n < m
    small, large = np.minimum(n, m).astype(np.float64), np.maximum(n, m).astype(np.float64)
    rows = np.maximum(total - large, 0.0)
    # The logarithm loses digits for billions of rows; the weights are brought to a sum of 1 at the end.
    weight = np.exp(_choose(total, rows) + _choose(small + large - total, small - rows) - _choose(small + large, small))
    mass, expected = np.zeros(len(total)), np.zeros(len(total))
    for _ in range(min(int(total.max()), _MOST_ROWS) + 1):
        rest = total - rows
        first, second = np.where(reverse, rows, rest), np.where(reverse, rest, rows)
        mass += weight
        expected += weight * terms(first, second, n, m)
        weight = weight * np.maximum(rest, 0.0) * (small - rows) / ((rows + 1.0) * (large - rest + 1.0))
        rows = np.minimum(rows + 1.0, np.minimum(total, small))
    return expected / mass


def _choose(n: FloatArray | IntArray, k: FloatArray) -> FloatArray:
    """Logarithm of the binomial coefficient."""
    chosen: FloatArray = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return chosen
