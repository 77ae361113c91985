"""Some of many rows, evenly from beginning to end, in step with nothing.

In: how many rows there are, how many are wanted. Out: their places. Kept: nothing.
"""

from __future__ import annotations

import numpy as np

from detectors.result import IntArray

_GOLDEN = 0.6180339887498949


def thinned(rows: int, most: int) -> IntArray:
    """The places of about `most` of `rows` rows, all where there are no more, in order.

    Multiples of the golden section: every n-th row would be of the same weekday, or of the same half of the days.
    """
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.unique((rows * ((np.arange(most) * _GOLDEN) % 1.0)).astype(np.int64))
