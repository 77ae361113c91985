"""Performance without labels: what a binary model's figures in a window are likely to be, by the reference's labels.

In: labelled reference rows; a window's rows without labels. Out: `Estimates`, each with an interval, and what they rest
on. Kept: nothing; an `Estimator` is frozen.

Confidence-based estimation: calibrated scores say how likely each label is, labels are drawn, every measure is taken
(`expected.py`). Where the features tell more about the label than the score does, or rows come of other places than the
reference's, the calibration is made for the window: by a model of the label (`label_model.py`), and on reference rows
weighted by how common their like is in the window (`overlap.py`). Days differ by themselves (`day_variation.py`). All
of it rests on P(label | score, features) being what it was: concept drift cannot be seen by it. What labels say once
they have come is compared in `surprise.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detectors.calibrators import Calibrator, choose, log_odds
from detectors.day_variation import day_covariance
from detectors.expected import Groups, Law, draw, measures
from detectors.label_model import LabelModel
from detectors.logistic import clustered_covariance, fit_logistic
from detectors.overlap import Overlap, Reach
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.shift_kind import Classes

LEVEL = 0.9
FEWEST_ROWS = 200
FEWEST_OF_A_CLASS = 30
_FOLDS = 4
DRAWS = 300
_RIDGE = 2.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a window or a reference; arrays of shape (rows,), `features` (rows, F) with NaN for missing.

    `said` is 1 where the positive class is predicted. `day` numbers the days from 0. `total` is how many rows these
    stand for.
    """

    score: FloatArray
    said: IntArray
    day: IntArray
    features: FloatArray | None = None
    total: int | None = None

    @property
    def days(self) -> int:
        """On how many days there are rows."""
        return len(np.unique(self.day))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure's likely value, the interval it lies in with probability `LEVEL`, and its standard deviation."""

    value: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True, eq=False)
