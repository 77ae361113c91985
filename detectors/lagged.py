"""Whether one daily series follows another, how closely, and how many days later.

In: two daily series. Out: `Lagged`: the lag at which they go together best, the correlation there, its interval and the
chance of it. Kept: nothing.

Two series that drift or repeat by the week correlate with anything that does: a line and the weekdays are taken out of
both first. Days hang together, so the interval is of a moving block bootstrap (Künsch 1989), and the chance of a
correlation is that of as many independent days as the series are worth (Bartlett 1946), times the lags looked at
(Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from detectors.result import FloatArray

FEWEST_DAYS = 28
_DRAWS = 500
_SEED = 20_130_501


@dataclass(frozen=True, slots=True)
class Lagged:
    """`correlation` (Spearman's) of days `lag` apart, with a 95% interval; `pvalue` allows for all lags looked at.

    `days` is how many pairs of days there were. Below 28 of them, or where a series does not vary, all is NaN.
    """

    lag: int
    correlation: float
    low: float
    high: float
    pvalue: float
    days: int

    @property
    def related(self) -> bool:
        """Whether the two go together by more than chance."""
        return self.pvalue <= 0.05 and (self.low > 0.0 or self.high < 0.0)


def lagged_correlation(cause: FloatArray, outcome: FloatArray, most: int = 7) -> Lagged:
    """How `outcome` follows `cause`, 0 to `most` days later; both daily, of shape (days,), NaN for a day without."""
    days = len(cause)
    both = int((np.isfinite(cause) & np.isfinite(outcome)).sum())
    first, second = _detrended(cause), _detrended(outcome)
    nothing = Lagged(0, np.nan, np.nan, np.nan, np.nan, both)
    if both < FEWEST_DAYS or not _varies(first) or not _varies(second):
        return nothing
    found = np.array([_correlation(first[: days - lag], second[lag:]) for lag in range(most + 1)])
    if not np.isfinite(found).any():
        return nothing
    lag = int(np.nanargmax(np.abs(found)))
    rng = np.random.default_rng(_SEED)
    x, y = first[: days - lag], second[lag:]
    length = max(2, round(len(x) ** (1 / 3) * 2))
    drawn = []
    for _ in range(_DRAWS):
        starts = rng.integers(0, len(x) - length + 1, -(-len(x) // length))
        picked = (starts[:, None] + np.arange(length)).ravel()[: len(x)]
        drawn.append(_correlation(x[picked], y[picked]))
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    lags = int(np.isfinite(found).sum())
    pvalue = min(1.0, lags * _chance(x, y, float(found[lag])))
    return Lagged(lag, float(found[lag]), float(low), float(high), float(pvalue), both)


def _chance(first: FloatArray, second: FloatArray, correlation: float) -> float:
    """Two-sided p-value of a correlation of series that hang together: of as many days as they are worth (Bartlett)."""
    both = np.isfinite(first) & np.isfinite(second)
    n = int(both.sum())
    shared = sum(
        (1.0 - lag / n) * _correlation(first[:-lag], first[lag:]) * _correlation(second[:-lag], second[lag:])
        for lag in range(1, max(2, n // 5))
    )
    worth = float(np.clip(n / max(1.0 + 2.0 * shared, 1.0), 5.0, n)) if np.isfinite(shared) else 5.0
    bounded = min(abs(correlation), 1.0 - 1e-12)
    return float(2.0 * stdtr(worth - 2.0, -bounded * np.sqrt((worth - 2.0) / (1.0 - bounded**2))))


def _detrended(series: FloatArray) -> FloatArray:
    """Without its line and its weekdays."""
    known = np.isfinite(series)
    if known.sum() < FEWEST_DAYS:
        return series
    time = np.arange(len(series), dtype=np.float64)
    weekday = np.eye(7)[np.arange(len(series)) % 7]
    design = np.column_stack((weekday, time / len(series)))
    fitted, *_ = np.linalg.lstsq(design[known], series[known], rcond=None)
    rest: FloatArray = series - design @ fitted
    return rest


def _varies(series: FloatArray) -> bool:
    known = series[np.isfinite(series)]
    return bool(len(known) > 2 and np.ptp(known) > 1e-12 * max(1.0, float(np.abs(known).max())))


def _correlation(first: FloatArray, second: FloatArray) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 10:
        return float("nan")
    a, b = (np.argsort(np.argsort(side[both])).astype(np.float64) for side in (first, second))
    return float(np.corrcoef(a, b)[0, 1])
