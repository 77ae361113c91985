"""Realised performance, from labels: every measure by name, what it reads, and when it is judged.

In: arrays of labels with scores or predictions, one entry a labelled row. Out: `Measured`: value, standard error, rows.
Kept: nothing. The measures themselves are in `ranking.py`, `probability.py`, `decisions.py` and `regression.py`.

Rows with a missing label, score or prediction (None, NaN) are left out. Too little to say anything (no rows, one class
only, scores that are no probabilities for the log loss) is a NaN value, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from typing import Literal

from numpy.typing import ArrayLike

from detectors.decisions import accuracy, f1, macro_f1, macro_precision, macro_recall, precision, recall
from detectors.measured import Measured
from detectors.probability import brier, calibration_error, log_loss, rate_bias
from detectors.ranking import average_precision, roc_auc
from detectors.regression import bias, mae, mape, quantile_loss, r_squared, rmse

__all__ = [
    "MEASURES",
    "Measure",
    "Measured",
    "Task",
    "accuracy",
    "average_precision",
    "bias",
    "brier",
    "calibration_error",
    "f1",
    "log_loss",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "mae",
    "mape",
    "measure",
    "precision",
    "quantile_loss",
    "r_squared",
    "rate_bias",
    "recall",
    "rmse",
    "roc_auc",
]

Task = Literal["binary", "multiclass", "regression"]
_BINARY: tuple[Task, ...] = ("binary",)
_MULTI: tuple[Task, ...] = ("multiclass",)
_NUMBER: tuple[Task, ...] = ("regression",)


@dataclass(frozen=True, slots=True)
class Measure:
    """What is known of a measure beside its function.

    `tolerance` is how much worse than the baseline's value is too much: in the measure's own units, or as a share of
    the baseline's value where `relative`. `reads`: the score or the prediction. `judged`: without being asked; the
    others are measured, and judged where the config gives them a threshold. `signed`: best at 0, bad on both sides.
    """

    name: str
    title: str
    higher_is_better: bool
    tolerance: float
    relative: bool
    function: Callable[..., Measured]
    help: str
    tasks: tuple[Task, ...] = _BINARY
    reads: Literal["score", "prediction"] = "prediction"
    judged: bool = False
    signed: bool = False


MEASURES: dict[str, Measure] = {
    "auc": Measure(
        "auc", "AUC", True, 0.05, False, roc_auc, "ranking of positives above negatives", reads="score", judged=True
    ),
    "pr_auc": Measure(
        "pr_auc",
        "PR AUC",
        True,
        0.1,
        True,
        average_precision,
        "precision over all recalls; follows the true rate",
        reads="score",
    ),
    "log_loss": Measure(
        "log_loss",
        "log loss",
        False,
        0.15,
        True,
        log_loss,
        "fit of the predicted probabilities",
        reads="score",
        judged=True,
    ),
    "brier": Measure(
        "brier", "Brier score", False, 0.15, True, brier, "fit of the predicted probabilities, squared", reads="score"
    ),
    "calibration_error": Measure(
        "calibration_error",
        "calibration error",
        False,
        0.05,
        False,
        calibration_error,
        "distance of predicted from true rates by score",
        reads="score",
    ),
    "rate_bias": Measure(
        "rate_bias",
        "predicted minus true rate",
        False,
        0.05,
        False,
        rate_bias,
        "how far the predicted rate is from the true one",
        reads="score",
        judged=True,
        signed=True,
    ),
    "accuracy": Measure(
        "accuracy",
        "accuracy",
        True,
        0.05,
        False,
        accuracy,
        "share of right classes",
        tasks=("binary", "multiclass"),
        judged=True,
    ),
    "precision": Measure(
        "precision", "precision", True, 0.1, False, precision, "share of predicted positives that are"
    ),
    "recall": Measure("recall", "recall", True, 0.1, False, recall, "share of positives that were predicted"),
    "f1": Measure("f1", "F1", True, 0.1, False, f1, "harmonic mean of precision and recall"),
    "macro_precision": Measure(
        "macro_precision", "macro precision", True, 0.1, False, macro_precision, "precision by class", tasks=_MULTI
    ),
    "macro_recall": Measure(
        "macro_recall", "macro recall", True, 0.1, False, macro_recall, "recall by class", tasks=_MULTI
    ),
    "macro_f1": Measure(
        "macro_f1",
        "macro F1",
        True,
        0.05,
        False,
        macro_f1,
        "F1 by class",
        _MULTI,
        judged=True,
    ),
    "mae": Measure(
        "mae", "mean absolute error", False, 0.2, True, mae, "size of a regression's errors", _NUMBER, judged=True
    ),
    "rmse": Measure(
        "rmse",
        "RMSE",
        False,
        0.2,
        True,
        rmse,
        "size of a regression's errors, large ones weighing more",
        _NUMBER,
        judged=True,
    ),
    "mape": Measure("mape", "MAPE", False, 0.2, True, mape, "size of errors against the label", _NUMBER),
    "r_squared": Measure(
        "r_squared", "R²", True, 0.1, False, r_squared, "share of the labels' variance explained", _NUMBER
    ),
    "bias": Measure(
        "bias", "mean error", False, 1.0, False, bias, "prediction minus label, on average", _NUMBER, signed=True
    ),
    "quantile_loss": Measure(
        "quantile_loss", "quantile loss", False, 0.2, True, quantile_loss, "fit of a predicted quantile", _NUMBER
    ),
}


def measure(
    task: Task,
    label: ArrayLike,
    score: ArrayLike | None = None,
    prediction: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    days: ArrayLike | None = None,
    quantile: float = 0.5,
    only: Container[str] | None = None,
) -> dict[str, Measured]:
    """Every measure that the task and the columns at hand allow, by name; with `only`, of those.

    Binary: those of a score and those of a prediction (labels true or 1 for positives). Multiclass: those of the
    predicted class. Regression: those of the prediction, or of the score where there is no prediction. `weight`, shape
    (rows,), as in scikit-learn; `days`, shape (rows,), are what standard errors are clustered by.
    """
    columns = {"score": score, "prediction": score if task == "regression" and prediction is None else prediction}
    measured: dict[str, Measured] = {}
    for name, known in MEASURES.items():
        said = columns[known.reads]
        if task not in known.tasks or said is None or (only is not None and name not in only):
            continue
        function = partial(known.function, quantile=quantile) if name == "quantile_loss" else known.function
        measured[name] = function(label, said, weight, days)
    return measured
