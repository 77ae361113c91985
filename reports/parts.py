"""What a model's page is made of, one value a section: features, predictions, checks, segments, versions, reasons.

In: nothing; the monitor fills these values. Out: parts of `context.ModelPage`. Kept: nothing. The rules of `context.py`
hold here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reports.errors import ReportError
from reports.figures import Distribution, Figure, Period, Series, State


class Aspect(StrEnum):
    """The rows of the health strip, in reading order; `BUSINESS` only where business metrics are watched."""

    QUALITY = "quality"
    DRIFT = "drift"
    PREDICTION = "prediction"
    PERFORMANCE = "performance"
    BUSINESS = "business"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class SampleCheck:
    """Evidently's own verdict of one column, on the sample of the deep dive, shown beside ours."""

    column: str
    method: str
    value: float | None
    threshold: float | None
    drifted: bool


@dataclass(frozen=True, slots=True)
class DeepDiveLink:
    """The Evidently report of the model's worst window: a path relative to the page, or why there is none."""

    path: str | None
    error: str | None
    period: Period
    rows_reference: int = 0
    rows_production: int = 0
    checks: tuple[SampleCheck, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()  # column and why Evidently was not given it


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature worth looking at. `figures[0]` is the one it is ranked and drawn by.

    `summary` says the change in words with figures ("median 12 → 31; 4% above the reference's largest value").
    """

    name: str
    figures: tuple[Figure, ...]
    summary: str = ""
    distribution: Distribution | None = None
    series: Series | None = None
    importance: float | None = None  # the model's use of it, as a share of all features' (None: unknown)

    def __post_init__(self) -> None:
        if not self.figures:
            raise ReportError(f"feature {self.name!r} comes without a figure")


@dataclass(frozen=True, slots=True)
class PredictionPanel:
    """What the model said: its score, predicted class or value ("score"), beside the reference's."""

    name: str
    figures: tuple[Figure, ...] = ()
    summary: str = ""
    distribution: Distribution | None = None
    series: Series | None = None


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One data-quality check of one subject: `check` in words ("missing", "unseen values"), rates as shares."""

    subject: str
    check: str
    reference: float | None
    production: float | None
    threshold: float | None
    state: State
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One aspect of a model's health: now, and by week, oldest first, the report's own week last."""

    aspect: Aspect
    now: State
    weeks: tuple[tuple[Period, State], ...] = ()
    note: str = ""  # a few words: "2 of 16 features", "AUC 0.66", "no labels yet"


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One feature of the heat map: how far it was over or under its threshold, a cell for each day of the map.

    `ratios` are the feature's strongest statistic as a multiple of its threshold; None: not judged that day.
    """

    name: str
    ratios: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Features by days, most drifted first. `days` are the map's columns, oldest first."""

    days: tuple[Period, ...]
    rows: tuple[HeatRow, ...]

    def __post_init__(self) -> None:
        if any(len(row.ratios) != len(self.days) for row in self.rows):
            raise ReportError("every row of a heat map needs a cell for each of its days")


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment beside the whole: its share of rows before and now, its strongest figure, its worst measure.

    `state` is the worst of both; `figure` None: nothing of it breached.
    """

    segment: str  # "origin = LGA"
    rows: int
    share_reference: float | None
    share_production: float | None
    subject: str = ""
    figure: Figure | None = None
    state: State = State.OK
    note: str = ""  # "all of it is in this segment"
    performance: Figure | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature, segment or cause adds to a change, signed, in the change's unit; `low` to `high` bound it."""

    subject: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The reason found for what changed: attributed, never proven.

    `sentence` says it whole; `evidence` holds one line a finding that speaks for it; `contributions` sum, with
    `residual`, to `total`, the change of `measure` ("mean score").
    """

    sentence: str
    evidence: tuple[str, ...] = ()
    measure: str = ""
    unit: str = "number"
    total: float | None = None
    residual: float | None = None
    contributions: tuple[Contribution, ...] = ()
    method: str = ""


@dataclass(frozen=True, slots=True)
class VersionSpan:
    """A version of the model and when it served (end None: still)."""

    version: str
    start: datetime
    end: datetime | None
    baseline: str = ""  # what it is compared with, in words: "1 Feb to 28 Feb 2013, 24,951 rows"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One measure of two versions over the same period."""

    measure: str
    old: float | None
    new: float | None
    unit: str = "number"
    state: State = State.OK
    note: str = ""


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """Two versions side by side while both served."""

    old: str
    new: str
    period: Period
    rows: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A section the page does not have, and why: "Performance", "no labels have come"."""

    section: str
    reason: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the appendix: the latest judgement of one statistic of one subject."""

    subject: str
    kind: str
    figure: Figure
    revision: int = 0
    segment: str | None = None
