"""A clock that is off: timestamps moved by whole hours.

In: a day's rows by hour, and those of usual days. Out: a `Statistic` of shape (1,). Kept: nothing.

How far a day is from the usual pattern is the Poisson deviance of its 24 counts, per row. The pattern is moved round
the clock; the best place is named where the day is unusual as it stands (three times as far as any of the usual days
from the rest of them), and usual when moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.result import FloatArray, Statistic

HOURS = 24
FEWEST_DAYS, FEWEST_ROWS = 3, 100
_UNUSUAL, _USUAL = 3.0, 1.5
_CLEAR = 30.0


def clock_shift(counts: ArrayLike, usual: ArrayLike) -> Statistic:
    """By how many hours the timestamps look shifted, -11 to 12: `value`; 0 for none. `effect` is its size.

    `counts` is the day's rows by hour, shape (24,); `usual` those of earlier days, shape (days, 24). NaN with fewer
    than 3 usual days or 100 rows on any side. No p-value: days vary more than chance, and are compared with each other.
    """
    day = np.asarray(counts, dtype=np.float64)
    days = np.asarray(usual, dtype=np.float64).reshape(-1, HOURS)
    days = days[days.sum(axis=1) >= FEWEST_ROWS]
    if day.shape != (HOURS,) or day.sum() < FEWEST_ROWS or len(days) < FEWEST_DAYS:
        return Statistic(np.array([np.nan]), effect=np.array([np.nan]))
    total = days.sum(axis=0)
    varies = max(_deviance(each, total - each) for each in days)
    lags = np.array([_deviance(np.roll(day, -lag), total) for lag in range(HOURS)])
    best = int(lags.argmin())
    chance = HOURS / day.sum()
    found = (
        lags[0] >= _UNUSUAL * max(varies, chance)
        and lags[best] <= max(_USUAL * varies, 2.0 * chance)
        and (lags[0] - lags[best]) * day.sum() >= _CLEAR
    )
    hours = (best if best <= HOURS // 2 else best - HOURS) if found else 0
    return Statistic(np.array([float(hours)]), effect=np.array([float(abs(hours))]))


def _deviance(day: FloatArray, pattern: FloatArray) -> float:
    """2 x sum of c ln(c / expected), per row of the day, the pattern's empty hours counted as half a row."""
    share = (pattern + 0.5) / (pattern + 0.5).sum()
    part = np.divide(day, day.sum() * share)
    return float(2.0 * (day * np.log(np.where(day > 0.0, part, 1.0))).sum() / day.sum())
