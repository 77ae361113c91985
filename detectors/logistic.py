"""Weighted logistic regression, and how sure it is when rows of one day belong together.

In: a design matrix, labels, weights, days. Out: coefficients and their covariance. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from detectors.result import FloatArray, IntArray

_STEPS = 30


def fit_logistic(
    design: FloatArray,
    label: FloatArray,
    weight: FloatArray | None = None,
    ridge: float = 1e-3,
    offset: FloatArray | float = 0.0,
) -> FloatArray:
    """Coefficients, shape (columns,), of the penalised likelihood; Newton's method, which is McCullagh & Nelder's.

    `design` has shape (rows, columns), `label` lies in 0 to 1. `ridge` keeps separable rows from running away. `offset`
    is added to each row's log odds.
    """
    weight = np.ones(len(label)) if weight is None else weight
    columns = design.shape[1]
    beta = np.zeros(columns)
    for _ in range(_STEPS):
        chance = expit(design @ beta + offset)
        slope = design.T @ (weight * (label - chance)) - ridge * beta
        curve = (design * (weight * chance * (1.0 - chance))[:, None]).T @ design + (ridge + 1e-9) * np.eye(columns)
        step = np.linalg.solve(curve, slope)
        # A step beyond this is outside of where the quadratic holds.
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return beta


def clustered_covariance(
    design: FloatArray,
    label: FloatArray,
    weight: FloatArray,
    beta: FloatArray,
    cluster: IntArray,
    offset: FloatArray | float = 0.0,
) -> FloatArray:
    """Covariance of the coefficients, rows of one `cluster` (0, 1, …) depending on each other in any way.

    The sandwich of Liang & Zeger 1986 with the correction clusters / (clusters - 1).
    """
    chance = expit(design @ beta + offset)
    curve = (design * (weight * chance * (1.0 - chance))[:, None]).T @ design
    scores = design * (weight * (label - chance))[:, None]
    groups = int(cluster.max()) + 1
    sums = np.column_stack([np.bincount(cluster, column, groups) for column in scores.T])
    bread = np.linalg.pinv(curve)
    found: FloatArray = bread @ (sums.T @ sums) @ bread * (groups / max(groups - 1, 1))
    return found
