"""How true predicted probabilities are: log loss, Brier score, calibration error, predicted against true rate.

In: arrays of labels (true or 1 for positives) and scores, weights and days if there are any. Out: `Measured`; NaN where
a score is no probability. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.measured import Measured, Rows, average, nothing, paired, spread
from detectors.result import IntArray

BINS = 10


def log_loss(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean of -ln(probability given to what came true), probabilities kept a float64 epsilon from 0 and 1.

    Equals `sklearn.metrics.log_loss`.
    """
    rows = paired(label, score, weight, days)
    if not _probable(rows):
        return nothing(len(rows.label))
    epsilon = np.finfo(np.float64).eps
    chance = np.clip(np.where(rows.label > 0, rows.said, 1.0 - rows.said), epsilon, 1.0 - epsilon)
    return average(-np.log(chance), rows.weight, rows.days)


def brier(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean squared distance of the probability from what came true. Equals `sklearn.metrics.brier_score_loss`."""
    rows = paired(label, score, weight, days)
    if not _probable(rows):
        return nothing(len(rows.label))
    return average((rows.said - (rows.label > 0)) ** 2, rows.weight, rows.days)


def rate_bias(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """The predicted rate less the true one: mean score minus share of positives (calibration in the large)."""
    rows = paired(label, score, weight, days)
    if not _probable(rows):
        return nothing(len(rows.label))
    return average(rows.said - (rows.label > 0), rows.weight, rows.days)


def calibration_error(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Mean distance of predicted from true rate over ten bins of equally many scores, each weighing as its rows do.

    Bins and rates are those of `sklearn.calibration.calibration_curve(strategy="quantile")`. Of few rows even a
    perfectly calibrated score has some: about 0.4 / sqrt(rows in a bin) (Naeini, Cooper & Hauskrecht 2015).
    """
    rows = paired(label, score, weight, days)
    if not _probable(rows):
        return nothing(len(rows.label))
    place = score_bins(rows)
    gap = np.bincount(place, weights=rows.weight * (rows.said - (rows.label > 0)), minlength=BINS)
    total = float(rows.weight.sum())
    value = float(np.abs(gap).sum() / total)
    slope = np.sign(gap)[place] * (rows.said - (rows.label > 0)) - value
    return spread(value, rows.weight * slope / total, rows.days)


def score_bins(rows: Rows) -> IntArray:
    """Which of `BINS` bins of equally many scores each row is in, shape (rows,)."""
    edges = np.percentile(rows.said, np.linspace(0.0, 100.0, BINS + 1))
    return np.searchsorted(edges[1:-1], rows.said)


def _probable(rows: Rows) -> bool:
    usable = len(rows.label) > 0 and rows.weight.sum() > 0.0
    return bool(usable and rows.said.min() >= 0.0 and rows.said.max() <= 1.0)
