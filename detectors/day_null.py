"""What one more day would be like, by the days of the reference: p-values that take a day as the unit, not a row.

In: a statistic of each reference day, and of the window. Out: one-sided p-values. Kept: nothing.

Rows of a day share its weather, its campaigns, its outages; a test that takes rows as independent calls every day a
change. Here the window is one more draw from the distribution the reference days were drawn from: with m and s their
mean and standard deviation over k days, (x - m) / (s sqrt(1 + 1/k)) follows Student's t with k - 1 degrees of freedom
under normality (the predictive distribution, e.g. Geisser 1993).
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from detectors.result import FloatArray

FEWEST_DAYS = 8
_LEAST_SPREAD = 1e-3


def p_lower(days: FloatArray, window: FloatArray) -> FloatArray:
    """The chance that a day like `days`, shape (days, ...), has a value as low as `window`, shape (...).

    NaN in `days` is a day that has no value; NaN with fewer than 8 days that have one, or where the window has none.
    A spread below 0.001 counts as 0.001: days that all agree do not make the smallest difference impossible.
    """
    there = ~np.isnan(days)
    count = there.sum(axis=0)
    enough = np.maximum(count, 2)
    mean = np.where(there, days, 0.0).sum(axis=0) / np.maximum(count, 1)
    spread = np.sqrt(np.where(there, (days - mean) ** 2, 0.0).sum(axis=0) / (enough - 1))
    place = (window - mean) / (np.maximum(spread, _LEAST_SPREAD) * np.sqrt(1.0 + 1.0 / enough))
    pvalue: FloatArray = np.where(count >= FEWEST_DAYS, stdtr(enough - 1, place), np.nan)
    return pvalue
