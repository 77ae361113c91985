"""What the other columns say a column should be: bad weather moves all weather at once, a changed unit one column.

In: standardised daily residuals of all series and each series' column. Out: a frozen `Conditional`, which takes from a
later day's residual of a series what the residuals of the other columns predict of it. Kept: nothing.

The prediction is a ridge regression on all series of all other columns, in its dual form: sixty days, thousands of
series, one small matrix a column (Saunders 1998). Its strength is chosen by leaving out days. What is left of the
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
        each day's week is left out (neighbours know too much of each other), shape (days, C).
        """
        basis = _clean(residuals)
        days = len(basis)
        whole = basis @ basis.T
        chosen: list[int] = []
        strengths: list[float] = []
        left: list[FloatArray] = []
        for each in np.unique(column[eligible]).tolist():
            own = np.flatnonzero(column == each)
            kernel = whole - basis[:, own] @ basis[:, own].T
            places = eligible[column[eligible] == each]
            target = basis[:, places]
            values, vectors = np.linalg.eigh(kernel)
            values = np.maximum(values, 0.0)
            rotated = vectors.T @ target
            best: tuple[float, float, FloatArray, FloatArray] | None = None
            for part in _STRENGTHS:
                ridge = part * max(float(values.sum()) / days, 1e-9)
                kept = ridge / (values + ridge)
                alone = (vectors * kept) @ vectors.T
                rest = _left_out(alone, vectors @ (kept[:, None] * rotated), ordinals)
                error = float((rest**2).sum() / max(float((target**2).sum()), 1e-12))
                if best is None or error < best[0]:
                    # As wide as a new day would be, had it no leverage.
                    best = (error, ridge, rest * np.sqrt(np.diag(alone))[:, None], (rest**2).sum(axis=0))
            assert best is not None
            share = best[3] / np.maximum((target**2).sum(axis=0), 1e-12)
            useful = np.flatnonzero(share < np.interp(days, (_SHORT, _LONG), (_SHORT_GAIN, _GAIN)))
            chosen += places[useful].tolist()
            strengths += [best[1]] * len(useful)
            left.append(best[2][:, useful])
        rest = np.concatenate(left, axis=1) if left else np.zeros((days, 0))
        found = cls(basis, column, np.array(chosen, np.int64), np.array(strengths))
        missing = ~np.isfinite(residuals[:, found.chosen])
        return found, np.where(missing, np.nan, rest)

    def rest(self, residuals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What others do not predict, and how far off the reference's days a window's mean is.

        `residuals`, shape (windows, days, J), are in standard deviations of the series, and so is what is left, shape
        (windows, days, C). The second, shape (windows, C): what uncertainty of the prediction adds to a window's mean,
        as a multiple of the variance of one day's rest (its leverage).
        """
        now = _clean(residuals)
        whole, middle = now @ self.basis.T, now.mean(axis=1)
        near_middle, square = middle @ self.basis.T, (middle**2).sum(axis=-1)
        out = np.full((*residuals.shape[:-1], len(self.chosen)), np.nan)
        leverage = np.zeros((len(residuals), len(self.chosen)))
        for own, places, inverse, weights, ridge in self._solved:
            near = whole - now[..., own] @ self.basis[:, own].T
            out[..., places] = residuals[..., self.chosen[places]] - near @ weights
            near = near_middle - middle[..., own] @ self.basis[:, own].T
            size = square - (middle[..., own] ** 2).sum(axis=-1)
            leverage[:, places] = (np.maximum(size - ((near @ inverse) * near).sum(axis=-1), 0.0) / ridge)[:, None]
        return out, leverage

    @cached_property
    def _solved(self) -> list[tuple[IntArray, IntArray, FloatArray, FloatArray, float]]:
        whole = self.basis @ self.basis.T
        solved: list[tuple[IntArray, IntArray, FloatArray, FloatArray, float]] = []
        for each in np.unique(self.column[self.chosen]).tolist():
            own: IntArray = np.flatnonzero(self.column == each)
            places: IntArray = np.flatnonzero(self.column[self.chosen] == each)
            ridge = float(self.strength[places[0]])
            kernel = whole - self.basis[:, own] @ self.basis[:, own].T
            inverse = np.asarray(np.linalg.inv(kernel + ridge * np.eye(len(kernel))), dtype=np.float64)
            solved.append((own, places, inverse, inverse @ self.basis[:, self.chosen[places]], ridge))
        return solved


def _left_out(alone: FloatArray, rest: FloatArray, ordinals: IntArray) -> FloatArray:
    """Residuals of each day predicted without its week; `alone` is one minus the hat matrix."""
    out = np.empty_like(rest)
    weeks = (ordinals - ordinals[0]) // 7
    for week in np.unique(weeks).tolist():
        of = np.flatnonzero(weeks == week)
        out[of] = np.linalg.solve(alone[np.ix_(of, of)] + 1e-9 * np.eye(len(of)), rest[of])
    return out


def _clean(residuals: FloatArray) -> FloatArray:
    """Without gaps, and without what would drown everything else."""
    return np.clip(np.nan_to_num(residuals, nan=0.0, posinf=_CLIP, neginf=-_CLIP), -_CLIP, _CLIP)
