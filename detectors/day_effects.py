"""How much a measure varies from day to day, and what that makes of a window's standard error.

In: a measure's function over a reference's rows and days; a window's `Measured`. Out: `Measured` with the day effect,
`Expected`. Kept: nothing.

A day's value is the usual one + a day effect + sampling error of its rows. One day cannot show its own effect, so the
variance of day effects is learned from the reference's days (moments, as DerSimonian & Laird 1986), with their
autocorrelation, and added to what a window's rows say (`docs/decisions/performance-by-day.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from detectors.measured import Measured
from detectors.result import FloatArray

FEWEST_DAYS = 5
_FOR_MEMORY = 14
_MOST_MEMORY = 0.8
# A month says little of how days hang together: it counts beside ten days of what is usual (weather, campaigns).
_USUAL_MEMORY, _USUAL_DAYS = 0.3, 10.0
_MANY = 1e9


@dataclass(frozen=True, slots=True)
class Expected:
    """What a window is held against: the usual value, and the window's own standard error.

    `rows` is the part of it that independent rows have; the rest is known only as well as `df` + 1 days know it.
    """

    usual: float
    stderr: float
    rows: float
    df: float

    def tail(self, distance: float, error: float) -> float:
        """Chance of a value `distance` or more above the usual, given the standard error of the difference."""
        if not error:
            return float(distance <= 0.0)
        return float(stdtr(self._freedom(error), -distance / error))

    def reach(self, level: float = 0.95) -> float:
        """Half the width of the interval around the window's value."""
        return self.stderr * float(stdtrit(self._freedom(self.stderr), (1.0 + level) / 2.0))

    def _freedom(self, error: float) -> float:
        by_days = error**2 - self.rows**2
        return min(self.df * (error**2 / by_days) ** 2, _MANY) if by_days > 0.0 else _MANY


def with_days(whole: Measured, by_day: Callable[[NDArray[np.bool_]], Measured], days: ArrayLike) -> Measured:
    """A reference's value with what its days say; `by_day` measures the rows that a mask of shape (rows,) chooses.

    Below five days with a value of their own nothing is said of days.
    """
    codes, place = np.unique(np.asarray(days).reshape(-1), return_inverse=True)
    found = [by_day(place == code) for code in range(len(codes))]
    kept = [(code, one) for code, one in zip(codes, found, strict=True) if _known(one)]
    if len(kept) < FEWEST_DAYS or not np.isfinite(whole.stderr):
        return whole
    values = np.array([one.value for _, one in kept])
    errors = np.array([one.stderr for _, one in kept])
    sizes = np.array([one.n for _, one in kept], dtype=np.float64)
    total = float(values.var(ddof=1))
    between = max(total - float((errors**2).mean()), 0.0)
    memory = _memory(values, np.array([code for code, _ in kept]), between)
    return replace(
        whole,
        stderr=whole.stderr * float(np.sqrt(factor(len(kept), memory))),
        days=float(len(kept)),
        daily=float((values * sizes).sum() / sizes.sum()),
        between=float(np.sqrt(between)),
        memory=memory,
    )


def expected(now: Measured, usual: Measured | None) -> Expected:
    """What is to be expected of a window, by the reference's days where it has them, else by the window's own."""
    rows = now.stderr if np.isnan(now.rows_stderr) else now.rows_stderr
    days = max(now.days, 1.0)
    if usual is None or usual.days < FEWEST_DAYS or np.isnan(usual.between):
        value = float("nan") if usual is None else usual.value
        if now.days >= FEWEST_DAYS:
            return Expected(value, now.stderr, 0.0, now.days - 1.0)
        return Expected(value, rows, rows, _MANY)
    part = usual.between**2 * factor(days, usual.memory) / days
    # Of pairs of rows (AUC) or sums, a share 1/days is of one and the same day, and days have a value of their own.
    apart = (usual.value - usual.daily / usual.days) / (1.0 - 1.0 / usual.days)
    middle = usual.daily / days + apart * (1.0 - 1.0 / days)
    return Expected(middle, float(np.sqrt(rows**2 + part)), rows, usual.days - 1.0)


def factor(days: float, memory: float) -> float:
    """How much larger the variance of a mean of days is than if they were independent (AR(1))."""
    if days <= 1.0 or not memory:
        return 1.0
    lags = np.arange(1.0, np.ceil(days))
    return float(1.0 + 2.0 * ((1.0 - lags / days) * memory**lags).sum())


def _known(one: Measured) -> bool:
    return bool(np.isfinite(one.value) and np.isfinite(one.stderr))


def _memory(values: FloatArray, codes: NDArray[np.generic], between: float) -> float:
    if len(values) < _FOR_MEMORY or between <= 0.0 or codes.dtype.kind not in "iu":
        return 0.0
    rest = values - values.mean()
    follow = np.flatnonzero(np.diff(codes) == 1)
    if not len(follow):
        return 0.0
    days = len(values)
    memory, shared = 0.0, float((rest[follow] * rest[follow + 1]).mean())
    for _ in range(3):
        # Days lie around their own mean, which moves with them: that looks like the opposite of memory.
        lost = between * factor(days, memory) / days
        memory = float(np.clip((shared + lost) / (between + lost), 0.0, _MOST_MEMORY))
    return (days * memory + _USUAL_DAYS * _USUAL_MEMORY) / (days + _USUAL_DAYS)
