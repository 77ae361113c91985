"""Whether labels still come: how long ago the last one was received, against the longest pause there has been.

In: times of receipt, and how many labels were to be expected since the last. Out: a `Statistic` of shape (1,).
Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.result import Statistic

FEWEST_PAUSES = 3
_LEAST_PAUSE = 3600.0


def label_feed(received: ArrayLike, now: float, expected: float) -> Statistic:
    """`value`: seconds since the last receipt; `effect`: how many times the longest usual pause that is.

    `received`, shape (labels,), and `now` are in seconds since the epoch; `expected` labels should have come since the
    last one. The p-value is Poisson's, of none coming. Below three earlier pauses, all is NaN: nothing is usual yet.
    Receipts within an hour are one.
    """
    times = np.unique(np.asarray(received, dtype=np.float64).reshape(-1) // _LEAST_PAUSE) * _LEAST_PAUSE
    if len(times) <= FEWEST_PAUSES:
        return Statistic(np.array([np.nan]), np.array([np.nan]), np.array([np.nan]))
    since = max(float(now) - float(np.max(received)), 0.0)
    longest = float(np.diff(times).max())
    return Statistic(np.array([since]), np.array([np.exp(-max(expected, 0.0))]), np.array([since / longest]))
