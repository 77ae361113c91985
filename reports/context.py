"""Everything a report says, as plain frozen data: the whole interface between the monitor and the pages.

In: nothing; the monitor fills these values from its stored findings and incidents. Out: `ReportContext` and its parts,
which `render.py` turns into pages and `charts.py` into pictures. Kept: nothing.

Times are aware UTC; the pages show them in the context's time zone. Shares are fractions of 1. A figure that does not
exist is None, never NaN. Text may be hostile (it comes from data): the pages escape it. Private columns do not come
here at all, but as names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reports.errors import ReportError
from reports.figures import (
    CategoryDistribution,
    Distribution,
    Figure,
    IncidentMark,
    NumberDistribution,
    PerformancePoint,
    PerformanceSeries,
    Period,
    Series,
    SeriesPoint,
    Share,
    State,
    VolumePoint,
    VolumeSeries,
)

__all__ = [
    "AlarmCounts",
    "Aspect",
    "CategoryDistribution",
    "Change",
    "Coverage",
    "DeepDiveLink",
    "Distribution",
    "FeatureDrift",
    "Figure",
    "FindingRow",
    "Gap",
    "HealthRow",
    "IncidentMark",
    "IncidentRecord",
    "ModelPage",
    "NumberDistribution",
    "PastReport",
    "PerformancePoint",
    "PerformanceSeries",
    "Period",
    "PredictionPanel",
    "QualityRow",
    "ReportContext",
    "SampleCheck",
    "Series",
    "SeriesPoint",
    "Share",
    "State",
    "TimelineEntry",
    "Verdict",
    "VersionSpan",
    "VolumePoint",
    "VolumeSeries",
]


class Verdict(StrEnum):
    """What a model asks of its owner this week, most urgent first."""

    NEEDS_YOU = "needs-you"
    WATCH = "watch"
    NOT_MONITORED = "not-monitored"
    HEALTHY = "healthy"


class Aspect(StrEnum):
    """The rows of the health strip, in reading order."""

    QUALITY = "quality"
    DRIFT = "drift"
    PREDICTION = "prediction"
    PERFORMANCE = "performance"
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
class TimelineEntry:
    """One event of an incident: "opened", "updated", "acknowledged", "resolved", with words and, if known, who."""

    at: datetime
    event: str
    text: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """One incident of the week (or open since before). `closing` is its verdict by hand, if any."""

    id: str
    title: str
    diagnosis: str
    severity: str  # info, warning, critical
    state: str  # open, acknowledged, resolved, standing
    opened_at: datetime
    resolved_at: datetime | None = None
    closing: str | None = None
    subjects: tuple[str, ...] = ()
    summary: str = ""
    action: str = ""
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed on purpose: a deployment, a baseline accepted, a config edit. `model` None: for all."""

    at: datetime
    kind: str  # deployment, baseline, config, silence, retraining
    text: str
    model: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Windows that were not judged, why, and until when that lasts (None: nobody knows)."""

    model: str
    reason: str
    windows: int
    period: Period
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the appendix: the latest judgement of one statistic of one subject."""

    subject: str
    kind: str
    figure: Figure
    revision: int = 0
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class VersionSpan:
    """A version of the model and when it served (end None: still)."""

    version: str
    start: datetime
    end: datetime | None
    baseline: str = ""  # what it is compared with, in words: "1 Feb to 28 Feb 2013, 24,951 rows"


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One model: all its page shows, in the page's order, and its line of the digest.

    `sentence` is the verdict in one sentence, `action` who does what next, `figure` the before → after of the digest
    line ("KS of dep_hour 0.04 → 0.31"). `features` are the interesting ones, most interesting first, of
    `features_total` watched; the rest are in `findings` only.
    """

    name: str
    owner: str | None
    verdict: Verdict
    sentence: str
    action: str = ""
    figure: str = ""
    diagnosis: str = ""
    task: str = ""
    versions: tuple[VersionSpan, ...] = ()
    health: tuple[HealthRow, ...] = ()
    changes: tuple[Change, ...] = ()
    features: tuple[FeatureDrift, ...] = ()
    features_total: int = 0
    predictions: tuple[PredictionPanel, ...] = ()
    performance: tuple[PerformanceSeries, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    volume: VolumeSeries | None = None
    incidents: tuple[IncidentRecord, ...] = ()
    gaps: tuple[Gap, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    deep_dive: DeepDiveLink | None = None


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """The alarms of the period over all models. `promised` is how many false ones the budget allows in a period."""

    sent: int = 0  # incidents that were told to someone
    real: int = 0  # closed as fixed or accepted
    expected: int = 0
    false: int = 0
    unjudged: int = 0  # nobody has said yet
    promised: float | None = None
    minutes_to_acknowledge: float | None = None  # median of those acknowledged


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what was due was evaluated, over all models of the report.

    `windows_evaluated` counts those with too little data to judge too; `windows_insufficient` is how many these are.
    """

    windows_due: int = 0
    windows_evaluated: int = 0
    windows_insufficient: int = 0
    windows_skipped: int = 0
    predictions: int = 0
    labels: int = 0


@dataclass(frozen=True, slots=True)
class PastReport:
    """One line of the index of reports: a path relative to the index, and what it said."""

    title: str
    path: str
    period: Period
    generated_at: datetime
    counts: tuple[tuple[Verdict, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReportContext:
    """A whole report. `timezone` is the reader's (IANA name); `models` may be empty."""

    title: str
    period: Period
    timezone: str
    generated_at: datetime
    program: str  # "driftline 0.1.0"
    models: tuple[ModelPage, ...] = ()
    alarms: AlarmCounts = AlarmCounts()
    changes: tuple[Change, ...] = ()
    coverage: Coverage = Coverage()

    def by_verdict(self, verdict: Verdict) -> tuple[ModelPage, ...]:
        """The models of one verdict, in the order given."""
        return tuple(model for model in self.models if model.verdict is verdict)

    def counts(self) -> tuple[tuple[Verdict, int], ...]:
        """How many models have each verdict, most urgent first, zeros included."""
        return tuple((verdict, len(self.by_verdict(verdict))) for verdict in Verdict)
