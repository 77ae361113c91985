"""What the next days of many series will look like if nothing happens: a Student t for the mean of any number of days.

In: daily values of J series with their sampling variances and weekdays. Out: a frozen `Predictive`: level, weekday
effects, day variance, autocorrelation, tails; and normal scores of later windows. Kept: nothing.

A day's value is level + weekday effect + day effect + sampling error. The day effect is an AR(1) process. Sixty days say
little about one series' variance, autocorrelation or tails; hundreds of series say much about them together, so each is
drawn towards what the others have (variances: Smyth 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, polygamma, stdtr

from detectors.result import FloatArray, IntArray

_LARGE_DF = 1e4
_NO_MEMORY = 30.0


@dataclass(frozen=True, eq=False)
class Predictive:
    """Arrays of shape (J,), `weekday` of shape (7, J), `weekday_error` likewise (variances of the effects).

    `day` is the variance of the day effect, `sampling` the usual sampling variance of a day, `rho` the autocorrelation
    of day effects, `df` the degrees of freedom of the variance, `tail` the excess kurtosis of a day, `days` how many
    days each series was learned from.
    """

    level: FloatArray
    weekday: FloatArray
    weekday_error: FloatArray
    day: FloatArray
    sampling: FloatArray
    rho: FloatArray
    df: FloatArray
    tail: FloatArray
    days: FloatArray

    @classmethod
    def fit(cls, values: FloatArray, variances: FloatArray, weekdays: IntArray, ordinals: IntArray) -> Predictive:
        """Learn from `values` and sampling `variances` of shape (days, J); NaN is a day without the series.

        `weekdays` (0 to 6) and `ordinals` (days counted from anywhere) have shape (days,).
        """
        usable = np.isfinite(values)
        n = usable.sum(axis=0).astype(np.float64)
        n1 = np.maximum(n, 1.0)
        sampling = np.where(usable, variances, 0.0).sum(axis=0) / n1
        level = np.where(usable, values, 0.0).sum(axis=0) / n1
        rest = np.where(usable, values - level, 0.0)
        weekday, error, spent = _weekdays(rest, usable, weekdays)
        rest = np.where(usable, rest - weekday[weekdays], 0.0)
        shift = rest.sum(axis=0) / n1
        level, rest = level + shift, np.where(usable, rest - shift, 0.0)
        df = np.maximum(n - 1.0 - spent, 1.0)
        total = (rest**2).sum(axis=0) / df
        ratio = np.divide(total, sampling, out=np.ones_like(total), where=sampling > 0)
        ratio, df = _squeeze(np.maximum(ratio, 1e-6), df, n > 2)
        ratio = np.maximum(ratio, 1.0)
        day = (ratio - 1.0) * sampling
        rho = _autocorrelation(rest, usable, ordinals, 1.0 - 1.0 / ratio)
        tail = _tails(rest, usable)
        return cls(level, weekday, error * total, day, sampling, rho, df, tail, n)

    def score(
        self, values: FloatArray, variances: FloatArray, weekdays: IntArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Normal scores, changes from the expected level and their standard errors, each of shape (windows, J).

        `values` and sampling `variances`, shape (windows, days, J), are those of each window's days, `weekdays`, shape
        (windows, days), theirs. NaN days are left out; a window without any is NaN.
        """
        usable = np.isfinite(values)
        base = np.where(usable, 1.0 / (self.day + np.maximum(np.where(usable, variances, 1.0), 1e-12)), 0.0)
        total = base.sum(axis=1, keepdims=True)
        weight = np.divide(base, total, out=np.zeros_like(base), where=total > 0)
        expected = self.level + self.weekday[weekdays]
        change = (weight * np.where(usable, values - expected, 0.0)).sum(axis=1)
        squares = (weight**2).sum(axis=1)
        kish = np.divide(1.0, squares, out=np.ones_like(squares), where=squares > 0)
        n = np.maximum(self.days, 1.0)
        noise = (weight**2 * np.where(usable, variances, 0.0)).sum(axis=1)
        reference = self.day * mean_factor(n, self.rho) + self.sampling / n
        weekday = (_by_weekday(weight, weekdays) ** 2 * self.weekday_error).sum(axis=1)
        error = np.sqrt(self.day * mean_factor(kish, self.rho) + noise + reference + weekday)
        score = normal_score(change / np.maximum(error, 1e-12), self._df(kish))
        empty = total[:, 0] <= 0
        return np.where(empty, np.nan, score), np.where(empty, np.nan, change), np.where(empty, np.nan, error)

    def _df(self, days: FloatArray) -> FloatArray:
        tail = 4.0 + 6.0 * days / np.maximum(self.tail, 1e-3)
        df: FloatArray = 1.0 / (1.0 / self.df + 1.0 / tail)
        return df


def normal_score(t: FloatArray, df: FloatArray) -> FloatArray:
    """The standard normal value as far out as `t` is among Student's t."""
    score: FloatArray = -np.sign(t) * ndtri(np.maximum(stdtr(df, -np.abs(t)), 1e-300))
    return score


def mean_factor(days: FloatArray, rho: FloatArray) -> FloatArray:
    """Variance of the mean of `days` values of an AR(1) process with variance 1 and autocorrelation `rho`."""
    h = np.maximum(days, 1.0)
    factor: FloatArray = (1.0 + 2.0 * rho / (1.0 - rho) * (1.0 - (1.0 - rho**h) / (h * (1.0 - rho)))) / h
    return factor


