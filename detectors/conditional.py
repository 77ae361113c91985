"""What the other columns say a column should be: bad weather moves all weather at once, a changed unit one column.

In: standardised daily residuals of all series and each series' column. Out: a frozen `Conditional`, which takes from a
later day's residual of a series what the residuals of the other columns predict of it. Kept: nothing.

The prediction is a ridge regression on all series of all other columns, in its dual form: sixty days, thousands of
series, one small matrix (Saunders 1998), from which each column's own series are taken out (Woodbury). Its strength,
of each column, is chosen by leaving out weeks, each with some days before and after it: with many columns a ridge
knows which days are neighbours, and would fill in a day that is left out from those beside it. What is left of the
reference's own days is what a left-out day would have shown, so that it is as wide as it will be on new days.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detectors.result import FloatArray, IntArray

_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
_GAIN, _SHORT_GAIN = 0.65, 0.1
_SHORT, _LONG = 28.0, 60.0
_CLIP = 4.0
# Days beside a week that are left out with it.
_BESIDE = 4


@dataclass(frozen=True, eq=False)
class Conditional:
    """`basis`, shape (days, J): the reference's residuals in standard deviations, `column`, shape (J,), whose they are.

    `chosen`, shape (C,): series that others predict; `strength`, shape (C,): the ridge of each one's column.
    """

    basis: FloatArray
    column: IntArray
    chosen: IntArray
    strength: FloatArray

    @classmethod
    def fit(
        cls, residuals: FloatArray, column: IntArray, eligible: IntArray, ordinals: IntArray
    ) -> tuple[Conditional, FloatArray]:
        """Learn from `residuals` of shape (days, J), NaN where there are none; of the series in `eligible` at most.

        `ordinals`, shape (days,): which day each is. Also returns what is left of the chosen series' own residuals when
        each day's week is left out with the days beside it, shape (days, C).
        """
        basis = _clean(residuals)
        days = len(basis)
        target = basis[:, eligible]
        owners = [np.flatnonzero(column == each) for each in np.unique(column[eligible]).tolist()]
        mine = [np.flatnonzero(column[eligible] == column[own[0]]) for own in owners]
        mean = max(float((basis**2).sum()) / max(days, 1), 1e-9)
        least = np.full(len(owners), np.inf)
        left, spare, strength = np.zeros_like(target), np.ones_like(target), np.ones(len(eligible))
        for ridge in (part * mean for part in _STRENGTHS if owners):
            inverse = _inverse(basis, ridge)
            for place, (own, places) in enumerate(zip(owners, mine, strict=True)):
                alone = ridge * _without(inverse, basis[:, own])
                found = _left_out(alone, target[:, places], ordinals)
                error = float((found**2).sum())
                if error < least[place]:
                    least[place] = error
                    left[:, places], strength[places] = found, ridge
                    spare[:, places] = np.diag(alone)[:, None]
        share = (left**2).sum(axis=0) / np.maximum((target**2).sum(axis=0), 1e-12)
        useful = np.flatnonzero(share < np.interp(days, (_SHORT, _LONG), (_SHORT_GAIN, _GAIN)))
        made = cls(basis, column, eligible[useful], strength[useful])
        # As wide as a new day would be, had it no leverage.
        rest = (left * np.sqrt(spare))[:, useful]
        return made, np.where(np.isfinite(residuals[:, made.chosen]), rest, np.nan)

    def rest(self, residuals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What others do not predict, and how far off the reference's days a window's mean is.

        `residuals`, shape (windows, days, J), are in standard deviations of the series, and so is what is left, shape
        (windows, days, C). The second, shape (windows, C): what uncertainty of the prediction adds to a window's mean,
        as a multiple of the variance of one day's rest (its leverage).
        """
        if not len(self.chosen):
            return np.zeros((*residuals.shape[:-1], 0)), np.zeros((len(residuals), 0))
        now = _clean(residuals)
        out = residuals[..., self.chosen] - now @ self._weights
        return out, self._leverage(now.mean(axis=1))[:, self._columns[1]]

    @cached_property
    def _columns(self) -> tuple[IntArray, IntArray]:
        """The columns that have chosen series, shape (K,), and the place of each chosen series among them."""
        found, places = np.unique(self.column[self.chosen], return_inverse=True)
        return found.astype(np.int64), places.astype(np.int64)

    @cached_property
    def _own(self) -> tuple[IntArray, FloatArray]:
        """Each column's own series, padded with -1, shape (K, most), and their basis, zero there: (K, days, most)."""
        each = [np.flatnonzero(self.column == column) for column in self._columns[0].tolist()]
        own = np.full((len(each), max(map(len, each))), -1, dtype=np.int64)
        for row, places in zip(own, each, strict=True):
            row[: len(places)] = places
        return own, np.moveaxis(np.where(own >= 0, self.basis[:, own], 0.0), 0, 1)

    @cached_property
    def _ridges(self) -> tuple[FloatArray, IntArray]:
        """The strengths there are, shape (S,), and which of them is that of each column, shape (K,)."""
        first = np.unique(self._columns[1], return_index=True)[1]
        strengths, places = np.unique(self.strength[first], return_inverse=True)
        return strengths, places.astype(np.int64)

    @cached_property
    def _inverses(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of each strength the inverse of the whole kernel, M, and what makes M + T S Tᵀ: that without k's own."""
        own = self._own[1]
        strengths, places = self._ridges
        inverse = np.array([_inverse(self.basis, float(ridge)) for ridge in strengths])
        taken: FloatArray = inverse[places] @ own
        inner = np.eye(own.shape[2]) - np.swapaxes(own, 1, 2) @ taken
        return inverse, taken, np.asarray(np.linalg.inv(inner), dtype=np.float64)

    @cached_property
    def _weights(self) -> FloatArray:
        """What each series counts in the prediction of each chosen one, shape (J, C)."""
        inverse, taken, small = self._inverses
        goal, place = self.basis[:, self.chosen], self._columns[1]
        dual = np.empty_like(goal)
        for each, one in enumerate(inverse):
            mine = self._ridges[1][place] == each
            dual[:, mine] = one @ goal[:, mine]
        dual += np.einsum("cdm,cmn,cen,ec->dc", taken[place], small[place], taken[place], goal, optimize=True)
        weights: FloatArray = self.basis.T @ dual
        weights[self.column[:, None] == self.column[self.chosen]] = 0.0
        return weights

    def _leverage(self, middle: FloatArray) -> FloatArray:
        """For windows whose mean residuals are `middle`, shape (windows, J), and each column: shape (windows, K)."""
        (own, basis), (inverse, taken, small) = self._own, self._inverses
        strengths, places = self._ridges
        mine = np.swapaxes(np.where(own >= 0, middle[:, own], 0.0), 0, 1)
        near = middle @ self.basis.T - mine @ np.swapaxes(basis, 1, 2)
        part = near @ taken
        known = ((part @ small) * part).sum(axis=-1)
        for each, one in enumerate(inverse):
            some = near[places == each]
            known[places == each] += ((some @ one) * some).sum(axis=-1)
        size = (middle**2).sum(axis=-1) - (mine**2).sum(axis=-1)
        leverage: FloatArray = (np.maximum(size - known, 0.0) / strengths[places][:, None]).T
        return leverage


def _inverse(basis: FloatArray, ridge: float) -> FloatArray:
    return np.asarray(np.linalg.inv(basis @ basis.T + ridge * np.eye(len(basis))), dtype=np.float64)


def _without(inverse: FloatArray, own: FloatArray) -> FloatArray:
    """The inverse of the kernel that has not the series `own`, shape (days, own)."""
    taken = inverse @ own
    rest: FloatArray = inverse + taken @ np.linalg.solve(np.eye(own.shape[1]) - own.T @ taken, taken.T)
    return rest


def _left_out(alone: FloatArray, target: FloatArray, ordinals: IntArray) -> FloatArray:
    """Residuals of each day predicted without its week and the days beside it; `alone` is one minus the hat matrix."""
    rest, out = alone @ target, np.empty_like(target)
    weeks = (ordinals - ordinals[0]) // 7
    for week in np.unique(weeks).tolist():
        inside = np.flatnonzero(weeks == week)
        first, last = ordinals[inside[0]] - _BESIDE, ordinals[inside[-1]] + _BESIDE
        around = np.flatnonzero((ordinals >= first) & (ordinals <= last))
        block = np.linalg.inv(alone[np.ix_(around, around)] + 1e-9 * np.eye(len(around)))
        out[inside] = (block @ rest[around])[inside - around[0]]
    return out


def _clean(residuals: FloatArray) -> FloatArray:
    """Without gaps, and without what would drown everything else."""
    return np.clip(np.nan_to_num(residuals, nan=0.0, posinf=_CLIP, neginf=-_CLIP), -_CLIP, _CLIP)
