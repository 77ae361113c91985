"""How well scores rank positives above negatives: area under the ROC curve, average precision.

In: arrays of labels (true or 1 for positives) and scores, weights and days if there are any. Out: `Measured`.
Kept: nothing. Both equal scikit-learn's (`roc_auc_score`, `average_precision_score`), ties and weights included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from detectors.measured import Measured, nothing, paired, spread
from detectors.result import FloatArray, IntArray


def roc_auc(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Standard error by rows: DeLong's (1988); by days: Obuchowski's (1997).
    """
    rows = paired(label, score, weight, days)
    positive = rows.label > 0
    plus, minus = np.where(positive, rows.weight, 0.0), np.where(positive, 0.0, rows.weight)
    if plus.sum() <= 0.0 or minus.sum() <= 0.0:
        return nothing(len(rows.label))
    below, place = _below(rows.said, minus)
    under, _ = _below(rows.said, plus)
    # Of a positive: the share of negatives below it. Of a negative: the share of positives above it.
    above = 1.0 - under[place] / plus.sum()
    placed = np.where(positive, below[place] / minus.sum(), above)
    value = float((plus * placed).sum() / plus.sum())
    influence = np.where(positive, plus / plus.sum(), minus / minus.sum()) * (placed - value)
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        return Measured(value, float("nan"), len(placed))
    return spread(value, influence, rows.days)


def average_precision(
    label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Area under the precision-recall curve as a sum of steps: the precision at each positive's score, averaged.

    It depends on how many positives there are: with none it is not defined (scikit-learn says 0, with a warning).
    """
    rows = paired(label, score, weight, days)
    plus = np.where(rows.label > 0, rows.weight, 0.0)
    total = float(plus.sum())
    if total <= 0.0:
        return nothing(len(rows.label))
    _, place = np.unique(rows.said, return_inverse=True)
    positives, everything = np.bincount(place, weights=plus), np.bincount(place, weights=rows.weight)
    above_plus, above = np.cumsum(positives[::-1])[::-1], np.cumsum(everything[::-1])[::-1]
    precision = np.divide(above_plus, above, out=np.zeros_like(above), where=above > 0)
    value = float((positives * precision).sum() / total)
    # A row adds to the precision at every score up to its own.
    steps = np.divide(positives, above, out=np.zeros_like(above), where=above > 0)
    reach, shared = np.cumsum(steps), np.cumsum(steps * precision)
    is_plus = rows.label > 0
    slope = np.where(is_plus, precision[place] - value + reach[place], 0.0) - shared[place]
    if int(is_plus.sum()) < 2:
        return Measured(value, float("nan"), len(slope))
    return spread(value, rows.weight * slope / total, rows.days)


def _below(score: FloatArray, weight: FloatArray) -> tuple[FloatArray, IntArray]:
    """The weight below each distinct score, its own counting half; and each row's place among them."""
    _, place = np.unique(score, return_inverse=True)
    each = np.bincount(place, weights=weight)
    below: FloatArray = np.cumsum(each) - each / 2.0
    return below, place
