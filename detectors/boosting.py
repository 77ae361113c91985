"""Gradient boosting of small trees on binned features, for the models that estimation needs inside.

In: whole-numbered bins of shape (rows, features), a target, weights. Out: frozen `Trees`, plain arrays that can be kept
without pickling. Kept: nothing.

Every tree asks the same question of all rows at a level (an oblivious tree), so a row's leaf is a number of `depth`
bits: fitting is counting, predicting a few look-ups. Friedman 2001, with Newton steps; the trees are CatBoost's
(Prokhorenkova et al. 2018). Deterministic: nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from detectors.result import DetectorError, FloatArray, IntArray

BinArray = NDArray[np.uint8]
Loss = Literal["logistic", "squared"]


@dataclass(frozen=True, eq=False)
class Trees:
    """A sum of trees over `base`: `feature` and `cut` of shape (trees, depth), `value` of shape (trees, 2**depth).

    A row is on the upper side of a question where its bin of `feature` is above `cut`.
    """

    base: float
    feature: IntArray
    cut: IntArray
    value: FloatArray

    def predict(self, bins: BinArray) -> FloatArray:
        """The sum for each row (log odds where the loss was logistic), shape (rows,)."""
        total = np.full(len(bins), self.base)
        columns = np.ascontiguousarray(bins.T)
        for feature, cut, value in zip(self.feature.tolist(), self.cut.tolist(), self.value, strict=True):
            leaf = np.zeros(len(bins), dtype=np.uint8)
            for level, (place, limit) in enumerate(zip(feature, cut, strict=True)):
                leaf |= (columns[place] > limit).view(np.uint8) << np.uint8(level)
            total += value[leaf]
        return total


def fit_trees(
    bins: BinArray,
    target: FloatArray,
    weight: FloatArray | None = None,
    *,
    loss: Loss = "logistic",
    rounds: int = 60,
    depth: int = 3,
    rate: float = 0.15,
    ridge: float = 20.0,
) -> Trees:
    """Fit to `target` (0 to 1 for the logistic loss), shape (rows,), weighted by `weight` (all 1).

    `ridge` is added to each leaf's curvature: a leaf of few rows says little. Raises DetectorError for no rows, no
    features, or a weight that is all zero.
    """
    rows, features = bins.shape
    weight = np.ones(rows) if weight is None else weight
    if not rows or not features or not weight.sum() > 0.0:
        raise DetectorError("nothing to learn from")
    mean = float(np.average(target, weights=weight))
    base = float(np.log(max(mean, 1e-6) / max(1.0 - mean, 1e-6))) if loss == "logistic" else mean
    width = int(bins.max()) + 1
    places = bins.astype(np.int64) + np.arange(features) * width
    total = np.full(rows, base)
    chosen, cuts, values = [], [], []
    for _ in range(rounds):
        if loss == "logistic":
            chance = expit(total)
            slope, curve = weight * (target - chance), weight * chance * (1.0 - chance)
        else:
            slope, curve = weight * (target - total), weight
        leaf = np.zeros(rows, dtype=np.int64)
        feature, cut = [], []
        for level in range(depth):
            place, limit = _question(places, leaf, 1 << level, slope, curve, features, width, ridge)
            feature.append(place)
            cut.append(limit)
            leaf |= (bins[:, place] > limit).astype(np.int64) << level
        count = 1 << depth
        sums = np.bincount(leaf, slope, count), np.bincount(leaf, curve, count)
        value = rate * sums[0] / (sums[1] + ridge)
        total += value[leaf]
        chosen.append(feature)
        cuts.append(cut)
        values.append(value)
    return Trees(base, np.array(chosen, dtype=np.int64), np.array(cuts, dtype=np.int64), np.array(values))


def _question(
    places: IntArray,
    leaf: IntArray,
    leaves: int,
    slope: FloatArray,
    curve: FloatArray,
    features: int,
    width: int,
    ridge: float,
) -> tuple[int, int]:
    """The feature and cut that lower the loss most, all leaves of the level taken together."""
    size = features * width
    flat = (places + (leaf * size)[:, None]).reshape(-1)
    shape = (leaves, features, width)
    # Sums over the bins up to each cut.
    low_slope, low_curve = (
        np.bincount(flat, np.repeat(side, features), leaves * size).reshape(shape).cumsum(axis=2)
        for side in (slope, curve)
    )
    high_slope, high_curve = low_slope[:, :, -1:] - low_slope, low_curve[:, :, -1:] - low_curve
    gain = (low_slope**2 / (low_curve + ridge) + high_slope**2 / (high_curve + ridge)).sum(axis=0)
    place, limit = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return int(place), int(limit)
