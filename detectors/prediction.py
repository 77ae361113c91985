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
    n, m = reference.valid, production.valid
    widths, starts = np.diff(grid.offsets), grid.offsets[:-1]
    wide_n, wide_m = np.repeat(n, widths), np.repeat(m, widths)
    change = np.abs(production.counts / np.maximum(wide_m, 1) - reference.counts / np.maximum(wide_n, 1))
    value = np.maximum.reduceat(change, starts)
    classes = np.add.reduceat(((reference.counts + production.counts) > 0).astype(np.int64), starts)
    each = np.nan_to_num(two_proportions(reference.counts, wide_n, production.counts, wide_m), nan=1.0)
    pvalue = np.minimum(1.0, np.minimum.reduceat(each, starts) * np.maximum(classes - 1, 1))
    usable = grid.is_prediction & ~grid.is_number & (n > 0) & (m > 0)
    return Statistic(np.where(usable, value, np.nan), np.where(usable, pvalue, np.nan))


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
