"""Wasserstein distance: how far the values have moved on average, in standard deviations of the reference.

In: two profiles on one grid, or raw arrays. Out: a `Statistic`. Kept: nothing.

The area between the two distribution functions, over the reference's standard deviation; 0 upwards, larger is further
apart; a pure shift by half a deviation reads 0.5. Numbers only; NaN for categories, where a side has no usable value,
and where the reference does not vary between the ends below (KS sees what a constant does).
*Winsorised*: values beyond the reference's 0.1% and 99.9% quantiles count as these, in the distance and the deviation;
a grid of 500 cells has no such edges, so it is the next ones inward, 0.2% and 99.8% (below 500 reference rows they are
minimum and maximum). No interpolation outwards: there one absurd value would be as long as it likes.
*On the grid* a cell's rows count as evenly spread over it. `bound` says how far that can be from the exact figure.
Ties have cells of their own and are exact; empty cells are exact too.
`effect` is the value less its expectation under no drift, the area of E|F - G| = sqrt(2/pi H(1 - H)(1/n + 1/m)) with H
both sides together. The p-value is that of KS on the same cells: the same hypothesis, never too small with ties.
Source: Kantorovich 1939, Vaserstein 1969; Ramdas, Garcia Trillos & Cuturi 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import fitted, two_sided
from detectors.blocks import blocks
from detectors.columns import Column, ColumnKind
from detectors.grid import Grid
from detectors.ks import ks_pvalue
from detectors.profile import Profile, require_same_grid
from detectors.result import FloatArray, IntArray, Statistic

TAIL = 0.001
_LEAST_SPREAD = 1e-9


def wasserstein(reference: Profile, production: Profile) -> Statistic:
    """Wasserstein distance of every numeric column: value, p-value, effect and bound, each of shape (features,).

    Raises DetectorError for profiles of two grids.
    """
    grid = require_same_grid(reference, production)
    left, right = _places(grid)
    parts = [
        _measured(
            grid.offsets[columns] - cells.start,
            reference.counts[cells],
            production.counts[cells],
            left[cells],
            right[cells],
        )
        for columns, cells in blocks(grid)
    ]
    n, m = (np.concatenate([getattr(part, side) for part in parts]) for side in ("n", "m"))
    area, usual, spread, largest, off, off_spread = (
        np.concatenate([getattr(part, field) for part in parts])
        for field in ("area", "usual", "spread", "largest", "off", "off_spread")
    )
    spread = np.where(grid.is_number & (n > 0) & (m > 0) & (spread > _LEAST_SPREAD), spread, np.nan)
    value = area / spread
    least = np.where(spread > off_spread, spread - off_spread, 0.0)
    bound = np.divide(area + off, least, out=np.full(len(grid), np.inf), where=least > 0.0) - value
    return Statistic(
        value,
        ks_pvalue(np.where(np.isnan(value), np.nan, largest), n, m),
        value - _noise(n, m) * usual / spread,
        bound,
    )


def wasserstein_exact(reference: ArrayLike, production: ArrayLike) -> Statistic:
    """Wasserstein distance of raw arrays of shape (rows, features): `scipy.stats.wasserstein_distance`, winsorised.

    Winsorised where a grid of the reference does it. NaN and infinite values are left out, feature by feature; a
    feature without any left is NaN. Raises DetectorError for arrays of different widths.
    """
    first, second = two_sided(reference, production)
    columns = fitted(first).columns
    value, expected, largest = (np.full(len(columns), np.nan) for _ in range(3))
    n, m = (np.isfinite(side).sum(axis=0) for side in (first, second))
    for feature, column in enumerate(columns):
        a, b = (np.sort(side[np.isfinite(side[:, feature]), feature]) for side in (first, second))
        if column.kind is not ColumnKind.NUMBER or not len(b):
            continue
        raw = np.sort(np.concatenate((a, b)))
        upto, upto_now = (np.searchsorted(side, raw, side="right") / len(side) for side in (a, b))
        ends = winsorised_at(column)
        spread, width = float(_placed(a, *ends).std()), np.diff(_placed(raw, *ends))
        if spread > _LEAST_SPREAD:
            both = (len(a) * upto + len(b) * upto_now)[:-1] / len(raw)
            largest[feature] = np.abs(upto - upto_now).max()
            value[feature] = width @ np.abs(upto - upto_now)[:-1] / spread
            expected[feature] = width @ np.sqrt(np.clip(both * (1.0 - both), 0.0, None)) / spread
    return Statistic(value, ks_pvalue(largest, n, m), value - _noise(n, m) * expected)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Of some columns, lengths as shares of the way between the winsorised ends; `off…`: how far off they can be."""

    n: IntArray
    m: IntArray
    area: FloatArray
    usual: FloatArray
    spread: FloatArray
    largest: FloatArray
    off: FloatArray
    off_spread: FloatArray


