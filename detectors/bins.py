"""Bins: the few stated cells on which shares are compared (PSI, Jensen-Shannon, Hellinger, total variation, …).

In: two profiles on one grid, or raw arrays. Out: `Binned`, the rows of both sides in every bin of every column.
Kept: where the bins of the grids last used begin, and the last result, as several detectors ask for the same one.

Numbers: quantile bins of the rows the grid was fitted on, ten unless asked otherwise; what is below all of them joins
the first bin, what is above the last. Categories are bins as they are, with one for the rare and one for the unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.arrays import profiled
from detectors.columns import Column, ColumnKind
from detectors.grid import Grid
from detectors.homogeneity import homogeneity
from detectors.profile import Profile, require_same_grid
from detectors.result import DetectorError, FloatArray, IntArray, Statistic

BINS = 10
FEWEST_CATEGORY = 5.0
FEWEST_BIN = 1.0
_last: tuple[ref[Profile], ref[Profile], int, Binned] | None = None


@dataclass(frozen=True, eq=False)
class Binned:
    """Rows in the bins of all columns, flat; `starts`, of shape (features,), says where each column's begin.

    `reference` and `production` have shape (bins,); `n` and `m`, shape (features,), are their sums by column, the rows
    with a usable value; `widths`, shape (features,), is how many bins a column has.
    """

    reference: IntArray
    production: IntArray
    starts: IntArray
    widths: IntArray
    n: IntArray
    m: IntArray
    is_number: NDArray[np.bool_]

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which columns have rows on both sides, shape (features,)."""
        return (self.n > 0) & (self.m > 0)

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """Which bins have rows on any side, shape (bins,)."""
        return (self.reference + self.production) > 0

    def spread(self, of_columns: NDArray[Any]) -> NDArray[Any]:
        """One value a column, shape (features,), repeated for each of its bins: shape (bins,)."""
        return np.repeat(of_columns, self.widths)

    def total(self, of_bins: NDArray[Any]) -> NDArray[Any]:
        """Values of bins, shape (bins,), added up by column: shape (features,)."""
        added: NDArray[Any] = np.add.reduceat(of_bins, self.starts)
        return added

    def shares(self) -> tuple[FloatArray, FloatArray]:
        """Share of every bin in the reference and in production, shape (bins,) each; 0 where a side has no rows."""
        return self.reference / self.spread(np.maximum(self.n, 1)), self.production / self.spread(np.maximum(self.m, 1))

    @cached_property
    def pvalue(self) -> FloatArray:
        """Pearson's test that both sides have one distribution, sparse bins put together: shape (features,)."""
        return homogeneity(self.reference, self.production, self.starts, self.sparse())

    def sparse(self) -> NDArray[np.bool_]:
        """Which bins are too sparse to be tested alone, chosen so that the choice itself cannot look like a difference.

        Categories: those expected fewer than 5 times in the smaller sample (Cochran 1954), by both samples' total, and
        the rare and unseen ones, which are many values in one bin. Quantile bins are made from the reference, so their
        totals would tell of production alone: there the reference's share decides, and fewer than 1 is sparse.
        """
        smaller = np.minimum(self.n, self.m)
        by_total = self.spread(smaller / np.maximum(self.n + self.m, 1))
        by_reference = self.spread(smaller / np.maximum(self.n, 1))
        sparse: NDArray[np.bool_] = np.where(
            self.spread(self.is_number),
            self.reference * by_reference < FEWEST_BIN,
            (self.reference + self.production) * by_total < FEWEST_CATEGORY,
        )
        ends = (self.starts + self.widths)[~self.is_number]
        sparse[ends - 1] = sparse[ends - 2] = True
        return sparse


def binned(reference: Profile, production: Profile, bins: int = BINS) -> Binned:
    """Both profiles on the grid's bins. Raises DetectorError for fewer than 2 bins, and for profiles of two grids."""
    global _last
    last = _last  # read once: another thread may put its own in place
    if last is not None and last[0]() is reference and last[1]() is production and last[2] == bins:
        return last[3]
    grid = require_same_grid(reference, production)
    cells, starts = _layout(grid, bins)
    first, second = np.add.reduceat(reference.counts, cells), np.add.reduceat(production.counts, cells)
    found = Binned(
        first,
        second,
        starts,
        np.diff(np.append(starts, len(cells))),
        np.add.reduceat(first, starts),
        np.add.reduceat(second, starts),
        grid.is_number,
    )
    _last = ref(reference), ref(production), bins, found
    return found


def on_arrays(
    detector: Callable[[Profile, Profile, int], Statistic], reference: ArrayLike, production: ArrayLike, bins: int
) -> Statistic:
    """A detector over bins on raw arrays of shape (rows, features): bins are the reference's, as a grid makes them."""
    return detector(*profiled(reference, production), bins)


def psi_bins(grid: Grid, name: str, bins: int = BINS) -> FloatArray:
    """Edges of a numeric column's bins, -inf first and +inf last: bin i is `edges[i] < x <= edges[i + 1]`.

    They are the quantiles of the rows the grid was fitted on. A value that alone holds 1/bins of these rows or more
    gets a bin of its own, equal quantiles fall together, and a constant has the bins below, at and above its value.
    Raises DetectorError for a categorical column.
    """
    column = grid.columns[grid.index(name)]
    if column.kind is not ColumnKind.NUMBER:
        raise DetectorError(f"{name!r} holds categories: each is a bin of its own")
    return np.concatenate(([-np.inf], column.edges[_inner(column, bins)], [np.inf]))


def _inner(column: Column, bins: int) -> IntArray:
    """Positions of the edges between a numeric column's bins."""
    if bins < 2:
        raise DetectorError(f"2 bins at least, not {bins}")
    ranks, n = column.ranks, int(column.ranks[-1])
    cuts = np.searchsorted(ranks, -(-np.arange(1, bins, dtype=np.int64) * n // bins))
    heavy = cuts[column.atoms[cuts] & ((ranks[cuts] - ranks[cuts - 1]) * bins >= n)]
    inner = np.unique(np.concatenate((cuts, heavy - 1)))
    inner = inner[(ranks[inner] > 0) & (ranks[inner] < n)]
    return inner if len(inner) else np.array(column.span, dtype=np.int64)


@lru_cache(maxsize=64)
def _layout(grid: Grid, bins: int) -> tuple[IntArray, IntArray]:
    """First cell of every bin, and first bin of every column."""
    starts: list[IntArray] = []
    for column, offset in zip(grid.columns, grid.offsets[:-1], strict=True):
        if column.kind is ColumnKind.NUMBER:
            starts.append(offset + np.concatenate(([0], _inner(column, bins) + 1)))
        else:
            starts.append(offset + np.arange(column.cells, dtype=np.int64))
    features = np.concatenate(([0], np.cumsum([len(start) for start in starts])[:-1]))
    return np.concatenate(starts).astype(np.int64), features.astype(np.int64)
