"""A grid's coarse twin, on which segments are counted: at most 32 cells a column.

In: a grid. Out: a grid whose cells are sums of the first one's, and which of its cells each of them falls into.
Kept: nothing. Deciles and heavy values keep their edges, so PSI has the bins of the whole; KS says by its `bound` what
the coarser cells cost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.columns import Column, ColumnKind
from detectors.result import IntArray

if TYPE_CHECKING:
    from detectors.grid import Grid

_CATEGORIES = 29
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def coarse_grid(grid: Grid) -> tuple[Grid, IntArray]:
    """The coarse twin, and the cell of it that each cell of `grid` falls into, shape (cells,)."""
    columns, folds, offset = [], [], 0
    for column in grid.columns:
        made, fold = _number(column) if column.kind is ColumnKind.NUMBER else _category(column)
        columns.append(made)
        folds.append(fold + offset)
        offset += made.cells
    return replace(grid, columns=tuple(columns), segments=()), np.concatenate(folds)


def _number(column: Column) -> tuple[Column, IntArray]:
    ranks, n = column.ranks, int(column.ranks[-1])
    cuts = np.array([np.searchsorted(ranks, int(np.ceil(share * n - 1e-9))) for share in _SHARES], dtype=np.int64)
    held = ranks[cuts] - ranks[cuts - 1]
    heavy = cuts[column.atoms[cuts] & (held * 10 >= n)]
    kept = np.unique(np.concatenate((cuts, heavy - 1, column.span))).astype(np.int64)
    fold = np.searchsorted(kept, np.arange(column.cells), side="left").astype(np.int64)
    return replace(column, edges=column.edges[kept].copy(), ranks=ranks[kept].copy()), fold


def _category(column: Column) -> tuple[Column, IntArray]:
    own, pooled = column.values[:_CATEGORIES], column.values[_CATEGORIES:] + column.pooled
    cells = np.arange(column.cells, dtype=np.int64)
    fold = np.minimum(cells, len(own))
    fold[-1] = len(own) + 1
    return replace(column, values=own, pooled=tuple(sorted(pooled))), fold
