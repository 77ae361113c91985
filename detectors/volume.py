"""How many rows came, and how old the newest is.

In: plain counts and ages. Out: a `Statistic` of shape (1,). Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from detectors.result import Statistic

FEWEST_USUAL = 3
_MAD_TO_SD = 1.4826
OPERATIONAL = {
    "volume": 0.5,
    "freshness": 3.0,
    "clock_shift": 1.0,
    "late_rows": 0.05,
    "duplicates": 0.01,
    "label_feed": 2.0,
    "training_overlap": 0.01,
    "preprocessing_change": 1.0,
    "unregistered_version": 1.0,
    "training_skew": 0.2,
}


def volume(rows: int, usual: ArrayLike) -> Statistic:
    """Rows against the usual: `value` is (rows - median) / median of `usual`, -1 for no rows at all, 0.5 for half more.

    `usual` holds the counts of comparable windows (the same weekday, if the caller can); with fewer than 3, or a
    median of 0, the statistic is NaN. The p-value is Student's t of the distance over the larger of the counts' spread
    (1.4826 MAD) and Poisson's; a busier or quieter day than the median is no news in itself.
    """
    counts = np.asarray(usual, dtype=np.float64).reshape(-1)
    middle = float(np.median(counts)) if len(counts) >= FEWEST_USUAL else 0.0
    if not middle:
        return Statistic(np.array([np.nan]), np.array([np.nan]))
    spread = max(_MAD_TO_SD * float(np.median(np.abs(counts - middle))), np.sqrt(middle))
    distance = abs(rows - middle) / (spread * np.sqrt(1.0 + 1.0 / len(counts)))
    return Statistic(np.array([(rows - middle) / middle]), np.array([2.0 * stdtr(len(counts) - 1, -distance)]))


def freshness(age: float, usual: ArrayLike) -> Statistic:
    """Age of the newest row, in seconds: `value` is the age, `effect` how many times the largest usual age that is.

    `usual` holds ages at earlier evaluations, or gaps between rows, in seconds; where it is empty or all 0, `effect` is
    NaN. No p-value. A newest row from the future (negative age) counts as age 0.
    """
    ages = np.asarray(usual, dtype=np.float64).reshape(-1)
    largest = float(ages.max(initial=0.0))
    seconds = max(float(age), 0.0)
    return Statistic(np.array([seconds]), effect=np.array([seconds / largest if largest else np.nan]))
