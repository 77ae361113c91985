"""Principal components of mixed columns, and how much of each column they do not give back.

In: encoded windows. Out: components, and errors by column. Kept: nothing.

Every column counts the same, however many indicators it has: its targets are divided by the root of their variance in
the window at hand, so that a changed variance is not counted (factor analysis of mixed data, Pagès 2004).
"""

from __future__ import annotations

import numpy as np

from detectors.encoding import Encoded, Encoding
from detectors.result import FloatArray

KEPT = 0.8


def target_moments(encoding: Encoding, rows: Encoded) -> FloatArray:
    """Sums of products of the scaled targets, shape (targets, targets); days add up, and come out again."""
    scaled = _scaled(encoding, rows)
    return scaled.T @ scaled


def components(moments: FloatArray) -> FloatArray:
    """The fewest leading components that hold 80% of the variance, orthonormal, shape (targets, components)."""
    values, vectors = np.linalg.eigh(moments)
    share = np.cumsum(values[::-1]) / max(float(values.sum()), 1e-12)
    count = int(np.searchsorted(share, KEPT)) + 1
    return np.ascontiguousarray(vectors[:, ::-1][:, :count])


def column_errors(encoding: Encoding, rows: Encoded, axes: FloatArray) -> FloatArray:
    """The share of each column's variance that is not given back, shape (features,), NaN where it does not vary."""
    scaled = _scaled(encoding, rows)
    left = scaled - (scaled @ axes) @ axes.T
    errors = np.add.reduceat((left * left).mean(axis=0), encoding.target_starts[:-1])
    return np.where(rows.variance > 0.0, errors, np.nan)


def _scaled(encoding: Encoding, rows: Encoded) -> FloatArray:
    root = np.where(rows.variance > 0.0, np.sqrt(np.where(rows.variance > 0.0, rows.variance, 1.0)), np.inf)
    scaled: FloatArray = rows.targets / np.repeat(root, np.diff(encoding.target_starts))
    return scaled