class Estimates:
    """Each measure of one window. `effective` reference rows are behind it; `reason` says why it cannot be relied on.

    `share` is that of the reference's rows which are effective: near 1 where the window's rows are like them.
    """

    of: Mapping[str, Estimate]
    rows: int
    effective: float
    outside: float
    reason: str
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Estimator:
    """What a labelled reference teaches; arrays of shape (rows,) are the reference's rows.

    `by_class`, shape (2,), is added to the calibrator's log odds by predicted class. Accuracy, precision, recall and F1
    are made of how many positives each class holds: in each they must add up (decision calibration, Zhao et al. 2021).
    """

    calibrator: Calibrator
    by_class: FloatArray
    model: LabelModel | None
    scale: tuple[float, float] | None
    covariance: FloatArray
    day_effect: FloatArray
    centre: float
    score: FloatArray
    odds: FloatArray
    modelled: FloatArray | None
    features: FloatArray | None
    categorical: NDArray[np.bool_]
    label: FloatArray
    day: IntArray
    usual: Mapping[str, Estimate]

    @classmethod
    def learn(cls, rows: Rows, label: FloatArray, categorical: NDArray[np.bool_] | None = None) -> Estimator:
        """Learn from reference rows whose label (0 or 1) is known; `categorical` marks features that are codes.

        Raises DetectorError for too few rows or too few of either class.
        """
        count, positives = len(label), float(label.sum())
        if count < FEWEST_ROWS or min(positives, count - positives) < FEWEST_OF_A_CLASS:
            raise DetectorError(
                f"{count} labelled rows with {positives:.0f} positives are too few to learn from: "
                f"{FEWEST_ROWS} with {FEWEST_OF_A_CLASS} of each class at least"
            )
        scale = _scale(rows.score)
        score = unit_score(rows.score, scale)
        day = np.unique(rows.day, return_inverse=True)[1]
        fold = blocks(day, _FOLDS)
        model, modelled, features = None, None, rows.features
        kinds = np.zeros(0 if features is None else features.shape[1], dtype=np.bool_)
        if features is not None and features.shape[1]:
            kinds = kinds if categorical is None else categorical
            model, modelled = LabelModel.fit(features, kinds, score, label, fold)
        calibrator, _ = choose(score, modelled, label, day, fold, probabilities=scale is None)
        if not calibrator.with_features:
            # What is no help on days held out is no guide to what rows have in common either.
            model, modelled, features = None, None, None
        odds = calibrator.odds(score, modelled)
        by_class = fit_logistic(np.column_stack([1.0 - rows.said, rows.said]), label, ridge=_RIDGE, offset=odds)
        odds = odds + by_class[rows.said]
        centre = float(odds.mean())
        cluster = day if day.max() >= _FOLDS else np.arange(count)
        design = np.column_stack([np.ones(count), odds - centre])
        covariance = clustered_covariance(design, label, np.ones(count), np.zeros(2), cluster, odds)
        effect = day_covariance(odds, label, day, centre)
        groups = Groups.of(rows.score, rows.said, odds, exact=True)
        seen = np.bincount(groups.place, label, len(groups.rows)).astype(np.float64)[None]
        law = Law(np.zeros(2), covariance, effect, centre, max(int(day.max()), 1))
        rough = Groups.of(rows.score, rows.said, odds)
        _, drawn = draw(rough, law, min(int(day.max()) + 1, 28), DRAWS, np.random.default_rng(0))
        usual = {
            name: Estimate(float(value[0]), *interval(drawn[name]))
            for name, value in measures(groups, seen).items()
            if np.isfinite(value[0])
        }
        return cls(
            calibrator,
            by_class,
            model,
            scale,
            covariance,
            effect,
            centre,
            score,
            odds,
            modelled,
            features,
            kinds,
            label,
            day,
            usual,
        )

    def unit(self, score: FloatArray) -> FloatArray:
        """Scores between 0 and 1: as they are where they are probabilities."""
        return unit_score(score, self.scale)

    def grouped(self, rows: Rows) -> tuple[Groups, Law, Overlap]:
        """A window's rows by how likely their labels are, the law of it, and the overlap it rests on."""
        score = self.unit(rows.score)
        modelled, wobble = None, None
        if self.model is not None:
            if rows.features is None:
                raise DetectorError("an estimator that has learned from features needs those of the window")
            each = self.model.each(rows.features, score)
            modelled = each.mean(axis=0)
            if self.calibrator.with_features:
                wobble = (each - modelled) * self.calibrator.numbers[-1]
        odds = self.calibrator.odds(score, modelled) + self.by_class[rows.said]
        telling = [log_odds(score), odds, *([] if modelled is None else [modelled])]
        found = None
        if self.calibrator.with_features and rows.features is not None:
            found = self._everything.overlap(np.column_stack([*telling, rows.features]))
        if found is None or found.reason:
            # No two real days have the same weather: what must overlap is what tells about the label.
            found = self._telling.overlap(np.column_stack(telling))
        line, covariance = np.zeros(2), self.covariance
        if not found.reason:
            line, covariance = self._recalibrated(found.weight)
        law = Law(line, covariance, self.day_effect, self.centre, max(int(self.day.max()), 1))
        return Groups.of(rows.score, rows.said, odds, rows.total, wobble), law, found

    @cached_property
    def classes(self) -> Classes | None:
        """The reference's scores by class."""
        return Classes.of(self.score, self.label, self.day)

    @cached_property
    def _telling(self) -> Reach:
        """The reference by what tells about the label."""
        columns = self._columns()
        kinds = np.zeros(len(columns), dtype=np.bool_)
        return Reach.of(np.column_stack(columns), halves(self.day), kinds, self.label)

    @cached_property
    def _everything(self) -> Reach:
        """The reference by that and its features."""
        assert self.features is not None
        columns = [*self._columns(), self.features]
        kinds = np.append(np.zeros(len(columns) - 1, dtype=np.bool_), self.categorical)
        return Reach.of(np.column_stack(columns), halves(self.day), kinds, self.label)

    def _columns(self) -> list[FloatArray]:
        return [log_odds(self.score), self.odds, *([] if self.modelled is None else [self.modelled])]

    def _recalibrated(self, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The line that calibrates weighted reference rows, drawn towards none by as much as it is uncertain.

        Weights that rest on a few days tell of those days' own effects: the less of a line is believed (the positive
        part of James & Stein 1961). That errs less than the whole line would, whose covariance it keeps.
        """
        design = np.column_stack([np.ones(len(self.odds)), self.odds - self.centre])
        line = fit_logistic(design, self.label, weight, _RIDGE, self.odds)
        blocked = self.day.max() >= _FOLDS
        cluster = self.day if blocked else np.arange(len(self.day))
        covariance = clustered_covariance(design, self.label, weight, line, cluster, self.odds)
        by_day = np.bincount(cluster, weight)
        days = float(by_day.sum() ** 2 / (by_day**2).sum())
        unsure = covariance + self.day_effect / max(days, 1.0) + 1e-9 * np.eye(2)
        wald = float(line @ np.linalg.solve(unsure, line))
        kept = max(0.0, 1.0 - 2.0 / wald) if wald > 0.0 else 0.0
        return kept * line, covariance

    def estimate(self, rows: Rows, rng: np.random.Generator) -> Estimates:
        """Every measure of a window. Raises DetectorError for no rows or missing features."""
        if not len(rows.score):
            raise DetectorError("no rows to estimate from")
        groups, law, found = self.grouped(rows)
        expected, drawn = draw(groups, law, rows.days, DRAWS, rng)
        of = {}
        for name, values in expected.items():
            if np.isfinite(values).all() and np.isfinite(drawn[name]).mean() > 0.5:
                of[name] = Estimate(float(np.median(values)), *interval(drawn[name]))
        return Estimates(of, rows.total or len(rows.score), found.effective, found.outside, found.reason, found.share)


def blocks(day: IntArray, folds: int) -> IntArray:
    """Days one after the other in `folds` blocks; rows in turn where there are fewer days than folds.

    Neighbouring days are alike. What is learned on Mondays and tried on Tuesdays seems to hold for any day; windows
    come later than the reference.
    """
    days = int(day.max()) + 1
    found: IntArray = day * folds // days if days >= folds else np.arange(len(day)) % folds
    return found


def halves(day: IntArray) -> IntArray:
    """Days in turn to one of two halves, which are to be alike; rows in turn where there is one day."""
    found: IntArray = day % 2 if day.max() else np.arange(len(day)) % 2
    return found


def interval(values: FloatArray) -> tuple[float, float, float]:
    """The bounds that hold `LEVEL` of drawn values, and their standard deviation."""
    there = values[np.isfinite(values)]
    low, high = np.quantile(there, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high), float(there.std())


def _scale(score: FloatArray) -> tuple[float, float] | None:
    """How scores that are no probabilities are brought between 0 and 1: their middle and their spread."""
    if score.min() >= 0.0 and score.max() <= 1.0:
        return None
    low, middle, high = np.quantile(score, [0.25, 0.5, 0.75])
    return float(middle), float(max(high - low, 1e-9))


def unit_score(score: FloatArray, scale: tuple[float, float] | None) -> FloatArray:
    """Scores between 0 and 1, as an estimator takes them."""
    if scale is None:
        return np.clip(score, 0.0, 1.0)
    found: FloatArray = 1.0 / (1.0 + np.exp(-np.clip((score - scale[0]) / scale[1], -30.0, 30.0)))
    return found
