"""A model of the label from features and score, fitted on the reference a block of days at a time.

In: features, scores, labels, blocks. Out: a frozen `LabelModel` of plain arrays, and what it says of each reference row
without having seen the row's block. Kept: nothing.

It is what an estimate without labels needs where one score means one thing here and another there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.boosting import BinArray, Trees, fit_trees
from detectors.calibrators import log_odds
from detectors.result import FloatArray, IntArray
from detectors.thin import thinned

_BINS = 32
_ROUNDS = 60
_RIDGE = 30.0
# A category's rank is that of its mean, drawn towards the mean of all rows as if it had so many rows of it.
_DRAWN = 50.0
_MOST_ROWS = 30_000
# Where bins end: closer together in the tails, for that is where the rows of a window that has moved come to lie.
_TAIL = (0.0025, 0.005, 0.01, 0.02)
_LEVELS = (
    *_TAIL,
    *np.linspace(0.0, 1.0, _BINS - 2 * len(_TAIL) - 1)[1:-1],
    *(1.0 - level for level in reversed(_TAIL)),
)


@dataclass(frozen=True, eq=False)
class Coder:
    """Numbers and categories as bins: 0 is missing, categories are ranked by how common positives are among them.

    `edges` of shape (F, bins), filled up with infinity; `ranks` of shape (F, codes), of categorical features alone.
    """

    categorical: NDArray[np.bool_]
    edges: FloatArray
    ranks: IntArray
    middle: int

    @classmethod
    def fit(cls, features: FloatArray, categorical: NDArray[np.bool_], target: FloatArray) -> Coder:
        """Learn bins from reference rows, shape (rows, F); NaN is missing, categories are whole numbers from 0."""
        count = features.shape[1]
        codes = int(np.nanmax(features[:, categorical], initial=0.0)) + 1 if categorical.any() else 1
        edges = np.full((count, _BINS - 2), np.inf)
        ranks = np.zeros((count, codes), dtype=np.int64)
        middle = _BINS // 2
        for place in range(count):
            values = features[:, place]
            there = np.isfinite(values)
            if categorical[place]:
                code = values[there].astype(np.int64)
                rows = np.bincount(code, minlength=codes)
                mean = (np.bincount(code, target[there], codes) + _DRAWN * target.mean()) / (rows + _DRAWN)
                seen = np.flatnonzero(rows)
                order = seen[np.argsort(mean[seen], kind="stable")]
                before = (np.cumsum(rows[order]) - rows[order] / 2.0) / max(rows.sum(), 1)
                ranks[place] = middle
                ranks[place, order] = 1 + (before * (_BINS - 2)).astype(np.int64)
            elif there.any():
                found = np.unique(np.quantile(values[there], _LEVELS))
                edges[place, : len(found)] = found
        return cls(categorical, edges, ranks, middle)

    def bins(self, features: FloatArray) -> BinArray:
        """The bins of rows, shape (rows, F). A category never seen is in the middle."""
        out = np.zeros(features.shape, dtype=np.uint8)
        for place, categorical in enumerate(self.categorical.tolist()):
            values = features[:, place]
            there = np.isfinite(values)
            if categorical:
                code = np.where(there, values, 0.0).astype(np.int64)
                known = code < self.ranks.shape[1]
                found = np.where(known, self.ranks[place, np.minimum(code, self.ranks.shape[1] - 1)], self.middle)
            else:
                found = 1 + np.searchsorted(self.edges[place], values, side="left")
            out[:, place] = np.where(there, found, 0)
        return out


@dataclass(frozen=True, eq=False)
class LabelModel:
    """One coder and its trees for each block left out; a new row gets the mean of what they say."""

    coders: tuple[Coder, ...]
    trees: tuple[Trees, ...]

    @classmethod
    def fit(
        cls,
        features: FloatArray,
        categorical: NDArray[np.bool_],
        score: FloatArray,
        label: FloatArray,
        fold: IntArray,
    ) -> tuple[LabelModel, FloatArray]:
        """Fit to reference rows; also the log odds of each, by the trees that have not seen its fold."""
        rows = with_score(features, score)
        kinds = np.append(categorical, False)
        said = np.zeros(len(label))
        coders, trees = [], []
        for number in np.unique(fold):
            out = fold == number
            inside = np.flatnonzero(~out)
            inside = inside[thinned(len(inside), _MOST_ROWS)]
            coder = Coder.fit(rows[inside], kinds, label[inside])
            grown = fit_trees(coder.bins(rows[inside]), label[inside], rounds=_ROUNDS, ridge=_RIDGE)
            said[out] = grown.predict(coder.bins(rows[out]))
            coders.append(coder)
            trees.append(grown)
        return cls(tuple(coders), tuple(trees)), said

    def each(self, features: FloatArray, score: FloatArray) -> FloatArray:
        """Log odds of new rows by the trees of each fold, shape (folds, rows): their mean is the model's."""
        rows = with_score(features, score)
        pairs = zip(self.coders, self.trees, strict=True)
        return np.array([trees.predict(coder.bins(rows)) for coder, trees in pairs])


def with_score(features: FloatArray, score: FloatArray) -> FloatArray:
    """The features with the score's log odds as their last column."""
    return np.column_stack([features, log_odds(score)])