def _by_weekday(weight: FloatArray, weekdays: IntArray) -> FloatArray:
    """Weight of each weekday in a window, shape (windows, 7, J)."""
    out = np.zeros((weight.shape[0], 7, weight.shape[2]))
    rows = np.arange(weight.shape[0])
    for day in range(weight.shape[1]):
        out[rows, weekdays[:, day]] += weight[:, day]
    return out


def _weekdays(rest: FloatArray, usable: FloatArray, weekdays: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weekday effects drawn towards zero, their variances over the residual variance, and freedom spent: (7, J) twice, (J,).

    How far: by the ratio of the effects' variance to the residual one, which is the series' own F test, drawn towards
    the median of all series'.
    """
    count = np.stack([usable[weekdays == day].sum(axis=0) for day in range(7)]).astype(np.float64)
    sums = np.stack([rest[weekdays == day].sum(axis=0) for day in range(7)])
    effect = np.divide(sums, count, out=np.zeros_like(sums), where=count > 0)
    n = count.sum(axis=0)
    groups = (count > 0).sum(axis=0)
    between = (count * effect**2).sum(axis=0)
    within = np.maximum((rest**2).sum(axis=0) - between, 0.0)
    free, df = np.maximum(groups - 1.0, 1.0), np.maximum(n - groups, 1.0)
    f = np.divide(between / free, within / df, out=np.ones_like(between), where=within > 0)
    per = n / np.maximum(groups, 1.0)
    raw = np.maximum(f * (df - 2.0) / np.maximum(df, 3.0) - 1.0, -1.0) / np.maximum(per, 1.0)
    prior = float(np.median(raw)) if len(raw) else 0.0
    drawn = np.maximum((6.0 * raw + 4.0 * max(prior, 0.0)) / 10.0, 0.0)
    drawn = np.where(n >= 14.0, drawn, 0.0)
    shrink = count * drawn / (1.0 + count * drawn)
    return effect * shrink, np.where(count > 0, drawn / (1.0 + count * drawn), drawn), shrink.sum(axis=0) * 6.0 / 7.0


def _squeeze(ratio: FloatArray, df: FloatArray, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variances (over sampling variance) drawn towards a common one, and their degrees of freedom (Smyth 2004)."""
    use = known & (ratio > 1e-3)
    if use.sum() < 3:
        return ratio, df
    z = np.log(ratio[use]) - polygamma(0, df[use] / 2.0) + np.log(df[use] / 2.0)
    excess = float(np.var(z, ddof=1) - np.mean(polygamma(1, df[use] / 2.0)))
    if excess <= 1e-4:
        prior_df, centre = _LARGE_DF, float(np.exp(np.mean(z)))
    else:
        prior_df = 2.0 * _trigamma_inverse(excess)
        centre = float(np.exp(np.mean(z) + polygamma(0, prior_df / 2.0) - np.log(prior_df / 2.0)))
    prior_df = min(prior_df, _LARGE_DF)
    return (prior_df * centre + df * ratio) / (prior_df + df), df + prior_df


def _trigamma_inverse(value: float) -> float:
    x = 0.5 + 1.0 / value
    for _ in range(50):
        first = float(polygamma(1, x))
        step = first * (1.0 - first / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-8 * x:
            break
    return x


def _autocorrelation(rest: FloatArray, usable: FloatArray, ordinals: IntArray, signal: FloatArray) -> FloatArray:
    """Autocorrelation of the day effects, shape (J,), drawn towards that of all series; 0 to 0.9.

    `signal` is the day effect's share of a day's variance: sampling errors do not remember.
    """
    next_ = np.diff(ordinals) == 1
    if next_.sum() < 5:
        return np.zeros(rest.shape[1])
    pairs = (usable[1:] & usable[:-1])[next_].sum(axis=0)
    lagged = (rest[1:] * rest[:-1])[next_].sum(axis=0)
    n = usable.sum(axis=0)
    square = (rest**2).sum(axis=0)
    raw = np.divide(lagged * n, square * np.maximum(pairs, 1), out=np.zeros_like(square), where=square > 0)
    # A residual's autocorrelation is too small by (1 + 4 rho) / n (Kendall 1954).
    raw = np.clip((n * raw + 1.0) / np.maximum(n - 4.0, 1.0), -0.95, 0.95)
    weight = signal**2 * pairs
    if weight.sum() <= 0:
        return np.zeros(rest.shape[1])
    common = float((signal * raw * pairs).sum() / (weight.sum() + _NO_MEMORY))
    own = np.divide(raw, signal, out=np.zeros_like(raw), where=signal > 0)
    excess = float((weight * (own - common) ** 2).sum() - len(raw)) / float(weight.sum() + _NO_MEMORY)
    between = max(excess, 0.005)
    drawn = (common / between + signal * raw * pairs) / (1.0 / between + weight)
    return np.clip(drawn, 0.0, 0.9)


def _tails(rest: FloatArray, usable: FloatArray) -> FloatArray:
    """Excess kurtosis of each series' days, half its own and half that of all; 0 at least."""
    n = np.maximum(usable.sum(axis=0), 1)
    square = (rest**2).sum(axis=0) / n
    fourth = (rest**4).sum(axis=0) / n
    excess = np.divide(fourth, square**2, out=np.full(len(square), 3.0), where=square > 0) - 3.0 + 6.0 / (n + 1.0)
    common = float(np.mean(excess)) if len(excess) else 0.0
    return np.maximum((excess + common) / 2.0, 0.0)
