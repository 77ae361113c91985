"""The state machine: findings of one model at one moment -> what changes in its incidents.

In: a model's open and recently resolved incidents, the findings just judged, `now`. Out: a `Step`: the incidents that
changed (all are to be stored) and the events among the changes that are worth telling.
Kept: nothing. Time is counted in windows, never by the clock, so that a catch-up gives what a timely run would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.breach import CAUSES, MOST_LISTED, Breach, breaches_of, heard, trouble_of
from alerts.by_hand import back
from alerts.evidence import figures
from alerts.incident import (
    Change,
    Incident,
    IncidentEvent,
    State,
    Verdict,
    horizon_name,
    incident_id,
)
from alerts.inhibition import cause_of
from alerts.news import eased, news
from alerts.tracks import all_clean, count_clean, first_tracks, is_clean, is_echo, more_tracks
from detectors.result import Finding, Kind, Severity, Status
from detectors.trouble import Trouble

# Causes first: what they explain is not told a second time.
_ORDER = (Trouble.BLIND, Trouble.SILENCE, Trouble.LABELS, Trouble.DATA, Trouble.PERFORMANCE, Trouble.DRIFT)


@dataclass(frozen=True, slots=True)
class Policy:
    """How one model's incidents live.

    Resolved after `clean_windows` clean windows in a row (one for silence, blindness and labels: what has come is
    there); within `grace` of its last window it is reopened rather than opened anew; told again when the worst
    figure has grown by the factor `worse`; drift that has lasted for `standing` is no longer news; never louder than
    `severity_cap`. `source` tells the model's log from another.
    """

    clean_windows: int = 3
    grace: timedelta = timedelta(days=7)
    severity_cap: Severity = Severity.CRITICAL
    worse: float = 1.5
    standing: timedelta = timedelta(days=14)
    owner: str | None = None
    timezone: str = "UTC"
    source: str = ""

    def clean_needed(self, trouble: Trouble) -> int:
        """Clean windows in a row that resolve an incident of this kind."""
        return 1 if trouble in (*CAUSES, Trouble.LABELS) else self.clean_windows


@dataclass(frozen=True, slots=True)
class Step:
    """What one evaluation did: every incident that changed, and the changes worth telling, in order."""

    incidents: tuple[Incident, ...] = ()
    events: tuple[IncidentEvent, ...] = ()


_Moved = tuple[Incident | None, IncidentEvent | None]


def step(
    incidents: Sequence[Incident],
    findings: Sequence[Finding],
    now: datetime,
    policy: Policy,
    beside: Sequence[Finding] = (),
) -> Step:
    """Move one model's incidents on.

    `incidents`: the open ones and those whose `seen_until` may lie within `policy.grace` of a window judged here.
    `findings`: everything judged for that model at this moment, of any horizon, version and revision. `beside`: what
    was judged of the same windows before; it only helps to tell what they amount to.
    """
    # What happens on the days of a known event is on record, and neither bad news nor good.
    findings = [finding for finding in findings if "event" not in finding.detail]
    # A window whose labels have come at last is judged for the first time, however often it was looked at.
    first = [finding for finding in findings if finding.revision == 0 or finding.detail.get("first_judged")]
    fresh = heard(first)
    # That rows came late is no reason to keep open what their coming has settled.
    later = [finding for finding in findings if finding.revision > 0 and not finding.detail.get("first_judged")]
    revised = [finding for finding in later if finding.detector != "late_rows"]
    breaches = breaches_of(fresh, policy.severity_cap, beside)

    known = {incident.id: incident for incident in incidents}
    changed: list[str] = []
    events: list[IncidentEvent] = []
    for trouble in _ORDER:
        before = _current(known.values(), trouble)
        breach = breaches.get(trouble)
        after, event = before, None
        if breach is not None and breach.windows:
            after, event = _breached(before, breach, now, policy)
        if after is not None and not after.resolved:
            counted = count_clean(after, fresh, breach)
            after, event = _maybe_resolved(after, counted, event, now, policy)
        if after is not None and not after.resolved and revised:
            after, event = _revised(after, revised, event, now, policy)
        if after is not None and not after.resolved:
            after, event = _standing(after, event, now, policy)
        if after is not None and not after.resolved and breach is not None:
            cause = cause_of(breach, known.values())
            if cause is not None and event is not None and event.event in (Change.OPENED, Change.REOPENED):
                after = replace(after, cause=cause.id)
                if not cause.resolved:
                    events.append(_follows(cause, breach, now))
            elif cause is None and after.cause is not None:
                after, event = _on_its_own(after, event, now)
        if after is not None and after != before:
            known[after.id] = after
            changed.append(after.id)
        if event is not None:
            events.append(replace(event, incident=after) if after is not None else event)
    return Step(tuple(known[name] for name in dict.fromkeys(changed)), tuple(events))


def _current(incidents: Iterable[Incident], trouble: Trouble) -> Incident | None:
    """The open incident of this kind, else the one seen most recently."""
    mine = [incident for incident in incidents if incident.trouble is trouble]
    return max(mine, key=lambda one: (not one.resolved, one.seen_until), default=None)


def _breached(before: Incident | None, breach: Breach, now: datetime, policy: Policy) -> _Moved:
    if before is None:
        return _opened(breach, now, policy)
    if before.resolved:
        return _again(before, breach, now, policy)
    after = _noted(before, breach, policy)
    # A column that was listed beside the others has been told of already.
    reason = news(after, {*before.subjects, *before.also}, breach, policy.worse)
    if not reason:
        return after, None
    after = _retold(after, breach, now, policy)
    return after, IncidentEvent(Change.UPDATED, after, now, reason)


def _opened(breach: Breach, now: datetime, policy: Policy) -> _Moved:
    window = breach.windows[0]
    first = next(finding for finding in breach.findings if finding.window == window)
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
        cost=breach.cost,
        ruled_out=breach.ruled_out,
        opened_at=now,
        updated_at=now,
        window=window,
        latest=breach.windows[-1],
        tracks=first_tracks(breach),
        evidence=figures((), breach.findings),
        told=breach.effect,
        also=breach.also,
        baseline_id=first.baseline_id,
        timezone=policy.timezone,
        stretch=breach.windows[-1].end,
        source=policy.source,
    )
    return incident, IncidentEvent(Change.OPENED, incident, now, breach.diagnosis)


def _again(before: Incident, breach: Breach, now: datetime, policy: Policy) -> _Moved:
    """The same kind of trouble after its incident was resolved: an echo, the same one back, or a new one."""
    known = set(breach.subjects) <= {*before.subjects, *before.also}
    if known and all(is_echo(before, window) for window in breach.windows):
        return before, None
    if known and _from_before(before, breach):
        return before, None
    if breach.windows[-1].end - before.seen_until > policy.grace:
        return _opened(breach, now, policy)
    told_off = before.verdict not in (None, Verdict.FIXED)
    # What was accepted became the baseline; what differs from that one too is something new.
    rebased = before.verdict is Verdict.ACCEPTED and any(
        f.baseline_id != before.baseline_id for f in breach.findings if f.kind is not Kind.VOLUME
    )
    if told_off and known and breach.severity.rank <= before.severity.rank and not rebased:
        # Somebody looked and said so: it stays closed for as long as it merely goes on.
        return _noted(before, breach, policy), None
    if told_off:
        return _opened(breach, now, policy)
    after = back(_retold(_noted(before, breach, policy), breach, now, policy), now, breach.windows[-1].end)
    # What brought it back must come clean too: else it would be over at once.
    returned = {horizon_name(window) for window in breach.windows}
    first = {name: replace(track, own=True, breaches=1) for name, track in after.tracks.items() if name in returned}
    after = replace(after, tracks={**after.tracks, **first}, severity=breach.severity, told=breach.effect)
    return after, IncidentEvent(Change.REOPENED, after, now, f"back after it was resolved: {breach.diagnosis}")


def _from_before(fixed: Incident, breach: Breach) -> bool:
    """Whether all that breached began before the trouble was fixed: such windows cannot say whether it was."""
    at = fixed.resolved_at
    return fixed.verdict is Verdict.FIXED and at is not None and all(window.start < at for window in breach.windows)


def _noted(incident: Incident, breach: Breach, policy: Policy) -> Incident:
    """The incident after another breach: what is stored whether or not it is news."""
    newest = max(breach.findings, key=lambda finding: finding.window.end)
    newer = newest.window.end >= incident.latest.end
    return replace(
        incident,
        tracks=more_tracks(incident, breach),
        latest=newest.window if newer else incident.latest,
        version=newest.version if newer else incident.version,
        evidence=figures(incident.evidence, breach.findings),
        easing=eased(incident, breach, policy.worse),
        # What it amounts to is kept up to date, whether or not anybody is told again.
        diagnosis=breach.diagnosis,
        action=breach.action,
        cost=breach.cost,
        ruled_out=breach.ruled_out,
    )


def _retold(incident: Incident, breach: Breach, now: datetime, policy: Policy) -> Incident:
    """The incident with what its readers are about to be told."""
    better = incident.easing > 0 and breach.effect < (incident.told or 0.0)
    subjects = tuple(dict.fromkeys((*incident.subjects, *breach.subjects)))
    also = dict.fromkeys((*incident.also, *breach.also))
    return replace(
        incident,
        diagnosis=breach.diagnosis,
        summary=breach.summary,
        action=breach.action,
        cost=breach.cost,
        ruled_out=breach.ruled_out,
        severity=max(incident.severity, breach.severity, key=lambda one: one.rank),
        subjects=subjects,
        also=tuple(subject for subject in also if subject not in subjects)[:MOST_LISTED],
        told=breach.effect if better else max(incident.told or 0.0, breach.effect),
        easing=0,
        updated_at=now,
        owner=policy.owner,
    )


def _standing(incident: Incident, event: IncidentEvent | None, now: datetime, policy: Policy) -> _Moved:
    """Drift that has not ended for long enough is real and permanent: it is told so, once, and then no more."""
    if incident.trouble is not Trouble.DRIFT or incident.state is State.STANDING or incident.stretch is None:
        return incident, event
    lasted = incident.tracks[incident.horizons[0]].last - incident.stretch
    if lasted < policy.standing:
        return incident, event
    after = replace(incident, state=State.STANDING, updated_at=now)
    reason = f"it has lasted for {lasted.days} days: from now on it is in the reports and not repeated"
    return after, IncidentEvent(Change.STANDING, after, now, f"{event.reason}; {reason}" if event else reason)


def _follows(cause: Incident, breach: Breach, now: datetime) -> IncidentEvent:
    """What a cause's readers hear of a consequence, which is not told by itself."""
    return IncidentEvent(Change.UPDATED, cause, now, f"it brings {breach.diagnosis} with it: {breach.summary}")


