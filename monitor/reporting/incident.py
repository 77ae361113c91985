"""An incident's page, from what is stored about it and about its model.

In: a connection, an incident, what was gathered about its model. Out: `reports.incident.IncidentPage`. Kept: nothing.
A model that is no longer configured, and a channel, which is no model, have a page without pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from alerts.incident import Incident, Verdict
from alerts.triggers import retrainings
from alerts.verdicts import what_follows
from detectors.estimated import ESTIMATED
from detectors.performance import MEASURES
from detectors.profile import Profile
from detectors.result import Kind
from detectors.trouble import Trouble
from monitor.judging.moment import program
from monitor.reporting import pictures
from monitor.reporting.gather import WEEKS, Gathered, gather
from monitor.reporting.ranking import change_in_words
from monitor.reporting.record import record_of
from monitor.reporting.said import notices
from monitor.reporting.segments import segment_rows
from monitor.reporting.why import why_of
from monitor.settings import ModelSettings, Settings
from monitor.store import baselines, evaluations, incidents, profiles
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation
from monitor.windows import Aspect, days
from reports.context import (
    FeatureDrift,
    Figure,
    IncidentMark,
    IncidentRecord,
    PerformanceSeries,
    Period,
    SegmentRow,
    State,
    TimelineEntry,
)
from reports.incident import IncidentPage, Measured, Related

MOST_DRAWN = 8
_WEEK = timedelta(days=7)
_BEFORE, _LONGEST = timedelta(weeks=2), timedelta(weeks=26)
_OUTCOMES = (Kind.PERFORMANCE.value, Kind.BUSINESS.value)
_LOOKED_AT = 6  # windows of an incident that are searched for a reason
Evidence = Mapping[str, Any]


def page_of(connection: Connection, settings: Settings, incident_id: str, now: datetime) -> IncidentPage | None:
    """The page of an incident as it stands now, by its id; None where there is none."""
    incident = incidents.get(connection, incident_id)
    if incident is None:
        return None
    model = settings.models.get(incident.model)
    gathered = None if model is None else _gathered(connection, incident, model, now)
    return incident_page(connection, incident, gathered, now)


def _gathered(connection: Connection, incident: Incident, settings: ModelSettings, now: datetime) -> Gathered:
    """About its model: from before it began to a week after its end, or to the last window judged."""
    ends = [now, evaluations.last_end(connection, incident.model) or now]
    if incident.resolved_at is not None:
        ends.append(incident.resolved_at + _WEEK)
    end = max(min(ends), incident.latest.end)
    since = max(min(end - timedelta(weeks=WEEKS), incident.window.start - _BEFORE), end - _LONGEST)
    return gather(connection, incident.model, settings, Period(end - _WEEK, end), now, since)


def incident_page(
    connection: Connection,
    incident: Incident,
    gathered: Gathered | None,
    now: datetime,
    *,
    model_page: str | None = None,
) -> IncidentPage:
    """The page of an incident, its series from what was `gathered` about its model.

    `model_page` is the model's page beside it. What became known after `gathered.known_at` is left out.
    """
    known_at = now if gathered is None else min(gathered.known_at, now)
    page = IncidentPage(
        record=_record(connection, incident, known_at),
        model=incident.model,
        version=incident.version,
        timezone=incident.timezone,
        generated_at=now,
        program=f"driftline {program()}",
        since=incident.window.start,
        latest=Period(incident.latest.start, incident.latest.end),
        horizon=incident.latest.horizon.partition(":")[0],
        owner=incident.owner,
        acknowledged_at=incident.acknowledged_at,
        actor=incident.actor,
        reopened=incident.reopened,
        cost=incident.cost,
        figures=tuple(_measured(figure) for figure in incident.evidence),
        also=incident.also,
        ruled_out=incident.ruled_out,
        related=_related(connection, incident),
        notices=notices(connection, incident, known_at),
        follows=what_follows(incident),
        answers=_answers(incident),
        model_page=model_page,
    )
    if gathered is None:
        return page
    mine = replace(gathered, incidents=(incident,))
    looked = _Windows(connection, mine, incident)
    judged = _evaluations(connection, gathered, incident)
    return replace(
        page,
        compared_with=looked.compared_with,
        why=why_of(judged, incident.diagnosis),
        evidence=looked.evidence(),
        more_subjects=looked.more_subjects(),
        performance=_performance(mine, incident),
        business=_business(mine, incident),
        volume=pictures.volume(mine) if _about_rows(incident) else None,
        segments=_segments(looked, judged, incident),
    )


class _Windows:
    """An incident's columns, each in the window its strongest figure is of; the rows of a window are summed once."""

    def __init__(self, connection: Connection, gathered: Gathered, incident: Incident) -> None:
        self._connection, self._gathered, self._incident = connection, gathered, incident
        self.baseline = _baseline(connection, gathered, incident)
        self._sums: dict[tuple[str, str], Profile | None] = {}
        self._columns: dict[str, list[Evidence]] = {}
        for figure in incident.evidence:
            if figure["kind"] not in _OUTCOMES and figure["subject"] != "rows":
                self._columns.setdefault(str(figure["subject"]), []).append(figure)

    @property
    def compared_with(self) -> str:
        """The baseline in words."""
        return f"{self.baseline.origin}, {self.baseline.rows:,} rows" if self.baseline else ""

    def evidence(self) -> tuple[FeatureDrift, ...]:
        """The columns it is about, strongest first, with their distributions and their statistic over time."""
        return tuple(self._drawn(subject, figures) for subject, figures in list(self._columns.items())[:MOST_DRAWN])

    def more_subjects(self) -> tuple[str, ...]:
        """The columns it is about that are not drawn."""
        drawn = set(list(self._columns)[:MOST_DRAWN])
        outcomes = {str(figure["subject"]) for figure in self._incident.evidence if figure["kind"] in _OUTCOMES}
        known = self.baseline.grid if self.baseline else None
        return tuple(
            subject
            for subject in self._incident.subjects
            if subject not in drawn | outcomes and known is not None and known.place(subject) is not None
        )

    def sides(self, figure: Evidence) -> tuple[Profile, Profile] | None:
        """The reference and the rows of a figure's window; None where either is not kept."""
        if self.baseline is None:
            return None
        key = str(figure["start"]), str(figure["end"])
        if key not in self._sums:
            start, end = (datetime.fromisoformat(moment) for moment in key)
            hours = figure["horizon"] == "1h" or str(figure["horizon"]).startswith("run")
            spans = [(start, end)] if hours else list(days(start, end, self._gathered.settings.zone))
            version = self._incident.version
            found = profiles.total(self._connection, self._gathered.model, version, self.baseline.grid, spans, [])
            self._sums[key] = found if found.rows else None
        production = self._sums[key]
        return None if production is None else (self.baseline.profile, production)

    def _drawn(self, subject: str, figures: Sequence[Evidence]) -> FeatureDrift:
        # All rows together where they have breached; a column that has only in a segment is drawn there.
        first = next((figure for figure in figures if figure["segment"] is None), figures[0])
        sides = self.sides(first)
        shown = tuple(_measured(figure).figure for figure in figures if figure["segment"] == first["segment"])
        whole = first["segment"] is None
        series = pictures.series(self._gathered, subject, str(first["detector"])) if whole else None
        if sides is None or sides[0].grid.place(subject) is None:
            return FeatureDrift(subject, shown, series=series)
        where = "" if whole else f"where {first['segment']}"
        sides = sides if whole else _part(sides, str(first["segment"])) or sides
        summary = change_in_words(*sides, subject)
        return FeatureDrift(
            subject,
            shown,
            f"{where}: {summary}" if where and summary else summary or where,
            pictures.distribution(*sides, subject),
            series,
            self._gathered.importance.shares.get(subject),
        )


