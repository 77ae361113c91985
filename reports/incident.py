"""One incident as its page shows it: what, since when, how much, why, what was said to whom, what to look at.

In: nothing; the monitor fills these values. Out: `IncidentPage`, which `incident_pages.py` turns into a page.
Kept: nothing. The rules of `context.py` hold here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.events import IncidentRecord
from reports.figures import Figure, PerformanceSeries, Period, State, VolumeSeries
from reports.parts import FeatureDrift, SegmentRow, Why


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of an incident: of what, in which segment (None: of all rows), before and after in words.

    `tolerance` is what its size is held against: the limit itself, but for a measure that may fall by so much.
    """

    subject: str
    figure: Figure
    tolerance: float | None = None
    before: str = ""
    after: str = ""
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about the incident, or one that was held back: when, which change, through what, what became of it.

    `outcome` is in words ("delivered", "waiting", "not sent"), `channel` empty where it went to none, `note` why.
    """

    at: datetime
    event: str
    channel: str
    outcome: str
    state: State
    note: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """Another incident that has to do with this one: `how` in words ("the same in", "explains it")."""

    id: str
    model: str
    how: str
    state: str
    page: str | None = None  # relative to this one


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Everything an incident's page shows, in the page's order.

    `since` is when what breached first began, `latest` the last window that was looked at. `figures` come strongest
    first. `evidence` are its subjects with their distributions, in the window their figures are of, and their
    statistic over time; `more_subjects` are those it does not draw. `answers` says what each verdict does, a line each;
    `model_page` is the model's page of a report, relative to this one.
    """

    record: IncidentRecord
    model: str
    version: str
    timezone: str
    generated_at: datetime
    program: str
    since: datetime
    latest: Period
    horizon: str = ""
    owner: str | None = None
    acknowledged_at: datetime | None = None
    actor: str | None = None
    reopened: int = 0
    compared_with: str = ""
    cost: str = ""
    figures: tuple[Measured, ...] = ()
    why: Why | None = None
    evidence: tuple[FeatureDrift, ...] = ()
    more_subjects: tuple[str, ...] = ()
    performance: tuple[PerformanceSeries, ...] = ()
    business: tuple[PerformanceSeries, ...] = ()
    volume: VolumeSeries | None = None
    segments: tuple[SegmentRow, ...] = ()
    also: tuple[str, ...] = ()
    ruled_out: str = ""
    related: tuple[Related, ...] = ()
    notices: tuple[Notice, ...] = ()
    follows: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    model_page: str | None = None
