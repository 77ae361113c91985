"""Prediction shift: what the model says has changed, whatever it was asked.

In: two profiles on one grid. Out: a `Statistic`, NaN for columns that are no prediction. Kept: nothing.
The score's distribution as a whole is watched by `ks` and `psi`, as that of any column.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from detectors.profile import Profile, require_same_grid
from detectors.rates import two_proportions
from detectors.result import Statistic


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
    value = (now - mean) / spread
    parts = spread**2 / np.maximum(n - 1, 1), now_spread**2 / np.maximum(m - 1, 1)
    error = parts[0] + parts[1]
    freedom = error**2 / (parts[0] ** 2 / np.maximum(n - 1, 1) + parts[1] ** 2 / np.maximum(m - 1, 1))
    pvalue = 2.0 * stdtr(freedom, -np.abs(now - mean) / np.sqrt(error))
    enough = (n > 1) & (m > 1)
    return Statistic(value, np.where(enough & ~np.isnan(value), pvalue, np.nan))
