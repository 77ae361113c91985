"""Data quality: rates of what should not be in a column, against the reference's rates.

In: two profiles on one grid. Out: one `Statistic` a check: `value` is production's rate, `effect` that rate minus the
reference's, the p-value that of two equal rates (`rates.two_proportions`). Kept: nothing.

All range from 0 to 1. Rates are of the rows whose batch had the column, those of `unseen` and `out_of_range` of its
usable values, that of `vanished` of all rows; NaN where there are none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.profile import Profile, require_same_grid
from detectors.rates import rate, two_proportions
from detectors.result import IntArray, Statistic


def missing(reference: Profile, production: Profile) -> Statistic:
    """Null or NaN. A fall is no trouble of its own: what fills the gaps shows in the distribution."""
    require_same_grid(reference, production)
    return _compare(
        reference.null + reference.nan, reference.present, production.null + production.nan, production.present
    )


def non_finite(reference: Profile, production: Profile) -> Statistic:
    """Plus or minus infinity."""
    require_same_grid(reference, production)
    return _compare(reference.infinite, reference.present, production.infinite, production.present)


def type_change(reference: Profile, production: Profile) -> Statistic:
    """Values of a type that cannot be compared with the reference's, such as text where numbers were.

    No p-value: a changed type is a fact, not a sample.
    """
    require_same_grid(reference, production)
    plain = _compare(reference.mismatch, reference.present, production.mismatch, production.present)
    return Statistic(plain.value, effect=plain.effect)


def vanished(reference: Profile, production: Profile) -> Statistic:
    """Rows that came without the column. No p-value: an absent column is a fact, not a sample."""
    grid = require_same_grid(reference, production)
    everyone = np.full(len(grid), reference.rows), np.full(len(grid), production.rows)
    plain = _compare(reference.absent, everyone[0], production.absent, everyone[1])
    return Statistic(plain.value, effect=plain.effect)


def unseen(reference: Profile, production: Profile) -> Statistic:
    """Categories the reference does not have; NaN for numbers."""
    grid = require_same_grid(reference, production)
    last = grid.offsets[1:] - 1
    plain = _compare(reference.counts[last], reference.valid, production.counts[last], production.valid)
    return _only(plain, ~grid.is_number)


def out_of_range(reference: Profile, production: Profile) -> Statistic:
    """Numbers below the minimum or above the maximum of the rows the grid was fitted on; NaN for categories."""
    grid = require_same_grid(reference, production)
    outside = [
        np.add.reduceat(np.where(grid.exterior, profile.counts, 0), grid.offsets[:-1])
        for profile in (reference, production)
    ]
    return _only(_compare(outside[0], reference.valid, outside[1], production.valid), grid.is_number)


def _compare(first: IntArray, n: IntArray, second: IntArray, m: IntArray) -> Statistic:
    value, usual = rate(second, m), rate(first, n)
    # Without reference rows of its own a column is held against a rate of zero.
    effect = value - np.where(n > 0, usual, 0.0)
    return Statistic(value, two_proportions(first, n, second, m), effect)


def _only(plain: Statistic, applies: NDArray[np.bool_]) -> Statistic:
    value, pvalue, effect = (
        np.where(applies, np.nan if part is None else part, np.nan)
        for part in (plain.value, plain.pvalue, plain.effect)
    )
    return Statistic(value, pvalue, effect)
