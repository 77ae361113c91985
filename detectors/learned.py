"""The learned threshold: what counts as a breach is what the baseline's own days say is news.

In: a calibration's scores of one window. Out: a threshold rule, and what is unusual about each column. Kept: nothing.

KS, PSI and the rates say what happened; whether that is an alarm rests on the calibrated series of the column
(`calibration.py`). What needs no calibration (a vanished column, a changed type or unit, a stuck value) and what the
owner gave a fixed threshold is judged by the fixed rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import Calibration, Scores
from detectors.functionals import Series
from detectors.registry import DETECTORS
from detectors.result import FloatArray, IntArray, Judgement, Kind, Statistic
from detectors.threshold import FixedRule

RATE_SERIES = {"missing": Series.MISSING, "unseen": Series.UNSEEN, "out_of_range": Series.FAR}
_SHAPES = (Series.LOCATION, Series.SCALE, Series.SHAPE, Series.SHARE)
_WORDS: dict[int, str] = {
    Series.LOCATION: "level",
    Series.SCALE: "spread",
    Series.SHAPE: "shape",
    Series.SHARE: "mix of categories",
    Series.MISSING: "missing rate",
    Series.UNSEEN: "rate of unseen categories",
    Series.FAR: "rate of values far out of range",
    Series.VOLUME: "number of rows",
}

_GIVEN = ", beside what the other columns are"


class Unusual(NamedTuple):
    """The most unusual view of one column: `score` in standard deviations of what days do by themselves.

    `place` is the column's, -1 for the number of rows. `change`, `lower` (the least it is with 95% confidence) and
    `floor` (the least that matters) are in the view's own units; `view` names it, and says so where it is unusual
    beside what the other columns are. `beyond`: an alarm. `small`: beyond what chance does, but no larger than the
    floor. `listed`: no alarm, but named beside one, with false-discovery control (of many such, one in ten is chance).
    """

    place: int
    view: str
    score: float
    change: float
    lower: float
    floor: float
    beyond: bool
    small: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """Breach: the column is beyond what the false-alarm budget allows. `named` detectors keep their fixed threshold.

    `segments`: the rules of segments that have a calibration of their own, by their place among the grid's.
    """

    fixed: FixedRule
    named: frozenset[str]
    calibration: Calibration
    scores: Scores
    segments: Mapping[int, LearnedRule] = field(default_factory=lambda: MappingProxyType({}))

    def judge(
        self, measured: Mapping[str, Statistic], n_reference: int | IntArray, n_production: int | IntArray
    ) -> Mapping[str, Judgement]:
        """See `ThresholdRule.judge`."""
        judged = dict(self.fixed.judge(measured, n_reference, n_production))
        for name, statistic in measured.items():
            if self.learns(name):
                sufficient = judged[name].sufficient
                breach = sufficient & self.news(name, statistic)
                judged[name] = Judgement(np.full(len(breach), np.nan), breach, sufficient)
        return judged

    def news(self, name: str, statistic: Statistic) -> NDArray[np.bool_]:
        """Of which columns a detector's figure describes something that is beyond, shape (features,)."""
        found = self.beyond(*((RATE_SERIES[name],) if name in RATE_SERIES else _SHAPES))
        if statistic.pvalue is not None:
            # Of the figures about a column that alarms, those that chance alone would give describe nothing.
            found &= statistic.pvalue <= self.fixed.alpha
        return found

    def learns(self, name: str) -> bool:
        """Whether a detector's threshold is learned: it describes a distribution or a rate, and was given none."""
        return name not in self.named and self._learns(name)

    @staticmethod
    def _learns(name: str) -> bool:
        return name in RATE_SERIES or DETECTORS[name].kind is not Kind.QUALITY

    def beyond(self, *series: Series) -> NDArray[np.bool_]:
        """Which columns have one of these series beyond the threshold, shape (features,)."""
        views = self.calibration.views
        mine = self.scores.beyond & np.isin(views.series, series) & (views.column >= 0)
        found = np.zeros(views.features, dtype=np.bool_)
        found[views.column[mine]] = True
        return found

    def unusual(self) -> Iterator[Unusual]:
        """The most unusual view of each column that has any, and of the number of rows; alarms before large scores."""
        views, scores = self.calibration.views, self.scores
        alarmed = bool((scores.beyond & (views.column >= 0)).any())
        named = scores.listed() & self.calibration.active if alarmed else np.zeros_like(scores.beyond)
        there = np.flatnonzero(np.isfinite(scores.score) & self.calibration.active)
        # A shape says least to a person: it is named only where nothing simpler is beyond.
        simple = views.series[there] != Series.SHAPE
        keys = (np.abs(scores.score[there]), simple, named[there], scores.beyond[there], views.column[there])
        ranked = there[np.lexsort(keys)]
        last = np.flatnonzero(np.diff(views.column[ranked], append=views.features))
        worst = ranked[last]
        small = scores.significant[worst] & ~scores.beyond[worst]
        columns: tuple[FloatArray | IntArray | NDArray[np.bool_], ...] = (
            views.column[worst],
            views.series[worst],
            scores.given[worst],
            *(part[worst] for part in (scores.score, scores.change, scores.lower, scores.floor, scores.beyond)),
            small,
            named[worst] & ~scores.beyond[worst],
        )
        for place, series, given, *rest in zip(*(part.tolist() for part in columns), strict=True):
            yield Unusual(place, _WORDS[series] + (_GIVEN if given else ""), *rest)
