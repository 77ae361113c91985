"""What business metrics go together with: prediction shift, drift, performance, and how many days later.

In: findings of days from the ledger. Out: `Relation`s as plain values, for the command line and for reports.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from detectors.lagged import Lagged, lagged_correlation
from detectors.performance import MEASURES
from detectors.result import Finding, FloatArray, Kind
from monitor.settings import ModelSettings
from monitor.store.evaluations import Evaluation
from monitor.windows import local_day

_SHIFTS = ("mean_shift", "class_rate")


@dataclass(frozen=True, slots=True)
class Relation:
    """How a business metric (`metric`) follows another series (`beside`)."""

    metric: str
    beside: str
    found: Lagged


@dataclass(frozen=True, slots=True)
class Daily:
    """One business metric by day: its newest value, finding and how many days there were."""

    metric: str
    days: tuple[date, ...]
    values: tuple[float, ...]
    newest: Finding


def business_days(settings: ModelSettings, evaluations: Iterable[Evaluation]) -> list[Daily]:
    """Each business metric day by day, oldest first."""
    found: dict[str, dict[date, Finding]] = {}
    for evaluation, finding in _daily(evaluations):
        if finding.kind is Kind.BUSINESS and finding.statistic is not None:
            found.setdefault(finding.subject, {})[_day(settings, evaluation)] = finding
    return [
        Daily(
            name,
            tuple(sorted(by_day)),
            tuple(by_day[day].statistic or 0.0 for day in sorted(by_day)),
            by_day[max(by_day)],
        )
        for name, by_day in found.items()
    ]


def relations(settings: ModelSettings, evaluations: Iterable[Evaluation], most: int = 7) -> list[Relation]:
    """Each business metric against prediction shift, drift (mean KS of the features) and each judged measure."""
    known = list(evaluations)
    series = _series(settings, known)
    metrics = business_days(settings, known)
    days = sorted({day for values in series.values() for day in values} | {day for one in metrics for day in one.days})
    if not days:
        return []
    span = [days[0] + timedelta(days=each) for each in range((days[-1] - days[0]).days + 1)]
    return [
        Relation(one.metric, name, lagged_correlation(_array(span, values), _array(span, own), most))
        for one in metrics
        for own in (dict(zip(one.days, one.values, strict=True)),)
        for name, values in series.items()
    ]


def _series(settings: ModelSettings, evaluations: list[Evaluation]) -> dict[str, dict[date, float]]:
    found: dict[str, dict[date, float]] = {}
    drift: dict[date, list[float]] = {}
    for evaluation, finding in _daily(evaluations):
        day, value = _day(settings, evaluation), finding.statistic
        if value is None or finding.segment is not None:
            continue
        if finding.detector in _SHIFTS and finding.kind is Kind.PREDICTION:
            found.setdefault("prediction shift", {}).setdefault(day, value)
        elif finding.detector == "ks" and finding.kind is Kind.FEATURE:
            drift.setdefault(day, []).append(value)
        elif finding.kind is Kind.PERFORMANCE and finding.detector in MEASURES and finding.detail.get("judged", True):
            found.setdefault(MEASURES[finding.detector].title, {})[day] = value
    if drift:
        found["drift"] = {day: float(np.mean(values)) for day, values in drift.items()}
    return found


def _daily(evaluations: Iterable[Evaluation]) -> Iterator[tuple[Evaluation, Finding]]:
    for evaluation in evaluations:
        if evaluation.window.horizon == "1d":
            for finding in evaluation.findings:
                yield evaluation, finding


def _day(settings: ModelSettings, evaluation: Evaluation) -> date:
    return local_day(evaluation.window.end - timedelta(hours=12), settings.zone)


def _array(span: list[date], values: dict[date, float]) -> FloatArray:
    return np.array([values.get(day, np.nan) for day in span])
