"""The state machine: findings of one model at one moment -> what changes in its incidents.

In: a model's open and recently resolved incidents, the findings just judged, `now`. Out: a `Step`: the incidents that
changed (all are to be stored) and the events among the changes that are worth telling.
Kept: nothing. Time is counted in windows, never by the clock, so that a catch-up gives what a timely run would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.evidence import figures, times_limit
from alerts.incident import (
    Change,
    Incident,
    IncidentEvent,
    State,
    Track,
    Verdict,
    horizon_hours,
    horizon_name,
    incident_id,
)
from detectors.diagnosis import Diagnosis, Trouble, diagnose
from detectors.result import Finding, Kind, Severity, Status, Window

# Causes first: what they explain is not told a second time.
_ORDER = (Trouble.BLIND, Trouble.SILENCE, Trouble.DATA, Trouble.PERFORMANCE, Trouble.DRIFT)
_CAUSES = (Trouble.BLIND, Trouble.SILENCE)
_KINDS = {
    Kind.FEATURE: Trouble.DRIFT,
    Kind.PREDICTION: Trouble.DRIFT,
    Kind.QUALITY: Trouble.DATA,
    Kind.PERFORMANCE: Trouble.PERFORMANCE,
    Kind.BUSINESS: Trouble.PERFORMANCE,
    Kind.VOLUME: Trouble.SILENCE,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """How one model's incidents live.

    Resolved after `clean_windows` clean windows in a row (one for silence and blindness: rows that have come are
    there); within `grace` of its last window it is reopened rather than opened anew; told again when the worst
    figure has grown by the factor `worse`; never louder than `severity_cap`.
    """

    clean_windows: int = 3
    grace: timedelta = timedelta(days=7)
    severity_cap: Severity = Severity.CRITICAL
    worse: float = 1.5
    owner: str | None = None
    timezone: str = "UTC"

    def clean_needed(self, trouble: Trouble) -> int:
        """Clean windows in a row that resolve an incident of this kind."""
        return 1 if trouble in _CAUSES else self.clean_windows


@dataclass(frozen=True, slots=True)
class Step:
    """What one evaluation did: every incident that changed, and the changes worth telling, in order."""

    incidents: tuple[Incident, ...] = ()
    events: tuple[IncidentEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class _Breach:
    """All diagnoses of one kind of trouble at this moment, as one."""

    trouble: Trouble
    diagnosis: str
    severity: Severity
    subjects: tuple[str, ...]
    summary: str
    action: str
    findings: tuple[Finding, ...]
    windows: tuple[Window, ...] = field(default=())

    @property
    def effect(self) -> float:
        return max((times_limit(finding) for finding in self.findings), default=0.0)


def step(incidents: Sequence[Incident], findings: Sequence[Finding], now: datetime, policy: Policy) -> Step:
    """Move one model's incidents on.

    `incidents`: the open ones and those whose `seen_until` may lie within `policy.grace` of a window judged here.
    `findings`: everything judged for that model at this moment, of any horizon, version and revision.
    """
    fresh = [finding for finding in findings if finding.revision == 0]
    # That rows came late is no reason to keep open what their coming has settled.
    revised = [finding for finding in findings if finding.revision > 0 and finding.detector != "late_rows"]
    breaches = _breaches(fresh, policy)
    # Where no rows came, nothing else that is found is news of its own.
    muted = {f.window for f in fresh if f.status is Status.BREACH and f.n == 0 and trouble_of(f) in _CAUSES}
    heard = [f for f in fresh if trouble_of(f) in _CAUSES or not _within(f.window, muted)]
    if muted:
        breaches = _breaches(heard, policy)

    changed: list[Incident] = []
    events: list[IncidentEvent] = []
    for trouble in _ORDER:
        before = _current(incidents, trouble)
        breach = breaches.get(trouble)
        after, event = before, None
        if breach is not None:
            after, event = _breached(before, breach, now, policy)
        if after is not None and not after.resolved:
            counted = _count_clean(after, heard, breach)
            after, event = _maybe_resolved(after, counted, event, now, policy)
        if after is not None and not after.resolved and revised:
            after, event = _revised(after, revised, event, now, policy)
        if after is not None and after != before:
            changed.append(after)
        if event is not None:
            events.append(replace(event, incident=after) if after is not None else event)
    return Step(tuple(changed), tuple(events))


def _breaches(findings: Sequence[Finding], policy: Policy) -> dict[Trouble, _Breach]:
    grouped: dict[Trouble, list[Diagnosis]] = {}
    for diagnosis in diagnose(findings):
        grouped.setdefault(diagnosis.trouble, []).append(diagnosis)
    return {trouble: _merged(trouble, found, policy) for trouble, found in grouped.items()}


def _merged(trouble: Trouble, found: Sequence[Diagnosis], policy: Policy) -> _Breach:
    ordered = sorted(found, key=lambda one: one.severity.rank, reverse=True)
    first = ordered[0]
    evidence = [f for one in ordered for f in one.evidence if f.status is Status.BREACH]
    severity = min(first.severity, policy.severity_cap, key=lambda one: one.rank)
    summary = first.summary if len(ordered) == 1 else f"{first.summary} (and {len(ordered) - 1} more)"
    return _Breach(
        trouble=trouble,
        diagnosis=first.diagnosis,
        severity=severity,
        subjects=tuple(dict.fromkeys(subject for one in ordered for subject in one.subjects)),
        summary=summary,
        action=first.action,
        findings=tuple(evidence),
        windows=tuple(sorted({f.window for f in evidence}, key=lambda window: (window.end, window.start))),
    )


def _current(incidents: Iterable[Incident], trouble: Trouble) -> Incident | None:
    """The open incident of this kind, else the one seen most recently."""
    mine = [incident for incident in incidents if incident.trouble is trouble]
    return max(mine, key=lambda one: (not one.resolved, one.seen_until), default=None)


def _breached(
    before: Incident | None, breach: _Breach, now: datetime, policy: Policy
) -> tuple[Incident | None, IncidentEvent | None]:
    if not breach.windows:
        return before, None
    if before is None:
        return _opened(breach, now, policy)
    if before.resolved:
        return _again(before, breach, now, policy)
    after = _noted(before, breach)
    reason = _news(before, breach, policy)
    if not reason:
        return after, None
    after = _retold(after, breach, now, policy)
    return after, IncidentEvent(Change.UPDATED, after, now, reason)


def _opened(breach: _Breach, now: datetime, policy: Policy) -> tuple[Incident, IncidentEvent]:
    window = breach.windows[0]
    first = next(finding for finding in breach.findings if finding.window == window)
    shortest = min(breach.windows, key=lambda one: horizon_hours(horizon_name(one)))
    tracks: dict[str, Track] = {}
    for one in breach.windows:
        tracks = _tracked(tracks, one, bool(_subjects(breach, one) - _subjects(breach, shortest)))
    incident = Incident(
        id=incident_id(first.model, first.version, breach.trouble, window),
        model=first.model,
        version=first.version,
        owner=policy.owner,
        trouble=breach.trouble,
        diagnosis=breach.diagnosis,
        severity=breach.severity,
        state=State.OPEN,
        subjects=breach.subjects,
        summary=breach.summary,
        action=breach.action,
        opened_at=now,
        updated_at=now,
        window=window,
        latest=breach.windows[-1],
        tracks=tracks,
        evidence=figures((), breach.findings),
        told=breach.effect,
        baseline_id=first.baseline_id,
        timezone=policy.timezone,
    )
    return incident, IncidentEvent(Change.OPENED, incident, now, breach.diagnosis)


def _again(
    before: Incident, breach: _Breach, now: datetime, policy: Policy
) -> tuple[Incident | None, IncidentEvent | None]:
    """The same kind of trouble after its incident was resolved: an echo, the same one back, or a new one."""
    known = set(breach.subjects) <= set(before.subjects)
    if known and all(_echo(before, window) for window in breach.windows):
        return before, None
    if breach.windows[-1].end - before.seen_until > policy.grace:
        return _opened(breach, now, policy)
    told_off = before.verdict not in (None, Verdict.FIXED)
    if told_off and known and breach.severity.rank <= before.severity.rank:
        # Somebody looked and said so: it stays closed for as long as it merely goes on.
        return _noted(before, breach), None
    if told_off:
        return _opened(breach, now, policy)
    after = _retold(_noted(before, breach), breach, now, policy)
    # What brought it back must come clean too, and clean windows are counted anew: else it would be over at once.
    back = {horizon_name(window) for window in breach.windows}
    tracks = {name: replace(track, clean=0, own=track.own or name in back) for name, track in after.tracks.items()}
    after = replace(
        after,
        tracks=tracks,
        state=State.OPEN,
        resolved_at=None,
        acknowledged_at=None,
        actor=None,
        verdict=None,
        reopened=before.reopened + 1,
        severity=breach.severity,
    )
    return after, IncidentEvent(Change.REOPENED, after, now, f"back after it was resolved: {breach.diagnosis}")


def _echo(incident: Incident, window: Window) -> bool:
    """Whether a longer window breaches only because the incident's own time is still inside it."""
    shortest = incident.horizons[0]
    longer = horizon_hours(horizon_name(window)) > horizon_hours(shortest)
    return longer and window.start < incident.tracks[shortest].last and not _governs(incident, horizon_name(window))


