"""What the next days of many series will look like if nothing happens: a Student t for the mean of any number of days.

In: daily values of J series with their sampling variances and weekdays. Out: a frozen `Predictive`: level, weekday
effects, day variance, autocorrelation, tails; and normal scores of later windows. Kept: nothing.

A day's value is level + weekday effect + day effect + sampling error; part of the day effect is slow, an AR(1) process.
Sixty days say little about one series' variance, autocorrelation or tails; hundreds of series say much about them
together, so each is drawn towards what the others have (`variation.py`; variances as Smyth 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from detectors.result import FloatArray, IntArray
from detectors.variation import mean_factor, memory, squeeze_apart, tails, weekday_effects

BURSTS = 28.0
_MANY = 20.0
_LIVELY = 1.5
# Standard errors by which the average of a group is more than chance; for one series of sixty days that is `_LIVELY`.
_CLEAR = 2.7
_THINNEST = 1.0
_PLUGGED_IN = 500.0
_ONE_DAY = 3.5


@dataclass(frozen=True, eq=False)
class Predictive:
    """Arrays of shape (J,), `weekday` of shape (7, J), `weekday_error` likewise (variances of the effects).

    `day` is the variance of the day effect that the next day has forgotten, `slow` of the one that lasts,
    `sampling` the usual sampling variance of a day, `thin` which part it is of that of independent rows (the rest
    has memory). `rho` is the autocorrelation of the slow part, `df` and `slow_df` the degrees of freedom of the
    variance and of the memory, `tail` the excess kurtosis of a day, `days` how many days each series was learned
    from.
    """

    level: FloatArray
    weekday: FloatArray
    weekday_error: FloatArray
    day: FloatArray
    slow: FloatArray
    sampling: FloatArray
    thin: FloatArray
    rho: FloatArray
    df: FloatArray
    slow_df: FloatArray
    tail: FloatArray
    days: FloatArray

    @classmethod
    def fit(
        cls,
        values: FloatArray,
        variances: FloatArray,
        weekdays: IntArray,
        ordinals: IntArray,
        bursts: tuple[IntArray, FloatArray, NDArray[np.bool_]] | None = None,
        least: FloatArray | None = None,
        together: IntArray | None = None,
        stormy: bool = True,
    ) -> Predictive:
        """Learn from `values` and sampling `variances` of shape (days, J); NaN is a day without the series.

        `weekdays` (0 to 6) and `ordinals` (days counted from anywhere) have shape (days,). `bursts`: for each series
        the one that tells how its rows cluster (-1: none), how many events of it were seen, and whether it is a
        rate at all. What has hardly
        happened says nothing about how it comes; rows that share their hour's weather share its gaps too, so a rate is
        taken to come in the clusters of its column, of an hour of the day at most. `least`, shape (J,): variances of a
        day that none falls below. `together`, shape (J,): the
        number of the group that each series is of, whose days differ together or not at all (-1: none). `stormy`:
        whether days may differ by more than the reference's happened to show.
        """
        usable = np.isfinite(values)
        n = usable.sum(axis=0).astype(np.float64)
        n1 = np.maximum(n, 1.0)
        sampling = np.where(usable, variances, 0.0).sum(axis=0) / n1
        level = np.where(usable, values, 0.0).sum(axis=0) / n1
        rest = np.where(usable, values - level, 0.0)
        weekday, error, spent = weekday_effects(rest, usable, weekdays)
        rest = np.where(usable, rest - weekday[weekdays], 0.0)
        shift = rest.sum(axis=0) / n1
        level, rest = level + shift, np.where(usable, rest - shift, 0.0)
        df = np.maximum(n - 1.0 - spent, 1.0)
        total = (rest**2).sum(axis=0) / df
        known = n > 2
        raw = np.divide(total, sampling, out=np.ones_like(total), where=sampling > 0)
        lively = (raw > _LIVELY) | _lively_together(raw, df, together)
        rho, share, slow_df = memory(rest, usable, ordinals, total, lively, 1.0 / np.maximum(raw, 1.0))
        # Days that hang together are fewer than they seem, and their variance is larger.
        df = np.maximum(df / (1.0 + 2.0 * (share * rho) ** 2 / (1.0 - rho**2)), 1.0)
        lost = share * (mean_factor(n1, np.full(len(n), rho)) - 1.0 / n1)
        ratio, df = squeeze_apart(np.maximum(raw / (1.0 - np.minimum(lost, 0.8)), 1e-6), df, known, lively)
        # What is plugged in for the memory was itself estimated; simulated AR(1) days come out too wide by this much.
        ratio = ratio * (1.0 + _PLUGGED_IN * share / n1**2)
        frequent, rare = np.ones(len(n), np.bool_), np.zeros(len(n), np.bool_)
        if bursts is not None:
            frequent = ~bursts[2]
            leader, seen, _ = bursts
            most = np.maximum(1.0 / np.maximum(sampling, 1e-12) / BURSTS, 1.0)
            unit = np.where(leader >= 0, np.clip(ratio[leader], 1.0, most), 1.0)
            few = np.maximum(1.0 - seen / unit / _MANY, 0.0)
            rare = (leader >= 0) & (few > 0.0)
            ratio = np.where(leader >= 0, np.maximum(ratio, 1.0 + (unit - 1.0) * few), ratio)
        # What varies less than chance (a timetable) will not for ever.
        ratio = np.maximum(ratio, _THINNEST)
        if least is not None:
            ratio = np.maximum(ratio, least / np.maximum(sampling, 1e-12))
        share = np.clip(share, 0.0, np.maximum(1.0 - 0.5 / ratio, 0.0))
        slow = share * ratio * sampling
        thin = np.minimum(ratio - share * ratio, 1.0)
        day = np.maximum(ratio * sampling - slow - thin * sampling, 0.0)
        return cls(
            level, weekday, error * total, day, slow, sampling * thin, thin, np.full(len(n), rho), df, slow_df,
            tails(rest, usable, frequent, rare, 1.0 / np.maximum(raw, 1.0) if stormy else np.ones(len(n))), n,
        )  # fmt: skip

    @property
    def deviation(self) -> FloatArray:
        """The standard deviation of a day from the level and its weekday, shape (J,)."""
        deviation: FloatArray = np.sqrt(np.maximum(self.day + self.slow + self.sampling, 1e-12))
        return deviation

    def residuals(self, values: FloatArray, weekdays: IntArray) -> FloatArray:
        """`values` of shape (..., J) on days of `weekdays`, in standard deviations from what was to be expected."""
        expected = self.level + self.weekday[weekdays]
        residuals: FloatArray = (values - expected) / self.deviation
        return residuals

    def score(
        self, values: FloatArray, variances: FloatArray, weekdays: IntArray, leverage: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Normal scores, changes from the expected level and their standard errors, each of shape (windows, J).

        `values` and sampling `variances`, shape (windows, days, J), are those of each window's days, `weekdays`, shape
        (windows, days), theirs. NaN days are left out; a window without any is NaN. `leverage`, shape (windows, J):
        what else is uncertain, in variances of a day, had the reference's days been independent.
        """
        usable = np.isfinite(values)
        variances = variances * self.thin
        base = np.where(usable, 1.0 / (self.day + self.slow + np.maximum(np.where(usable, variances, 1.0), 1e-12)), 0.0)
        total = base.sum(axis=1, keepdims=True)
        weight = np.divide(base, total, out=np.zeros_like(base), where=total > 0)
        expected = self.level + self.weekday[weekdays]
        apart = np.where(usable, values - expected, 0.0)
        change = (weight * apart).sum(axis=1)
        squares = (weight**2).sum(axis=1)
        kish = np.divide(1.0, squares, out=np.ones_like(squares), where=squares > 0)
        noise = (weight**2 * np.where(usable, variances, 0.0)).sum(axis=1)
        noise += self.day * squares
        n, reference = self._reference
        weekday = (_by_weekday(weight, weekdays) ** 2 * self.weekday_error).sum(axis=1)
        more = 0.0 if leverage is None else leverage * n * reference
        error = np.sqrt(self.slow * mean_factor(kish, self.rho) + noise + reference + weekday + more)
        tail, df = self._df(kish)
        lasting = (weight * self._tamed(apart, usable, variances)).sum(axis=1)
        score = normal_score(lasting / np.maximum(error, 1e-12) / np.sqrt(1.0 - 2.0 / tail), df)
        empty = total[:, 0] <= 0
        return np.where(empty, np.nan, score), np.where(empty, np.nan, change), np.where(empty, np.nan, error)

    @cached_property
    def _reference(self) -> tuple[FloatArray, FloatArray]:
        """How many days the level was learned from, and its variance, shape (J,) each."""
        n = np.maximum(self.days, 1.0)
        return n, self.slow * mean_factor(n, self.rho) + (self.day + self.sampling) / n

    def _tamed(self, apart: FloatArray, usable: NDArray[np.bool_], variances: FloatArray) -> FloatArray:
        """How far each day is apart, in windows of several days no further than `_ONE_DAY` standard deviations.

        What one day did, its own window has told; a longer one is there for what lasts.
        """
        most = _ONE_DAY * np.sqrt(self.day + self.slow + np.where(usable, variances, 0.0))
        several = usable.sum(axis=1, keepdims=True) > 1
        tamed: FloatArray = np.where(several, np.clip(apart, -most, most), apart)
        return tamed

    def _df(self, days: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Degrees of freedom that have the tails of a mean of so many days, and those of the t as a whole.

        The first say how a known variance is spread (so the t is narrower than its variance), the others how badly the
        variance is known.
        """
        tail = 4.0 + 6.0 * days / np.maximum(self.tail, 1e-3)
        lasting = self.slow / (self.day + self.slow + self.sampling + 1e-18)
        memory = np.where(days > 2.0, lasting / self.slow_df, 0.0)
        return tail, 1.0 / (1.0 / self.df + 1.0 / tail + memory)


def _lively_together(raw: FloatArray, df: FloatArray, together: IntArray | None) -> NDArray[np.bool_]:
    """Which series are of a group whose ratios to sampling variance are, on average, more than chance gives."""
    found = np.zeros(len(raw), np.bool_)
    if together is None:
        return found
    for group in np.unique(together[together >= 0]).tolist():
        mine = together == group
        found[mine] = raw[mine].mean() > 1.0 + _CLEAR * np.sqrt(2.0 / df[mine].sum())
    return found


def normal_score(t: FloatArray, df: FloatArray) -> FloatArray:
    """The standard normal value as far out as `t` is among Student's t."""
    score: FloatArray = -np.sign(t) * ndtri(np.maximum(stdtr(df, -np.abs(t)), 1e-300))
    return score


def unskewed(score: FloatArray, skewness: FloatArray) -> FloatArray:
    """Normal scores of what is skewed, on the side of its long tail (Wilson & Hilferty 1931, gamma); others stay.

    A column that has nearly always one value has a mean that is now and then far on the side of the other ones.
    """
    size = np.maximum(np.abs(skewness), 1e-6)
    far = np.where(np.sign(score) == np.sign(skewness), np.abs(score), 0.0)
    nearer = 6.0 / size * (np.cbrt(1.0 + size * far / 2.0) - 1.0) + size / 6.0
    found: FloatArray = np.where((far > 1.0) & (nearer < far), np.sign(score) * nearer, score)
    return found


def _by_weekday(weight: FloatArray, weekdays: IntArray) -> FloatArray:
    """Weight of each weekday in a window, shape (windows, 7, J)."""
    out = np.zeros((weight.shape[0], 7, weight.shape[2]))
    rows = np.arange(weight.shape[0])
    for day in range(weight.shape[1]):
        out[rows, weekdays[:, day]] += weight[:, day]
    return out
