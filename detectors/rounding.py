"""Numbers that are rounded now and were not before.

In: two profiles on one grid. Out: a `Statistic`. Kept: nothing.

Rounded to a step, all rows lie in cells that hold a multiple of the step. Steps of 1, 2, 2.5 and 5 times a power of
ten are tried, from a 50th of the column's spread to twice the spread. `value` is, for the step that fits least by
chance, the share of production's rows (inside of the reference's range) in such cells beyond the share that chance
puts there, over the most that could be: 1 where all rows are in such cells, 0 where no more are than before. What
chance puts there is how many of the 20 cells around hold a multiple, the cell's width over the step (the cells of a
tail are wider than those around them), or the reference's own share, whichever is the largest. The p-value is the
chance that every cell that is occupied holds a multiple, times the number of steps: rows may come in clumps. Fewer
than fifty rows, or half of all, inside of the range say nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column
from detectors.exterior import spread
from detectors.profile import Profile, require_same_grid
from detectors.result import FloatArray, IntArray, Statistic
from detectors.values import Family
from detectors.view import ColumnProfile

_NEAR = 10
_FEWEST_CELLS, _FEWEST_ROWS = 5, 50
_MOST_BY_CHANCE = 0.8
_EMPTY = 0.3
_ALL = 0.9
_EPS = 1e-9


def rounding(reference: Profile, production: Profile) -> Statistic:
    """How much more of each column than before is rounded, of shape (features,); NaN for categories."""
    grid = require_same_grid(reference, production)
    usable = grid.is_number & (reference.valid > 0) & (production.valid > 0)
    value, pvalue = np.where(usable, 0.0, np.nan), np.where(usable, 1.0, np.nan)
    for index in np.flatnonzero(usable):
        column = grid.columns[index]
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        if column.family is Family.NUMBER:
            found = _rounded(column, reference.counts[cells], production.counts[cells])
            if found is not None:
                value[index], pvalue[index], _ = found
    return Statistic(value, pvalue)


def step_of(reference: ColumnProfile, production: ColumnProfile) -> float | None:
    """The step a number is rounded to, as `rounding` finds it; None where there is none."""
    found = _rounded(production.column, reference.counts, production.counts)
    return None if found is None else found[2]


def _rounded(column: Column, reference: IntArray, production: IntArray) -> tuple[float, float, float] | None:
    first, last = column.span
    inside = slice(first + 1, last + 1)
    old, new = reference[inside].astype(np.float64), production[inside].astype(np.float64)
    occupied = new > 0
    filled = np.flatnonzero(occupied)
    if len(filled) < _FEWEST_CELLS or not old.any() or new.sum() < max(_FEWEST_ROWS, production.sum() / 2):
        return None
    among = slice(filled[0], filled[-1] + 1)
    # Rounding leaves cells empty that the reference fills: without any, there is nothing to look for.
    if ((old[among] > 0) & ~occupied[among]).sum() < _EMPTY * (old[among] > 0).sum():
        return None
    width, widths = spread(column.edges, column.ranks), _widths(column)[inside]
    best: tuple[float, float, float] | None = None
    steps = _steps(width)
    for step in steps:
        holds = _holds(column, step)[inside]
        by_place = np.maximum(_around(holds), np.minimum(widths / step, 1.0))
        usual = max(float(new @ by_place / new.sum()), float(old @ holds / old.sum()))
        if usual > _MOST_BY_CHANCE:
            continue
        value = max((float(new @ holds / new.sum()) - usual) / (1.0 - usual), 0.0)
        likely = float(np.exp(np.log(np.maximum(by_place[filled], 1e-3)).sum())) if value > 0.5 else 1.0
        found = value, min(1.0, likely * len(steps)), step
        # Multiples of ten are multiples of five: of steps that fit alike the least likely one is meant.
        if best is None or _order(found) < _order(best):
            best = found
    return best


def _order(found: tuple[float, float, float]) -> tuple[bool, float, float]:
    value, likely, _ = found
    return value < _ALL, likely, -value


def _steps(width: float) -> list[float]:
    lowest, highest = np.floor(np.log10(width / 50.0)), np.ceil(np.log10(2.0 * width))
    if not (np.isfinite(lowest) and lowest > -300 and highest < 300):
        return []
    steps = [lead * 10.0**power for power in np.arange(lowest, highest + 1) for lead in (1.0, 2.0, 2.5, 5.0)]
    return [float(step) for step in steps if width / 50.0 <= step <= 2.0 * width]


def _holds(column: Column, step: float) -> NDArray[np.float64]:
    """1 for every cell that holds a multiple of `step`, else 0, shape (cells,)."""
    place = np.clip(column.edges / step, -1e15, 1e15)
    atoms = column.atoms
    slack = _EPS * np.maximum(np.abs(place), 1.0)
    # An open cell that ends right below a single value does not hold it.
    upper = np.where(np.append(atoms[1:-1], False), place - slack, place + slack)
    lower = place + slack
    holds = np.zeros(len(atoms))
    holds[1:-1] = np.floor(upper[1:]) > np.floor(lower[:-1])
    single = np.abs(place - np.rint(place)) <= slack
    holds[1:-1] = np.where(atoms[1:-1], single[1:], holds[1:-1])
    return holds


def _widths(column: Column) -> FloatArray:
    """The width of every open cell, 0 for those of a single value and for the outermost two, shape (cells,)."""
    with np.errstate(over="ignore"):
        widths: FloatArray = np.concatenate(([0.0], np.diff(column.edges), [0.0]))
    return np.where(column.atoms, 0.0, np.nan_to_num(widths))


def _around(holds: FloatArray) -> FloatArray:
    """The share of cells that hold a multiple among those within `_NEAR`, shape as given."""
    upto = np.concatenate(([0.0], np.cumsum(holds)))
    places = np.arange(len(holds))
    low, high = np.maximum(places - _NEAR, 0), np.minimum(places + _NEAR + 1, len(holds))
    share: FloatArray = (upto[high] - upto[low]) / (high - low)
    return share