def _governs(incident: Incident, horizon: str) -> bool:
    """Whether this horizon must come clean: the shortest, one that breached before it did, or one with own news."""
    track = incident.tracks.get(horizon)
    if track is None:
        return False
    shortest = incident.horizons[0]
    return horizon == shortest or track.own or track.first < incident.tracks[shortest].first


def _tracked(tracks: Mapping[str, Track], window: Window, own: bool) -> dict[str, Track]:
    """The tracks after a breach of `window`; `own` when it brought subjects that no other horizon had."""
    changed, name = dict(tracks), horizon_name(window)
    track = changed.get(name)
    if track is None:
        changed[name] = Track(window.end, window.end, window.end, own=own)
    elif window.end > track.last and window.end >= track.until:
        changed[name] = replace(
            track, last=window.end, until=window.end, breaches=track.breaches + 1, clean=0, own=own or track.own
        )
    return changed


def _subjects(breach: _Breach, window: Window) -> set[str]:
    return {finding.subject for finding in breach.findings if finding.window == window}


def _noted(incident: Incident, breach: _Breach) -> Incident:
    """The incident after another breach: what is stored whether or not it is news."""
    tracks: Mapping[str, Track] = incident.tracks
    for window in breach.windows:
        tracks = _tracked(tracks, window, bool(_subjects(breach, window) - set(incident.subjects)))
    newest = max(breach.findings, key=lambda finding: finding.window.end)
    newer = newest.window.end >= incident.latest.end
    return replace(
        incident,
        tracks=tracks,
        latest=newest.window if newer else incident.latest,
        version=newest.version if newer else incident.version,
        evidence=figures(incident.evidence, breach.findings),
    )


