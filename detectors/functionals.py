"""A model's day as a few series: location, scale and shape of numbers, shares of categories, rates, volume.

In: a grid and the reference's counts on it (`Views.of`), then profiles. Out: for each profile a short row of integers
(`Views.sums`) that add up exactly as profiles do, and from such rows the values of all series with their sampling
variances (`Views.values`). Kept: nothing; `Views` is a frozen value of small arrays.

Every series is a smooth function of a few sums that are linear in the counts, so none of them saturates as a largest
distance does, and a day's series can be averaged over any number of days. Values are on scales of about constant
variance: one unit is a standard deviation of the reference for location and shape, a factor of e for scale, twice the
arcsine of the root for shares and rates (Anscombe 1948).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.normal_scores import STEPS, between, category_scores, far_cells, number_scores
from detectors.profile import Profile
from detectors.result import DetectorError, FloatArray, IntArray

if TYPE_CHECKING:
    from detectors.grid import Grid

_COMMON, _MOST_COMMON = 0.02, 8
_FLAT = 0.05
_MOSTLY = 0.6
# By how many standard deviations of its days a column may leave the reference's range before a value is far out.
_ROOM = 3.0
_FEW_DAYS = 5


class Series(IntEnum):
    """What a series follows."""

    LOCATION = 0
    SCALE = 1
    SHAPE = 2
    SHARE = 3
    MISSING = 4
    UNSEEN = 5
    FAR = 6
    VOLUME = 7


_RATES = {
    Series.MISSING: ("missing", "present"),
    Series.UNSEEN: ("last", "valid"),
    Series.FAR: ("far", "valid"),
}
RATES = tuple(_RATES)
_SUMS = ("valid", "present", "missing", "first", "second", "third", "far", "last")
FLOORS = {
    Series.LOCATION: 0.025,
    Series.SCALE: 0.025,
    Series.SHAPE: 0.025,
    Series.SHARE: 0.025,
    Series.MISSING: 0.005,
    Series.UNSEEN: 0.005,
    Series.FAR: 0.005,
    Series.VOLUME: 0.1,
}
"""The least change that may alarm: standard deviations, log of the factor, twice the arcsine; for rates the change."""


@dataclass(frozen=True, eq=False)
class Views:
    """How counts become series.

    `scores`, shape (cells,): a normal score for every cell of a number and for every known category in order of
    frequency, in thousandths; `far`, shape (cells,): cells more than one spread outside of the reference's range, and
    as much further as days themselves may go;
    `top`, shape (shares,): cells of frequent categories. `series`, `column`, `place`, shape (J,): what each series
    follows, of which column (-1: of all rows), and for shares its place in `top`. `moments`, shape (features, 4):
    within-day variance of the scores (in units of one), their kurtosis, the variance of a row's part in their
    skewness, and their skewness. `usual`,
    shape (J,): the reference's rate where the series follows one.
    """

    grid_id: str
    offsets: IntArray
    scores: IntArray
    far: NDArray[np.bool_]
    top: IntArray
    series: IntArray
    column: IntArray
    place: IntArray
    moments: FloatArray
    usual: FloatArray

    def __len__(self) -> int:
        return len(self.series)

    @property
    def features(self) -> int:
        """How many columns there are."""
        return len(self.offsets) - 1

    @property
    def width(self) -> int:
        """How many integers `sums` gives."""
        return 1 + len(_SUMS) * self.features + len(self.top)

    @classmethod
    def of(cls, grid: Grid, profiles: Sequence[Profile]) -> Views:
        """The views of a reference of several days. Raises DetectorError for none, or for profiles of another grid."""
        total = _total(grid, profiles)
        valid = total.valid
        scores, far = np.zeros(grid.cells, np.int64), np.zeros(grid.cells, np.bool_)
        top: list[int] = []
        kinds: list[tuple[int, int, int]] = [(Series.VOLUME, -1, 0)]
        for place, column in enumerate(grid.columns):
            start, stop = int(grid.offsets[place]), int(grid.offsets[place + 1])
            counts = total.counts[start:stop]
            kinds.append((Series.MISSING, place, 0))
            if grid.is_number[place]:
                scores[start:stop] = number_scores(counts, column.exterior)
                kept = [profile.counts[start:stop] for profile in profiles]
                far[start:stop] = far_cells(column, 1.0 + _ROOM * between(np.array(kept), scores[start:stop]))
                kinds.append((Series.FAR, place, 0))
                mostly = counts.max(initial=0) > _MOSTLY * max(int(valid[place]), 1)
                if np.count_nonzero(counts) > 1:
                    kinds.append((Series.LOCATION, place, 0))
                    if not mostly:
                        kinds += [(Series.SCALE, place, 0), (Series.SHAPE, place, 0)]
                elif valid[place]:
                    kinds.append((Series.LOCATION, place, 0))
            else:
                known = counts[:-1]
                scores[start : stop - 1] = category_scores(known)
                kinds.append((Series.UNSEEN, place, 0))
                frequent = np.flatnonzero(known >= _COMMON * max(int(valid[place]), 1))
                frequent = frequent[np.argsort(-known[frequent], kind="stable")][:_MOST_COMMON]
                if len(frequent) == 2 == np.count_nonzero(known):
                    frequent = frequent[:1]  # the other one says the same
                for cell in frequent.tolist():
                    kinds.append((Series.SHARE, place, len(top)))
                    top.append(start + cell)
                if np.count_nonzero(known) > 2:
                    kinds.append((Series.LOCATION, place, 0))
        table = np.array(kinds, dtype=np.int64).reshape(-1, 3)
        views = cls(
            grid.id, grid.offsets, scores, far, np.array(top, np.int64), table[:, 0], table[:, 1], table[:, 2],
            np.ones((len(grid), 4)), np.zeros(len(table)),
        )  # fmt: skip
        made = views._with_moments(total, profiles)
        fresh = np.where(table[:, 0] == Series.UNSEEN, _novelty(grid)[table[:, 1]], 0.0)
        return replace(made, usual=np.maximum(made.usual, fresh))

    def _with_moments(self, total: Profile, profiles: Sequence[Profile]) -> Views:
        q = self.scores / STEPS
        weight = self._by_column(total.counts * 1.0)
        count = np.maximum(weight, 1.0)
        mean = self._by_column(total.counts * q) / count
        centred = q - np.repeat(mean, np.diff(self.offsets))
        fourth = self._by_column(total.counts * centred**4) / count
        second = self._by_column(total.counts * centred**2) / count
        third = self._skewness_variance(total.counts, centred, second, count)
        sums = np.array([self.sums(profile) for profile in profiles])
        part = self._parts(sums)
        n = part["valid"].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            daily = part["first"] / n / STEPS
            within = np.nansum(n * (part["second"] / n / STEPS**2 - daily**2), axis=0) / count
        kurtosis = np.divide(fourth, second**2, out=np.full(len(fourth), 3.0), where=second > 0)
        cubes = self._by_column(total.counts * centred**3) / count
        skewness = np.divide(cubes, second**1.5, out=np.zeros(len(cubes)), where=second > 0)
        moments = np.stack(
            (np.maximum(within, 1e-4), np.maximum(kurtosis, 1.2), np.maximum(third, 1e-4), skewness), axis=1
        )
        whole = self._parts(self.sums(total))
        usual = np.zeros(len(self))
        for kind, chosen in self._chosen.items():
            if kind in _RATES:
                some, every = (whole[name][self.column[chosen]] for name in _RATES[kind])
                usual[chosen] = some / np.maximum(every, 1)
        return replace(self, moments=moments, usual=usual)

    def _skewness_variance(
        self, counts: IntArray, centred: FloatArray, second: FloatArray, count: FloatArray
    ) -> FloatArray:
        """Variance of one row's influence on the skewness over the root of six, shape (features,)."""
        sizes = np.diff(self.offsets)
        x = centred / np.sqrt(np.repeat(np.maximum(second, 1e-4), sizes))
        skewness = self._mean(counts * x**3, count)
        influence = x**3 - 3.0 * x - np.repeat(skewness, sizes) * (1.5 * x**2 - 0.5)
        return self._mean(counts * influence**2, count) / 6.0

    def _mean(self, flat: FloatArray, count: FloatArray) -> FloatArray:
        mean: FloatArray = np.add.reduceat(flat, self.offsets[:-1]) / count
        return mean

    def sums(self, profile: Profile) -> IntArray:
        """The integers all series of a profile are made of: shape (width,). They add up as profiles do."""
        if profile.grid.id != self.grid_id:
            raise DetectorError(f"the profile is on the grid {profile.grid.id}, the calibration on {self.grid_id}")
        counts = profile.counts
        square, cube = self._powers
        far, far_of = self._far
        return np.concatenate(
            (
                [profile.rows],
                self._by_column(counts),
                profile.present,
                profile.null + profile.nan,
                self._by_column(counts * self.scores),
                self._by_column(counts * square),
                self._by_column(counts * cube),
                np.bincount(far_of, counts[far], self.features).astype(np.int64),
                counts[self.offsets[1:] - 1],
                counts[self.top],
            )
        )

    @cached_property
    def _powers(self) -> tuple[IntArray, IntArray]:
        return self.scores**2, self.scores**3 // STEPS

    @cached_property
    def _far(self) -> tuple[IntArray, IntArray]:
        """The cells that are far out, and whose they are."""
        cells = np.flatnonzero(self.far)
        return cells, np.searchsorted(self.offsets, cells, side="right") - 1

    def renewed(self, sums: IntArray, grid: Grid) -> IntArray:
        """The sums of a reference's days, shape (days, width), with as many unseen values as new days will have.

        The grid knows every value of the rows it was fitted on, so where these are the reference's own none is ever
        unseen in it. What further rows will bring is told by the values that came once (`Column.novelty`).
        """
        part = self._parts(sums)
        valid, seen = part["valid"].sum(axis=0), part["last"].sum(axis=0)
        lacking = np.maximum(_novelty(grid) - seen / np.maximum(valid, 1), 0.0)
        made = sums.copy()
        self._parts(made)["last"][:] += np.rint(part["valid"] * lacking).astype(np.int64)
        return made

    def values(self, sums: IntArray) -> tuple[FloatArray, FloatArray]:
        """Values and sampling variances of all series, each of shape (..., J), of sums of shape (..., width).

        NaN where there are no rows to tell from.
        """
        part = self._parts(sums)
        shape = (*sums.shape[:-1], len(self))
        value, variance = np.full(shape, np.nan), np.full(shape, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            for kind, chosen in self._chosen.items():
                column = self.column[chosen]
                value[..., chosen], variance[..., chosen] = self._one(kind, chosen, column, part)
        return value, variance

    def _one(
        self, kind: Series, chosen: IntArray, column: IntArray, part: dict[str, IntArray]
    ) -> tuple[FloatArray, FloatArray]:
        if kind is Series.VOLUME:
            rows = (part["rows"] + 1).astype(np.float64)
            return np.log(rows), np.asarray(1.0 / rows, dtype=np.float64)
        if kind in _RATES:
            k, whole = (part[name][..., column] for name in _RATES[kind])
            return _arcsine(k, whole)
        n = part["valid"][..., column].astype(np.float64)
        n[n == 0] = np.nan
        if kind is Series.SHARE:
            return _arcsine(part["top"][..., self.place[chosen]], n)
        within, kurtosis, third, _ = self.moments[column].T
        first = part["first"][..., column] / n / STEPS
        if kind is Series.LOCATION:
            return first, within / n
        raw = part["second"][..., column] / n / STEPS**2
        spread_, damp = raw - first**2, _FLAT * within
        if kind is Series.SHAPE:
            # About the day's own mean and spread: a day that is far off in level has not another shape for that.
            central = part["third"][..., column] / n / STEPS**2 - 3.0 * first * raw + 2.0 * first**3
            return central / (np.maximum(spread_, 0.0) + damp) ** 1.5 / np.sqrt(6.0), third / n
        return 0.5 * np.log(np.maximum(spread_, 0.0) + damp), (kurtosis - 1.0) / (2.0 + 2.0 * _FLAT) ** 2 / n

    def bursts(self, total: IntArray) -> tuple[IntArray, FloatArray, NDArray[np.bool_]]:
        """For each rate the series of its column's location (-1: none), the rows it counts; and which are rates."""
        leader, seen = np.full(len(self), -1, np.int64), np.zeros(len(self))
        part = self._parts(total)
        locations = np.flatnonzero(self.series == Series.LOCATION)
        of_column = np.full(self.features, -1, np.int64)
        of_column[self.column[locations]] = locations
        for kind, chosen in self._chosen.items():
            if kind in _RATES:
                leader[chosen] = of_column[self.column[chosen]]
                seen[chosen] = part[_RATES[kind][0]][self.column[chosen]]
        return leader, seen, np.isin(self.series, RATES)

    def skewness(self, variances: FloatArray, error: FloatArray) -> FloatArray:
        """Skewness that the rows' own gives a window's locations, shape (windows, J), zero for other series.

        `variances`, shape (windows, days, J), are sampling variances of days, `error`, shape (windows, J), standard
        errors of what is scored: the more of it is sampling, the more of the skewness stays.
        """
        found = np.zeros(error.shape)
        chosen = self._chosen.get(Series.LOCATION, np.zeros(0, np.int64))
        within, _, _, skewness = self.moments[self.column[chosen]].T
        with np.errstate(invalid="ignore", divide="ignore"):
            sampling = 1.0 / np.nansum(1.0 / variances[..., chosen], axis=1)
            found[:, chosen] = skewness * sampling**2 / np.sqrt(within) / error[:, chosen] ** 3
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

    @property
    def together(self) -> IntArray:
        """The column of each series that follows the mix of its categories, shape (J,), else -1: they differ together.

        Each of many shares shows little beside its sampling error; all of them together show it clearly.
        """
        mixes = np.isin(self.column, self.column[self.series == Series.SHARE])
        mixes &= np.isin(self.series, (Series.SHARE, Series.LOCATION))
        return np.where(mixes, self.column, -1)

    def least(self, sums: IntArray) -> FloatArray:
        """The least variance of a day to assume, shape (J,), from the sums of a reference's days, shape (days, width).

        Zero but for columns that nearly always have one value and left it on fewer than `_FEW_DAYS` days. Those say
        nothing about how it comes: one more day of it, from morning to evening, is taken to be as likely as such days
        were.
        """
        part, least = self._parts(sums), np.zeros(len(self))
        there = part["valid"] > 0
        n = np.maximum(part["valid"], 1)
        mean, square = part["first"] / n, part["second"] / n
        usual = np.array(
            [np.median(own[some]) if some.any() else 0.0 for own, some in zip(mean.T, there.T, strict=True)]
        )
        left = (there & ((square - mean**2 > 1e-6) | (np.abs(mean - usual) > 1e-6))).sum(axis=0)
        furthest = np.maximum.reduceat(np.abs(self.scores - np.repeat(usual, np.diff(self.offsets))), self.offsets[:-1])
        numbers = np.isin(np.arange(self.features), self.column[self.series == Series.FAR])
        spreads = np.isin(np.arange(self.features), self.column[self.series == Series.SCALE])
        few = numbers & ~spreads & (left > 0) & (left < _FEW_DAYS)
        variance = (furthest / STEPS) ** 2 * (left + 1.0) / (there.sum(axis=0) + 1.0)
        chosen = np.flatnonzero(self.series == Series.LOCATION)
        least[chosen] = np.where(few, variance, 0.0)[self.column[chosen]]
        return least

    @cached_property
    def _chosen(self) -> dict[Series, IntArray]:
        return {kind: np.flatnonzero(self.series == kind) for kind in Series if (self.series == kind).any()}

    def _parts(self, sums: IntArray) -> dict[str, IntArray]:
        features = self.features
        parts = {name: sums[..., 1 + i * features : 1 + (i + 1) * features] for i, name in enumerate(_SUMS)}
        return parts | {"rows": sums[..., :1], "top": sums[..., 1 + len(_SUMS) * features :]}

    def _by_column(self, flat: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.add.reduceat(flat, self.offsets[:-1])

    def floors(self, level: FloatArray) -> FloatArray:
        """The least change of each series that may alarm, in its own units, from a usual `level` of shape (J,)."""
        least, rates = self._least_changes
        usual = rate_of(level)
        return np.where(rates, 2.0 * np.arcsin(np.sqrt(np.minimum(usual + least, 1.0))) - level, least)

    @cached_property
    def _least_changes(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        return np.array([FLOORS[Series(kind)] for kind in self.series.tolist()]), np.isin(self.series, RATES)


def _novelty(grid: Grid) -> FloatArray:
    return np.array([column.novelty for column in grid.columns], dtype=np.float64)


def _total(grid: Grid, profiles: Sequence[Profile]) -> Profile:
    if not profiles:
        raise DetectorError("a calibration needs days")
    if any(profile.grid.id != grid.id for profile in profiles):
        raise DetectorError("the days are not on the baseline's grid")
    return sum(profiles, Profile.empty(grid))


def _arcsine(k: IntArray, n: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
    """Anscombe 1948: the variance hardly depends on the rate, down to a single row."""
    whole = np.where(n > 0, n, np.nan)
    return 2.0 * np.arcsin(np.sqrt((k + 0.375) / (whole + 0.75))), 1.0 / (whole + 0.5)


def rate_of(value: FloatArray) -> FloatArray:
    """The rate of which a value is twice the arcsine of the root."""
    rate: FloatArray = np.sin(np.clip(value, 0.0, np.pi) / 2.0) ** 2
    return rate
