"""The part of the rows in which a mean has changed most, found by looking at all of them.

In: bins, values and days of rows before and now. Out: the worst `Found`, or None where none stands out from chance.
Kept: nothing.

Looked at are the values of one column (up to 8 parts of it) and of two (up to 5 each). A part's change is held against
that of the other rows; its standard error is clustered by day, since rows of a day share their weather, and its
p-value (Student's t with one degree of freedom less than the days of the shorter side) is multiplied by the number of
parts looked at (Bonferroni). Of those that pass, the one that adds most to the change is the worst: a large share of
rows with a middling change is worse than ten rows with a wild one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import stdtr

from detectors.binning import BinArray, Cuts
from detectors.result import FloatArray, IntArray

ALPHA = 0.05
FEWEST_ROWS = 50
_PARTS, _PAIR_PARTS, _PAIRED = 8, 5, 12


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows by bins: `bins` (rows, features), `values` (rows,), `days` (rows,) as any integers."""

    bins: BinArray
    values: FloatArray
    days: IntArray


@dataclass(frozen=True, slots=True)
class Found:
    """A part of the rows: for each of its columns the first and last bin. `share` of the rows now; means before and
    now; `excess`: its change less that of all other rows; `pvalue` over everything that was looked at."""

    columns: tuple[tuple[int, int, int], ...]
    share: float
    before: float
    now: float
    excess: float
    pvalue: float
    looked_at: int


def worst_segment(
    cuts: tuple[Cuts, ...],
    before: Rows,
    now: Rows,
    importance: FloatArray | None = None,
    alpha: float = ALPHA,
) -> Found | None:
    """The part that adds most to the change of the mean, of those whose change is no chance.

    `importance`, shape (features,), says which twelve columns are looked at in pairs as well. It must not come from the
    rows that are searched, or the p-values would be too small.
    """
    columns = range(len(cuts))
    weight = np.ones(len(cuts)) if importance is None else importance
    paired = sorted(np.argsort(-weight, kind="stable")[:_PAIRED].tolist())
    sides = [_Side.of(before), _Side.of(now)]
    found: list[tuple[float, float, tuple[tuple[int, int, int], ...], FloatArray]] = []
    looked_at = 0
    for chosen in [*((j,) for j in columns), *combinations(paired, 2)]:
        folds = [cuts[j].folded(_PARTS if len(chosen) == 1 else _PAIR_PARTS) for j in chosen]
        sizes = [int(fold[-1]) + 1 for fold in folds]
        total = int(np.prod(sizes))
        old, new = (side.parts(chosen, folds, sizes, total) for side in sides)
        enough = np.minimum(old.rows, new.rows) >= FEWEST_ROWS
        enough &= np.minimum(old.rest, new.rest) >= FEWEST_ROWS
        looked_at += int(enough.sum())
        excess = (new.mean - old.mean) - (new.mean_rest - old.mean_rest)
        error = np.sqrt(old.variance + new.variance)
        for part in np.flatnonzero(enough & (error > 0.0)).tolist():
            single = float(2.0 * stdtr(min(old.freedom, new.freedom), -abs(excess[part]) / error[part]))
            share = float(new.rows[part] / sides[1].total)
            if single <= alpha:
                told = np.array([share, old.mean[part], new.mean[part], excess[part]])
                found.append((single, abs(share * excess[part]), tuple(_bins(chosen, folds, sizes, part)), told))
    certain = [each for each in found if each[0] * looked_at <= alpha]
    if not certain:
        return None
    single, _, where, told = max(certain, key=lambda each: each[1])
    share, before_mean, now_mean, excess_of_it = (float(each) for each in told)
    return Found(where, share, before_mean, now_mean, excess_of_it, min(1.0, single * looked_at), looked_at)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    rows: FloatArray
    rest: FloatArray
    mean: FloatArray
    mean_rest: FloatArray
    variance: FloatArray
    freedom: float


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    columns: BinArray
    values: FloatArray
    days: IntArray
    count: int

    @property
    def total(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, rows: Rows) -> _Side:
        columns = np.ascontiguousarray(rows.bins.T)
        names, places = np.unique(rows.days, return_inverse=True)
        if len(names) >= 3:
            return cls(columns, rows.values, places, len(names))
        # Of one or two days nothing is known of how days vary: then rows are taken in twenty blocks as they came.
        blocks = np.arange(len(rows.values)) * 20 // max(len(rows.values), 1)
        return cls(columns, rows.values, blocks, 20)

    def parts(self, chosen: tuple[int, ...], folds: list[IntArray], sizes: list[int], total: int) -> _Parts:
        """Means of each part and of the rows outside of it, and the variance of their difference, clustered by day."""
        steps = (self.count,) if len(chosen) == 1 else (sizes[1] * self.count, self.count)
        cell = self.days.copy()
        for column, fold, step in zip(chosen, folds, steps, strict=True):
            cell += (fold * step)[self.columns[column]]
        shape = (total, self.count)
        rows = np.bincount(cell, minlength=total * self.count).reshape(shape).astype(np.float64)
        sums = np.bincount(cell, weights=self.values, minlength=total * self.count).reshape(shape)
        n, all_rows = rows.sum(axis=1), float(rows.sum())
        rest = all_rows - n
        mean = sums.sum(axis=1) / np.maximum(n, 1.0)
        mean_rest = (float(sums.sum()) - sums.sum(axis=1)) / np.maximum(rest, 1.0)
        day_rows, day_sums = rows.sum(axis=0), sums.sum(axis=0)
        inside = (sums - rows * mean[:, None]) / np.maximum(n, 1.0)[:, None]
        outside = (day_sums - sums - (day_rows - rows) * mean_rest[:, None]) / np.maximum(rest, 1.0)[:, None]
        variance = ((inside - outside) ** 2).sum(axis=1) * self.count / (self.count - 1)
        return _Parts(n, rest, mean, mean_rest, variance, self.count - 1)


def _bins(
    chosen: tuple[int, ...], folds: list[IntArray], sizes: list[int], part: int
) -> Iterator[tuple[int, int, int]]:
    places = (part,) if len(chosen) == 1 else divmod(part, sizes[1])
    for column, fold, place in zip(chosen, folds, places, strict=True):
        held = np.flatnonzero(fold == place)
        yield column, int(held[0]), int(held[-1])