def _retold(incident: Incident, breach: _Breach, now: datetime, policy: Policy) -> Incident:
    """The incident with what its readers are about to be told."""
    return replace(
        incident,
        diagnosis=breach.diagnosis,
        summary=breach.summary,
        action=breach.action,
        severity=max(incident.severity, breach.severity, key=lambda one: one.rank),
        subjects=tuple(dict.fromkeys((*incident.subjects, *breach.subjects))),
        told=max(incident.told or 0.0, breach.effect),
        updated_at=now,
        owner=policy.owner,
    )


def _news(incident: Incident, breach: _Breach, policy: Policy) -> str:
    """Why this is worth telling; empty when it is the same as before."""
    joined = [subject for subject in breach.subjects if subject not in incident.subjects]
    if joined:
        shown = ", ".join(joined[:3]) + (f" and {len(joined) - 3} more" if len(joined) > 3 else "")
        return f"spread to {shown}"
    if breach.severity.rank > incident.severity.rank:
        return f"severity rose from {incident.severity.value} to {breach.severity.value}"
    if incident.told and breach.effect > policy.worse * incident.told:
        return f"worse: {breach.effect:.2g} times the limit, was {incident.told:.2g} times"
    return ""


def _count_clean(incident: Incident, findings: Sequence[Finding], breach: _Breach | None) -> Incident:
    """Count the windows that came clean. `insufficient` and windows not evaluated count neither way."""
    breached = set(breach.windows) if breach else set()
    tracks = dict(incident.tracks)
    windows: dict[Window, list[Finding]] = {}
    for finding in findings:
        windows.setdefault(finding.window, []).append(finding)
    for window in sorted(windows, key=lambda one: one.end):
        track = tracks.get(horizon_name(window))
        if track is None or window.end <= track.until or window in breached:
            continue
        if _clean(incident, windows[window]):
            tracks[horizon_name(window)] = replace(track, until=window.end, clean=track.clean + 1)
    return replace(incident, tracks=tracks) if tracks != incident.tracks else incident