def _part(sides: tuple[Profile, Profile], label: str) -> tuple[Profile, Profile] | None:
    labels = list(sides[0].grid.segment_labels) if sides[0].grid.segments else []
    if label not in labels:
        return None
    place = labels.index(label)
    return sides[0].segment(place), sides[1].segment(place)


def _baseline(connection: Connection, gathered: Gathered, incident: Incident) -> Baseline | None:
    known = [*gathered.baselines.values(), *([gathered.baseline] if gathered.baseline else [])]
    found = next((base for base in known if base.id == incident.baseline_id), None)
    if found is None and incident.baseline_id:
        found = baselines.get(connection, incident.baseline_id)
    return found or gathered.baselines.get(incident.version)


def _record(connection: Connection, incident: Incident, known_at: datetime) -> IncidentRecord:
    told = incidents.timeline(connection, incident=incident.id)
    entries = [TimelineEntry(at, event, reason) for _, event, at, reason in told if at <= known_at]
    for one in retrainings.listed(connection, model=incident.model):
        if one.incident == incident.id and one.created_at <= known_at:
            stage = one.stage.value if one.changed_at <= known_at else "asked"
            entries.append(TimelineEntry(one.created_at, "retraining", f"{one.trigger}: {stage}", one.actor or None))
    return record_of(incident, sorted(entries, key=lambda entry: entry.at))


def _measured(told: Evidence) -> Measured:
    """A figure kept with an incident, with the limit itself where a measure may be so much worse."""
    name, statistic, effect = str(told["detector"]), told["statistic"], told["effect"]
    limit = told["threshold"]
    measure = MEASURES.get(name) or ESTIMATED.get(name)
    if measure is not None:
        usual = None
        if statistic is not None and effect is not None:
            better = effect if measure.higher_is_better else -effect
            usual = statistic / (1.0 - better) if measure.relative and better != 1.0 else statistic + better
        limit = pictures.limit_of(name, usual, told["threshold"])
    figure = Figure(
        statistic=pictures.title_of(name),
        value=statistic,
        threshold=limit,
        state=State.BREACH,
        horizon=str(told["horizon"]).partition(":")[0],
        period=Period(datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["end"])),
        rows=int(told["n"]),
        pvalue=told["pvalue"],
        effect=effect,
        unit=pictures.unit_of(name).value,
    )
    before, after = ("" if told[key] is None else str(told[key]) for key in ("before", "after"))
    return Measured(str(told["subject"]), figure, told["threshold"], before, after, told["segment"])


