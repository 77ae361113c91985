"""The figures and series a report draws: what one chart needs, as plain frozen data.

In: nothing; the monitor fills these values. Out: distributions, series over time and judged figures, for `charts.py`
and, within the larger values of `context.py`, for the pages. Kept: nothing.

Times are aware UTC. Shares are fractions of 1. A figure that does not exist is None, never NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reports.errors import ReportError


class State(StrEnum):
    """How one thing stands: a judged figure, a week of one aspect, a window."""

    OK = "ok"
    WATCH = "watch"  # breached, and too small or too early to act on
    BREACH = "breach"
    INSUFFICIENT = "insufficient"  # too little data to judge
    MISSING = "missing"  # not evaluated, or nothing to evaluate (no labels, monitor blind, still learning)


@dataclass(frozen=True, slots=True)
class Period:
    """The half-open interval `[start, end)` a report or a figure covers."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ReportError("a period's times need a zone")


@dataclass(frozen=True, slots=True)
class Share:
    """One labelled share of rows ("unseen", "above 120", "JFK"): in the reference, in production."""

    label: str
    reference: float
    production: float


@dataclass(frozen=True, slots=True)
class NumberDistribution:
    """A numeric column on common bins.

    `edges` are increasing, in the column's unit, length bins + 1; `reference` and `production` are the shares of all
    rows in each bin. `outside` holds the shares no bin shows: below the first edge, above the last, missing.
    """

    edges: tuple[float, ...]
    reference: tuple[float, ...]
    production: tuple[float, ...]
    outside: tuple[Share, ...] = ()

    def __post_init__(self) -> None:
        bins = len(self.edges) - 1
        if bins < 1 or len(self.reference) != bins or len(self.production) != bins:
            raise ReportError(
                f"{len(self.edges)} edges make {bins} bins, not {len(self.reference)} and {len(self.production)}"
            )
        if any(right <= left for left, right in zip(self.edges, self.edges[1:], strict=False)):
            raise ReportError("a distribution's edges must increase")
        _finite(self.edges, self.reference, self.production)


@dataclass(frozen=True, slots=True)
class CategoryDistribution:
    """A categorical column: one share a value, in the order the chart shows; the filler folds the tail ("12 more")."""

    shares: tuple[Share, ...]

    def __post_init__(self) -> None:
        _finite([share.reference for share in self.shares], [share.production for share in self.shares])


Distribution = NumberDistribution | CategoryDistribution


@dataclass(frozen=True, slots=True)
class IncidentMark:
    """An incident laid over a time axis: from when to when (None: still open), and which."""

    incident_id: str
    start: datetime
    end: datetime | None
    label: str


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One window's statistic. `value` None: not evaluated, a gap in the line. `threshold` as it was then."""

    period: Period
    value: float | None
    threshold: float | None
    state: State


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic of one subject over time, oldest first, all of one horizon ("1d", "7d"); `unit` as of `Figure`."""

    statistic: str
    horizon: str
    points: tuple[SeriesPoint, ...]
    marks: tuple[IncidentMark, ...] = ()
    unit: str = "number"


@dataclass(frozen=True, slots=True)
class Figure:
    """One judged figure: what was measured, its value, what it was held against, how it stands.

    `statistic` is the detector's name as people write it ("KS", "PSI"); `horizon` and `period` say of which window;
    `effect` is the size comparable between features (None: the value itself); `rows` the production rows behind it.
    `unit` says how value and threshold are written: "number", "share" or "deviations" (of the reference).
    """

    statistic: str
    value: float | None
    threshold: float | None
    state: State
    horizon: str
    period: Period
    rows: int
    pvalue: float | None = None
    effect: float | None = None
    unit: str = "number"


@dataclass(frozen=True, slots=True)
class PerformancePoint:
    """A metric on one window. `low` and `high` bound it at 95% (None: unknown); `labels` of `predictions` had come."""

    period: Period
    value: float | None
    low: float | None
    high: float | None
    labels: int
    predictions: int
    state: State


@dataclass(frozen=True, slots=True)
class PerformanceSeries:
    """A performance metric over time, oldest first. `baseline` is the reference's own value, `threshold` the limit.

    `points` are what came true by the labels, `estimated` what is expected without them (their `labels` are 0); either
    may be empty. `note` says how it was estimated, or what else a reader must know; `unit` as of `Figure`.
    """

    metric: str
    higher_is_better: bool
    baseline: float | None
    threshold: float | None
    horizon: str
    points: tuple[PerformancePoint, ...]
    marks: tuple[IncidentMark, ...] = ()
    estimated: tuple[PerformancePoint, ...] = ()
    note: str = ""
    unit: str = "number"


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """Rows of one window; `low` and `high` bound what is normal (None: not yet known)."""

    period: Period
    rows: int
    low: float | None
    high: float | None
    state: State


@dataclass(frozen=True, slots=True)
class VolumeSeries:
    """How many rows the model served, oldest first."""

    horizon: str
    points: tuple[VolumePoint, ...]
    marks: tuple[IncidentMark, ...] = ()


def _finite(*groups: Sequence[float]) -> None:
    if not all(math.isfinite(value) for group in groups for value in group):
        raise ReportError("a distribution's edges and shares must be finite")
