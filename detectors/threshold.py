"""Threshold rules: what a statistic must be to count as a breach.

In: statistics as values. Out: judgements. Kept: nothing; a rule is itself a value, handed to the evaluation.
`FixedRule` compares with fixed thresholds; a rule learned from the baseline's history follows the same protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from detectors.day_effects import expected
from detectors.performance import MEASURES, Measure, Measured
from detectors.registry import DETECTORS
from detectors.result import FloatArray, IntArray, Judgement, Statistic, Status


class ThresholdRule(Protocol):
    """Judges everything measured in one window together, so that it can account for how much was looked at."""

    def judge(
        self, measured: Mapping[str, Statistic], n_reference: int | IntArray, n_production: int | IntArray
    ) -> Mapping[str, Judgement]:
        """One judgement for each statistic, by the detector's name; `n_…` are rows of reference and window.

        They are numbers, or arrays of shape (features,) where the features come of several segments.
        """


@dataclass(frozen=True, slots=True)
class FixedRule:
    """Breach: the size reaches the threshold, and is significant at `alpha` among all tests of the window (Holm 1979).

    The size is the effect, or the value where there is none; its sign matters as the detector's direction says. A
    detector missing from `thresholds` has its default. A statistic without p-value goes by the threshold alone. Fewer
    than `minimum_rows` rows on either side, or no value, is insufficient, except for what is certain (a vanished column
    in three rows has vanished).
    """

    thresholds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.01
    minimum_rows: int = 100

    def threshold(self, name: str) -> float:
        """The threshold of a detector."""
        return self.thresholds.get(name, DETECTORS[name].threshold)

    def judge(
        self, measured: Mapping[str, Statistic], n_reference: int | IntArray, n_production: int | IntArray
    ) -> Mapping[str, Judgement]:
        """See `ThresholdRule.judge`. Raises KeyError for a name that is no detector."""
        enough = np.minimum(n_reference, n_production) >= self.minimum_rows
        some = np.greater(n_production, 0)
        sufficient = {
            name: ~np.isnan(statistic.value) & (enough | (DETECTORS[name].certain & some))
            for name, statistic in measured.items()
        }
        tested = {
            name: np.where(sufficient[name], statistic.pvalue, np.nan)
            for name, statistic in measured.items()
            if statistic.pvalue is not None
        }
        adjusted = holm(np.concatenate(list(tested.values()))) if tested else np.empty(0)
        parts = np.split(adjusted, np.cumsum([len(part) for part in tested.values()])[:-1]) if tested else []
        significant = {name: part <= self.alpha for name, part in zip(tested, parts, strict=True)}
        judged = {}
        for name, statistic in measured.items():
            size = statistic.value if statistic.effect is None else statistic.effect
            if DETECTORS[name].direction == "both":
                size = np.abs(size)
            threshold = self.threshold(name)
            breach = sufficient[name] & (size >= threshold) & significant.get(name, True)
            judged[name] = Judgement(np.full(len(size), threshold), breach, sufficient[name])
        return judged


def holm(pvalues: FloatArray) -> FloatArray:
    """Holm's adjusted p-values (1979) of the tests that were made; NaN stays NaN and is no test.

    Comparing them with alpha keeps the chance of any false breach at alpha or below, however the tests depend.
    """
    adjusted = np.full(len(pvalues), np.nan)
    made = np.flatnonzero(~np.isnan(pvalues))
    order = made[np.argsort(pvalues[made], kind="stable")]
    scaled = pvalues[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


@dataclass(frozen=True, slots=True)
class PerformanceJudgement:
    """A measure held against the baseline's.

    `effect` is how much worse it is (negative: better), in the units of `threshold`, the tolerance: the measure's own,
    or a share of the baseline's value.
    """

    effect: float
    threshold: float
    pvalue: float
    status: Status


@dataclass(frozen=True, slots=True)
class PerformanceRule:
    """Breach: worse than the baseline by the tolerance or more, and significantly so.

    The test is one-sided, on both standard errors with what days do by themselves (`day_effects.py`), at `alpha` over
    the number of measures judged together: those judged without being asked and those with a tolerance of their own.
    The others are measured alone: `ok` with no threshold.
    Fewer than `minimum_rows` labelled rows on either side, or no value, is insufficient. `known` are the measures by
    name.
    """

    tolerances: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.01
    minimum_rows: int = 100
    known: Mapping[str, Measure] = field(default_factory=lambda: MappingProxyType(MEASURES))

    def judges(self, name: str) -> bool:
        """Whether a measure is judged, and not only measured."""
        return self.known[name].judged or name in self.tolerances

    def judge(
        self, baseline: Mapping[str, Measured], production: Mapping[str, Measured], places: int = 1
    ) -> Mapping[str, PerformanceJudgement]:
        """One judgement for each of `production`'s measures; `places` is how many segments are judged together."""
        count = max(sum(self.judges(name) for name in production), 1) * places
        return {
            name: self._one(name, baseline.get(name), measured, self.alpha / count)
            for name, measured in production.items()
        }

    def _one(self, name: str, usual: Measured | None, now: Measured, alpha: float) -> PerformanceJudgement:
        known, judged = self.known[name], self.judges(name)
        nan = float("nan")
        tolerance = self.tolerances.get(name, known.tolerance) if judged else nan
        if np.isnan(now.value) or now.n < self.minimum_rows:
            return PerformanceJudgement(nan, tolerance, nan, Status.INSUFFICIENT)
        if not judged:
            return PerformanceJudgement(nan, nan, nan, Status.OK)
        if usual is None or usual.n < self.minimum_rows:
            return PerformanceJudgement(nan, tolerance, nan, Status.INSUFFICIENT)
        held = expected(now, usual)
        if known.signed:
            worse = abs(now.value) - abs(held.usual)
        else:
            worse = held.usual - now.value if known.higher_is_better else now.value - held.usual
        error = float(np.hypot(usual.stderr, held.stderr))
        if np.isnan(worse) or np.isnan(error) or (known.relative and held.usual <= 0.0):
            return PerformanceJudgement(nan, tolerance, nan, Status.INSUFFICIENT)
        # What is signed may be off on either side.
        pvalue = min(held.tail(worse, error) * (2.0 if known.signed else 1.0), 1.0)
        effect = worse / held.usual if known.relative else worse
        breach = effect >= tolerance and pvalue <= alpha
        return PerformanceJudgement(effect, tolerance, pvalue, Status.BREACH if breach else Status.OK)
