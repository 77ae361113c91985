"""Rows that came twice, and rows that came late.

In: plain counts. Out: a `Statistic` of shape (1,). Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtrc

from detectors.result import Statistic

MOST_DUPLICATES = 0.01


def duplicates(distinct: int, rows: int) -> Statistic:
    """Share of rows whose id has come before, 0 to 1; NaN without rows. A retry storm is far above `MOST_DUPLICATES`.

    `distinct` of `rows` ids are different. The p-value is binomial: the chance of so many if `MOST_DUPLICATES` of the
    rows were usual. An estimated `distinct` may exceed `rows`: that is no duplicate.
    """
    if rows <= 0:
        return Statistic(np.array([np.nan]), np.array([np.nan]))
    repeated = min(max(rows - distinct, 0), rows)
    pvalue = float(bdtrc(float(repeated - 1), rows, MOST_DUPLICATES)) if repeated else 1.0
    return Statistic(np.array([repeated / rows]), np.array([pvalue]))


def late_rows(first: int, now: int) -> Statistic:
    """Share of a window's rows that came after it was first judged, 0 to 1; NaN without rows.

    `first` is how many there were then, `now` how many there are; rows that were deleted since are no late ones.
    No p-value: it is a fact.
    """
    return Statistic(np.array([max(now - first, 0) / now if now > 0 else np.nan]))
