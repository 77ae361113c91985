"""The reason for a change of predictions, in words.

In: an `Attribution`, the surrogate and how its bins are held now. Out: half a sentence to begin an alert with.
Kept: nothing. "Attributed to", never "caused by". Nothing is said of a change that is no larger than chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.association import ranks_up
from detectors.attribution import Attribution, Term
from detectors.binning import BinArray
from detectors.grid import Grid
from detectors.result import FloatArray
from detectors.surrogate import Surrogate

_CHANCE = 2.0
_MOST, _NEARLY_ALL, _LARGE = 0.5, 0.9, 0.25
_UP, _MISSING, _MORE = 0.53, 0.1, 0.02


def because(
    attribution: Attribution, surrogate: Surrogate, grid: Grid, bins: BinArray, measure: str, *, share: bool
) -> str | None:
    """`precipitation is up; most of the rise in the mean score (+6.1 of +8.0 points) is attributed to it`.

    `measure` names what changed ("mean score"); `share`: it is a share of 1, told in points of a hundred. Of a change
    that the features do not explain it is the plain fact, and `unexplained` the rest.
    None where the change is within twice its standard error.
    """
    change = attribution.change
    if not change or not abs(change) > _CHANCE * (attribution.stderr if np.isfinite(attribution.stderr) else 0.0):
        return None
    move = "rise" if change > 0.0 else "fall"
    whole = points(change, share)
    if unexplained(attribution):
        means = attribution.before, attribution.now
        before, now = (f"{100.0 * each:.1f}%" if share else f"{each:.3g}" for each in means)
        return f"the {measure} {'rose' if change > 0.0 else 'fell'} from {before} to {now}"
    same = [term for term in attribution.terms if term.points * change > 0.0]
    if not same:
        return None
    lead = same[0]
    part = lead.points / change
    moved = ", ".join(_moved(surrogate, grid, bins, lead))
    it = "it" if len(lead.features) == 1 else "them"
    figures = f"({points(lead.points, share).removesuffix(' points')} of {whole})"
    if part >= _MOST:
        much = "nearly all" if _NEARLY_ALL <= part <= 1.1 else "most" if part < _NEARLY_ALL else "all and more"
        return f"{moved}; {much} of the {move} in the {measure} {figures} is attributed to {it}"
    if part >= _LARGE:
        return f"{moved}; the largest part of the {move} in the {measure} {figures} is attributed to {it}"
    return (
        f"the {move} in the {measure} ({whole}) is spread over {len(same)} features; "
        f"the largest part, {points(lead.points, share)}, is attributed to {_listed(lead.features)}"
    )


def unexplained(attribution: Attribution) -> str:
    """How much of the change the features do not explain, in words; empty where they explain half of it or more."""
    change = attribution.change
    if not change or abs(attribution.residual) <= _MOST * abs(change):
        return ""
    part = attribution.residual / change
    move = "rise" if change > 0.0 else "fall"
    if not 0.0 < part < 0.95:
        return f"the features do not explain the {move}"
    return f"{part:.0%} of the {move} is not explained by the features"


def points(value: float, share: bool) -> str:
    """`+6.1 points` of a share, `+0.61` of anything else."""
    return f"{100.0 * value:+.1f} points" if share else f"{value:+.3g}"


def _moved(surrogate: Surrogate, grid: Grid, bins: BinArray, term: Term) -> list[str]:
    """What the features of a term do now: `precipitation is up`; those that move alike are told together."""
    told: dict[str, list[str]] = {}
    for name in term.features[:3]:
        j = surrogate.names.index(name)
        cut, before = surrogate.cuts[j], surrogate.shares[j]
        now = np.bincount(bins[:, j], minlength=cut.bins) / len(bins)
        told.setdefault(_direction(surrogate, grid, j, before, now), []).append(name)
    known = [how for how in told if how] or [""]
    return [f"{_listed(told[how])} {'is' if len(told[how]) == 1 else 'are'} {how or 'otherwise'}" for how in known]


def _direction(surrogate: Surrogate, grid: Grid, j: int, before: FloatArray, now: FloatArray) -> str:
    """`up`, `down`, `missing more often`, `more often EV`; empty where a column has hardly moved."""
    cut = surrogate.cuts[j]
    column = grid.columns[grid.index(cut.name)]
    missing = float(now[-1] - before[-1])
    if abs(missing) > _MISSING:
        return f"missing {'more' if missing > 0 else 'less'} often"
    if cut.number:
        if not now[:-1].sum() or not before[:-1].sum():
            return ""
        up = ranks_up(before[:-1], now[:-1])
        return "up" if up >= _UP else "down" if up <= 1.0 - _UP else ""
    gained = int(np.argmax(now[:-1] - before[:-1]))
    if now[gained] - before[gained] < _MORE:
        return ""
    if column.private:
        return "distributed otherwise"
    label = cut.label(column, gained, gained).partition(" = ")[2]
    return f"more often {label}"


def _listed(names: Sequence[str]) -> str:
    *head, last = [name[:60] for name in names[:3]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"{', '.join(head)} and {last}" if head and not more else ", ".join([*head, last])) + more
