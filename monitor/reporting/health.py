"""A model's health at a glance: quality, drift, predictions, performance, business and volume over eight weeks.

In: `Gathered`. Out: `HealthRow`s. Kept: nothing.
"""

from __future__ import annotations

from datetime import timedelta

from detectors.result import Kind, Status
from monitor.reporting.gather import Gathered, kinds
from monitor.store.evaluations import Evaluation
from reports.context import Aspect, HealthRow, Period, State

_ASPECTS = {
    Aspect.QUALITY: Kind.QUALITY,
    Aspect.DRIFT: Kind.FEATURE,
    Aspect.PREDICTION: Kind.PREDICTION,
    Aspect.PERFORMANCE: Kind.PERFORMANCE,
    Aspect.BUSINESS: Kind.BUSINESS,
    Aspect.VOLUME: Kind.VOLUME,
}
_WEEK = timedelta(days=7)


def latest_of(gathered: Gathered) -> Evaluation | None:
    """The newest window of the period that sums it up and has a baseline."""
    judged = [one for one in gathered.of_horizon(gathered.inputs, gathered.summary) if one.baseline]
    here = gathered.in_period(judged)
    return here[-1] if here else None


def strip(gathered: Gathered) -> tuple[HealthRow, ...]:
    """A row an aspect; business only where it is watched."""
    rows = [_health(gathered, aspect) for aspect in Aspect]
    watched = any(state is not State.MISSING for row in rows for _, state in row.weeks if row.aspect is Aspect.BUSINESS)
    return tuple(row for row in rows if watched or row.aspect is not Aspect.BUSINESS)


def _health(gathered: Gathered, aspect: Aspect) -> HealthRow:
    kind = _ASPECTS[aspect]
    weeks = []
    for back in range(7, -1, -1):
        end = gathered.period.end - back * _WEEK
        week = Period(end - _WEEK, end)
        weeks.append((week, _state(_statuses(gathered, aspect, kind, week))))
    newest = _newest(gathered, aspect, kind)
    return HealthRow(aspect, _state(newest) if newest else weeks[-1][1], tuple(weeks), _note(gathered, aspect))


def _newest(gathered: Gathered, aspect: Aspect, kind: Kind) -> set[Status]:
    """How the findings of one kind stood in the latest window that sums the week up: what the note counts too."""
    if aspect in (Aspect.PERFORMANCE, Aspect.BUSINESS):
        judged = gathered.in_period(gathered.performance)[-1:]
    else:
        judged = [latest] if (latest := latest_of(gathered)) else []
    return {finding.status for one in judged for finding in kinds(one, kind)}


def _statuses(gathered: Gathered, aspect: Aspect, kind: Kind, week: Period) -> set[Status]:
    """How the findings of one kind stood whose windows ended in the week."""
    if aspect in (Aspect.PERFORMANCE, Aspect.BUSINESS):
        judged = [one for one in gathered.performance if week.start < one.window.end <= week.end]
        return {f.status for one in judged for f in one.findings if f.kind is kind}
    past = [one for one in gathered.history if week.start < one.window.end <= week.end]
    return {one.statuses[kind] for one in past if kind in one.statuses}


def _state(statuses: set[Status]) -> State:
    if Status.BREACH in statuses:
        return State.BREACH
    if Status.OK in statuses:
        return State.OK
    return State.INSUFFICIENT if statuses else State.MISSING


def _note(gathered: Gathered, aspect: Aspect) -> str:
    if aspect is Aspect.PERFORMANCE:
        newest = gathered.in_period(gathered.performance)
        if not newest:
            return "no labels yet"
        findings = [f for f in newest[-1].findings if f.statistic is not None]
        return ", ".join(f"{f.subject} {f.statistic:.2f}" for f in findings[:2])
    latest = latest_of(gathered)
    if aspect is Aspect.VOLUME:
        rows = sum(s.rows for s in gathered.slots if gathered.period.start <= s.start < gathered.period.end)
        return f"{rows:,} rows" if rows else ""
    if latest is None:
        return ""
    findings = kinds(latest, _ASPECTS[aspect])
    subjects = {finding.subject for finding in findings}
    bad = {finding.subject for finding in findings if finding.status is Status.BREACH}
    return f"{len(bad)} of {len(subjects)}" if subjects else ""
