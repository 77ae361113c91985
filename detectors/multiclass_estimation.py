"""Performance of a classifier of several classes without labels: accuracy and macro F1.

In: labelled reference rows; a window's rows. Out: `Estimates`. Kept: nothing; a `ClassEstimator` is frozen.

How likely the predicted class is right is estimated as for a binary model, whose label is "right" and whose score is
the model's confidence (without one, how often that prediction was right). Where it is wrong, the true class is taken to
be spread as it was among the reference's wrong rows of that prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.estimation import DRAWS, Estimate, Estimates, Estimator, Rows, interval
from detectors.expected import draw_chances
from detectors.result import DetectorError, FloatArray, IntArray

_DRAWN = 5.0


@dataclass(frozen=True, eq=False)
class ClassRows:
    """Rows of several classes: `said` is the predicted class, `confidence` its probability or None; see `Rows`."""

    said: NDArray[np.generic]
    day: IntArray
    confidence: FloatArray | None = None
    features: FloatArray | None = None
    total: int | None = None


@dataclass(frozen=True, eq=False)
class ClassEstimator:
    """`right` estimates whether a prediction is right; `rate` is how often each class's was, shape (classes,).

    `wrong`, shape (classes, classes), says which class it was where the prediction (row) was wrong.
    """

    classes: tuple[str, ...]
    rate: FloatArray
    wrong: FloatArray
    right: Estimator
    usual: Mapping[str, Estimate]

    @classmethod
    def learn(
        cls, rows: ClassRows, label: NDArray[np.generic], categorical: NDArray[np.bool_] | None = None
    ) -> ClassEstimator:
        """Learn from reference rows whose class is known. Raises DetectorError for too few, or all right or wrong."""
        classes = tuple(sorted({*rows.said.tolist(), *label.tolist()}))
        said, true = (np.searchsorted(classes, values) for values in (rows.said, label))
        hit = (said == true).astype(np.float64)
        count = np.bincount(said, minlength=len(classes))
        rate = (np.bincount(said, hit, len(classes)) + _DRAWN * hit.mean()) / (count + _DRAWN)
        wrong = np.zeros((len(classes), len(classes)))
        np.add.at(wrong, (said[hit == 0.0], true[hit == 0.0]), 1.0)
        wrong += np.bincount(true, minlength=len(classes)) / max(len(true), 1)
        np.fill_diagonal(wrong, 0.0)
        wrong /= np.maximum(wrong.sum(axis=1, keepdims=True), 1e-12)
        shaped = _rows(rows, said, rate)
        kinds = None
        if shaped.features is not None:
            kinds = np.zeros(shaped.features.shape[1], dtype=np.bool_)
            if categorical is not None:
                kinds[: len(categorical)] = categorical
        right = Estimator.learn(shaped, hit, kinds)
        place = np.unique(rows.day, return_inverse=True)[1]
        f1 = _f1_of(said, true, hit, len(classes))
        by_day = [
            _f1_of(said[mine], true[mine], hit[mine], len(classes))
            for number in range(int(place.max()) + 1)
            if (mine := place == number).any()
        ]
        spread = float(np.std(by_day) / np.sqrt(len(by_day)))
        usual = {
            "accuracy": right.usual["positives"],
            "macro_f1": Estimate(f1, f1 - 1.645 * spread, f1 + 1.645 * spread, spread),
        }
        return cls(classes, rate, wrong, right, usual)

    def shaped(self, rows: ClassRows) -> tuple[Rows, IntArray]:
        """The rows as those of a binary model of being right, and each prediction's place in `classes` (-1: new)."""
        place = np.searchsorted(self.classes, rows.said)
        place = np.minimum(place, len(self.classes) - 1)
        known = np.asarray(self.classes)[place] == rows.said
        return _rows(rows, place, self.rate), np.where(known, place, -1)

    def estimate(self, rows: ClassRows, rng: np.random.Generator) -> Estimates:
        """Accuracy and macro F1 of a window. Raises DetectorError for no rows."""
        if not len(rows.said):
            raise DetectorError("no rows to estimate from")
        shaped, place = self.shaped(rows)
        groups, law, found = self.right.grouped(shaped)
        reason = found.reason
        if (place < 0).mean() > 0.05:
            reason = f"{(place < 0).mean():.0%} of the predictions are classes the baseline does not have"
        chance, drawn = draw_chances(groups, law, len(np.unique(rows.day)), DRAWS, rng)
        total = float(groups.rows.sum())
        of = {
            "accuracy": Estimate(float(np.median(chance @ groups.rows / total)), *interval(drawn.sum(axis=1) / total))
        }
        # Of each group, how its rows are shared among the predicted classes.
        classes = len(self.classes)
        share = np.zeros((len(groups.rows), classes))
        np.add.at(share, (groups.place[place >= 0], place[place >= 0]), 1.0)
        share /= np.maximum(np.bincount(groups.place, minlength=len(groups.rows)), 1)[:, None]
        said = groups.rows @ share
        values = []
        for hits in (chance * groups.rows, drawn):
            right = hits @ share
            values.append(_macro_f1(right, said, right + (said - right) @ self.wrong))
        of["macro_f1"] = Estimate(float(np.median(values[0])), *interval(values[1]))
        return Estimates(of, rows.total or len(rows.said), found.effective, found.outside, reason, found.share)


def _rows(rows: ClassRows, place: IntArray, rate: FloatArray) -> Rows:
    score = rate[place] if rows.confidence is None else rows.confidence
    features = rows.features
    if rows.confidence is not None:
        own = rate[place][:, None]
        features = own if features is None else np.column_stack([features, own])
    return Rows(score, np.ones(len(place), dtype=np.int64), rows.day, features, rows.total)


def _f1_of(said: IntArray, true: IntArray, hit: FloatArray, classes: int) -> float:
    """Macro F1 of rows whose class is known."""
    every = np.ones(len(said))
    right, called, there = (
        np.bincount(place, weight, classes).astype(np.float64)[None]
        for place, weight in ((said, hit), (said, every), (true, every))
    )
    return float(_macro_f1(right, called, there)[0])


def _macro_f1(right: FloatArray, said: FloatArray, true: FloatArray) -> FloatArray:
    """Mean F1 of the classes that are predicted or true at all; arrays of shape (draws, classes)."""
    both = said + true
    each = np.divide(2.0 * right, both, out=np.zeros(right.shape), where=both > 0.0)
    found: FloatArray = each.sum(axis=1) / np.maximum((both > 0.0).sum(axis=1), 1)
    return found
