"""How well each column of a window follows from its other columns.

In: encoded windows, and the reference's second moments. Out: for every column the correlation of what it is with what
the others say it is, by coefficients of the reference and by coefficients adapted to the window. Kept: nothing.

All columns are regressed at once. Leaving a column's own block of inputs out of a ridge regression needs no system of
its own: with M the inverse of the whole one and b the right side without the block's rows, the solution is
U - M[:, block] M[block, block]^-1 U[block], U = M b (the inverse of a submatrix, by Schur's complement).

Source: Hoerl & Kennard 1970; the regression of indicators is Fisher's linear discriminant (Hastie, Tibshirani & Buja
1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.encoding import Encoded, Encoding
from detectors.result import FloatArray, IntArray

PENALTY = 5.0
FOLDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over rows: `inputs` x `inputs`, and `inputs` x `targets`. Days add up, and come out again."""

    inputs: FloatArray
    cross: FloatArray

    @classmethod
    def of(cls, rows: Encoded) -> Moments:
        """The moments of one window."""
        return cls(rows.inputs.T @ rows.inputs, rows.inputs.T @ rows.targets)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.inputs + other.inputs, self.cross + other.cross)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.inputs - other.inputs, self.cross - other.cross)


def coefficients(encoding: Encoding, moments: Moments, start: FloatArray | None = None) -> FloatArray:
    """Ridge coefficients of every target on the inputs of all other columns, shape (inputs, targets).

    A column's own inputs have coefficient 0. The penalty pulls towards `start` (of the same shape), or towards 0.
    """
    inverse = np.linalg.inv(moments.inputs + PENALTY * np.eye(len(moments.inputs)))
    wanted = moments.cross.copy() if start is None else moments.cross - moments.inputs @ start
    blocks = list(_blocks(encoding))
    for own, told in blocks:
        wanted[own, told] = 0.0
    found = inverse @ wanted
    for own, told in blocks:
        found[:, told] -= inverse[:, own] @ np.linalg.solve(inverse[own, own], found[own, told])
        found[own, told] = 0.0
    return found if start is None else start + found


def same_relation(encoding: Encoding, rows: Encoded, reference: FloatArray) -> FloatArray:
    """Whether columns follow from the others *as in the reference*: correlations, shape (features,)."""
    return _agreement(encoding, rows.inputs @ reference, rows)


def any_relation(encoding: Encoding, rows: Encoded, reference: FloatArray) -> FloatArray:
    """Whether columns follow from the others *at all*: correlations, shape (features,).

    The coefficients start from the reference's and are adapted to three quarters of the window, to predict the fourth:
    a day whose weather goes its own way is still a day on which temperature follows from the hour.
    """
    fold = np.arange(len(rows.inputs)) % FOLDS
    whole = Moments.of(rows)
    told = np.empty_like(rows.targets)
    for each in range(FOLDS):
        out = fold == each
        left = Encoded(rows.inputs[out], rows.targets[out], rows.variance, rows.missing)
        told[out] = left.inputs @ coefficients(encoding, whole - Moments.of(left), reference)
    return _agreement(encoding, told, rows)


def reliance(encoding: Encoding, moments: Moments, reference: FloatArray) -> FloatArray:
    """How much of each column's relation in the reference is lost without another one: shape (features, features).

    Row k, column j: the share of j's correlation that goes when k's inputs are taken out, 0 to 1.
    """
    inputs, targets = encoding.input_starts, encoding.target_starts
    shared = np.add.reduceat(reference * moments.cross, inputs[:-1], axis=0)
    product = moments.inputs @ reference
    single = np.add.reduceat(reference * product, inputs[:-1], axis=0)
    total, spread = shared.sum(axis=0), single.sum(axis=0)
    lost = np.empty((len(encoding.levels), len(encoding.levels)))
    for k, (own, _) in enumerate(_blocks(encoding)):
        part = reference[own]
        within = (part * (moments.inputs[own, own] @ part)).sum(axis=0)
        # |Z w - Z_k w_k|^2 = |Z w|^2 - 2 <Z_k w_k, Z w> + |Z_k w_k|^2
        remains = spread - 2.0 * single[k] + within
        before = np.add.reduceat(total, targets[:-1]) / _root(np.add.reduceat(spread, targets[:-1]))
        after = np.add.reduceat(total - shared[k], targets[:-1]) / _root(np.add.reduceat(remains, targets[:-1]))
        lost[k] = np.clip(1.0 - after / np.where(before > 0.0, before, np.inf), 0.0, 1.0)
    np.fill_diagonal(lost, 0.0)
    return lost


def _root(values: FloatArray) -> FloatArray:
    root: FloatArray = np.sqrt(np.maximum(values, 1e-12))
    return root


def _blocks(encoding: Encoding) -> list[tuple[slice, slice]]:
    inputs, targets = encoding.input_starts, encoding.target_starts
    return [
        (slice(inputs[index], inputs[index + 1]), slice(targets[index], targets[index + 1]))
        for index in range(len(encoding.levels))
    ]


def _agreement(encoding: Encoding, told: FloatArray, rows: Encoded) -> FloatArray:
    """Correlation of all targets of a column with what was told of them, NaN where the column does not vary."""
    starts: IntArray = encoding.target_starts[:-1]
    told = told - told.mean(axis=0)
    shared = np.add.reduceat((told * rows.targets).sum(axis=0), starts)
    spread = np.add.reduceat((told * told).sum(axis=0), starts)
    own = np.add.reduceat((rows.targets * rows.targets).sum(axis=0), starts)
    return np.where(rows.variance > 0.0, shared / (_root(spread) * _root(own)), np.nan)
