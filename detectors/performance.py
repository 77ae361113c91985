"""Realised performance, from labels: AUC, log loss, accuracy; absolute and squared error for regression.

In: arrays of labels with scores or predictions, one entry a labelled row. Out: `Measured`: value, standard error, rows.
Kept: nothing.

Rows with a missing label, score or prediction (None, NaN) are left out. Too little to say anything (no rows, one class
only, scores that are no probabilities for the log loss) is a NaN value, never an error. Standard errors take rows as
independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.result import DetectorError, FloatArray
from detectors.values import canonical

Task = Literal["binary", "multiclass", "regression"]
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure's value and standard error over `n` labelled rows; NaN where the rows do not allow one."""

    value: float
    stderr: float
    n: int


@dataclass(frozen=True, slots=True)
class Measure:
    """What is known of a measure beside its function.

    `tolerance` is how much worse than the baseline's value is too much: in the measure's own units, or as a share of
    the baseline's value where `relative`.
    """

    name: str
    title: str
    higher_is_better: bool
    tolerance: float
    relative: bool
    function: Callable[[ArrayLike, ArrayLike], Measured]
    help: str


def roc_auc(label: ArrayLike, score: ArrayLike) -> Measured:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    `label` is true (1) for positives. The standard error is DeLong's (DeLong, DeLong & Clarke-Pearson 1988). Equals
    `sklearn.metrics.roc_auc_score`.
    """
    truth, scores = _paired(label, score)
    positive = truth > 0
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return Measured(_NAN, _NAN, m + n)
    ranks = _midranks(scores)
    above = (ranks[positive] - _midranks(scores[positive])) / n
    below = 1.0 - (ranks[~positive] - _midranks(scores[~positive])) / m
    value = float(above.mean())
    stderr = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)) if min(m, n) > 1 else _NAN
    return Measured(value, stderr, m + n)


def log_loss(label: ArrayLike, score: ArrayLike) -> Measured:
    """Mean of -ln(probability given to what came true), probabilities kept a float64 epsilon from 0 and 1.

    Equals `sklearn.metrics.log_loss`.
    """
    truth, scores = _paired(label, score)
    if not len(truth) or scores.min() < 0.0 or scores.max() > 1.0:
        return Measured(_NAN, _NAN, len(truth))
    epsilon = np.finfo(np.float64).eps
    chance = np.clip(np.where(truth > 0, scores, 1.0 - scores), epsilon, 1.0 - epsilon)
    return _mean(-np.log(chance))


def accuracy(label: ArrayLike, prediction: ArrayLike) -> Measured:
    """Share of rows whose prediction is the label. Numbers and texts are compared as categories: 1, 1.0 and "1"."""
    first, second = np.asarray(label).reshape(-1), np.asarray(prediction).reshape(-1)
    _same_length(first, second)
    if first.dtype.kind in "biu" and second.dtype.kind in "biu":  # the usual case, with nothing missing
        return _mean((first == second).astype(np.float64))
    truth, said = _classes(first), _classes(second)
    pairs = [(a, b) for a, b in zip(truth, said, strict=True) if a is not None and b is not None]
    return _mean(np.array([a == b for a, b in pairs], dtype=np.float64))


def mae(label: ArrayLike, prediction: ArrayLike) -> Measured:
    """Mean absolute error."""
    truth, said = _paired(label, prediction)
    return _mean(np.abs(said - truth))


def rmse(label: ArrayLike, prediction: ArrayLike) -> Measured:
    """Root of the mean squared error; standard error by the delta method."""
    truth, said = _paired(label, prediction)
    squared = _mean((said - truth) ** 2)
    value = float(np.sqrt(squared.value))
    return Measured(value, squared.stderr / (2.0 * value) if value else squared.stderr, squared.n)


MEASURES: dict[str, Measure] = {
    "auc": Measure("auc", "AUC", True, 0.05, False, roc_auc, "ranking of positives above negatives"),
    "log_loss": Measure("log_loss", "log loss", False, 0.15, True, log_loss, "fit of the predicted probabilities"),
    "accuracy": Measure("accuracy", "accuracy", True, 0.05, False, accuracy, "share of right classes"),
    "mae": Measure("mae", "mean absolute error", False, 0.2, True, mae, "size of a regression's errors"),
    "rmse": Measure("rmse", "RMSE", False, 0.2, True, rmse, "size of a regression's errors, large ones weighing more"),
}


def measure(
    task: Task, label: ArrayLike, score: ArrayLike | None = None, prediction: ArrayLike | None = None
) -> dict[str, Measured]:
    """Every measure that the task and the columns at hand allow, by name.

    Binary: `auc` and `log_loss` of a score (labels true or 1 for positives), `accuracy` of a prediction. Multiclass:
    `accuracy`. Regression: `mae` and `rmse` of the prediction, or of the score where there is no prediction.
    """
    if task == "regression":
        said = prediction if prediction is not None else score
        return {} if said is None else {name: MEASURES[name].function(label, said) for name in ("mae", "rmse")}
    measured: dict[str, Measured] = {}
    if task == "binary" and score is not None:
        measured.update((name, MEASURES[name].function(label, score)) for name in ("auc", "log_loss"))
    if prediction is not None:
        measured["accuracy"] = accuracy(label, prediction)
    return measured


def _mean(values: FloatArray) -> Measured:
    n = len(values)
    if not n:
        return Measured(_NAN, _NAN, 0)
    return Measured(float(values.mean()), float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else _NAN, n)


def _midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1, ties sharing their middle one."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return ranks


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = _floats(first), _floats(second)
    _same_length(a, b)
    usable = np.isfinite(a) & np.isfinite(b)
    return a[usable], b[usable]


def _floats(values: ArrayLike) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise DetectorError(f"labels and predictions must be numbers here: {error}") from error


def _classes(values: ArrayLike) -> list[str | None]:
    plain: list[Any] = np.asarray(values).reshape(-1).tolist()
    texts = [canonical(value) for value in plain]
    return [text if isinstance(text, str) else None for text in texts]


def _same_length(first: NDArray[Any] | list[Any], second: NDArray[Any] | list[Any]) -> None:
    if len(first) != len(second):
        raise DetectorError(f"{len(first)} labels against {len(second)} predictions")
