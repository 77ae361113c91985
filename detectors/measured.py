"""A measure of realised performance with its standard error, by rows or clustered by day.

In: a value, and what each row adds to it. Out: `Measured`. Kept: nothing.

Every measure here is a smooth function of the rows' weights, so one way gives all standard errors: a row's influence is
its weight times the derivative of the value by that weight (the infinitesimal jackknife, Efron 1982). Rows of one day
share their weather: clustered by day, influences are summed over each day before they are squared (Liang & Zeger 1986;
for the AUC that is Obuchowski 1997, by rows DeLong, DeLong & Clarke-Pearson 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.result import DetectorError, FloatArray, IntArray

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure's value and standard error over `n` labelled rows; NaN where the rows do not allow one.

    `stderr` is clustered by day where the rows are of several days; `rows_stderr` is that of independent rows (NaN: the
    same). `days` is how many days of equal size the rows are worth (0: not known). Of a reference, what its days say
    besides: a day has the value `daily` on average, and days vary by `between` (a standard deviation) more than rows
    alone would have it, with the autocorrelation `memory` from one day to the next.
    """

    value: float
    stderr: float
    n: int
    days: float = 0.0
    rows_stderr: float = NAN
    daily: float = NAN
    between: float = NAN
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The usable rows of two columns: label, prediction or score, weight, and day; arrays of shape (rows,)."""

    label: FloatArray
    said: FloatArray
    weight: FloatArray
    days: NDArray[np.generic] | None


def paired(label: ArrayLike, said: ArrayLike, weight: ArrayLike | None, days: ArrayLike | None) -> Rows:
    """The rows whose label, prediction and weight are finite numbers. Raises DetectorError for what is no number."""
    first, second = floats(label), floats(said)
    same_length(first, second)
    weights = np.ones(len(first)) if weight is None else floats(weight)
    usable = np.isfinite(first) & np.isfinite(second) & np.isfinite(weights)
    same_length(first, weights)
    apart = None if days is None else np.asarray(days).reshape(-1)[usable]
    return Rows(first[usable], second[usable], weights[usable], apart)


def nothing(n: int) -> Measured:
    """What is measured where the rows do not allow a value."""
    return Measured(NAN, NAN, n)


def spread(value: float, influence: FloatArray, days: ArrayLike | None = None) -> Measured:
    """A value with the standard error of its rows' influences, by rows and by the days they fell on.

    Of rows that are all of one day the error is that by rows: one day says nothing of how days vary.
    """
    n = len(influence)
    if n < 2 or not np.isfinite(value):
        return Measured(value, NAN, n)
    by_rows = _error(influence)
    if days is None:
        return Measured(value, by_rows, n)
    _, place, sizes = np.unique(np.asarray(days).reshape(-1), return_inverse=True, return_counts=True)
    worth = float(n * n / (sizes.astype(np.float64) ** 2).sum())
    if len(sizes) < 2:
        return Measured(value, by_rows, n, worth, by_rows)
    return Measured(value, _error(sums(place, influence, len(sizes))), n, worth, by_rows)


def _error(units: FloatArray) -> float:
    return float(np.sqrt(len(units) / (len(units) - 1) * (units**2).sum()))


def sums(place: IntArray, values: FloatArray, size: int) -> FloatArray:
    """The values added up by place, shape (size,)."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64, copy=False)


def average(values: FloatArray, weight: FloatArray, days: NDArray[np.generic] | None) -> Measured:
    """The weighted mean of one value a row."""
    total = float(weight.sum())
    if not len(values) or total <= 0.0:
        return nothing(len(values))
    mean = float((values * weight).sum() / total)
    return spread(mean, weight * (values - mean) / total, days)


def floats(values: ArrayLike) -> FloatArray:
    """Numbers as float64, shape (rows,). Raises DetectorError."""
    try:
        return np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise DetectorError(f"labels and predictions must be numbers here: {error}") from error


def same_length(first: NDArray[Any] | list[Any], second: NDArray[Any] | list[Any]) -> None:
    """Raises DetectorError where there are not as many labels as predictions."""
    if len(first) != len(second):
        raise DetectorError(f"{len(first)} labels against {len(second)} predictions")
