"""What sixty days of many series say about one: weekdays, variance, memory and tails, drawn towards the others'.

In: daily residuals of shape (days, J), zero where `usable` is False. Out: arrays of shape (J,). Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

from detectors.result import FloatArray, IntArray

LARGE_DF = 1e4
WEEK = 7
_USUAL_MEMORY, _PRIOR_SERIES = 0.65, 10.0
_LONGEST_MEMORY = 0.9
_MOST_ABOUT_MEMORY = 12.0
_UNSURE = 8.0
# Standard errors by which sampling must seem to have memory, as many of its series being worth one that is independent.
_CLEAR, _ALIKE = 2.0, 3.0
_HEAVIEST = 6.0
# Excess kurtosis that day effects have before any is seen: days differ for reasons, and some reasons are storms.
_LIKELY = 2.0
_MOST_CHANCE = 0.8


def weekday_effects(
    rest: FloatArray, usable: NDArray[np.bool_], weekdays: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weekday effects drawn towards zero, their variances over the residual one, freedom spent: (7, J) twice, (J,).

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


def squeeze(ratio: FloatArray, df: FloatArray, known: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Variances (over sampling variance) drawn towards a common one, and their degrees of freedom (Smyth 2004)."""
    use = known & (ratio > 1e-3)
    if use.sum() < 3:
        return ratio, df
    z = np.log(ratio[use]) - polygamma(0, df[use] / 2.0) + np.log(df[use] / 2.0)
    excess = float(np.var(z, ddof=1) - np.mean(polygamma(1, df[use] / 2.0)))
    if excess <= 1e-4:
        prior_df, centre = LARGE_DF, float(np.exp(np.mean(z)))
    else:
        prior_df = 2.0 * _trigamma_inverse(excess)
        centre = float(np.exp(np.mean(z) + polygamma(0, prior_df / 2.0) - np.log(prior_df / 2.0)))
    prior_df = min(prior_df, LARGE_DF)
    # Geometric: next to weather that varies a thousand times more than chance, a mean of variances would drown the
    # rest. A variance's logarithm is too small by about one over its degrees of freedom.
    own = np.log(np.maximum(ratio, 1e-9)) + 1.0 / df
    drawn = np.exp((prior_df * np.log(centre) + df * own) / (prior_df + df))
    return np.where(use, drawn, ratio), df + prior_df


