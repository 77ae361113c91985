"""To which features a change of the mean prediction is attributed.

In: a `Surrogate` of the reference, the bins of a window's rows, the true means before and now. Out: an `Attribution`:
signed terms and a residual that add up to the change. Kept: nothing.

The terms are interventional Shapley values (Lundberg & Lee 2017; Janzing, Minorics & Blöbaum 2020) of the difference
between the window's rows and the reference's, averaged over all pairs of a row now and a row then. For a sum of effects
of one and of two features they have a closed form: a feature's own effect counts by its change of mean, and of a pair
(a, b) feature a gets

    1/2 (E'[f] - p_a f p'_b  +  p'_a f p_b - E[f])

with E', p' the window's joint and single shares, and E, p the reference's. Features that are correlated are one player:
of what two of them do together nothing is divided between them. By efficiency the terms sum to the surrogate's change;
what is left to the model's true change is the residual: what the surrogate does not know.

An attribution says which changes of inputs the *model* answered to, and nothing of what caused them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.binning import PAIR_BINS, BinArray
from detectors.result import DetectorError, FloatArray
from detectors.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class Term:
    """What is attributed to a feature, or to several that go together, the one with most of it first."""

    features: tuple[str, ...]
    points: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """A change of the mean prediction, from `before` to `now`: terms (largest first) and residual add up to it.

    `fit` is the share of the prediction's variance that the surrogate explains on reference rows it has not seen,
    `importance` each feature's share of it; `stderr` the standard error of the change.
    """

    before: float
    now: float
    terms: tuple[Term, ...]
    residual: float
    n: int
    fit: float
    importance: tuple[tuple[str, float], ...]
    stderr: float = float("nan")

    @property
    def change(self) -> float:
        """The true change of the mean."""
        return self.now - self.before

    def percent(self, term: Term) -> float | None:
        """A term's share of the change; None where not all of terms and residual have its sign: shares of what partly
        cancels say nothing. A hundredth of the change counts for no sign."""
        parts = [each.points for each in self.terms] + [self.residual]
        sign = np.sign(self.change)
        against = sum(abs(part) for part in parts if np.sign(part) not in (0.0, sign))
        if not self.change or against > 0.01 * abs(self.change):
            return None
        return 100.0 * term.points / self.change


def attribute(
    surrogate: Surrogate, bins: BinArray, before: float, now: float, stderr: float = float("nan")
) -> Attribution:
    """Attribute the change from `before` to `now` to the features of the window's rows, `bins` (rows, features)."""
    if not len(bins):
        raise DetectorError("no rows to attribute a change to")
    shares = [np.bincount(bins[:, j], minlength=cut.bins) / len(bins) for j, cut in enumerate(surrogate.cuts)]
    single = np.array([float((p - q) @ f) for p, q, f in zip(shares, surrogate.shares, surrogate.effects, strict=True)])
    player = np.empty(len(surrogate.cuts), dtype=np.int64)
    for number, group in enumerate(surrogate.groups):
        player[list(group)] = number
    wide = [cut.folded(PAIR_BINS) for cut in surrogate.cuts]
    for (a, b), table, joint in zip(surrogate.pairs, surrogate.tables, surrogate.pair_shares, strict=True):
        height, width = table.shape
        key = wide[a][bins[:, a]] * width + wide[b][bins[:, b]]
        together = (np.bincount(key, minlength=height * width) / len(bins)).reshape(height, width)
        after, then = float((together * table).sum()), float((joint * table).sum())
        if player[a] == player[b]:
            # Halves of one player's term: only their sum is told.
            single[a] += 0.5 * (after - then)
            single[b] += 0.5 * (after - then)
            continue
        old_a, old_b = joint.sum(axis=1), joint.sum(axis=0)
        new_a, new_b = together.sum(axis=1), together.sum(axis=0)
        only_a, only_b = float(new_a @ table @ old_b), float(old_a @ table @ new_b)
        single[a] += 0.5 * (after - only_b + only_a - then)
        single[b] += 0.5 * (after - only_a + only_b - then)
    names = surrogate.names
    terms = []
    for group in surrogate.groups:
        ranked = sorted(group, key=lambda j: -abs(single[j]))
        terms.append(Term(tuple(names[j] for j in ranked), float(single[list(group)].sum())))
    terms.sort(key=lambda term: -abs(term.points))
    first = np.argsort(-surrogate.importance, kind="stable")
    importance = tuple((names[j], float(surrogate.importance[j])) for j in first)
    left = (now - before) - float(single.sum())
    return Attribution(before, now, tuple(terms), left, len(bins), surrogate.fit, importance, stderr)


def weighted(importance: FloatArray, distances: FloatArray) -> float:
    """Distances of all features weighted by their importance, shapes (features,): what has moved, by what it matters.

    NaN distances are left out, and the weights of the rest made whole.
    """
    there = np.isfinite(distances) & (importance > 0.0)
    total = float(importance[there].sum())
    return float(importance[there] @ distances[there] / total) if total else float("nan")
