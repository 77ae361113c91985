"""What kind of shift a window shows: of the features, of the base rate, or of what the label means.

In: scores of reference and window, labels of the reference, of the window where they have come. Out: what fits.
Kept: nothing.

A prior shift changes how common positives are and leaves P(score | label); a covariate shift changes which rows come
and leaves P(label | row); with concept drift neither stays. Without labels only the first can be refuted: scores must
then be a mixture of the reference's two classes (Saerens, Latinne & Decaestecker 2002; Lipton, Wang & Smola 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import kolmogorov

from detectors.result import FloatArray, IntArray

Shift = Literal["none", "covariate shift", "prior shift", "concept drift", "not enough data"]
_CELLS = 50
_ALPHA = 0.01
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class PriorFit:
    """The base rate that makes the window's scores a mixture of the reference's classes, and how badly it fits.

    `distance` is the largest distance of the cumulated shares, `pvalue` of the mixture.
    """

    positives: float
    distance: float
    pvalue: float


@dataclass(frozen=True, eq=False)
class Classes:
    """A reference's scores by class: `edges` of cells, the `shares` of either class, shape (2, cells); `own`: how far
    each of the reference's days is from a mixture of the two, by the root of its rows."""

    edges: FloatArray
    shares: FloatArray
    own: FloatArray

    @classmethod
    def of(cls, score: FloatArray, label: FloatArray, day: IntArray) -> Classes | None:
        """Of a reference's rows, shape (rows,); None for too few of either class."""
        positive = label > 0.5
        if min(int(positive.sum()), int((~positive).sum())) < _FEWEST:
            return None
        edges = np.unique(np.quantile(score, np.linspace(0.0, 1.0, _CELLS + 1)[1:-1]))
        cell = np.searchsorted(edges, score)
        cells = len(edges) + 1
        shares = np.array([_share(cell[side], cells) for side in (~positive, positive)])
        days = [mine for number in np.unique(day) if len(mine := cell[day == number]) >= _FEWEST]
        own = [_mixture(np.bincount(mine, minlength=cells), shares)[1] * np.sqrt(len(mine)) for mine in days]
        return cls(edges, shares, np.array(own))

    def fit(self, window: FloatArray) -> PriorFit | None:
        """How well a change of the base rate alone explains a window's scores; None for too few rows.

        Days differ by themselves, so a window is held to the distance that the reference's own days have.
        """
        if len(window) < _FEWEST:
            return None
        count = np.bincount(np.searchsorted(self.edges, window), minlength=len(self.edges) + 1)
        rate, distance = _mixture(count, self.shares)
        scaled = distance * np.sqrt(len(window))
        of_rows = float(kolmogorov(scaled))
        days = (1.0 + float((self.own >= scaled).sum())) / (1.0 + len(self.own))
        return PriorFit(rate, distance, max(of_rows, days) if len(self.own) >= 5 else of_rows)


def _share(cell: IntArray, cells: int) -> FloatArray:
    count = np.bincount(cell, minlength=cells).astype(np.float64)
    found: FloatArray = (count + 0.5) / (len(cell) + 0.5 * cells)
    return found


def _mixture(count: IntArray, classes: FloatArray) -> tuple[float, float]:
    """The rate of the second class that fits best (EM), and the distance that is left."""
    rate = 0.5
    for _ in range(200):
        second: FloatArray = rate * classes[1]
        chance = second / (second + (1.0 - rate) * classes[0])
        new = float((chance * count).sum() / count.sum())
        if abs(new - rate) < 1e-7:
            break
        rate = new
    fitted = np.cumsum(rate * classes[1] + (1.0 - rate) * classes[0])
    return rate, float(np.abs(np.cumsum(count) / count.sum() - fitted).max())


def within_classes(
    score: FloatArray, label: FloatArray, window: FloatArray, window_label: FloatArray
) -> tuple[float, float] | None:
    """Two-sample KS of the scores of negatives and of positives: asymptotic p-values; None for too few of either.

    Under a prior shift both are what they were.
    """
    found = []
    for value in (0, 1):
        one, two = np.sort(score[label == value]), np.sort(window[window_label == value])
        if min(len(one), len(two)) < _FEWEST:
            return None
        every = np.concatenate((one, two))
        ranks = [np.searchsorted(side, every, side="right") / len(side) for side in (one, two)]
        distance = float(np.abs(ranks[0] - ranks[1]).max())
        found.append(float(kolmogorov(distance * np.sqrt(len(one) * len(two) / (len(one) + len(two))))))
    return found[0], found[1]


def shift_kind(surprising: bool, moved: bool, classes: tuple[float, float] | None, base_rate_moved: bool) -> Shift:
    """The kind of shift once labels have come.

    `surprising`: labels are not what was estimated. `moved`: rows are not those of the reference. `classes`: p-values
    of the scores within either class. `base_rate_moved`: positives are more or less common than they were.
    """
    if not surprising:
        return "covariate shift" if moved else "none"
    if classes is None:
        return "not enough data"
    return "prior shift" if base_rate_moved and min(classes) > _ALPHA else "concept drift"
