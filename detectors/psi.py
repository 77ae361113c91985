"""Population stability index: how far the shares of bins have moved.

In: two profiles on one grid. Out: a `Statistic`. Kept: the bins of the grids last used.

PSI = sum over bins of (p - r) ln(p / r), with r and p the shares of the reference's and production's usable values.
Range 0 upwards, 0.1 and 0.2 (0.25) are the customary marks for some and much change. A bin empty on one side counts
as half a row there; one empty on both sides adds nothing; nothing else is smoothed, so without empty bins it is the
textbook value. Categories are their own bins, with one for the rare and one for the unseen ones.
Under no drift PSI is not 0 but (K - 1)(1/n + 1/m) on average for K bins: `effect` is the value less that, so that a
small window does not breach by noise. The p-value is Pearson's chi-squared of homogeneity on the same bins, sparse
ones put together (`_sparse`): unlike n m / (n + m) PSI, it holds where categories are many and rows are few.
Source: Kullback & Leibler 1951 (J-divergence); Yurdakul & Naranjo 2020 for its distribution.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, ColumnKind
from detectors.grid import Grid
from detectors.homogeneity import homogeneity
from detectors.profile import Profile, require_same_grid
from detectors.result import DetectorError, FloatArray, IntArray, Statistic

FEWEST_CATEGORY = 5.0
FEWEST_BIN = 1.0


def psi(reference: Profile, production: Profile, bins: int = 10) -> Statistic:
    """PSI of every column: value, p-value and effect, each of shape (features,); NaN where a side has no usable value.

    `bins` is the number of the grid's quantile bins for numbers (`psi_bins` shows them). Raises DetectorError for
    fewer than 2, and for profiles of two grids.
    """
    grid = require_same_grid(reference, production)
    cells, features = _layout(grid, bins)
    first, second = np.add.reduceat(reference.counts, cells), np.add.reduceat(production.counts, cells)
    n, m = np.add.reduceat(first, features), np.add.reduceat(second, features)
    widths = np.diff(np.append(features, len(cells)))
    r = np.maximum(first, 0.5) / np.repeat(np.maximum(n, 1), widths)
    p = np.maximum(second, 0.5) / np.repeat(np.maximum(m, 1), widths)
    filled = (first + second) > 0
    value = np.add.reduceat(np.where(filled, (p - r) * np.log(p / r), 0.0), features)
    usable = (n > 0) & (m > 0)
    free = np.maximum(np.add.reduceat(filled.astype(np.int64), features) - 1, 0)
    expected = free * (1.0 / np.maximum(n, 1) + 1.0 / np.maximum(m, 1))
    return Statistic(
        np.where(usable, value, np.nan),
        homogeneity(first, second, features, _sparse(grid, cells, features, first, second)),
        np.where(usable, np.maximum(value - expected, 0.0), np.nan),
    )


def psi_bins(grid: Grid, name: str, bins: int = 10) -> FloatArray:
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
        raise DetectorError(f"PSI needs 2 bins at least, not {bins}")
    ranks, n = column.ranks, int(column.ranks[-1])
    cuts = np.searchsorted(ranks, -(-np.arange(1, bins, dtype=np.int64) * n // bins))
    heavy = cuts[column.atoms[cuts] & ((ranks[cuts] - ranks[cuts - 1]) * bins >= n)]
    inner = np.unique(np.concatenate((cuts, heavy - 1)))
    inner = inner[(ranks[inner] > 0) & (ranks[inner] < n)]
    return inner if len(inner) else np.array(column.span, dtype=np.int64)


def _sparse(grid: Grid, cells: IntArray, features: IntArray, first: IntArray, second: IntArray) -> NDArray[np.bool_]:
    """Which bins are too sparse to be tested alone, chosen so that the choice itself cannot look like a difference.

    Categories: those expected fewer than 5 times in the smaller sample (Cochran 1954), by both samples' total, and the
    rare and unseen ones, which are many values in one bin. Quantile bins are made from the reference, so their totals
    would tell of production alone: there the reference's share decides, and fewer than 1 is sparse.
    """
    widths = np.diff(np.append(features, len(cells)))
    n, m = np.add.reduceat(first, features), np.add.reduceat(second, features)
    smaller = np.minimum(n, m)
    by_total = (first + second) * np.repeat(smaller / np.maximum(n + m, 1), widths) < FEWEST_CATEGORY
    by_reference = first * np.repeat(smaller / np.maximum(n, 1), widths) < FEWEST_BIN
    ends = np.append(features[1:], len(cells))
    pool = np.zeros(len(cells), dtype=np.bool_)
    pool[ends - 1] = pool[ends - 2] = True
    return np.where(np.repeat(grid.is_number, widths), by_reference, by_total | pool)


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
