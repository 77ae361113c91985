"""What labels say once they have come, against what was estimated without them: concept drift.

In: an estimator, a window's rows, their labels. Out: for each measure the realised and the estimated value, and how
unlikely their difference is. Kept: nothing.

The estimate is made for just the labelled rows, so that which labels come first does not matter. If P(label | score,
features) is what it was, realised values lie in the estimate's distribution, by construction; so where they do not, it
has changed, or something that tells about the label is not among the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from detectors.estimation import Estimate, Estimates, Estimator, Rows
from detectors.expected import Groups, measures
from detectors.result import FloatArray

COMPARED = ("positives", "log_loss", "roc_auc")
"""Measures that are compared: the level of the labels, the fit of the scores, the ranking."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How large a difference matters: in the measure's own units, or as a share of the estimate where `relative`.

    `good` is the sign of a difference that is no bad news: +1 where more is better, -1 where less is, 0 for a level,
    of which neither is.
    """

    size: float
    relative: bool = False
    good: int = 0


LIMITS: Mapping[str, Limit] = {
    "positives": Limit(0.03),
    "log_loss": Limit(0.05, relative=True, good=-1),
    "roc_auc": Limit(0.03, good=1),
    "accuracy": Limit(0.03, good=1),
    "mae": Limit(0.1, relative=True, good=-1),
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """A measure's realised value against its estimate; `pvalue` is two-sided."""

    realised: float
    estimated: Estimate
    pvalue: float

    @property
    def difference(self) -> float:
        """Realised minus estimated."""
        return self.realised - self.estimated.value

    def size(self, limit: Limit) -> float:
        """How large the difference is, in the limit's units."""
        return abs(self.difference) / (abs(self.estimated.value) if limit.relative else 1.0)

    def better(self, limit: Limit) -> bool:
        """Whether the difference, real or not, is in the model's favour."""
        return limit.good * self.difference > 0.0


@dataclass(frozen=True, eq=False)
class Surprises:
    """Of one window; `reason` says why the estimate cannot be relied on (empty: it can)."""

    of: Mapping[str, Surprise]
    rows: int
    reason: str
    estimates: Estimates


def realised(rows: Rows, label: FloatArray) -> dict[str, float]:
    """Every measure of labels that are known, without those that have no value."""
    groups = Groups.of(rows.score, rows.said, np.zeros(len(label)), exact=True)
    found = measures(groups, np.bincount(groups.place, label, len(groups.rows)).astype(np.float64)[None])
    return {name: float(value[0]) for name, value in found.items() if np.isfinite(value[0])}


def surprises(estimator: Estimator, rows: Rows, label: FloatArray, rng: np.random.Generator) -> Surprises:
    """Compare. `label` is 0 or 1 for each of `rows`. Raises DetectorError for no rows."""
    found = estimator.estimate(rows, rng)
    true = realised(rows, label)
    of = {}
    for name in COMPARED:
        if name in true and name in found.of and found.of[name].spread > 0.0:
            of[name] = Surprise(true[name], found.of[name], unlikely(true[name], found.of[name]))
    return Surprises(of, len(label), found.reason, found)


def unlikely(true: float, estimate: Estimate) -> float:
    """Two-sided p-value of a realised value, its estimate's errors being normal."""
    if estimate.spread <= 0.0:
        return 1.0
    return float(2.0 * ndtr(-abs(true - estimate.value) / estimate.spread))


def drifted(one: Surprise, name: str, tests: int, alpha: float = 0.01) -> bool:
    """Whether a difference is unlikely (Bonferroni over `tests` measures), large enough and for the worse."""
    limit = LIMITS[name]
    return one.pvalue <= alpha / max(tests, 1) and one.size(limit) >= limit.size and not one.better(limit)
