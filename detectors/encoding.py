"""A sample as numbers a linear model can read: what each column tells of others, and what of it is to be told.

In: samples. Out: an `Encoding`, fixed by the reference, and one window's `Encoded` rows. Kept: nothing.

Numbers are ranked *within the window*, so that a column whose distribution moved reads as before: marginal drift is
the business of `ks` and `psi` and is not counted again. A number tells others its normal score and which of a few
equal parts of the window it lies in; what is to be told of it is the normal score and whether it is missing. A
category does both with an indicator for each of its frequent values. Every column of the matrices has mean 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from detectors.columns import ColumnKind
from detectors.grid import Grid
from detectors.result import FloatArray, IntArray
from detectors.sample import ABSENT, CellArray, Sample

PARTS = 8
MOST_LEVELS = 30
_FEWEST_LEVELS = 4
_MOST_INPUTS = 640
_FEWEST_ROWS = 20
_LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Encoded:
    """One window's rows: `inputs` (rows, inputs), `targets` (rows, targets), both centred.

    `variance`, shape (features,), is the variance of each column's targets, 0 where fewer than 20 rows differ from the
    most frequent cell: such a column has nothing that could be told. `missing` is its share of rows without a cell.
    """

    inputs: FloatArray
    targets: FloatArray
    variance: FloatArray
    missing: FloatArray


@dataclass(frozen=True, eq=False)
class Encoding:
    """How every column is encoded: `levels[j]` are a category's cells with an indicator, None for a number.

    `parts` is into how many equal parts a number's ranks are cut.
    """

    levels: tuple[tuple[int, ...] | None, ...]
    parts: int

    @classmethod
    def fit(cls, grid: Grid, samples: Sequence[Sample]) -> Encoding:
        """Choose the frequent values of categories by all samples; wide tables get fewer indicators a column."""
        cells = np.concatenate([sample.cells for sample in samples])
        numbers = int(grid.is_number.sum())
        parts = PARTS if numbers * (PARTS + 2) <= _MOST_INPUTS else 3
        room = (_MOST_INPUTS - numbers * (parts + 2)) // max(1, len(grid) - numbers)
        most = min(MOST_LEVELS, max(_FEWEST_LEVELS, room - 2))
        levels: list[tuple[int, ...] | None] = []
        for index, column in enumerate(grid.columns):
            if column.kind is ColumnKind.NUMBER:
                levels.append(None)
                continue
            held = np.bincount(cells[cells[:, index] < ABSENT, index], minlength=1)
            ranked = np.argsort(-held, kind="stable")[:most]
            levels.append(tuple(int(cell) for cell in ranked if held[cell] >= max(1.0, _LEAST_SHARE * len(cells))))
        return cls(tuple(levels), parts)

    @cached_property
    def input_starts(self) -> IntArray:
        """Where each column's inputs begin, and where the last one's end: shape (features + 1,)."""
        widths = [self.parts + 2 if levels is None else len(levels) + 2 for levels in self.levels]
        return np.concatenate(([0], np.cumsum(widths))).astype(np.int64)

    @cached_property
    def target_starts(self) -> IntArray:
        """Where each column's targets begin, and where the last one's end: shape (features + 1,)."""
        widths = [2 if levels is None else len(levels) + 2 for levels in self.levels]
        return np.concatenate(([0], np.cumsum(widths))).astype(np.int64)

    def encode(self, cells: CellArray) -> Encoded:
        """Encode one window's cells, shape (rows, features), rows > 0."""
        inputs, targets = [], []
        for levels, column in zip(self.levels, cells.T, strict=True):
            block, target = self._number(column) if levels is None else self._category(column, levels)
            inputs.append(block)
            targets.append(target)
        told = np.hstack(targets)
        told -= told.mean(axis=0)
        told_from = np.hstack(inputs)
        told_from -= told_from.mean(axis=0)
        differ = len(cells) - np.array([np.unique(column, return_counts=True)[1].max() for column in cells.T])
        variance = np.add.reduceat((told * told).mean(axis=0), self.target_starts[:-1])
        variance[differ < _FEWEST_ROWS] = 0.0
        return Encoded(told_from, told, variance, (cells >= ABSENT).mean(axis=0))

    def _number(self, column: CellArray) -> tuple[FloatArray, FloatArray]:
        gone = column >= ABSENT
        share = np.full(len(column), 0.5)
        if not gone.all():
            held = np.bincount(column[~gone])
            middle = np.cumsum(held) - held / 2.0
            share[~gone] = middle[column[~gone]] / held.sum()
        score = np.where(gone, 0.0, ndtri(share))
        part = np.where(gone, self.parts, np.minimum((share * self.parts).astype(np.int64), self.parts - 1))
        return (
            np.column_stack((score, np.eye(self.parts + 1)[part])),
            np.column_stack((score, gone.astype(np.float64))),
        )

    def _category(self, column: CellArray, levels: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
        """One indicator a frequent value, one for all other values, one for missing: the same on both sides."""
        place = np.full(1 << 16, len(levels), dtype=np.int64)
        place[list(levels)] = np.arange(len(levels))
        place[ABSENT:] = len(levels) + 1
        indicators = np.eye(len(levels) + 2)[place[column]]
        return indicators, indicators
