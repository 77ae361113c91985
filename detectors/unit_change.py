"""A column that seems to have changed its unit: production is about `factor` x reference + `offset`.

In: two profiles on one grid, or one column of each. Out: a `Statistic`, or the `Change` found, with its sentence.
Kept: nothing.

For every column whose distribution has moved, the known conversions of units and a line through the quantiles are
tried: the reference's distribution, mapped, must agree with production's at all edges of the grid. How closely depends
on how likely the same is by nature:

- a factor of 10 and more, or a tenth and less, that is a known conversion: within 0.3, and within 0.4 of what it was;
- degrees: within 0.1 and the noise of both samples, and within a quarter of what it was;
- a factor of 10 and more, or a tenth and less, without a name: within 0.05 and noise, and within a third;
- other known factors: within 0.03 and noise, and a quarter of what it was, which takes some thousand rows;
- a flip of the sign, alike: within 0.05 and noise, and a third.

All but the first and the factor of ten without a name take a feature; degrees a distance of 0.5 before, the others
half of the rows where the reference has none: sales that grew by 60% are not miles become kilometres, nor is a score
that fell.

A mere shift is none: where moving the reference by less than five of its spreads explains as much, it is not called a
change of unit. Production that lies in one cell of the grid for the most part says nothing about units, nor does a
reference that hardly ever varies: nought is nought in any unit.
`value` is the share of the distance (KS) that the change of unit explains, 0 where there is none; no p-value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Column, ColumnKind, Role
from detectors.exterior import spread
from detectors.ks import ks
from detectors.profile import Profile, require_same_grid
from detectors.result import FloatArray, IntArray, Statistic
from detectors.units import CONVERSIONS, Conversion
from detectors.values import Family
from detectors.view import ColumnProfile

LEAST_MOVE = 0.2
_MUCH = 0.5
DRASTIC = 10.0
_LEVELS = np.linspace(0.1, 0.9, 17)
MOST_IN_ONE_CELL, _MOST_FOR_A_LINE = 0.65, 0.34
_MOST_NOISE = 0.06
_FAR = 5.0
_ALIKE = 0.9


@dataclass(frozen=True, slots=True)
class Change:
    """Production is about `factor` x reference + `offset`; `words` names the conversion, or is empty.

    `explained` is the share of the distance that it explains.
    """

    factor: float
    offset: float
    words: str
    explained: float

    def sentence(self, private: bool = False) -> str:
        """`looks like a unit change: production ≈ 0.556 × reference - 17.8 (°F to °C)`; no figures of a private one."""
        if private:
            return "looks like a unit change"
        offset = f" {'-' if self.offset < 0 else '+'} {abs(self.offset):.3g}" if self.offset else ""
        words = f" ({self.words})" if self.words else ""
        return f"looks like a unit change: production ≈ {self.factor:.3g} × reference{offset}{words}"


def unit_change(reference: Profile, production: Profile) -> Statistic:
    """The share of each column's movement that a change of unit explains, shape (features,); NaN for categories."""
    grid = require_same_grid(reference, production)
    moved = ks(reference, production).value
    value = np.where(np.isnan(moved), np.nan, 0.0)
    for index in np.flatnonzero(moved >= LEAST_MOVE):
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        found = fit_unit(grid.columns[index], reference.counts[cells], production.counts[cells])
        if found is not None:
            value[index] = found.explained
    return Statistic(value)


def explain(reference: ColumnProfile, production: ColumnProfile) -> Change | None:
    """The change of unit between two profiles of one column; None where there is none."""
    if reference.column.kind is not ColumnKind.NUMBER or not reference.valid or not production.valid:
        return None
    return fit_unit(reference.column, reference.counts, production.counts)


