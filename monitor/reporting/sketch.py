"""The picture of an incident that goes along with its message: its first figure before and after, and over time.

In: a connection, a model's settings, an incident. Out: a `Sheet` to be drawn, or None. Kept: nothing. It reads what is
stored, never the log; private columns have no distribution.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.engine import Connection

from alerts.incident import Incident, horizon_name
from alerts.message import shown_figure
from detectors.performance import MEASURES
from detectors.profile import Profile
from detectors.result import Finding, Kind, Status
from monitor.reporting import pictures
from monitor.settings import ModelSettings
from monitor.store import baselines, profiles, series
from monitor.windows import Aspect, days
from reports import charts
from reports.figures import IncidentMark, PerformancePoint, PerformanceSeries, Period, Series, SeriesPoint
from reports.picture import Chart
from reports.sheet import Sheet, sheet

_REACH = {"1h": timedelta(days=3), "28d": timedelta(weeks=26)}
_USUAL_REACH = timedelta(weeks=8)


def sketch(connection: Connection, settings: ModelSettings, incident: Incident) -> Sheet | None:
    """The charts of an incident's strongest figure; None where nothing is stored that could be drawn."""
    figure = shown_figure(incident)
    if figure is None:
        return None
    subject, detector, segment = str(figure["subject"]), str(figure["detector"]), figure["segment"]
    judged = Kind(figure["kind"]) in (Kind.PERFORMANCE, Kind.BUSINESS)
    horizon = str(figure["horizon"]).partition(":")[0]
    found = series.of_figure(
        connection,
        incident.model,
        aspect=Aspect.PERFORMANCE if judged else Aspect.INPUTS,
        horizon=horizon,
        start=incident.latest.end - _REACH.get(horizon, _USUAL_REACH),
        end=incident.latest.end,
        subject=subject,
        detector=detector,
        segment=segment,
    )
    drawn = [_before_and_after(connection, settings, incident, subject) if segment is None and not judged else None]
    drawn.append(_over_time(found, subject, settings, incident) if len(found) > 1 else None)
    made = [chart for chart in drawn if chart is not None]
    return sheet(made) if made else None


def _before_and_after(
    connection: Connection, settings: ModelSettings, incident: Incident, subject: str
) -> Chart | None:
    """A column in the baseline and in the latest window that breached."""
    baseline = baselines.get(connection, incident.baseline_id)
    if baseline is None or baseline.grid.place(subject) is None:
        return None
    start, end = incident.latest.start, incident.latest.end
    spans = [(start, end)] if horizon_name(incident.latest) in ("1h", "run") else list(days(start, end, settings.zone))
    production: Profile = profiles.total(connection, incident.model, incident.version, baseline.grid, spans, [])
    shown = pictures.distribution(baseline.profile, production, subject) if production.rows else None
    return None if shown is None else charts.distribution(shown, subject)


def _over_time(found: list[Finding], subject: str, settings: ModelSettings, incident: Incident) -> Chart:
    name, horizon = found[-1].detector, found[-1].window.horizon.partition(":")[0]
    marks = (IncidentMark(incident.id, incident.window.start, incident.resolved_at, incident.diagnosis),)
    if name in MEASURES:
        return charts.performance(_measure(found, horizon, marks), settings.zone)
    points = tuple(
        SeriesPoint(
            Period(one.window.start, one.window.end),
            None if one.status is Status.INSUFFICIENT else one.statistic,
            one.threshold,
            pictures.state_of(one),
        )
        for one in found
    )
    shown = Series(pictures.title_of(name), horizon, points, marks, pictures.unit_of(name).value)
    return charts.statistic(shown, subject, settings.zone)


def _measure(found: list[Finding], horizon: str, marks: tuple[IncidentMark, ...]) -> PerformanceSeries:
    last = found[-1]
    points = tuple(
        PerformancePoint(
            Period(one.window.start, one.window.end),
            one.statistic,
            *pictures.interval(one),
            labels=one.n,
            predictions=one.n,
            state=pictures.state_of(one),
        )
        for one in found
    )
    told = last.detail.get("baseline")
    usual = told if isinstance(told, float) else None
    return PerformanceSeries(
        MEASURES[last.detector].title,
        MEASURES[last.detector].higher_is_better,
        usual,
        pictures.limit_of(last.detector, usual, last.threshold),
        horizon,
        points,
        marks,
    )