def _evaluations(connection: Connection, gathered: Gathered, incident: Incident) -> list[Evaluation]:
    """The judgements it rests on: of the windows its figures are of, its first and its latest; read where they are not
    among what was gathered."""
    windows = [(incident.window.horizon, incident.window.end), (incident.latest.horizon, incident.latest.end)]
    windows += [(str(one["horizon"]), datetime.fromisoformat(one["end"])) for one in incident.evidence]
    known: dict[tuple[str, datetime], list[Evaluation]] = {}
    for one in (*gathered.inputs, *gathered.performance):
        if one.version == incident.version:
            known.setdefault((one.window.horizon, one.window.end), []).append(one)
    found: list[Evaluation] = []
    for horizon, end in sorted(set(windows), key=lambda window: window[1])[-_LOOKED_AT:]:
        told = known.get((horizon, end), [])
        if not told or (end <= gathered.period.start and not any(one.aspect is Aspect.INPUTS for one in told)):
            found += evaluations.find(
                connection,
                incident.model,
                start=end - timedelta(microseconds=1),
                end=end,
                horizon=horizon,
                version=incident.version,
            )
        else:
            found += told
    return found


def _performance(gathered: Gathered, incident: Incident) -> tuple[PerformanceSeries, ...]:
    """The measures it is about; of drift one more, to show whether it does harm."""
    names = [pictures.title_of(str(f["detector"])) for f in incident.evidence if f["kind"] == Kind.PERFORMANCE.value]
    found = pictures.performance(gathered)
    mine = [one for one in found if one.metric in names or any(name.endswith(f" {one.metric}") for name in names)]
    if incident.trouble in (Trouble.PERFORMANCE, Trouble.LABELS):
        mine = mine or list(found)
    elif incident.trouble is Trouble.DRIFT:
        mine = mine or list(found[:1])
    return tuple(replace(one, marks=(_mark(incident),)) for one in mine)


def _business(gathered: Gathered, incident: Incident) -> tuple[PerformanceSeries, ...]:
    names = {str(figure["subject"]).replace("_", " ") for figure in incident.evidence if figure["kind"] == "business"}
    return tuple(replace(one, marks=(_mark(incident),)) for one in pictures.business(gathered) if one.metric in names)


def _mark(incident: Incident) -> IncidentMark:
    return IncidentMark(incident.id, incident.window.start, incident.resolved_at, incident.diagnosis)


def _about_rows(incident: Incident) -> bool:
    return incident.trouble is Trouble.SILENCE or "rows" in incident.subjects


def _segments(looked: _Windows, judged: Sequence[Evaluation], incident: Incident) -> tuple[SegmentRow, ...]:
    """The segments in the window of the strongest figure, by its own columns and measures."""
    if not incident.evidence:
        return ()
    strongest = incident.evidence[0]
    sides = looked.sides(strongest)
    if sides is None:
        return ()
    window = str(strongest["horizon"]), datetime.fromisoformat(strongest["end"])
    same = [one for one in judged if (one.window.horizon, one.window.end) == window]
    return segment_rows(*sides, [finding for one in same for finding in one.findings], 1, incident.subjects)


def _related(connection: Connection, incident: Incident) -> tuple[Related, ...]:
    found = [
        Related(one.id, one.model, "the same in", one.state.value)
        for one in incidents.fleet(connection, incident.stream)
        if one.id != incident.id
    ]
    cause = incidents.get(connection, incident.cause) if incident.cause else None
    if cause is not None:
        found.append(Related(cause.id, cause.model, "explained by", cause.state.value))
    found += [
        Related(one.id, one.model, "it explains", one.state.value) for one in incidents.caused_by(connection, incident)
    ]
    return tuple(found)


def _answers(incident: Incident) -> tuple[tuple[str, str], ...]:
    """The commands by which somebody answers it, and what each does; none once it has its verdict."""
    close = f"driftline incidents close {incident.id} --as"
    if incident.trouble is Trouble.CHANNEL or incident.verdict is not None:
        return ()
    found = []
    if incident.state.value == "open":
        found.append((f"driftline incidents ack {incident.id}", "you take it on; nobody is reminded of it any more"))
    found += [
        (f"{close} {Verdict.FIXED}", "a fault, repaired; its days are left out of references"),
        (f"{close} {Verdict.EXPECTED}", "no fault, and no new normal; its days are left out of references"),
    ]
    if incident.trouble is not Trouble.BLIND:
        found.append((f"{close} {Verdict.ACCEPTED}", "this is the new normal; it is compared with from now on"))
    found.append((f'{close} "{Verdict.FALSE_ALARM}"', "nothing was wrong; it counts against the budget"))
    return tuple(found)