def fit_unit(column: Column, reference: IntArray, production: IntArray) -> Change | None:
    n, m = int(reference.sum()), int(production.sum())
    largest = float(production[~column.atoms].max(initial=0)) / m
    if column.family is not Family.NUMBER or largest > MOST_IN_ONE_CELL or reference.max() > _ALIKE * n:
        return None
    edges = np.clip(column.edges, -1e300, 1e300)
    old, new = np.cumsum(reference[:-1]) / n, np.cumsum(production[:-1]) / m
    move = float(np.abs(old - new).max())
    novel = float(production[reference == 0].sum()) / m
    mild = column.role is Role.FEATURE and novel >= _MUCH
    degrees = column.role is Role.FEATURE and move >= _MUCH
    noise = 1.36 * float(np.sqrt(1.0 / n + 1.0 / m))
    width = spread(column.edges, column.ranks)
    tried = list(CONVERSIONS)
    if largest <= _MOST_FOR_A_LINE:
        tried += [line for line in (line_through(edges, old, new, width, rising) for rising in (True, False)) if line]
    best: tuple[float, Conversion] | None = None
    for each in tried:
        left = distance_of(edges, old, new, each, width)
        # A line through the quantiles always fits a little better: by less than noise it is the one that has a name.
        worth = left if each.words else left + noise
        if left <= _allowed(each, move, noise, width, degrees if each.offset else mild) and (
            best is None or worth < best[0]
        ):
            best = worth, each
    if best is None or move < LEAST_MOVE:
        return None
    found = best[1]
    left = distance_of(edges, old, new, found, width)
    shift = float(np.median(quantiles_of(edges, new) - quantiles_of(edges, old)))
    if abs(shift) < _FAR * width and distance_of(edges, old, new, Conversion(1.0, shift, ""), width) <= 2.0 * left:
        return None
    return Change(found.factor, found.offset, found.words, 1.0 - left / move)


def _allowed(each: Conversion, move: float, noise: float, width: float, mild: bool) -> float:
    """How far the mapped reference may be from production; below zero where it is out of the question.

    `mild` says whether factors below ten are in question at all.
    """
    size = max(abs(each.factor), 1.0 / abs(each.factor))
    if size < DRASTIC and not mild:
        return -1.0
    if each.factor < 0.0 and (size < DRASTIC or not each.words):
        # Whatever is about as wide as before and mirrored; a line without a name must have kept its zero.
        return min(0.05 + noise, move / 3.0) if each.words else -1.0
    if size >= DRASTIC:
        return min(0.3, 0.4 * move) if each.words else min(0.05 + noise, move / 3.0)
    if not each.words:
        return -1.0
    if each.offset:
        enough = each.factor != 1.0 or abs(each.offset) >= _FAR * width
        return min(0.1 + noise, 0.25 * move) if enough else -1.0
    return min(0.03 + noise, move / 4.0) if noise <= _MOST_NOISE else -1.0


def distance_of(edges: FloatArray, old: FloatArray, new: FloatArray, each: Conversion, width: float) -> float:
    """KS between production and the mapped reference, read at the edges; ties on an edge count for either side."""
    back = (edges - each.offset) / each.factor
    slack = 1e-9 * (np.abs(back) + width)
    low, high = np.interp(back - slack, edges, old), np.interp(back + slack, edges, old)
    if each.factor < 0.0:
        low, high = 1.0 - high, 1.0 - low
    return float(np.maximum(np.maximum(low - new, new - high), 0.0).max())


def line_through(edges: FloatArray, old: FloatArray, new: FloatArray, width: float, rising: bool) -> Conversion | None:
    """The line through the quantiles, by the median of all slopes (Theil 1950, Sen 1968)."""
    x, y = quantiles_of(edges, old), quantiles_of(edges, new)
    if not rising:
        x = x[::-1]
    run, rise = np.subtract.outer(x, x), np.subtract.outer(y, y)
    upper = np.triu_indices(len(x), 1)
    apart = np.abs(run[upper]) > 0.01 * width
    if not apart.any():
        return None
    factor = float(np.median(rise[upper][apart] / run[upper][apart]))
    return Conversion(factor, float(np.median(y - factor * x)), "") if abs(factor) > 1e-12 else None


def quantiles_of(edges: FloatArray, upto: FloatArray) -> FloatArray:
    """The values below which the shares `_LEVELS` lie, interpolated within cells, shape (levels,)."""
    after = np.clip(np.searchsorted(upto, _LEVELS), 1, len(edges) - 1)
    gain = upto[after] - upto[after - 1]
    inside = np.divide(_LEVELS - upto[after - 1], gain, out=np.ones(len(after)), where=gain > 0.0)
    inside = np.clip(inside, 0.0, 1.0)
    values: FloatArray = (1.0 - inside) * edges[after - 1] + inside * edges[after]
    return values
