"""Estimates by what a model predicts: classes, one of two or of several, or a number.

In: drawn rows as the log has them. Out: an estimator, estimates, or how far labels are from them. Kept: nothing.
Heavy of what it imports, so it is imported where something is to be estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.estimation import Estimate, Estimates, Estimator, Rows
from detectors.estimator_bytes import AnyEstimator
from detectors.loss_estimation import LossEstimator, RegressionRows
from detectors.multiclass_estimation import ClassEstimator, ClassRows
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.shift_kind import PriorFit, shift_kind, within_classes
from detectors.surprise import LIMITS, Surprise, surprises, unlikely
from monitor.performance.estimation_rows import Drawn
from monitor.performance.outcomes import _floats, _positive, _texts
from monitor.settings import ModelSettings

# Labels are drawn to see how far figures scatter: always the same way, so that the same rows give the same estimate.
_SEED = 20130101
_ALPHA = 0.01
_MOVED = 0.9
_TITLES = {
    "positives": "rate of positives",
    "log_loss": "log loss",
    "roc_auc": "AUC",
    "accuracy": "accuracy",
    "mae": "mean absolute error",
}


@dataclass(frozen=True, eq=False)
class Made:
    """A window's estimates; `prior` is what a change of the base rate alone would make of its scores."""

    estimates: Estimates
    prior: PriorFit | None = None


@dataclass(frozen=True, eq=False)
class Told:
    """How far labels are from their estimate: the least likely of the measures compared, those for the worse first.

    `size` is the difference, as a share of the estimate for some measures; `limit` how large it must be. `pvalue` is to
    be held against `alpha`, which allows for how many measures were compared. `better`: the difference is in the
    model's favour, which is no bad news however large it is.
    """

    worst: Surprise | None
    measure: str
    size: float
    limit: float
    pvalue: float
    alpha: float
    reason: str
    moved: bool
    classes: tuple[float, float] | None
    base_rate_moved: bool
    better: bool = False

    @property
    def title(self) -> str:
        """What the measure is called."""
        return _TITLES.get(self.measure, self.measure)

    def shift(self, surprising: bool) -> str:
        """What kind of shift it is."""
        return shift_kind(surprising, self.moved, self.classes, self.base_rate_moved)


def usable(settings: ModelSettings, drawn: Drawn) -> Drawn:
    """The rows that have what the task needs: a finite score or number, a prediction."""
    good = np.ones(len(drawn.times), dtype=np.bool_)
    for array in (drawn.score, drawn.said):
        if array is not None:
            good &= array.is_valid().to_numpy(zero_copy_only=False)
    if settings.task != "multiclass" and drawn.score is not None:
        good &= np.isfinite(_floats(drawn.score))
    if settings.task == "regression" and drawn.said is not None:
        good &= np.isfinite(_floats(drawn.said))
    return drawn.take(good)


def learn_from(
    settings: ModelSettings, drawn: Drawn, label: pa.Array, day: IntArray, categorical: NDArray[np.bool_]
) -> AnyEstimator:
    """An estimator from labelled rows. Raises DetectorError for too few, or without what the task needs."""
    try:
        if settings.task == "regression":
            return LossEstimator.learn(_numbers(drawn, day), _finite(_floats(label)), categorical)
        if settings.task == "multiclass":
            return ClassEstimator.learn(_classes(settings, drawn, day), _texts(label), categorical)
        truth = _positive(label, settings.positive).astype(np.float64)
        return Estimator.learn(_scored(settings, drawn, day), truth, categorical)
    except pa.ArrowException as error:
        raise DetectorError(f"labels or predictions are not what a {settings.task} model has") from error


def estimates_of(settings: ModelSettings, estimator: AnyEstimator, drawn: Drawn, day: IntArray) -> Made:
    """A window's estimates. Raises DetectorError."""
    rng = np.random.default_rng(_SEED)
    if isinstance(estimator, LossEstimator):
        return Made(estimator.estimate(_numbers(drawn, day)))
    if isinstance(estimator, ClassEstimator):
        return Made(estimator.estimate(_classes(settings, drawn, day), rng))
    rows = _scored(settings, drawn, day)
    classes = estimator.classes
    prior = None if classes is None else classes.fit(estimator.unit(rows.score))
    return Made(estimator.estimate(rows, rng), prior)


