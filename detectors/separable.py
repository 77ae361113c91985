"""Statistics that are a sum over bins: value, p-value, and how much of the value is more than noise.

In: rows of both sides in bins, the term of one bin and its average under no drift. Out: a `Statistic`. Kept: nothing.

`effect` is the value less its expectation under no drift (`null_expectation.py`): 0 on average for any number of bins
and of rows, negative about half of the time. The p-value is Pearson's on the same bins.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from detectors.bins import Binned
from detectors.null_expectation import Smooth, Terms, expectation
from detectors.result import FloatArray, IntArray, Statistic


def summed(counts: Binned, terms: Terms, smooth: Smooth) -> Statistic:
    """The sum of `terms` over each column's filled bins; arrays of shape (features,), NaN without rows on a side."""
    value = _sum(counts, terms)
    return Statistic(value, counts.pvalue, value - expectation(counts, terms, smooth))


def distance(counts: Binned, terms: Terms, smooth: Smooth) -> Statistic:
    """The root of such a sum, where the sum itself ranges from 0 to 1."""
    value = np.sqrt(np.clip(_sum(counts, terms), 0.0, 1.0))
    free = counts.total(counts.filled.astype(np.int64)) - 1
    usual = np.sqrt(np.maximum(expectation(counts, terms, smooth), 0.0)) * _chi_mean(free)
    return Statistic(value, counts.pvalue, value - usual)


def _sum(counts: Binned, terms: Terms) -> FloatArray:
    n, m = counts.spread(np.maximum(counts.n, 1)), counts.spread(np.maximum(counts.m, 1))
    each = np.where(counts.filled, terms(counts.reference, counts.production, n, m), 0.0)
    return np.where(counts.usable, counts.total(each), np.nan)


def _chi_mean(freedom: IntArray) -> FloatArray:
    """Mean of the root of a chi-squared variable over the root of its mean, by degrees of freedom.

    A sum's expectation times this, squared, is that of its root: sums under no drift are near multiples of chi-squared.
    """
    half = np.maximum(freedom, 1) / 2.0
    mean: FloatArray = np.exp(gammaln(half + 0.5) - gammaln(half)) / np.sqrt(half)
    return mean