def squeeze_apart(
    ratio: FloatArray, df: FloatArray, known: NDArray[np.bool_], lively: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """`squeeze`, among those whose days differ and among those whose days are samples, each for themselves."""
    ratio, df = ratio.copy(), df.copy()
    for group in (known & lively, known & ~lively):
        if group.any():
            ratio[group], df[group] = squeeze(ratio[group], df[group], np.ones(int(group.sum()), np.bool_))
    return ratio, df


def _trigamma_inverse(value: float) -> float:
    x = 0.5 + 1.0 / value
    for _ in range(50):
        first = float(polygamma(1, x))
        step = first * (1.0 - first / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-8 * x:
            break
    return x


def memory(
    rest: FloatArray,
    usable: NDArray[np.bool_],
    ordinals: IntArray,
    total: FloatArray,
    lively: NDArray[np.bool_],
    chance: FloatArray,
) -> tuple[float, FloatArray, FloatArray]:
    """How days hang together: the memory of the slow part, its share of each series' variance, degrees of freedom.

    A day's residual is white noise and a slow AR(1) part. One autocorrelation is estimated for the slow parts of all
    series, from how their autocovariances fall off; each series' share of it from the variance of its means of seven
    days against that of its days, drawn towards all series' (as variances are). `total`: variances of a day;
    `lively`: which series' days differ by more than sampling; `chance`, which part of their variance sampling is: it
    has no memory, so what series have in common is the memory of the rest.
    """
    first, last = int(ordinals[0]), int(ordinals[-1])
    length, features = last - first + 1, rest.shape[1]
    value, present = np.zeros((length, features)), np.zeros((length, features))
    value[ordinals - first] = rest / np.sqrt(np.maximum(total, 1e-18))
    present[ordinals - first] = usable
    value *= present
    pairs = np.array([(present[lag:] * present[:-lag]).sum(axis=0) for lag in range(1, min(WEEK, length))])
    sums = np.array([(value[lag:] * value[:-lag]).sum(axis=0) for lag in range(1, min(WEEK, length))])
    plain = np.divide(sums, pairs, out=np.zeros(sums.shape), where=pairs > 0)
    days = np.maximum(present.sum(axis=0), 1.0)
    chance = np.where(lively, np.minimum(chance, _MOST_CHANCE), 0.0)
    about = np.maximum(1.5 * days / WEEK, 1.0)
    own_df = np.maximum(about * (1.0 - chance) ** 2, 1.0)
    live = (value**2).sum(axis=0) > 0
    weights = (1.0 - np.arange(1, WEEK) / WEEK)[: len(plain)]
    rho, share, df = _USUAL_MEMORY, np.where(lively, 0.5, 0.0), own_df
    for _ in range(6):
        # Taking out the mean costs each autocovariance, and the variance, the variance of that mean.
        lost = share * mean_factor(days, np.full(features, rho)) + (1.0 - share) / days
        autocovariance = plain * (1.0 - lost) + lost
        spread = np.maximum(1.0 + 2.0 * weights @ autocovariance, 0.1)
        # Sampling errors have no memory: series that consist of them must not tell the others to forget.
        effects = np.maximum((spread - chance) / (1.0 - chance), 0.1)
        ratio, df = squeeze_apart(effects, own_df, live, lively)
        df = np.minimum(df, own_df + _MOST_ABOUT_MEMORY)
        rho = _fall(autocovariance[:, live & lively])
        full = 1.0 + 2.0 * float(weights @ rho ** np.arange(1, len(weights) + 1))
        share = np.where(live, np.clip((ratio - 1.0) / (full - 1.0), 0.0, 1.0) * (1.0 - chance), 0.0)
        # Of series that look like sampling, memory is believed where they show it together.
        calm = live & ~lively
        if calm.any() and effects[calm].mean() < 1.0 + _CLEAR * np.sqrt(2.0 * _ALIKE / about[calm].sum()):
            share[calm] = 0.0
    # How much lasts is itself uncertain, the more the shorter the history.
    unsure = np.where(live & lively, np.minimum(_UNSURE / about**2, 1.0), 0.0)
    return rho, share + (1.0 - chance - share) * unsure, df


def mean_factor(days: FloatArray, rho: FloatArray) -> FloatArray:
    """Variance of the mean of `days` values of an AR(1) process with variance 1 and autocorrelation `rho`."""
    h = np.maximum(days, 1.0)
    factor: FloatArray = (1.0 + 2.0 * rho / (1.0 - rho) * (1.0 - (1.0 - rho**h) / (h * (1.0 - rho)))) / h
    return factor


def _fall(autocovariance: FloatArray) -> float:
    """The autocorrelation whose powers fall off as the autocovariances of all series do."""
    near = autocovariance.sum(axis=1)
    early, late = (max(float(part), 0.0) for part in (near[:3].sum(), near[3:].sum()))
    # Where there is nothing to see, what slow things usually have.
    ratio = (late + _PRIOR_SERIES * _USUAL_MEMORY**3) / (early + _PRIOR_SERIES)
    return float(min(ratio ** (1.0 / 3.0), _LONGEST_MEMORY))


def tails(
    rest: FloatArray,
    usable: NDArray[np.bool_],
    frequent: NDArray[np.bool_],
    rare: NDArray[np.bool_],
    chance: FloatArray,
) -> FloatArray:
    """Excess kurtosis of each series' days, drawn towards that of all as far as they agree.

    Nobody is told tamer than all are on average, nor than day effects are likely to be: sixty days rarely show a
    series' own worst. `chance`: which part of a series' variance sampling is, which has no such tails. What
    hardly ever happens (not `frequent`) does not tell the others, and where `rare`, its clusters are all its tail.
    """
    n = np.maximum(usable.sum(axis=0), 4).astype(np.float64)
    square = (rest**2).sum(axis=0) / n
    fourth = (rest**4).sum(axis=0) / n
    live = square > 0
    excess = np.divide(fourth, square**2, out=np.full(len(square), 3.0), where=live) - 3.0 + 6.0 / (n + 1.0)
    tell = live & frequent
    if tell.sum() < 3:
        own: FloatArray = np.maximum(excess, 0.0)
        return own
    common, noise = float(np.mean(excess[tell])), 24.0 / n
    between = max(float(np.var(excess[tell]) - noise[tell].mean()), 0.0)
    drawn = common + (excess - common) * between / (between + noise)
    least = _LIKELY * (1.0 - np.where(frequent, chance, 0.0)) ** 2
    drawn = np.clip(drawn, np.maximum(least, common), _HEAVIEST)
    return np.where(rare, 0.0, drawn)
