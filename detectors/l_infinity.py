"""L-infinity: the largest change in the share of any bin.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

max |p - r| over the bins of PSI, from 0 to 1; larger is further apart. Of quantile bins it says little (each holds a
tenth), of categories it says whether any of them has grown or shrunk. No smoothing: an empty bin is a share of 0. The
p-value is Pearson's on the same bins; small windows are held back by it alone, there is no `effect` beside the value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.bins import BINS, binned, on_arrays
from detectors.profile import Profile
from detectors.result import Statistic


def l_infinity(reference: Profile, production: Profile, bins: int = BINS) -> Statistic:
    """L-infinity of every column: value and p-value, each of shape (features,); NaN where a side has no usable value.

    Raises DetectorError for fewer than 2 bins, and for profiles of two grids.
    """
    counts = binned(reference, production, bins)
    r, p = counts.shares()
    value = np.where(counts.usable, np.maximum.reduceat(np.abs(p - r), counts.starts), np.nan)
    return Statistic(value, counts.pvalue)


def l_infinity_exact(reference: ArrayLike, production: ArrayLike, bins: int = BINS) -> Statistic:
    """`l_infinity` of raw arrays of shape (rows, features) on the reference's quantile bins; see `psi_exact`."""
    return on_arrays(l_infinity, reference, production, bins)