def _clean(incident: Incident, findings: Sequence[Finding]) -> bool:
    """Whether one window's findings speak against the incident: some are ok, none breaches, no subject is unsure."""
    mine = [finding for finding in findings if trouble_of(finding) is incident.trouble]
    if any(finding.status is Status.BREACH for finding in mine):
        return False
    sure = {finding.subject for finding in mine if finding.status is Status.OK}
    unsure = {finding.subject for finding in mine if finding.status is Status.INSUFFICIENT} - sure
    return bool(sure) and not unsure & set(incident.subjects)


def _maybe_resolved(
    before: Incident, counted: Incident, event: IncidentEvent | None, now: datetime, policy: Policy
) -> tuple[Incident, IncidentEvent | None]:
    needed = policy.clean_needed(counted.trouble)
    governing = [horizon for horizon in counted.tracks if _governs(counted, horizon)]
    if counted is before or any(counted.tracks[horizon].clean < needed for horizon in governing):
        return counted, event
    shortest = counted.horizons[0]
    what = f"{needed} clean {shortest} windows in a row" if needed > 1 else f"a clean {shortest} window"
    return _resolved(counted, what, now)


def _revised(
    incident: Incident, revised: Sequence[Finding], event: IncidentEvent | None, now: datetime, policy: Policy
) -> tuple[Incident, IncidentEvent | None]:
    """A second look at windows judged before: it corrects figures, counts as clean, and may end a false start."""
    mine = [f for f in revised if trouble_of(f) is incident.trouble]
    standing = [f for f in mine if f.status is Status.BREACH and f.subject in incident.subjects]
    after = replace(incident, evidence=figures(incident.evidence, standing)) if standing else incident
    only = len(after.tracks) == 1 and after.breaches == 1
    again = [finding for finding in mine if finding.window == after.window]
    if only and again and _clean(after, again):
        return _resolved(after, "rows that came late show the window was clean", now)
    return _maybe_resolved(after, _count_clean(after, mine, None), event, now, policy)


def _resolved(incident: Incident, reason: str, now: datetime) -> tuple[Incident, IncidentEvent]:
    done = replace(incident, state=State.RESOLVED, resolved_at=now, updated_at=now)
    return done, IncidentEvent(Change.RESOLVED, done, now, reason)


def _within(window: Window, spans: Iterable[Window]) -> bool:
    return any(span.start <= window.start and window.end <= span.end for span in spans)


def trouble_of(finding: Finding) -> Trouble:
    """The kind of trouble a finding of this kind speaks for when it is clean."""
    return Trouble.BLIND if finding.detector == "log_reachable" else _KINDS[finding.kind]
