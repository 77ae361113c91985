"""Whether one day's value is unusual among earlier days.

In: earlier daily values, oldest first, and today's. Out: `Unusual`. Kept: nothing.
A day is held against its own weekday where four of each are known. Days that hang together make the spread larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

FEWEST_DAYS = 14
_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Unusual:
    """`expected` for a day like this one, `score` in standard deviations of days, one-sided p-value of so far out."""

    expected: float
    score: float
    pvalue: float
    days: int


def unusual_value(values: ArrayLike, weekdays: ArrayLike, today: float, weekday: int) -> Unusual:
    """Today's value by the earlier ones, shape (days,), whose weekdays (0 to 6) are given; NaN below 14 days."""
    known = np.asarray(values, dtype=np.float64)
    day: NDArray[np.int64] = np.asarray(weekdays, dtype=np.int64)[np.isfinite(known)]
    known = known[np.isfinite(known)]
    nan = float("nan")
    if len(known) < FEWEST_DAYS:
        return Unusual(nan, nan, nan, len(known))
    counts = np.bincount(day, minlength=7)
    spent, level = 1, np.full(7, known.mean())
    if counts.min() >= _WEEKS:
        spent, level = 7, np.array([known[day == each].mean() for each in range(7)])
    rest = known - level[day]
    df = len(known) - spent
    spread = float(np.sqrt((rest**2).sum() / df)) * float(np.sqrt(1.0 + spent / len(known)))
    away = today - float(level[weekday])
    if spread <= 1e-12 * max(1.0, abs(float(level[weekday]))):
        return Unusual(float(level[weekday]), nan, nan, len(known))
    score = away / spread
    return Unusual(float(level[weekday]), score, float(stdtr(df, -abs(score))), len(known))