def surprise_of(settings: ModelSettings, estimator: AnyEstimator, drawn: Drawn, label: pa.Array, day: IntArray) -> Told:
    """How far the labels of rows are from what was to be expected of them. Raises DetectorError."""
    rng = np.random.default_rng(_SEED)
    drawn = Drawn(drawn.ids, drawn.times, drawn.score, drawn.said, drawn.features, len(drawn.times))
    if isinstance(estimator, LossEstimator):
        found = estimator.estimate(_numbers(drawn, day))
        true = float(np.abs(_numbers(drawn, day).prediction - _finite(_floats(label))).mean())
        one = Surprise(true, found.of["mae"], unlikely(true, found.of["mae"]))
        return _told({"mae": one}, found.reason, found, None, False)
    if isinstance(estimator, ClassEstimator):
        classes = _classes(settings, drawn, day)
        rows, _ = estimator.shaped(classes)
        made = surprises(estimator.right, rows, (classes.said == _texts(label)).astype(np.float64), rng)
        return _told({"accuracy": made.of["positives"]}, made.reason, made.estimates, None, False)
    rows = _scored(settings, drawn, day)
    truth = _positive(label, settings.positive).astype(np.float64)
    made = surprises(estimator, rows, truth, rng)
    usual: Estimate = estimator.usual["positives"]
    moved = abs(float(truth.mean()) - usual.value) >= LIMITS["positives"].size
    within = within_classes(estimator.score, estimator.label, estimator.unit(rows.score), truth)
    return _told(dict(made.of), made.reason, made.estimates, within, moved)


def _told(
    of: dict[str, Surprise],
    reason: str,
    found: Estimates,
    classes: tuple[float, float] | None,
    base_rate_moved: bool,
) -> Told:
    moved = found.share < _MOVED
    if not of:
        return Told(None, "", 0.0, 0.0, 1.0, _ALPHA, reason, moved, classes, base_rate_moved)

    alpha = _ALPHA / len(of)

    def rank(name: str) -> tuple[bool, bool, float]:
        limit, one = LIMITS[name], of[name]
        large = one.size(limit) >= limit.size
        # What went better speaks only where nothing is for the worse.
        return large and one.pvalue <= alpha and not one.better(limit), large, -one.pvalue

    name = max(of, key=rank)
    limit, one = LIMITS[name], of[name]
    size, better = one.size(limit), one.better(limit)
    return Told(one, name, size, limit.size, one.pvalue, alpha, reason, moved, classes, base_rate_moved, better)


def _scored(settings: ModelSettings, drawn: Drawn, day: IntArray) -> Rows:
    if drawn.score is None:
        raise DetectorError("without a score nothing can be estimated: map columns.score")
    score = _floats(drawn.score)
    if drawn.said is not None:
        said = _positive(drawn.said, settings.positive)
    else:
        said = (score >= settings.decision_threshold).astype(np.int64)
    return Rows(score, said, day, drawn.features, drawn.total)


def _classes(settings: ModelSettings, drawn: Drawn, day: IntArray) -> ClassRows:
    if drawn.said is None:
        raise DetectorError("without a prediction nothing can be estimated: map columns.prediction")
    sure = None if drawn.score is None else np.clip(_floats(pc.fill_null(drawn.score, 0.0)), 0.0, 1.0)
    return ClassRows(_texts(drawn.said), day, sure, drawn.features, drawn.total)


def _numbers(drawn: Drawn, day: IntArray) -> RegressionRows:
    said = drawn.said if drawn.said is not None else drawn.score
    if said is None:
        raise DetectorError("without a prediction nothing can be estimated: map columns.prediction")
    return RegressionRows(_floats(said), day, drawn.features, drawn.total)


def _finite(label: FloatArray) -> FloatArray:
    if not np.isfinite(label).all():
        raise DetectorError("labels that are no finite numbers")
    return label
