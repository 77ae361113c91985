"""Business metrics of one window judged: by fixed limits, or by what days do by themselves.

In: settings, a window, its value, earlier values. Out: `Finding`s. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

import numpy as np

from detectors.result import Finding, Kind, Status
from detectors.usual_value import unusual_value
from monitor.business.figures import Figured
from monitor.evaluate import Context
from monitor.settings import BusinessSettings, ModelSettings

DETECTOR = "business"
# Of the model's budget a tenth is spent on each metric; without a budget, one day in a thousand.
_SHARE, _ALPHA = 0.1, 0.001


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier day's value, and whether it was in breach."""

    day: date
    value: float
    breach: bool


def judge_business(
    context: Context, settings: ModelSettings, name: str, found: Figured | str, today: date, past: Sequence[Past]
) -> Finding:
    """One metric of one day; `found` is its value, or the reason in words why there is none."""
    chosen = settings.business[name]
    if isinstance(found, str):
        return context.finding(name, Kind.BUSINESS, DETECTOR, Status.INSUFFICIENT, 0, detail={"reason": found})
    if chosen.min is not None or chosen.max is not None:
        return _by_limits(context, chosen, name, found)
    # Days in breach are not what is usual.
    known = [one for one in past if not one.breach and one.day < today]
    values = np.array([one.value for one in known])
    weekdays = np.array([one.day.weekday() for one in known], dtype=np.int64)
    usual = unusual_value(values, weekdays, found.value, today.weekday())
    if not isfinite(usual.score):
        reason = f"{usual.days} earlier days: too few, or all alike"
        return context.finding(
            name, Kind.BUSINESS, DETECTOR, Status.INSUFFICIENT, found.n,
            statistic=found.value, detail={"reason": reason},
        )  # fmt: skip
    alpha = _ALPHA if settings.budget is None else min(settings.budget / 30.0 * _SHARE, 0.05)
    worse = usual.score < 0.0 if chosen.higher_is_better else usual.score > 0.0
    breach = worse and usual.pvalue <= alpha
    return context.finding(
        name,
        Kind.BUSINESS,
        DETECTOR,
        Status.BREACH if breach else Status.OK,
        found.n,
        statistic=found.value,
        pvalue=usual.pvalue,
        effect=usual.score,
        detail={
            "baseline": float(f"{usual.expected:.6g}"),
            "before": f"{usual.expected:.4g}",
            "after": f"{found.value:.4g}",
            "days": usual.days,
        },
    )


def _by_limits(context: Context, chosen: BusinessSettings, name: str, found: Figured) -> Finding:
    below = chosen.min is not None and found.value < chosen.min
    above = chosen.max is not None and found.value > chosen.max
    limit = chosen.min if below or chosen.max is None else chosen.max
    return context.finding(
        name,
        Kind.BUSINESS,
        DETECTOR,
        Status.BREACH if below or above else Status.OK,
        found.n,
        statistic=found.value,
        threshold=limit,
        detail={"before": f"limit {limit:.4g}", "after": f"{found.value:.4g}"},
    )