def _measured(starts: IntArray, first: IntArray, second: IntArray, left: FloatArray, right: FloatArray) -> _Measured:
    n, m = np.add.reduceat(first, starts), np.add.reduceat(second, starts)
    widths = np.diff(np.append(starts, len(first)))
    over_n, over_m = np.repeat(1.0 / np.maximum(n, 1), widths), np.repeat(1.0 / np.maximum(m, 1), widths)
    r, p, width = first * over_n, second * over_m, right - left
    below, below_now = _running(first, starts, n) * over_n, _running(second, starts, m) * over_m
    after = below - below_now
    middle = np.add.reduceat(r * (left + right) / 2.0, starts)
    square = np.add.reduceat(r * (left * left + left * right + right * right) / 3.0, starts)
    share = np.repeat(n / np.maximum(n + m, 1), widths)
    both = share * (below - r / 2.0) + (1.0 - share) * (below_now - p / 2.0)
    return _Measured(
        n,
        m,
        area=np.add.reduceat(width * _mean_size(after - (r - p), after), starts),
        usual=np.add.reduceat(width * np.sqrt(np.clip(both * (1.0 - both), 0.0, None)), starts),
        spread=np.sqrt(np.maximum(square - middle * middle, 0.0)),
        largest=np.maximum.reduceat(np.abs(after), starts),
        # Each cell's rows may lie anywhere in it.
        off=np.add.reduceat(width * np.maximum(r, p), starts),
        off_spread=np.sqrt(np.add.reduceat(r * width * width, starts)),
    )


def _running(counts: IntArray, starts: IntArray, totals: IntArray) -> IntArray:
    """Running sums that begin again with each column."""
    again = counts.astype(np.int64)
    again[starts[1:]] -= totals[:-1]
    return np.cumsum(again, out=again)


def winsorised_at(column: Column) -> tuple[float, float]:
    """The values a numeric column's are clipped to: its outermost edges with 0.1% of the rows or more beyond.

    Where the outermost cell alone holds more, that is its inner edge; with a cell for every value, minimum and maximum.
    """
    n = int(column.ranks[-1])
    low = int(np.searchsorted(column.ranks, max(TAIL * n, 1.0)))
    high = int(np.searchsorted(column.ranks, (1.0 - TAIL) * n, side="right")) - 1
    return float(column.edges[low]), float(column.edges[max(low, high)])


@lru_cache(maxsize=64)
def _places(grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Both ends of every cell, shape (cells,) each, from 0 at the lower winsorised end to 1 at the upper one."""
    left, right = np.zeros(grid.cells), np.zeros(grid.cells)
    for column, start, stop in zip(grid.columns, grid.offsets[:-1], grid.offsets[1:], strict=True):
        if column.kind is ColumnKind.NUMBER:
            inner = _placed(column.edges, *winsorised_at(column))
            left[start + 1 : stop], right[start : stop - 1] = inner, inner
            right[stop - 1] = 1.0
    return left, right


def _placed(values: FloatArray, low: float, high: float) -> FloatArray:
    """Values clipped to low and high, as a share of the way; all 0 where there is no way."""
    # By halves: the way itself may be longer than the largest float.
    way = high / 2.0 - low / 2.0
    return (np.clip(values, low, high) / 2.0 - low / 2.0) / way if way > 0.0 else np.zeros(len(values))


def _mean_size(first: FloatArray, last: FloatArray) -> FloatArray:
    """Mean of |d| while d goes evenly from `first` to `last`."""
    start, end = np.abs(first), np.abs(last)
    across = first * last < 0.0
    total = np.where(across, start + end, 1.0)
    size: FloatArray = np.where(across, (start * start + end * end) / total, start + end) / 2.0
    return size


def _noise(n: IntArray, m: IntArray) -> FloatArray:
    """Mean of |F - G| under no drift, over the root of H (1 - H); shape (features,)."""
    noise: FloatArray = np.sqrt(2.0 / np.pi * (1.0 / np.maximum(n, 1) + 1.0 / np.maximum(m, 1)))
    return noise
