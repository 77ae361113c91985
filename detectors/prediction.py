"""Prediction shift: what the model says has changed, whatever it was asked.

In: two profiles on one grid. Out: a `Statistic`, NaN for columns that are no prediction. Kept: nothing.
The score's distribution as a whole is watched by `ks` and `psi`, as that of any column; what a probability says of
itself (confidence, entropy, nearness to the decision) is in `score.py`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from detectors.columns import Column
from detectors.profile import Profile, require_same_grid
from detectors.rates import two_proportions
from detectors.result import IntArray, Statistic
from detectors.welch import welch


def class_rate(reference: Profile, production: Profile) -> Statistic:
    """The largest change in the rate of any predicted class, of shape (features,), in 0 to 1.

    For columns of the role prediction that hold categories; classes the reference does not know count as one. The
    p-value is the smallest of the classes' two-proportion ones, times the number of classes (Bonferroni).
    """
    grid = require_same_grid(reference, production)
    value, pvalue = np.full(len(grid), np.nan), np.full(len(grid), np.nan)
    for index in np.flatnonzero(grid.is_prediction & ~grid.is_number):
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        first, second = reference.counts[cells], production.counts[cells]
        n, m = int(first.sum()), int(second.sum())
        if n and m:
            each = two_proportions(first, np.full(len(first), n), second, np.full(len(first), m))
            classes = int((first + second > 0).sum())
            value[index] = np.abs(second / m - first / n).max()
            pvalue[index] = min(1.0, float(each.min()) * max(classes - 1, 1))
    return Statistic(value, pvalue)


def mean_shift(reference: Profile, production: Profile) -> Statistic:
    """Change of the mean of a numeric score or prediction, in standard deviations of the reference, signed.

    Means are of values clipped to the column's range, exact to (high - low) / 2**20, so that one absurd value moves
    nothing. The p-value is Welch's t-test (1947).
    """
    require_same_grid(reference, production)
    n, m = reference.valid, production.valid
    (mean, spread), (now, now_spread) = reference.moments(), production.moments()
    return Statistic((now - mean) / spread, welch(mean, spread, n, now, now_spread, m))


def spread_shift(reference: Profile, production: Profile) -> Statistic:
    """Change of the standard deviation of a numeric score or prediction, over the reference's: 0.5 is half more.

    From -1 (it no longer varies) upwards, of values clipped as in `mean_shift`. The p-value is the normal test of the
    logarithm of the ratio, whose variance is (kurtosis - 1) / 4 (1/n + 1/m); the kurtosis is both sides' together,
    from the middles of the cells. Source: Bonett 2006; Layard 1973.
    """
    grid = require_same_grid(reference, production)
    n, m = np.maximum(reference.valid, 1), np.maximum(production.valid, 1)
    spread, now = reference.moments()[1], production.moments()[1]
    kurtosis = np.full(len(grid), np.nan)
    for index in np.flatnonzero(grid.is_output):
        column = grid.columns[index]
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        kurtosis[index] = _kurtosis(column, reference.counts[cells] + production.counts[cells])
    error = np.sqrt((kurtosis - 1.0) / 4.0 * (1.0 / n + 1.0 / m))
    pvalue = 2.0 * ndtr(-np.abs(np.log(now / spread)) / np.maximum(error, 1e-12))
    return Statistic(now / spread - 1.0, np.where((n > 1) & (m > 1), pvalue, np.nan))


def _kurtosis(column: Column, counts: IntArray) -> float:
    """Fourth moment over the squared second of an output's clipped values; 1, the least there is, where none vary."""
    # What is beyond the reference's minimum and maximum counts as these: the cells there may be wide.
    low, high = (min(max(float(column.edges[end]), column.low), column.high) for end in column.span)
    edges = (np.clip(column.edges, low, high) - column.low) / (column.high - column.low)
    middles = np.concatenate((edges[:1], edges)) / 2.0 + np.concatenate((edges, edges[-1:])) / 2.0
    shares = counts / max(int(counts.sum()), 1)
    off = (middles - shares @ middles) ** 2
    second = float(shares @ off)
    return max(float(shares @ off**2) / second**2, 1.0) if second > 1e-12 else 1.0