def _on_its_own(incident: Incident, event: IncidentEvent | None, now: datetime) -> _Moved:
    """A consequence that breaches in windows that hold nothing of its cause is a problem of its own."""
    after = replace(incident, cause=None, updated_at=now)
    reason = f"it goes on after incident {incident.cause}, which explained it, is over"
    return after, IncidentEvent(Change.UPDATED, after, now, f"{event.reason}; {reason}" if event else reason)


def _maybe_resolved(
    before: Incident, counted: Incident, event: IncidentEvent | None, now: datetime, policy: Policy
) -> tuple[Incident, IncidentEvent | None]:
    needed = policy.clean_needed(counted.trouble)
    if counted is before or not all_clean(counted, needed):
        return counted, event
    shortest = counted.horizons[0]
    what = f"{needed} clean {shortest} windows in a row" if needed > 1 else f"a clean {shortest} window"
    return _resolved(counted, what, now)


def _revised(
    incident: Incident, revised: Sequence[Finding], event: IncidentEvent | None, now: datetime, policy: Policy
) -> _Moved:
    """A second look at windows judged before: it corrects figures, counts as clean, and may end a false start."""
    mine = [f for f in revised if trouble_of(f) is incident.trouble]
    standing = [f for f in mine if f.status is Status.BREACH and f.subject in incident.subjects]
    after = replace(incident, evidence=figures(incident.evidence, standing)) if standing else incident
    only = len(after.tracks) == 1 and after.breaches == 1
    again = [finding for finding in mine if finding.window == after.window]
    if only and again and is_clean(after, again):
        return _resolved(after, "rows that came late show the window was clean", now)
    return _maybe_resolved(after, count_clean(after, mine, None), event, now, policy)


def _resolved(incident: Incident, reason: str, now: datetime) -> tuple[Incident, IncidentEvent]:
    done = replace(incident, state=State.RESOLVED, resolved_at=now, updated_at=now)
    return done, IncidentEvent(Change.RESOLVED, done, now, reason)
