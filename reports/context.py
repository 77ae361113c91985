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

from reports.events import (
    Change,
    Gap,
    IncidentRecord,
    TimelineEntry,
)
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
from reports.parts import (
    Absent,
    Aspect,
    Contribution,
    DeepDiveLink,
    FeatureDrift,
    FindingRow,
    HealthRow,
    HeatMap,
    HeatRow,
    PredictionPanel,
    QualityRow,
    SampleCheck,
    SegmentRow,
    VersionComparison,
    VersionRow,
    VersionSpan,
    Why,
)

__all__ = [
    "Absent",
    "AlarmCounts",
    "Aspect",
    "CategoryDistribution",
    "Change",
    "Contribution",
    "Coverage",
    "DeepDiveLink",
    "Distribution",
    "FeatureDrift",
    "Figure",
    "FindingRow",
    "Gap",
    "HealthRow",
    "HeatMap",
    "HeatRow",
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
    "SegmentRow",
    "Series",
    "SeriesPoint",
    "Share",
    "State",
    "TimelineEntry",
    "Verdict",
    "VersionComparison",
    "VersionRow",
    "VersionSpan",
    "VolumePoint",
    "VolumeSeries",
    "Why",
]


class Verdict(StrEnum):
    """What a model asks of its owner this week, most urgent first."""

    NEEDS_YOU = "needs-you"
    WATCH = "watch"
    NOT_MONITORED = "not-monitored"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One model: all its page shows, in the page's order, and its line of the digest.

    `sentence` is the verdict in one sentence, `action` who does what next, `figure` the before → after of the digest
    line ("KS of dep_hour 0.04 → 0.31"), `subjects` what both are about, so that they lead to their evidence.
    `features` are the interesting ones, most interesting first, of `features_total` watched; the rest are in `findings`
    only. `ranked_by` says by what they are ranked, in words. `together` are figures of all inputs' joint distribution.
    A part that is empty has no section; `absent` says why, where that is known.
    """

    name: str
    owner: str | None
    verdict: Verdict
    sentence: str
    action: str = ""
    figure: str = ""
    diagnosis: str = ""
    subjects: tuple[str, ...] = ()
    task: str = ""
    versions: tuple[VersionSpan, ...] = ()
    health: tuple[HealthRow, ...] = ()
    changes: tuple[Change, ...] = ()
    why: Why | None = None
    features: tuple[FeatureDrift, ...] = ()
    features_total: int = 0
    ranked_by: str = ""
    together: tuple[Figure, ...] = ()
    heat: HeatMap | None = None
    predictions: tuple[PredictionPanel, ...] = ()
    performance: tuple[PerformanceSeries, ...] = ()
    business: tuple[PerformanceSeries, ...] = ()
    segments: tuple[SegmentRow, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    volume: VolumeSeries | None = None
    version_comparison: VersionComparison | None = None
    incidents: tuple[IncidentRecord, ...] = ()
    gaps: tuple[Gap, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    deep_dive: DeepDiveLink | None = None
    absent: tuple[Absent, ...] = ()


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
