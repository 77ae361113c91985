"""A feature that is shifted and scaled as a whole: its scaler was fitted on other rows, applied twice, or left out.

In: two profiles on one grid, or one column of each. Out: a `Statistic`, or the line found. Kept: nothing.

Production must be a line of the reference (a factor and an offset) as closely as both samples' noise and 0.02 allow, at
all edges of the grid, and half of it must lie where the reference has nothing. Seasons come close to lines too: summer
is February, warmer and steadier. So the factor must be 2 or more, which nature seldom does to the spread of a column
that leaves its range, or production must look standardised (median about 0, spread about 1). What a change of unit
explains is told as that. `value` is the share of the distance (KS) that the line explains, 0 where there is none; no
p-value.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import Column, ColumnKind
from detectors.exterior import spread
from detectors.ks import ks
from detectors.profile import Profile, require_same_grid
from detectors.result import FloatArray, IntArray, Statistic
from detectors.unit_change import MOST_IN_ONE_CELL, distance_of, fit_unit, line_through
from detectors.units import Conversion
from detectors.values import Family
from detectors.view import ColumnProfile

LEAST_MOVE = 0.3
_NOVEL, _WIDER, _SLACK, _LEFT = 0.5, 2.0, 0.02, 0.2


def scaler_mismatch(reference: Profile, production: Profile) -> Statistic:
    """The share of each feature's movement that a shift with a scale explains, shape (columns,); NaN for others."""
    grid = require_same_grid(reference, production)
    moved = ks(reference, production).value
    value = np.where(np.isnan(moved) | grid.is_output | grid.is_prediction, np.nan, 0.0)
    moved = np.where(np.isnan(value), 0.0, moved)
    for index in np.flatnonzero(moved >= LEAST_MOVE):
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        found = _fitted(grid.columns[index], reference.counts[cells], production.counts[cells])
        if found is not None:
            value[index] = found[1]
    return Statistic(value)


def explain_scaler(reference: ColumnProfile, production: ColumnProfile) -> Conversion | None:
    """The line between two profiles of one column; None where there is none."""
    if reference.column.kind is not ColumnKind.NUMBER or not reference.valid or not production.valid:
        return None
    found = _fitted(reference.column, reference.counts, production.counts)
    return None if found is None else found[0]


def _fitted(column: Column, reference: IntArray, production: IntArray) -> tuple[Conversion, float] | None:
    n, m = int(reference.sum()), int(production.sum())
    largest = float(production[~column.atoms].max(initial=0)) / m
    novel = float(production[reference == 0].sum()) / m
    if column.family is not Family.NUMBER or largest > MOST_IN_ONE_CELL or novel < _NOVEL:
        return None
    edges = np.clip(column.edges, -1e300, 1e300)
    old, new = np.cumsum(reference[:-1]) / n, np.cumsum(production[:-1]) / m
    width = spread(column.edges, column.ranks)
    line = line_through(edges, old, new, width, True)
    if line is None or not (line.factor >= _WIDER or (line.factor > 0.0 and _standard(edges, new))):
        return None
    move = float(np.abs(old - new).max())
    noise = 1.36 * float(np.sqrt(1.0 / n + 1.0 / m))
    left = distance_of(edges, old, new, line, width)
    if left > min(_SLACK + noise, _LEFT * move) or fit_unit(column, reference, production) is not None:
        return None
    return line, 1.0 - left / move


def _standard(edges: FloatArray, upto: FloatArray) -> bool:
    """Whether production, `upto` each edge, has a median near 0 and a spread near 1 (of its quartiles)."""
    low, middle, high = (float(edges[min(int(np.searchsorted(upto, q)), len(edges) - 1)]) for q in (0.25, 0.5, 0.75))
    return abs(middle) <= 0.5 and 0.7 <= (high - low) / 1.349 <= 1.4
