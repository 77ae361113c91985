"""How much days differ from each other by themselves, beyond what rows alone explain.

In: calibrated log odds, labels, days of the reference. Out: the covariance of a day's own shift and steepness.
Kept: nothing.

A day's labels follow `odds + u + v * (odds - centre)`, with (u, v) drawn anew each day: late trains, weather, a busy
Monday. Fitted by EM on the posterior's mode and curvature of each day (Laplace; Breslow & Clayton 1993).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from detectors.result import FloatArray, IntArray

_ROUNDS = 6
_STEPS = 100
_CELLS = 64
_FEWEST_DAYS = 5


def day_covariance(odds: FloatArray, label: FloatArray, day: IntArray, centre: float) -> FloatArray:
    """The covariance of (u, v), shape (2, 2); zeros for fewer than five days.

    `odds`, `label` and `day` (0, 1, …) have shape (rows,).
    """
    days = int(day.max()) + 1 if len(day) else 0
    if days < _FEWEST_DAYS:
        return np.zeros((2, 2))
    middle, total, hits = _cells(odds, label, day, days)
    design = np.column_stack([np.ones(_CELLS), middle - centre])[None].repeat(days, 0)
    covariance = np.diag([0.05, 0.02])
    effect = np.zeros((days, 2))
    for _ in range(_ROUNDS):
        precision = np.linalg.inv(covariance + 1e-9 * np.eye(2))
        for _ in range(3):
            chance = expit(middle + (design * effect[:, None, :]).sum(axis=2))
            slope = np.einsum("dcj,dc->dj", design, hits - total * chance) - effect @ precision
            curve = np.einsum("dcj,dc,dck->djk", design, total * chance * (1.0 - chance), design) + precision
            effect = effect + np.linalg.solve(curve, slope[..., None])[..., 0]
        known = np.linalg.inv(curve - precision + 1e-6 * np.eye(2))
        seen = effect + np.einsum("djk,dk->dj", known, effect @ precision)
        covariance = _covariance(seen, known, covariance)
    return covariance


def _covariance(seen: FloatArray, known: FloatArray, covariance: FloatArray) -> FloatArray:
    """The covariance of effects of which `seen` is known up to normal errors of covariance `known`; from a first guess.

    Many steps: near zero, which is where it belongs if days do not differ, each is a small one.
    """
    for _ in range(_STEPS):
        kept = covariance @ np.linalg.inv(covariance + known)
        mean = np.einsum("djk,dk->dj", kept, seen)
        left = covariance - kept @ covariance
        covariance = (np.einsum("dj,dk->jk", mean, mean) + left.sum(axis=0)) / len(seen)
    return covariance


def _cells(odds: FloatArray, label: FloatArray, day: IntArray, days: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows of like odds taken together: the middle of each cell, its rows and positives a day."""
    edges = np.quantile(odds, np.linspace(0.0, 1.0, _CELLS + 1)[1:-1])
    cell = np.searchsorted(edges, odds)
    count = np.bincount(cell, minlength=_CELLS)
    middle = np.bincount(cell, odds, _CELLS) / np.maximum(count, 1)
    flat = day * _CELLS + cell
    total = np.bincount(flat, minlength=days * _CELLS).reshape(days, _CELLS).astype(np.float64)
    hits = np.bincount(flat, label, days * _CELLS).reshape(days, _CELLS).astype(np.float64)
    return middle, total, hits
