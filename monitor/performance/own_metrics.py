"""A user's own metric: a Python function named in the config, with a standard error like any other measure's.

In: settings, outcomes as values. Out: `Measured`, or the reason in words why there is none. Kept: functions once found.

The function is called as `f(label, score, prediction)` with numpy arrays of shape (rows,) (None for a column the log
does not have) and returns a number. It runs in the daemon and must be importable there. Its standard error is a
jackknife: the metric with one group of rows left out at a time (Efron & Stein 1981), groups being days, and twenty
groups of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from detectors.measured import NAN, Measured, nothing
from detectors.performance import Measure
from detectors.result import IntArray
from monitor.performance.outcomes import Outcomes
from monitor.settings import ModelSettings

Function = Callable[..., float]
_GROUPS = 20


class NoMetric(Exception):
    """A user's metric cannot be computed; the message says why, without values."""


def own_measures(settings: ModelSettings) -> dict[str, Measure]:
    """What is known of each of a model's own metrics, by name; judged where it has a tolerance."""
    return {
        name: Measure(
            name,
            name.replace("_", " "),
            own.higher_is_better,
            NAN if own.tolerance is None else own.tolerance,
            own.relative,
            nothing,
            own.function,
            tasks=(settings.task,),
            judged=own.tolerance is not None,
        )
        for name, own in settings.metrics.items()
    }


@lru_cache(maxsize=64)
def find(reference: str) -> Function:
    """The function behind `package.module:function`. Raises NoMetric."""
    module, _, name = reference.partition(":")
    try:
        found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise NoMetric(f"{reference} cannot be imported ({type(error).__name__})") from error
    if not callable(found):
        raise NoMetric(f"{reference} is no function")
    return found


def measured(reference: str, outcome: Outcomes, days: IntArray | None) -> Measured:
    """The metric of these rows, clustered by day where there are several. Raises NoMetric."""
    function, n = find(reference), outcome.labelled
    if not n:
        return nothing(0)
    value = _call(function, reference, outcome)
    rows = _jackknife(function, reference, outcome, np.arange(n) % min(_GROUPS, n)) if n > 1 else NAN
    if days is None or not isfinite(value):
        return Measured(value, rows, n)
    _, place, sizes = np.unique(days, return_inverse=True, return_counts=True)
    worth = float(n * n / (sizes.astype(np.float64) ** 2).sum())
    by_day = _jackknife(function, reference, outcome, place) if len(sizes) > 1 else rows
    return Measured(value, by_day, n, worth, rows)


def _jackknife(function: Function, reference: str, outcome: Outcomes, group: NDArray[np.intp]) -> float:
    left = [_call(function, reference, outcome.where(group != each)) for each in range(int(group.max()) + 1)]
    known = np.array([value for value in left if isfinite(value)])
    if len(known) < 2:
        return NAN
    return float(np.sqrt((len(known) - 1) / len(known) * ((known - known.mean()) ** 2).sum()))


def _call(function: Function, reference: str, outcome: Outcomes) -> float:
    try:
        return float(function(outcome.label, outcome.score, outcome.prediction))
    except Exception as error:
        raise NoMetric(f"{reference} failed ({type(error).__name__})") from error
