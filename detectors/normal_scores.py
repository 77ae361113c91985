"""Where a cell stands among the reference's rows: normal scores of a column's cells, and which of them are far out.

In: counts of one column's cells. Out: scores in thousandths, shape (cells,); masks of the same shape. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.columns import Column
from detectors.exterior import spread
from detectors.result import FloatArray, IntArray

STEPS = 1000
_CLIP = 0.0015
_OUTSIDE = 3.1
_LARGEST = 6.0
_LEAST_SPREAD = 0.25


def number_scores(counts: IntArray, exterior: NDArray[np.bool_]) -> IntArray:
    """Normal scores of the middle of each cell's share, standardised, in thousandths; outside of the range the last."""
    inside = np.where(exterior, 0, counts)
    scores = _standardised(_middle(inside), inside)
    outside = np.flatnonzero(exterior)
    if len(outside):
        inner = np.flatnonzero(~exterior)
        scores[: inner[0]] = -max(_OUTSIDE, -scores[inner[0]])
        scores[inner[-1] + 1 :] = max(_OUTSIDE, scores[inner[-1]])
    return np.rint(scores * STEPS).astype(np.int64)


def between(counts: IntArray, scores: IntArray) -> float:
    """How far days lie apart: the standard deviation of their mean scores beyond chance; `counts` is (days, cells)."""
    n = counts.sum(axis=1)
    there = n > 0
    means = counts[there] @ scores / n[there] / STEPS
    chance = float(np.mean(1.0 / n[there])) if there.any() else 0.0
    return float(np.sqrt(max(float(np.var(means)) - chance, 0.0))) if there.sum() > 1 else 0.0


def far_cells(column: Column, spreads: float) -> NDArray[np.bool_]:
    """Which cells lie more than so many spreads outside of the reference's range."""
    cut, (first, last) = column.edges, column.span
    reach = spreads * spread(cut[first : last + 1], column.ranks[first : last + 1])
    below = np.concatenate((cut <= cut[first] - reach, [False]))
    above = np.concatenate(([False], cut >= cut[last] + reach))
    found: NDArray[np.bool_] = below | above
    return found


def category_scores(counts: IntArray) -> IntArray:
    """Normal scores of the middle of each category's share, in the order given, standardised, in thousandths."""
    return np.rint(_standardised(_middle(counts), counts) * STEPS).astype(np.int64)


def _middle(counts: IntArray) -> FloatArray:
    total = counts.sum()
    if not total:
        return np.full(len(counts), 0.5)
    middle: FloatArray = (np.cumsum(counts) - counts / 2.0) / total
    return middle


def _standardised(middle: FloatArray, counts: IntArray) -> FloatArray:
    scores: FloatArray = ndtri(np.clip(middle, _CLIP, 1.0 - _CLIP))
    total = counts.sum()
    if not total:
        return scores
    mean = float(counts @ scores) / total
    deviation = float(np.sqrt(counts @ (scores - mean) ** 2 / total))
    standardised: FloatArray = np.clip((scores - mean) / max(deviation, _LEAST_SPREAD), -_LARGEST, _LARGEST)
    return standardised
