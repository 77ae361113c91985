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
from scipy.special import ndtr

from detectors.performance import MEASURES, Measured
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

    The test is a one-sided normal one on both standard errors, at `alpha` over the number of measures judged together.
    Fewer than `minimum_rows` labelled rows on either side, or no value, is insufficient.
    """

    tolerances: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    alpha: float = 0.01
    minimum_rows: int = 100

    def judge(
        self, baseline: Mapping[str, Measured], production: Mapping[str, Measured]
    ) -> Mapping[str, PerformanceJudgement]:
        """One judgement for each of `production`'s measures."""
        return {
            name: self._one(name, baseline.get(name), measured, self.alpha / len(production))
            for name, measured in production.items()
        }

    def _one(self, name: str, usual: Measured | None, now: Measured, alpha: float) -> PerformanceJudgement:
        known = MEASURES[name]
        tolerance = self.tolerances.get(name, known.tolerance)
        nan = float("nan")
        if usual is None or min(usual.n, now.n) < self.minimum_rows:
            return PerformanceJudgement(nan, tolerance, nan, Status.INSUFFICIENT)
        worse = usual.value - now.value if known.higher_is_better else now.value - usual.value
        error = float(np.hypot(usual.stderr, now.stderr))
        if np.isnan(worse) or np.isnan(error) or (known.relative and usual.value <= 0.0):
            return PerformanceJudgement(nan, tolerance, nan, Status.INSUFFICIENT)
        pvalue = float(ndtr(-worse / error)) if error else float(worse <= 0.0)
        effect = worse / usual.value if known.relative else worse
        breach = effect >= tolerance and pvalue <= alpha
        return PerformanceJudgement(effect, tolerance, pvalue, Status.BREACH if breach else Status.OK)
