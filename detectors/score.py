"""What a probability says of itself: how sure the model is, and how many of its decisions are close.

In: two profiles on one grid. Out: a `Statistic`, NaN for columns that are no scores between 0 and 1. Kept: nothing.

All are read from the score's cells, without the rows. A cell is narrow, so what a function is on it is known within a
range: the middle of the range is taken, and `bound` is what the value can be off, half the ranges weighted by both
sides' shares. With 500 cells of a score that is a few thousandths at most, and nothing where values have own cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import entr

from detectors.columns import Column, Role
from detectors.grid import Grid
from detectors.profile import Profile, require_same_grid
from detectors.rates import two_proportions
from detectors.result import FloatArray, IntArray, Statistic
from detectors.welch import welch

NEAR = 0.05


def confidence_shift(reference: Profile, production: Profile) -> Statistic:
    """Change of the mean confidence max(s, 1 - s), from -0.5 to 0.5; p-value by Welch's t-test; shape (features,)."""
    return _shift(reference, production, lambda score: np.maximum(score, 1.0 - score))


def entropy_shift(reference: Profile, production: Profile) -> Statistic:
    """Change of the mean entropy of the score in bits, from -1 to 1; p-value by Welch's t-test; shape (features,).

    A score of 0.5 has one bit, 0.9 has 0.47, certainty none. Source: Shannon 1948.
    """
    return _shift(reference, production, lambda score: (entr(score) + entr(1.0 - score)) / np.log(2.0))


def near_threshold(reference: Profile, production: Profile, decision_threshold: float = 0.5) -> Statistic:
    """Share of scores within 0.05 of the decision threshold, both ends included; 0 to 1; shape (features,).

    `effect` is that share less the reference's. A cell across an end counts as far as it reaches in; `bound` is the
    larger part of such cells. The p-value is that of two proportions.
    """
    grid = require_same_grid(reference, production)
    value, pvalue, effect, bound = (np.full(len(grid), np.nan) for _ in range(4))
    low, high = decision_threshold - NEAR, decision_threshold + NEAR
    for index, column, left, right in _probabilities(grid):
        first, second = _counts(reference, index), _counts(production, index)
        n, m = first.sum(), second.sum()
        if not n or not m:
            continue
        whole = column.atoms | (right <= left)
        reach = np.maximum(np.minimum(right, high) - np.maximum(left, low), 0.0)
        within = reach / np.where(whole, 1.0, right - left)
        within[whole] = (right[whole] >= low) & (right[whole] <= high)
        # A cell holds its upper end, which is all that may count of one that stops where the range begins.
        unsure = ((within > 0.0) & (within < 1.0)) | (~whole & (right == low))
        partial = np.where(unsure, np.maximum(within, 1.0 - within), 0.0)
        share, now = first @ within / n, second @ within / m
        value[index], effect[index], bound[index] = now, now - share, second @ partial / m
        rows = np.array([share * n, now * m]).round().astype(np.int64)
        pvalue[index] = two_proportions(rows[:1], n[None], rows[1:], m[None])[0]
    return Statistic(value, pvalue, effect, bound)


def _shift(reference: Profile, production: Profile, function: Callable[[FloatArray], FloatArray]) -> Statistic:
    """Change of the mean of a function of the score that has its only turn at 0.5."""
    grid = require_same_grid(reference, production)
    value, pvalue, bound = (np.full(len(grid), np.nan) for _ in range(3))
    for index, _, left, right in _probabilities(grid):
        at = [function(left), function(right)]
        if ((left < 0.5) & (right > 0.5)).any():
            at.append(np.where((left < 0.5) & (right > 0.5), function(np.array([0.5])), at[0]))
        least, most = np.minimum.reduce(at), np.maximum.reduce(at)
        middle = (least + most) / 2.0
        first, second = _counts(reference, index), _counts(production, index)
        n, m = first.sum(), second.sum()
        if not n or not m:
            continue
        (mean, spread), (now, now_spread) = _moments(middle, first / n), _moments(middle, second / m)
        value[index] = now - mean
        pvalue[index] = welch(mean, spread, n, now, now_spread, m)
        bound[index] = (first / n + second / m) @ (most - least) / 2.0
    return Statistic(value, pvalue, bound=bound)


def _probabilities(grid: Grid) -> Iterator[tuple[int, Column, FloatArray, FloatArray]]:
    """Every score between 0 and 1: its position, its column, and both ends of its cells."""
    for index, column in enumerate(grid.columns):
        if column.role is Role.SCORE and column.is_output and (column.low, column.high) == (0.0, 1.0):
            edges = np.clip(column.edges, 0.0, 1.0)
            yield index, column, np.concatenate(([0.0], edges)), np.concatenate((edges, [1.0]))


def _counts(profile: Profile, index: int) -> IntArray:
    return profile.counts[profile.grid.offsets[index] : profile.grid.offsets[index + 1]]


def _moments(values: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = shares @ values
    # Never nothing: a test needs something to divide by.
    return mean, np.sqrt(np.maximum(shares @ (values - mean) ** 2, 1e-18))
