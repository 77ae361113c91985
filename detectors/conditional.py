"""What the other columns say a column should be: a bad day of weather moves all weather at once, a changed unit one column.

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
_GAIN = 0.6
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
    def fit(cls, residuals: FloatArray, column: IntArray, eligible: IntArray) -> tuple[Conditional, FloatArray]:
        """Learn from `residuals` of shape (days, J), NaN where there are none; of the series in `eligible` at most.

        Also returns what is left of the chosen series' own residuals when each day is left out, shape (days, C).
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
            best: tuple[float, float, FloatArray] | None = None
            for part in _STRENGTHS:
                ridge = part * max(float(values.sum()) / days, 1e-9)
                kept = ridge / (values + ridge)
                rest = vectors @ (kept[:, None] * rotated)
                alone = (vectors**2) @ kept
                # Between the residual and the one of a left-out day: as wide as a new day with its leverage taken out.
                loo = rest / np.maximum(alone, 1e-6)[:, None]
                error = float((loo**2).sum() / max(float((target**2).sum()), 1e-12))
                if best is None or error < best[0]:
                    best = (error, ridge, rest / np.sqrt(np.maximum(alone, 1e-6))[:, None])
            assert best is not None
            share = (best[2] ** 2).sum(axis=0) / np.maximum((target**2).sum(axis=0), 1e-12)
            useful = np.flatnonzero(share < _GAIN)
            chosen += places[useful].tolist()
            strengths += [best[1]] * len(useful)
            left.append(best[2][:, useful])
        rest = np.concatenate(left, axis=1) if left else np.zeros((days, 0))
        found = cls(basis, column, np.array(chosen, np.int64), np.array(strengths))
        missing = ~np.isfinite(residuals[:, found.chosen])
        return found, np.where(missing, np.nan, rest)

    def rest(self, residuals: FloatArray) -> FloatArray:
        """What others do not predict of the chosen series, shape (..., C), of `residuals` of shape (..., J).

        In standard deviations of the series, over the root of one plus the day's leverage: far from all the reference's
        days, a prediction says little.
        """
        now = _clean(residuals)
        whole = now @ self.basis.T
        square = (now**2).sum(axis=-1)
        out = np.full((*residuals.shape[:-1], len(self.chosen)), np.nan)
        for own, places, inverse, weights, ridge in self._solved:
            near = whole - now[..., own] @ self.basis[:, own].T
            size = square - (now[..., own] ** 2).sum(axis=-1)
            spread = np.maximum(size - ((near @ inverse) * near).sum(axis=-1), 0.0) / ridge
            out[..., places] = (residuals[..., self.chosen[places]] - near @ weights) / np.sqrt(1.0 + spread)[..., None]
        return out

    @cached_property
    def _solved(self) -> list[tuple[IntArray, IntArray, FloatArray, FloatArray, float]]:
        whole = self.basis @ self.basis.T
        solved = []
        for each in np.unique(self.column[self.chosen]).tolist():
            own = np.flatnonzero(self.column == each)
            places = np.flatnonzero(self.column[self.chosen] == each)
            ridge = float(self.strength[places[0]])
            kernel = whole - self.basis[:, own] @ self.basis[:, own].T
            inverse = np.linalg.inv(kernel + ridge * np.eye(len(kernel)))
            solved.append((own, places, inverse, inverse @ self.basis[:, self.chosen[places]], ridge))
        return solved


def _clean(residuals: FloatArray) -> FloatArray:
    """Without gaps, and without what would drown everything else."""
    return np.clip(np.nan_to_num(residuals, nan=0.0, posinf=_CLIP, neginf=-_CLIP), -_CLIP, _CLIP)
