"""The false-alarm budget: what a window must look like to be news, learned from the baseline's own days.

In: the baseline's grid, its days' profiles, and how many false incidents in 30 days its owner accepts. Out: a frozen
`Calibration`, which scores windows of any number of days, and goes to bytes and back. Kept: nothing.

A window's day profiles become series (`functionals.py`); each is held against the Student t that the baseline's days
predict for it (`predictive.py`); where the normal score is beyond the threshold, and the change at least as large as
matters, the window is beyond. The method, its assumptions and its measured rates: docs/false-alarms.md.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from detectors.conditional import Conditional
from detectors.functionals import RATES, Series, Views, rate_of
from detectors.grid import Grid
from detectors.predictive import Predictive, unskewed
from detectors.profile import Profile
from detectors.result import DetectorError, FloatArray, IntArray

HORIZONS = (1, 7, 28)
GUARANTEED_DAYS = 28
FEWEST_DAYS = 7
_LOWER = 1.645
# Series whose days differ by more than this many sampling variances have no shape of their own (see `active`).
_STEADY = 2.0
# How many times more often than windows of a day alone those of all horizons may open incidents: chosen on the streams
# of benchmarks/false_alarms.py, not derived. Three is the union bound over the horizons.
_TIMES = 1.5
_FORMAT = 3

_PARTS: dict[str, Any] = {"views": Views, "predictive": Predictive, "conditional": Conditional, "given": Predictive}

Day = tuple[date, Profile]


@dataclass(frozen=True, eq=False)
class Scores:
    """One window held against a calibration; arrays of shape (J,), NaN where a series has no rows.

    `score`: the normal score of what is seen, 0 where all is as usual. `change`: from the expected level, in the
    series' own units (see `functionals.py`), `lower` the least its size is with 95% confidence, `floor` the least that
    matters. `significant`: the score is beyond the threshold. `beyond`: and the change is beyond the floor. `given`:
    it is news only of what is left when the other columns have been heard.
    """

    score: FloatArray
    change: FloatArray
    lower: FloatArray
    floor: FloatArray
    significant: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    given: NDArray[np.bool_]

    def listed(self, rate: float = 0.1) -> NDArray[np.bool_]:
        """Which series to name inside an incident, shape of `score`: false discoveries at most `rate` of them.

        Benjamini & Hochberg 1995 over all series of a window, and the change beyond the floor. For a window that is
        beyond already: in others this says nothing.
        """
        pvalue = 2.0 * ndtr(-np.abs(np.nan_to_num(self.score)))
        order = np.argsort(pvalue, axis=-1)
        tests = pvalue.shape[-1]
        limit = rate * np.arange(1, tests + 1) / tests
        passed = np.take_along_axis(pvalue, order, -1) <= limit
        last = tests - np.argmax(passed[..., ::-1], axis=-1)
        most = np.where(passed.any(axis=-1), rate * last / tests, -1.0)
        named: NDArray[np.bool_] = (pvalue <= most[..., None]) & (self.lower >= self.floor)
        return named


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a baseline's days teach: series and their predictive distributions, and the budget.

    `budget` is false incidents in 30 days for the whole model, `horizons` the days of the windows it is shared among.
    """

    views: Views
    predictive: Predictive
    conditional: Conditional
    given: Predictive
    budget: float
    days: int
    horizons: tuple[int, ...] = HORIZONS

    @classmethod
    def learn(cls, grid: Grid, days: Sequence[Day], budget: float, horizons: tuple[int, ...] = HORIZONS) -> Calibration:
        """Learn from the baseline's days, in any order. Days without rows are left out.

        Raises DetectorError for fewer than 7 days with rows, a budget that is not positive, or profiles of another
        grid.
        """
        if not budget > 0.0:
            raise DetectorError(f"a budget of {budget} false incidents cannot be kept: above 0")
        held = sorted((day for day in days if day[1].rows), key=lambda day: day[0])
        if len(held) < FEWEST_DAYS:
            raise DetectorError(f"{len(held)} days with rows are too few to learn from: {FEWEST_DAYS} at least")
        views = Views.of(grid, [profile for _, profile in held])
        sums = views.renewed(np.array([views.sums(profile) for _, profile in held]), grid)
        return cls._fitted(views, sums, [day for day, _ in held], budget, horizons)

    @classmethod
    def _fitted(
        cls, views: Views, sums: IntArray, dates: Sequence[date], budget: float, horizons: tuple[int, ...]
    ) -> Calibration:
        values, variances = views.values(sums)
        ordinals = np.array([day.toordinal() for day in dates])
        bursts = views.bursts(sums.sum(axis=0))
        weekdays = _weekdays(dates)
        predictive = Predictive.fit(values, variances, weekdays, ordinals, bursts, views.least(sums), views.together)
        varies = predictive.day + predictive.slow > _STEADY * predictive.sampling
        smooth = np.isin(views.column, views.column[views.series == Series.SCALE])
        eligible = np.flatnonzero(varies & smooth & ~np.isin(views.series, (*RATES, Series.VOLUME)))
        conditional, rest = Conditional.fit(predictive.residuals(values, weekdays), views.column, eligible, ordinals)
        chosen = conditional.chosen
        noise = variances[:, chosen] / predictive.deviation[chosen] ** 2
        # What storms do to all columns at once the others tell: what is left has no tails but its own.
        given = Predictive.fit(rest, noise, weekdays, ordinals, stormy=False)
        return cls(views, predictive, conditional, given, budget, len(dates), horizons)

    @property
    def provisional(self) -> bool:
        """Whether the history is too short for the budget to be guaranteed: below 28 days."""
        return self.days < GUARANTEED_DAYS

    @cached_property
    def series(self) -> int:
        """How many series share the budget: those that vary at all."""
        rare = np.isin(self.views.series, RATES) & (self.views.usual == 0.0)
        return max(1, int((self.active & ~rare).sum()) + len(self.conditional.chosen))

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which series are judged at all, shape (J,): shapes only where days hardly differ.

        Where they do, a day's shape is that of its weather: heavy in the tails, and told by location and scale.
        """
        p = self.predictive
        varies = p.day + p.slow > _STEADY * p.sampling
        active: NDArray[np.bool_] = ~((self.views.series == Series.SHAPE) & varies)
        return active

    @cached_property
    def threshold(self) -> float:
        """The normal score beyond which a series is news."""
        share = self.budget / (60.0 * self.series * _TIMES)
        return float(-ndtri(min(share, 0.25)))

    def score(self, days: Sequence[Day]) -> Scores:
        """Hold one window against the baseline; `days` are those of the window, in any order.

        Raises DetectorError for no days, or for profiles of another grid.
        """
        if not days:
            raise DetectorError("a window needs days")
        sums = np.array([self.views.sums(profile) for _, profile in days])
        return self.score_window(sums, _weekdays([day for day, _ in days]))

    def score_window(self, sums: IntArray, weekdays: IntArray) -> Scores:
        """`score_sums` of one window: `sums` of shape (days, width), `weekdays` of shape (days,)."""
        many = self.score_sums(sums[None], weekdays[None])
        rows = (many.significant[0], many.beyond[0], many.given[0])
        return Scores(many.score[0], many.change[0], many.lower[0], many.floor, *rows)

    def score_sums(self, sums: IntArray, weekdays: IntArray) -> Scores:
        """Hold many windows of one length against the baseline: arrays of the result have shape (windows, J).

        `sums`, shape (windows, days, width), are `views.sums` of each day; `weekdays`, shape (windows, days), 0 is
        Monday.
        """
        values, variances = self.views.values(sums)
        score, change, error = self.predictive.score(values, variances, weekdays)
        score = unskewed(score, self.views.skewness(variances, error))
        lower = np.maximum(np.abs(change) - _LOWER * error, 0.0)
        floor = self.views.floors(self.predictive.level)
        given = np.zeros(score.shape, np.bool_)
        chosen = self.conditional.chosen
        if len(chosen):
            rest, leverage = self.conditional.rest(self.predictive.residuals(values, weekdays))
            deviation = self.predictive.deviation[chosen]
            extra, by, unsure = self.given.score(rest, variances[..., chosen] / deviation**2, weekdays, leverage)
            with np.errstate(invalid="ignore"):
                stronger = np.abs(extra) > np.abs(score[:, chosen])
                plain = (np.abs(score[:, chosen]) > self.threshold) & (np.sign(score[:, chosen]) == np.sign(extra))
                least = np.maximum(np.abs(by) - _LOWER * unsure, 0.0) * deviation
            given[:, chosen] = stronger & ~plain
            for whole, part in ((score, extra), (change, by * deviation), (lower, least)):
                whole[:, chosen] = np.where(stronger, part, whole[:, chosen])
        with np.errstate(invalid="ignore"):
            significant = (np.abs(score) > self.threshold) & self.active
            beyond = significant & (lower >= floor)
        return Scores(score, change, lower, floor, significant, beyond, given)

    def describe(self, place: int) -> tuple[str, int]:
        """What series `place` follows, in a word, and the position of its column (-1: all rows)."""
        return Series(int(self.views.series[place])).name.lower(), int(self.views.column[place])

    def expected_rate(self, place: int) -> float:
        """The usual rate of a series that follows one, else NaN."""
        if self.views.series[place] not in RATES:
            return float("nan")
        return float(rate_of(self.predictive.level[place : place + 1])[0])

    def to_bytes(self) -> bytes:
        """Compressed bytes for `from_bytes`; nothing in them but arrays of numbers and the grid's id."""
        arrays: dict[str, NDArray[np.generic]] = {
            "head": np.array([_FORMAT, self.days, *self.horizons], dtype=np.int64),
            "budget": np.array([self.budget]),
            "grid": np.frombuffer(self.views.grid_id.encode("ascii"), dtype=np.uint8),
        }
        for name in _PARTS:
            part = getattr(self, name)
            arrays |= {f"{name}.{f.name}": getattr(part, f.name) for f in fields(part) if f.name != "grid_id"}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Calibration:
        """The calibration of `to_bytes`. Raises DetectorError for damaged bytes or those of another version."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            head = arrays["head"].tolist()
            if head[0] != _FORMAT:
                raise DetectorError("these bytes are not a calibration this version can read")
            extra = {"views": {"grid_id": arrays["grid"].tobytes().decode("ascii")}}
            parts = {
                name: kind(
                    **extra.get(name, {}),
                    **{f.name: arrays[f"{name}.{f.name}"] for f in fields(kind) if f.name != "grid_id"},
                )
                for name, kind in _PARTS.items()
            }
            return cls(**parts, budget=float(arrays["budget"][0]), days=int(head[1]), horizons=tuple(head[2:]))
        except (
            KeyError,
            IndexError,
            ValueError,
            TypeError,
            OSError,
            EOFError,
            zlib.error,
            zipfile.BadZipFile,
        ) as error:
            if isinstance(error, DetectorError):
                raise
            raise DetectorError("stored calibration is damaged") from error


def _weekdays(dates: Sequence[date]) -> IntArray:
    return np.array([day.weekday() for day in dates], dtype=np.int64)
