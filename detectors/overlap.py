"""How much more common rows like each reference row are in a window: density ratios, and how far they can be trusted.

In: what tells about the label, of the reference's and of the window's rows. Out: `Overlap`: a weight for each reference
row and what the weighted rows are worth. Kept: nothing.

A classifier tells window from reference; its odds are the ratio (Bickel, Brückner & Scheffer 2009). It is fitted on one
half of the days and asked about the other, and its odds are scaled by what holds there: where window and reference
cannot be told apart, all weights are about one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.boosting import BinArray, fit_trees
from detectors.label_model import Coder
from detectors.logistic import fit_logistic
from detectors.result import FloatArray, IntArray
from detectors.thin import thinned

MOST_ROWS = 6_000
# Ratios beyond this are taken for it: what single rows say of a place where the reference has hardly any.
_LARGEST = 30.0
_ROUNDS, _RATE = 20, 0.2
_FEWEST_EFFECTIVE = 200.0
_MOST_OUTSIDE = 0.3


@dataclass(frozen=True, eq=False)
class Overlap:
    """`weight` of each reference row (mean 1); `effective` rows (Kish 1965); window's share `outside` their reach."""

    weight: FloatArray
    effective: float
    outside: float

    @property
    def share(self) -> float:
        """Effective rows as a share of the reference's."""
        return self.effective / len(self.weight)

    @property
    def reason(self) -> str:
        """Why the weights are of no use; empty where they are."""
        if self.outside > _MOST_OUTSIDE:
            return f"{self.outside:.0%} of the rows are where the baseline has hardly any"
        if self.effective < min(_FEWEST_EFFECTIVE, 0.5 * len(self.weight)):
            return f"the baseline's rows like these are worth {self.effective:.0f}"
        return ""


@dataclass(frozen=True, eq=False)
class Reach:
    """A reference as windows are compared with it, made once: its rows' bins, and which half of the days each is of."""

    coder: Coder
    bins: BinArray
    fold: IntArray

    @classmethod
    def of(cls, reference: FloatArray, fold: IntArray, categorical: NDArray[np.bool_], label: FloatArray) -> Reach:
        """`reference` has shape (rows, columns), `fold` is 0 or 1 a row; `categorical` codes are ranked by `label`."""
        coder = Coder.fit(reference, categorical, label)
        return cls(coder, coder.bins(reference), fold)

    def overlap(self, window: FloatArray) -> Overlap:
        """Density ratios of the reference's rows against the rows of a window, shape (rows, columns)."""
        rows = len(self.bins)
        few = thinned(rows, MOST_ROWS)
        late = self.coder.bins(window[thinned(len(window), MOST_ROWS)])
        bins = np.vstack([self.bins[few], late])
        side = np.repeat([0.0, 1.0], [len(few), len(late)])
        half = np.concatenate([self.fold[few], np.arange(len(late)) % 2])
        even = np.where(side > 0, 0.5 / len(late), 0.5 / len(few)) * len(side)
        odds, whole = np.zeros(len(side)), np.zeros(rows)
        for number in (0, 1):
            train = half != number
            grown = fit_trees(bins[train], side[train], even[train], rounds=_ROUNDS, depth=2, rate=_RATE)
            odds[~train] = grown.predict(bins[~train])
            whole[self.fold == number] = grown.predict(self.bins[self.fold == number])
        line = fit_logistic(np.column_stack([np.ones(len(odds)), odds]), side, even)
        slope = max(float(line[1]), 0.0)
        ratio = np.exp(np.clip(line[0] + slope * whole, -20.0, np.log(_LARGEST)))
        weight = ratio / ratio.mean()
        effective = float(weight.sum() ** 2 / (weight**2).sum())
        outside = float((line[0] + slope * odds[side > 0] > np.log(_LARGEST)).mean())
        return Overlap(weight, effective, outside)
