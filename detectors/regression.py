"""How far predicted numbers are from what came true: MAE, RMSE, MAPE, R², bias, quantile loss.

In: arrays of labels and predictions, weights and days if there are any. Out: `Measured`. Kept: nothing.
All equal scikit-learn's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.measured import NAN, Measured, average, nothing, paired, spread


def mae(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean absolute error."""
    rows = paired(label, prediction, weight, days)
    return average(np.abs(rows.said - rows.label), rows.weight, rows.days)


def rmse(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Root of the mean squared error; standard error by the delta method."""
    rows = paired(label, prediction, weight, days)
    total = float(rows.weight.sum())
    if not len(rows.label) or total <= 0.0:
        return nothing(len(rows.label))
    squared = (rows.said - rows.label) ** 2
    mean = float((rows.weight * squared).sum() / total)
    value = float(np.sqrt(mean))
    return spread(value, rows.weight * (squared - mean) / (total * (2.0 * value if value else 1.0)), rows.days)


def mape(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean of |error| / |label|, as a share; a label of 0 counts as a float64 epsilon, as in scikit-learn."""
    rows = paired(label, prediction, weight, days)
    base = np.maximum(np.abs(rows.label), np.finfo(np.float64).eps)
    return average(np.abs(rows.said - rows.label) / base, rows.weight, rows.days)


def bias(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean error: prediction minus label."""
    rows = paired(label, prediction, weight, days)
    return average(rows.said - rows.label, rows.weight, rows.days)


def r_squared(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Share of the labels' variance that the predictions explain; below two rows it is not defined.

    Where the labels do not vary it is 1 for perfect predictions and 0 for others, as in scikit-learn.
    """
    rows = paired(label, prediction, weight, days)
    total = float(rows.weight.sum())
    if len(rows.label) < 2 or total <= 0.0:
        return nothing(len(rows.label))
    error = (rows.said - rows.label) ** 2
    apart = (rows.label - (rows.weight * rows.label).sum() / total) ** 2
    lost, there = float((rows.weight * error).sum()), float((rows.weight * apart).sum())
    if there == 0.0:
        return Measured(1.0 if lost == 0.0 else 0.0, NAN, len(error))
    return spread(1.0 - lost / there, -rows.weight * (error - lost / there * apart) / there, rows.days)


def quantile_loss(
    label: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None = None,
    days: ArrayLike | None = None,
    quantile: float = 0.5,
) -> Measured:
    """Mean pinball loss of a predicted quantile: misses above the label weigh 1 - quantile, those below quantile."""
    rows = paired(label, prediction, weight, days)
    miss = rows.label - rows.said
    return average(np.maximum(quantile * miss, (quantile - 1.0) * miss), rows.weight, rows.days)
