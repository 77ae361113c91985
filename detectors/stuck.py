"""Values that stand still, and one value that comes too often.

In: two profiles on one grid. Out: a `Statistic` each. Kept: nothing.

`stuck`: the share of the most frequent cell, where it is one the reference hardly has (2% at most) and holds one value
or a small piece of the reference's range; 0 elsewhere. Nearly all rows of a window in one such cell are a sensor that
froze, a join that repeats one row, a default. A column that is constant over a window by nature (the day of the year,
an hour's weather at one place) is too: switch it off there. No p-value: it is a fact.

`spike`: by how much the share of one value (or of a cell narrower than a tenth of the spread) inside of the range
exceeds what can explain it, largest of all, 0 to 1: a default or an imputed mean. What can explain it: five times the
reference's share (0.2% at least); one and a half times what the density of the four cells to either side comes to, or,
of a single value, the largest of those beside it, or the reference's share risen as those beside it; three times the
third most frequent cell, for rows that come in clumps. The p-value is binomial, at that share, times the number of
cells (Bonferroni). Outside of the range `out_of_range` is what sees a default.
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtrc

from detectors.columns import Column, ColumnKind
from detectors.exterior import spread
from detectors.profile import Profile, require_same_grid
from detectors.result import FloatArray, Statistic
from detectors.view import ColumnProfile

SELDOM = 0.02
_TIMES, _LEAST, _RISEN, _CLUMPS = 5.0, 0.002, 1.5, 3.0
_BESIDE = 4
_NARROW = 0.1


def stuck(reference: Profile, production: Profile) -> Statistic:
    """Share of rows in the most frequent cell, of shape (features,), where the reference hardly has it; else 0."""
    grid = require_same_grid(reference, production)
    n, m = reference.valid, production.valid
    value = np.where((n > 0) & (m > 0), 0.0, np.nan)
    for index in np.flatnonzero((n > 0) & (m > 0)):
        column = grid.columns[index]
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        counts = production.counts[cells]
        top = int(counts.argmax())
        # The last cells of a category are many values each.
        telling = not column.exterior[top] if column.kind is ColumnKind.NUMBER else top < len(column.values)
        if telling and reference.counts[cells][top] <= SELDOM * n[index]:
            value[index] = counts[top] / m[index]
    return Statistic(value)


def spike(reference: Profile, production: Profile) -> Statistic:
    """Largest share of a cell beyond what can explain it, of shape (features,); NaN for categories."""
    grid = require_same_grid(reference, production)
    n, m = reference.valid, production.valid
    usable = grid.is_number & (n > 0) & (m > 0)
    value, pvalue = np.where(usable, 0.0, np.nan), np.where(usable, 1.0, np.nan)
    tops = np.maximum.reduceat(production.counts, grid.offsets[:-1])
    # Where no cell is far above its floor there is nothing to explain.
    for index in np.flatnonzero(usable & (tops > _TIMES * _LEAST * m)):
        cells = slice(grid.offsets[index], grid.offsets[index + 1])
        counts = production.counts[cells]
        expected = _explained(grid.columns[index], reference.counts[cells] / n[index], counts / m[index])
        excess = counts / m[index] - expected
        worst = int(excess.argmax())
        if excess[worst] > 0.0:
            value[index] = excess[worst]
            tail = bdtrc(float(counts[worst] - 1), int(m[index]), float(expected[worst]))
            pvalue[index] = min(1.0, float(tail) * len(counts))
    return Statistic(value, pvalue)


def spike_at(reference: ColumnProfile, production: ColumnProfile) -> int:
    """The cell of a number's spike."""
    new = production.shares
    return int((new - _explained(production.column, reference.shares, new)).argmax())


def _explained(column: Column, old: FloatArray, new: FloatArray) -> FloatArray:
    """The share each cell may have without a spike, shape (cells,): 1 where nothing is said."""
    expected = np.ones(len(old))
    # The outermost cells have no width, and a wide one can hold much without a value that repeats.
    atoms, old, new = column.atoms[1:-1], old[1:-1], new[1:-1]
    widths = np.diff(np.clip(column.edges, -1e300, 1e300))
    candidates = ~column.exterior[1:-1] & (atoms | (widths <= _NARROW * spread(column.edges, column.ranks)))
    rise = np.divide(new, np.maximum(old, 1e-9))
    smooth = np.where(atoms, _largest_beside(np.where(atoms, new, 0.0)), widths * _density(new, widths))
    third = np.sort(new)[-3] if len(new) > 2 else 0.0
    share = np.maximum.reduce(
        [
            _TIMES * np.maximum(old, _LEAST),
            _RISEN * smooth,
            _RISEN * old * _largest_beside(np.where(old > 0.0, rise, 0.0)),
            np.full(len(new), _CLUMPS * third),
        ]
    )
    expected[1:-1] = np.where(candidates, np.minimum(share, 1.0), 1.0)
    return expected


def _density(new: FloatArray, widths: FloatArray) -> FloatArray:
    """The larger of the shares per unit in the `_BESIDE` cells before and after each, shape as given."""
    mass, span = (np.concatenate(([0.0], np.cumsum(each))) for each in (new, widths))
    places = np.arange(len(new))
    dense = np.zeros(len(new))
    for low, high in (
        (np.maximum(places - _BESIDE, 0), places),
        (places + 1, np.minimum(places + 1 + _BESIDE, len(new))),
    ):
        with np.errstate(over="ignore"):
            part = np.divide(
                mass[high] - mass[low],
                span[high] - span[low],
                out=np.zeros(len(new)),
                where=span[high] - span[low] > 0.0,
            )
        dense = np.maximum(dense, np.minimum(part, 1e300))
    return dense


def _largest_beside(values: FloatArray) -> FloatArray:
    """The largest of the `_BESIDE` values to either side of each, itself left out."""
    padded = np.concatenate((np.zeros(_BESIDE), values, np.zeros(_BESIDE)))
    steps = [step for step in range(2 * _BESIDE + 1) if step != _BESIDE]
    largest: FloatArray = np.maximum.reduce([padded[step : step + len(values)] for step in steps])
    return largest
