"""Performance of a regression without labels: how large its errors are likely to be on the rows that came.

In: reference rows with features, predictions and labels; a window's rows. Out: `Estimates` of MAE and RMSE.
Kept: nothing; a `LossEstimator` is frozen.

Direct loss estimation: trees learn the size of the error from features and prediction, a block of days at a time; their
mean over the window's rows, corrected by what they miss on reference rows weighted by how common their like is in the
window, is the estimate (doubly robust, Bang & Robins 2005). As blind to concept drift as every estimate without labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from detectors.boosting import Trees, fit_trees
from detectors.estimation import FEWEST_ROWS, LEVEL, Estimate, Estimates, blocks, halves
from detectors.label_model import Coder
from detectors.overlap import Reach
from detectors.result import DetectorError, FloatArray, IntArray

_FOLDS = 4
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class RegressionRows:
    """Rows of a regression: `prediction` and `day` of shape (rows,), `features` (rows, F); `total` as in `Rows`."""

    prediction: FloatArray
    day: IntArray
    features: FloatArray | None = None
    total: int | None = None

    @property
    def columns(self) -> FloatArray:
        """Features and, last, the prediction."""
        alone = self.prediction[:, None]
        return alone if self.features is None else np.column_stack([self.features, alone])


@dataclass(frozen=True, eq=False)
class LossEstimator:
    """What a reference teaches of a regression's errors; arrays of shape (2, rows) are of |error| and error**2."""

    coders: tuple[Coder, ...]
    trees: tuple[tuple[Trees, Trees], ...]
    loss: FloatArray
    said: FloatArray
    columns: FloatArray
    categorical: NDArray[np.bool_]
    day: IntArray
    usual: Mapping[str, Estimate]

    @classmethod
    def learn(
        cls, rows: RegressionRows, label: FloatArray, categorical: NDArray[np.bool_] | None = None
    ) -> LossEstimator:
        """Learn from reference rows whose label is known. Raises DetectorError for too few."""
        count = len(label)
        if count < FEWEST_ROWS:
            raise DetectorError(f"{count} labelled rows are too few to learn from: {FEWEST_ROWS} at least")
        error = rows.prediction - label
        loss = np.array([np.abs(error), error**2])
        columns = rows.columns
        kinds = np.zeros(columns.shape[1], dtype=np.bool_)
        if categorical is not None:
            kinds[: len(categorical)] = categorical
        day = np.unique(rows.day, return_inverse=True)[1]
        fold = blocks(day, _FOLDS)
        said = np.zeros((2, count))
        coders, trees = [], []
        for number in np.unique(fold):
            out = fold == number
            coder = Coder.fit(columns[~out], kinds, loss[0, ~out])
            bins = coder.bins(columns[~out])
            first, second = (fit_trees(bins, each[~out], loss="squared", rounds=_ROUNDS) for each in loss)
            tested = coder.bins(columns[out])
            said[0, out], said[1, out] = first.predict(tested), second.predict(tested)
            coders.append(coder)
            trees.append((first, second))
        means = loss.mean(axis=1)
        spread = [_spread(row - row.mean(), np.ones(count), day, count, int(day.max()) + 1) for row in loss]
        usual = _named(means, np.array(spread), int(day.max()))
        return cls(tuple(coders), tuple(trees), loss, said, columns, kinds, day, usual)

    @cached_property
    def _reach(self) -> Reach:
        kinds = np.append(self.categorical, False)
        return Reach.of(np.column_stack([self.columns, self.said[0]]), halves(self.day), kinds, self.loss[0])

    def estimate(self, rows: RegressionRows) -> Estimates:
        """MAE and RMSE of a window. Raises DetectorError for no rows or other features."""
        columns = rows.columns
        if not len(columns) or columns.shape[1] != self.columns.shape[1]:
            raise DetectorError("no rows, or other features than were learned from")
        pairs = list(zip(self.coders, self.trees, strict=True))
        window = np.mean(
            [
                [tree.predict(bins) for tree in grown]
                for coder, grown in pairs
                if (bins := coder.bins(columns)) is not None
            ],
            axis=0,
        )
        found = self._reach.overlap(np.column_stack([columns, window[0]]))
        weight = found.weight if not found.reason else np.ones(len(self.day))
        rest = self.loss - self.said
        missed = (rest * weight).sum(axis=1) / weight.sum()
        value = np.maximum(window.mean(axis=1) + missed, 0.0)
        total = rows.total or len(columns)
        days = len(np.unique(rows.day))
        spread = [_spread(row - miss, weight, self.day, total, days) for row, miss in zip(rest, missed, strict=True)]
        # What the window's own rows differ by is part of what its realised mean differs by.
        own = window.var(axis=1) / len(columns)
        of = _named(value, np.sqrt(np.array(spread) ** 2 + own), int(self.day.max()))
        return Estimates(of, total, found.effective, found.outside, found.reason, found.share)


def _spread(rest: FloatArray, weight: FloatArray, day: IntArray, rows: int, days: int) -> float:
    """Standard deviation of a window's mean about its estimate: its labels, its days, and what the reference leaves."""
    single = float((weight * rest**2).sum() / weight.sum())
    count = np.bincount(day)
    if len(count) < 5:
        return float(np.sqrt(single / rows + (weight**2 * rest**2).sum() / weight.sum() ** 2))
    mean = np.bincount(day, rest) / np.maximum(count, 1)
    by_day = max(float((mean**2).mean() - (single / np.maximum(count, 1)).mean()), 0.0)
    clustered = float((np.bincount(day, weight * rest) ** 2).sum() / weight.sum() ** 2)
    return float(np.sqrt(single / rows + by_day / max(days, 1) + clustered))


def _named(value: FloatArray, spread: FloatArray, freedom: int) -> dict[str, Estimate]:
    """MAE as it is, RMSE as the root of its square."""
    wide = float(stdtrit(max(freedom, 1), (1.0 + LEVEL) / 2.0))
    low, high = np.maximum(value - wide * spread, 0.0), value + wide * spread
    root = float(np.sqrt(value[1]))
    return {
        "mae": Estimate(float(value[0]), float(low[0]), float(high[0]), float(spread[0])),
        "rmse": Estimate(
            root, float(np.sqrt(low[1])), float(np.sqrt(high[1])), float(spread[1] / (2.0 * root)) if root else 0.0
        ),
    }
