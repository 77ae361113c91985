"""Which columns go together: correlated ones, between which an effect cannot be divided.

In: bins of the reference's rows. Out: groups of columns. Kept: nothing.

Two numbers are held together by the rank correlation (Spearman), two categories by Cramér's V, a number and a category
by the correlation ratio of the number's ranks. From 0.7 on they are one group, with whatever either is held to.
"""

from __future__ import annotations

import numpy as np

from detectors.binning import BinArray, Cuts
from detectors.result import FloatArray, IntArray

TOGETHER = 0.7
_MOST_ROWS = 20_000


def groups_of(cuts: tuple[Cuts, ...], bins: BinArray) -> tuple[tuple[int, ...], ...]:
    """The columns, shape (rows, columns), by groups; each column is in one, most are by themselves."""
    few = bins[:: max(1, len(bins) // _MOST_ROWS)]
    leader = list(range(len(cuts)))
    known = _correlations(cuts, few)
    for first in range(len(cuts)):
        for second in range(first):
            if leader[first] == leader[second]:
                continue
            held = float(known[first, second])
            if (held if np.isfinite(held) else association(cuts, few, first, second)) >= TOGETHER:
                old, new = leader[first], leader[second]
                leader = [new if each == old else each for each in leader]
    found: dict[int, list[int]] = {}
    for place, each in enumerate(leader):
        found.setdefault(each, []).append(place)
    return tuple(tuple(group) for group in found.values())


def association(cuts: tuple[Cuts, ...], bins: BinArray, first: int, second: int) -> float:
    """How closely two columns are held together, 0 to 1, over the rows in which both have a value."""
    a, b = bins[:, first].astype(np.intp), bins[:, second].astype(np.intp)
    there = (a < cuts[first].bins - 1) & (b < cuts[second].bins - 1)
    a, b = a[there], b[there]
    table = np.bincount(a * cuts[second].bins + b, minlength=cuts[first].bins * cuts[second].bins)
    counts = table.reshape(cuts[first].bins, cuts[second].bins).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape, default=0) < 2 or len(a) < 50:
        return 0.0
    numbers = cuts[first].number, cuts[second].number
    if all(numbers):
        return abs(_correlation(counts))
    if any(numbers):
        return _ratio(counts if numbers[1] else counts.T)
    return _cramer(counts)


def _correlations(cuts: tuple[Cuts, ...], bins: BinArray) -> FloatArray:
    """What `association` says of all pairs of numbers without gaps, shape (columns, columns); NaN for other pairs.

    Such columns have the same middle ranks whichever other one they are held to, so one matrix product has them all.
    """
    found = np.full((len(cuts), len(cuts)), np.nan)
    whole = [place for place, cut in enumerate(cuts) if cut.number and not (bins[:, place] == cut.bins - 1).any()]
    if len(bins) < 50 or not whole:
        return found
    ranks = np.empty((len(whole), len(bins)))
    for row, place in enumerate(whole):
        ranks[row] = _middles(np.bincount(bins[:, place]).astype(np.float64))[bins[:, place]]
    ranks -= 0.5 * len(bins)
    spread = np.sqrt((ranks**2).sum(axis=1))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0.0)
    found[np.ix_(whole, whole)] = np.abs((ranks @ ranks.T) * scale * scale[:, None])
    return found


def _middles(held: FloatArray) -> FloatArray:
    return np.cumsum(held) - held / 2.0


def _correlation(counts: FloatArray) -> float:
    n = counts.sum()
    x, y = _middles(counts.sum(axis=1)) / n - 0.5, _middles(counts.sum(axis=0)) / n - 0.5
    spread = np.sqrt((counts.sum(axis=1) @ x**2) * (counts.sum(axis=0) @ y**2))
    return float(x @ counts @ y / spread) if spread else 0.0


def _ratio(counts: FloatArray) -> float:
    """Of rows by category (down) and rank (across): the root of the share of the ranks' variance between categories,
    less what as many categories would explain by chance."""
    n, groups = float(counts.sum()), counts.shape[0]
    y = _middles(counts.sum(axis=0)) / n - 0.5
    held = counts.sum(axis=1)
    total = float(counts.sum(axis=0) @ y**2)
    share = float(held @ (counts @ y / held) ** 2) / total if total else 0.0
    return float(np.sqrt(max(0.0, 1.0 - (1.0 - share) * (n - 1.0) / max(n - groups, 1.0))))


def _cramer(counts: FloatArray) -> float:
    """Bias-corrected (Bergsma 2013)."""
    n = float(counts.sum())
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi = float(((counts - expected) ** 2 / expected).sum()) / n
    r, k = counts.shape
    phi = max(0.0, phi - (r - 1) * (k - 1) / (n - 1.0))
    size = min(r - (r - 1) ** 2 / (n - 1.0), k - (k - 1) ** 2 / (n - 1.0)) - 1.0
    return float(np.sqrt(phi / size)) if size > 0.0 else 0.0


def ranks_up(before: FloatArray, now: IntArray | FloatArray) -> float:
    """The chance that a value of `now` is above one of `before` (both by rising bins), ties counting half."""
    first, second = before / max(before.sum(), 1e-300), now / max(float(now.sum()), 1e-300)
    return float(second @ _middles(first))
