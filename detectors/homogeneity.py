"""Pearson's chi-squared test that two rows of counts come from one distribution.

In: flat counts of two samples in cells, grouped by feature, and which cells are too sparse to stand alone. Out: one
p-value a feature. Kept: nothing.

Source: Pearson 1900.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from detectors.result import FloatArray, IntArray


def homogeneity(reference: IntArray, production: IntArray, starts: IntArray, sparse: NDArray[np.bool_]) -> FloatArray:
    """P-values of shape (features,): NaN where a sample is empty, 1 where fewer than two cells are left to compare.

    `reference` and `production` are counts of shape (cells,), `starts` says where each feature's cells begin. Cells
    marked `sparse` are put together, feature by feature, before they are compared.
    """
    widths = np.diff(np.append(starts, len(reference)))
    n, m = np.add.reduceat(reference, starts), np.add.reduceat(production, starts)
    both = n + m
    share = np.divide(m, both, out=np.zeros(len(starts)), where=both > 0)
    total = (reference + production).astype(np.float64)
    cell_share = np.repeat(share, widths)
    pooled = np.add.reduceat(np.where(sparse, total, 0.0), starts)
    pooled_production = np.add.reduceat(np.where(sparse, production, 0), starts)
    kept_terms = _terms(np.where(sparse, 0.0, total), np.where(sparse, 0, production), cell_share)
    # A pool that is itself too small adds nothing, and keeps its degree of freedom: that errs on the safe side.
    large = pooled * np.minimum(share, 1.0 - share) >= 1.0
    pooled_terms = np.where(large, _terms(pooled, pooled_production, share), 0.0)
    statistic = np.add.reduceat(kept_terms, starts) + pooled_terms
    freedom = np.add.reduceat((~sparse & (total > 0)).astype(np.int64), starts) + (pooled > 0) - 1
    pvalue = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), statistic), 1.0)
    return np.where((n > 0) & (m > 0), pvalue, np.nan)


def _terms(total: FloatArray, production: IntArray, share: FloatArray) -> FloatArray:
    """(observed - expected)^2 / expected of both samples together, cell by cell."""
    variance = total * share * (1.0 - share)
    return np.divide((production - total * share) ** 2, variance, out=np.zeros(len(total)), where=variance > 0)
