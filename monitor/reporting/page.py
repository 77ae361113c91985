"""One model's page, from what is stored about it.

In: `Gathered`. Out: `reports.context.ModelPage`. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from alerts.incident import Incident
from detectors.registry import JOINT
from detectors.result import Finding, Kind, Severity, Status
from detectors.trouble import Trouble
from monitor.reporting import pictures
from monitor.reporting.gather import Gathered, kinds
from monitor.reporting.health import latest_of, strip
from monitor.reporting.ranking import change_in_words, ranked, worth_showing
from monitor.reporting.record import record_of
from monitor.reporting.segments import segment_rows
from monitor.reporting.why import why
from monitor.store.evaluations import Evaluation
from reports.context import (
    Change,
    DeepDiveLink,
    Distribution,
    FeatureDrift,
    Figure,
    FindingRow,
    Gap,
    IncidentRecord,
    ModelPage,
    Period,
    PredictionPanel,
    QualityRow,
    SegmentRow,
    State,
    TimelineEntry,
    Verdict,
    VersionSpan,
)
from reports.links import incident_name
from reports.selection import DRAWN
from reports.wording import sentence

_URGENT = (Trouble.DATA, Trouble.PERFORMANCE, Trouble.SILENCE, Trouble.BLIND, Trouble.LABELS)
_DISTRIBUTION = ("ks", "psi")
_WEEK = timedelta(days=7)
_MOST_CHANGES = 12
_MOST_PAGES = 12


def model_page(gathered: Gathered, deep_dive: DeepDiveLink | None, with_pages: Collection[str] = ()) -> ModelPage:
    """The page, its verdict first; `with_pages` are the incidents that have a page of their own beside it."""
    latest = latest_of(gathered)
    verdict, said, action, diagnosis = _verdict(gathered)
    page = ModelPage(
        name=gathered.model,
        owner=gathered.settings.owner,
        verdict=verdict,
        sentence=said,
        action=action,
        diagnosis=diagnosis,
        figure=_headline_figure(gathered),
        subjects=next((one.subjects for one in _open(gathered)), ()),
        task=gathered.settings.task,
        versions=_versions(gathered),
        health=strip(gathered),
        changes=changes(gathered),
        incidents=tuple(_record(gathered, incident, with_pages) for incident in _this_week(gathered)),
        gaps=_gaps(gathered),
        performance=pictures.performance(gathered),
        business=pictures.business(gathered),
        volume=pictures.volume(gathered),
        deep_dive=deep_dive,
        why=why(gathered),
    )
    if latest is None:
        return page
    features = _features(gathered, latest)
    return replace(
        page,
        features=features,
        heat=pictures.heat(gathered),
        features_total=len({f.subject for f in _of_features(latest)}),
        ranked_by=_ranked_by(gathered),
        together=_together(gathered),
        segments=_segments(gathered, latest),
        predictions=_predictions(gathered, latest),
        quality=_quality(gathered, latest),
        findings=_rows(gathered, latest),
    )


def changes(gathered: Gathered) -> tuple[Change, ...]:
    """What is other than a week ago: versions deployed, baselines made, limits passed or come back from."""
    found = [
        Change(first, "deployment", f"version {version} began to serve", gathered.model)
        for version, (first, _) in gathered.versions.items()
        if gathered.period.start <= first < gathered.period.end
    ]
    found += [
        Change(base.created_at, "baseline", f"version {version}: {base.origin}", gathered.model)
        for version, base in gathered.baselines.items()
        if gathered.period.start <= base.created_at < gathered.period.end
    ]
    found += _passed(gathered)
    return tuple(sorted(found, key=lambda change: change.at))


def _passed(gathered: Gathered) -> list[Change]:
    """Statistics that are over their limit now and were not a week ago, and the other way round."""
    now = latest_of(gathered)
    if now is None:
        return []
    week_ago = now.window.end - _WEEK
    before = [one for one in gathered.of_horizon(gathered.history, gathered.summary) if one.baseline == now.baseline]
    earlier = max((one for one in before if one.window.end <= week_ago), key=lambda one: one.window.end, default=None)
    if earlier is None:
        return []
    # A window in which nothing breached has no figures here: then all of them were in order.
    calm = {} if earlier.figures else {(f.subject, f.detector): Status.OK for f in now.findings}
    old = calm or {key: status for key, (_, _, status) in earlier.figures.items()}
    found = []
    for finding in (one for one in now.findings if one.segment is None):
        statuses = old.get((finding.subject, finding.detector)), finding.status
        said = {(Status.OK, Status.BREACH): "passed its limit", (Status.BREACH, Status.OK): "is back within its limit"}
        if statuses in said and finding.kind is not Kind.VOLUME:
            figure = pictures.title_of(finding.detector)
            value = pictures.unit_of(finding.detector).show(finding.statistic or 0.0)
            text = f"{finding.subject} {said[statuses]} ({figure} {value})"
            kind = "data" if finding.kind is Kind.QUALITY else "drift"
            found.append(Change(now.window.end, kind, text, gathered.model, subject=finding.subject))
    return found[:_MOST_CHANGES]


def _open(gathered: Gathered) -> list[Incident]:
    still = [one for one in gathered.incidents if not one.resolved]
    return sorted(still, key=lambda one: (not _urgent(one), -one.severity.rank, one.opened_at))


def _urgent(incident: Incident) -> bool:
    return incident.severity is Severity.CRITICAL or incident.trouble in _URGENT


def _this_week(gathered: Gathered) -> list[Incident]:
    start = gathered.period.start
    return [one for one in gathered.incidents if one.resolved_at is None or one.resolved_at >= start]


def recent(gathered: Gathered) -> list[Incident]:
    """The incidents of the period that have pages of their own in a report, newest first."""
    return sorted(_this_week(gathered), key=lambda one: one.opened_at, reverse=True)[:_MOST_PAGES]


def _verdict(gathered: Gathered) -> tuple[Verdict, str, str, str]:
    still = _open(gathered)
    if still:
        first, asks = still[0], Verdict.NEEDS_YOU if _urgent(still[0]) else Verdict.WATCH
        return asks, sentence(first.summary), first.action, first.diagnosis
    judged = gathered.in_period(gathered.inputs)
    if not any(finding.status is not Status.INSUFFICIENT for one in judged for finding in one.findings):
        reason = _why_not(gathered)
        return Verdict.NOT_MONITORED, sentence(reason), "", ""
    over = [one for one in _this_week(gathered) if one.resolved]
    if over:
        return Verdict.HEALTHY, f"Healthy again: {over[-1].summary} is over.", "", ""
    return Verdict.HEALTHY, "Nothing has changed enough to matter.", "", ""


def _why_not(gathered: Gathered) -> str:
    reasons = [
        str(finding.detail["reason"])
        for one in gathered.in_period(gathered.inputs)
        for finding in one.findings
        if "reason" in finding.detail
    ]
    if reasons:
        return f"not judged: {reasons[-1]}"
    if gathered.skipped:
        return f"not judged: {gathered.skipped[-1].reason}"
    return "no window of this period was judged"


def _headline_figure(gathered: Gathered) -> str:
    for incident in _open(gathered)[:1]:
        for evidence in incident.evidence:
            before, after = evidence.get("before"), evidence.get("after")
            if before is not None and after is not None:
                return f"{evidence['subject']}: {_change(str(before), str(after))}"
    return ""


def _change(before: str, after: str) -> str:
    """`median 35.06` and `median 55.94` as `median 35.06 → 55.94`."""
    said, _, value = after.rpartition(" ")
    return f"{before} → {value}" if said and before.startswith(f"{said} ") else f"{before} → {after}"


def _features(gathered: Gathered, latest: Evaluation) -> tuple[FeatureDrift, ...]:
    found = []
    shares = gathered.importance.shares
    for subject, findings in ranked(_of_features(latest), shares)[:DRAWN]:
        found.append(
            FeatureDrift(
                subject,
                tuple(pictures.figure(finding) for finding in findings),
                _summary(gathered, subject),
                _distribution(gathered, subject),
                pictures.series(gathered, subject, findings[0].detector),
                shares.get(subject),
            )
        )
    return tuple(found)


def _of_features(latest: Evaluation) -> list[Finding]:
    return [finding for finding in kinds(latest, Kind.FEATURE) if finding.detector not in JOINT]


def _ranked_by(gathered: Gathered) -> str:
    known = gathered.importance
    if not known.shares:
        return "drift alone: how much the model uses each feature is not known yet"
    return f"impact x drift: how far a feature moved, times how much the model uses it ({known.source})"


def _together(gathered: Gathered) -> tuple[Figure, ...]:
    """The joint distribution of all inputs, as it was last judged: of a day, whatever the week is summed up in."""
    judged = [one for one in gathered.in_period(gathered.inputs) if any(f.detector in JOINT for f in one.findings)]
    return tuple(pictures.figure(f) for one in judged[-1:] for f in one.findings if f.detector in JOINT)


def _segments(gathered: Gathered, latest: Evaluation) -> tuple[SegmentRow, ...]:
    if gathered.baseline is None or gathered.production is None:
        return ()
    outcomes = gathered.of_horizon(gathered.in_period(gathered.performance), gathered.summary)[-1:]
    findings = [*latest.findings, *(finding for one in outcomes for finding in one.findings)]
    return segment_rows(gathered.baseline.profile, gathered.production, findings, gathered.settings.minimum_rows)


def _predictions(gathered: Gathered, latest: Evaluation) -> tuple[PredictionPanel, ...]:
    return tuple(
        PredictionPanel(
            subject,
            tuple(pictures.figure(finding) for finding in findings),
            _summary(gathered, subject),
            _distribution(gathered, subject),
            pictures.series(gathered, subject, findings[0].detector),
        )
        for subject, findings in ranked(kinds(latest, Kind.PREDICTION))
    )


def _distribution(gathered: Gathered, subject: str) -> Distribution | None:
    if gathered.baseline is None or gathered.production is None or gathered.baseline.grid.place(subject) is None:
        return None
    return pictures.distribution(gathered.baseline.profile, gathered.production, subject)


def _summary(gathered: Gathered, subject: str) -> str:
    if gathered.baseline is None or gathered.production is None or gathered.baseline.grid.place(subject) is None:
        return ""
    return change_in_words(gathered.baseline.profile, gathered.production, subject)


def _quality(gathered: Gathered, latest: Evaluation) -> tuple[QualityRow, ...]:
    rows = []
    for finding in kinds(latest, Kind.QUALITY):
        if not worth_showing(finding):
            continue
        incident = next((one for one in gathered.incidents if finding.subject in one.subjects), None)
        rows.append(
            pictures.quality_row(
                finding,
                incident.opened_at if incident is not None and finding.status is Status.BREACH else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.state is not State.BREACH, -(row.production or 0.0))))


def _rows(gathered: Gathered, latest: Evaluation) -> tuple[FindingRow, ...]:
    found = list(latest.findings)
    judged = gathered.in_period(gathered.performance)
    if judged:
        found += judged[-1].findings
    return tuple(
        FindingRow(f.subject, f.kind.value, pictures.figure(f), f.revision, f.segment)
        for f in found
        if "reason" not in f.detail
    )


def _versions(gathered: Gathered) -> tuple[VersionSpan, ...]:
    spans = []
    for version, (first, last) in gathered.versions.items():
        if first >= gathered.period.end or last < gathered.period.start - 8 * _WEEK:
            continue
        base = gathered.baselines.get(version)
        over = last if last < gathered.period.start else None
        spans.append(VersionSpan(version, first, over, f"{base.origin}, {base.rows:,} rows" if base else ""))
    return tuple(spans)


def _record(gathered: Gathered, incident: Incident, with_pages: Collection[str]) -> IncidentRecord:
    entries = tuple(
        TimelineEntry(at, event, reason) for owner, event, at, reason in gathered.timeline if owner == incident.id
    )
    page = incident_name(incident.id) if incident.id in with_pages else None
    return record_of(incident, entries, title=sentence(incident.summary), page=page)


def _gaps(gathered: Gathered) -> tuple[Gap, ...]:
    reasons: dict[str, list[Evaluation]] = {}
    for one in gathered.skipped:
        reasons.setdefault(one.reason, []).append(one)
    for one in gathered.in_period(gathered.inputs) + gathered.in_period(gathered.performance):
        for finding in one.findings:
            if finding.status is Status.INSUFFICIENT and "reason" in finding.detail:
                reasons.setdefault(str(finding.detail["reason"]), []).append(one)
    return tuple(
        Gap(
            gathered.model,
            reason,
            len(found),
            Period(min(one.window.start for one in found), max(one.window.end for one in found)),
        )
        for reason, found in reasons.items()
    )
