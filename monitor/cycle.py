"""One evaluation of one model at one moment, written in one transaction.

In: a `World`, a model, what is due. Out: what was judged and which incidents changed.
Kept, all in the same transaction or none of it: ledger rows with their findings, incident changes, their intents,
the cursor. Reading and judging happen before it, in `judging.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.fleet import TOGETHER, lead_of
from alerts.incident import Change, Incident, IncidentEvent
from alerts.lifecycle import Policy, Step, step
from detectors.result import Finding
from detectors.trouble import Trouble
from monitor import firing
from monitor.evaluate import log_finding
from monitor.judging.beside import beside
from monitor.judging.moment import Judging, program
from monitor.judging.runs import judge_runs
from monitor.prediction_log.base import LogError
from monitor.reasons.find import with_reasons
from monitor.settings import LogSettings, ModelSettings
from monitor.store import cursors, evaluations, incidents, leases, profiles
from monitor.store.evaluations import SKIPPED, Evaluation
from monitor.windows import Due, RunDue
from monitor.world import World

# Longer than any grace time an incident has: what was resolved before is history.
_RECENT = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation did: its ledger rows and incident events; `blind` says why the log could not be read."""

    model: str
    at: datetime
    evaluations: tuple[Evaluation, ...]
    events: tuple[IncidentEvent, ...]
    blind: str | None = None


def evaluate(
    world: World,
    model: str,
    at: datetime,
    dues: Sequence[Due],
    now: datetime,
    *,
    runs: Sequence[RunDue] = (),
    cursor: datetime | None = None,
    incidents_too: bool = True,
) -> Outcome:
    """Judge everything of a model that is due at one moment and write the whole of it at once.

    `at` is the moment it fell due (what incidents are dated with), `now` the time it really is. The cursor moves to
    `cursor` (default: `at`). A log that cannot be read leaves ledger and cursor as they are, to be tried again, and
    opens a "monitor blind" incident. Raises StoreError (LeaseLost included): then nothing was written.
    """
    settings = world.config.settings.models[model]
    try:
        judging, judged = _judge(world, model, settings, dues, runs, now)
    except LogError as error:
        return blind(world, model, at, now, str(error))
    with world.store.read() as connection:
        known = beside(connection, judged)
    if incidents_too:
        judged = with_reasons(judging, judged, known, at, at - _RECENT, policy_of(settings))
    with world.store.begin() as connection:
        if world.lease is not None:
            leases.check(connection, world.lease)
        for evaluation in judged:
            evaluations.record(connection, evaluation)
        for version, baseline, made in judging.made:
            profiles.keep_days(connection, model, version, baseline.grid, made)
        for (version, grid, taught), days in judging.summed.items():
            profiles.keep_sums(connection, model, version, grid, taught, days)
        profiles.looked_at(connection, model, judging.looked_at)
        findings = [finding for evaluation in judged for finding in evaluation.findings]
        events: tuple[IncidentEvent, ...] = ()
        if incidents_too:
            events = _advance(world, connection, model, settings, findings, at, now, known)
        cursors.move(connection, model, cursor or at)
    return Outcome(model, at, tuple(judged), events)


def skip(world: World, model: str, dues: Sequence[Due], now: datetime, reason: str, cursor: datetime) -> None:
    """Write the ledger rows of windows that will not be judged any more, and move the cursor past them."""
    with world.store.begin() as connection:
        if world.lease is not None:
            leases.check(connection, world.lease)
        for due in dues:
            evaluations.record(
                connection,
                Evaluation(
                    model=model,
                    version="",
                    baseline="",
                    window=due.window,
                    aspect=due.aspect,
                    revision=0,
                    status=SKIPPED,
                    reason=reason,
                    rows=0,
                    source="",
                    evaluated_at=now,
                    due_at=due.at,
                    config_hash=world.config.hash(model),
                    program=program(),
                ),
            )
        cursors.move(connection, model, cursor)


def _judge(
    world: World,
    model: str,
    settings: ModelSettings,
    dues: Sequence[Due],
    runs: Sequence[RunDue],
    now: datetime,
) -> tuple[Judging, list[Evaluation]]:
    judging = Judging(world, model, settings, world.open_log(model), world.open_labels(model), now)
    return judging, [*judging.windows(dues), *judge_runs(judging, runs)]


def blind(world: World, model: str, at: datetime, now: datetime, error: str) -> Outcome:
    """Write that a model could not be judged at `now`; what is due stays due."""
    settings = world.config.settings.models[model]
    with world.store.begin() as connection:
        if world.lease is not None:
            leases.check(connection, world.lease)
        events = _step(world, connection, model, settings, [_log_finding(world, model, now, error)], now, now)
    return Outcome(model, at, (), events, blind=error)


def _log_finding(world: World, model: str, now: datetime, error: str | None) -> Finding:
    return log_finding(model, now, now, world.config.hash(model), program(), error)


def _advance(
    world: World,
    connection: Connection,
    model: str,
    settings: ModelSettings,
    findings: list[Finding],
    at: datetime,
    now: datetime,
    known: Sequence[Finding],
) -> tuple[IncidentEvent, ...]:
    events: tuple[IncidentEvent, ...] = ()
    recent = incidents.relevant(connection, model, now - _RECENT)
    if any(incident.trouble is Trouble.BLIND and not incident.resolved for incident in recent):
        # Blindness has its own time: windows are dated with when they fell due, this with when the log was read.
        events = _step(world, connection, model, settings, [_log_finding(world, model, now, None)], now, now)
    return events + _step(world, connection, model, settings, findings, at, now, known)


def _step(
    world: World,
    connection: Connection,
    model: str,
    settings: ModelSettings,
    findings: list[Finding],
    at: datetime,
    now: datetime,
    known: Sequence[Finding] = (),
) -> tuple[IncidentEvent, ...]:
    policy = policy_of(settings, source_of(world.config.settings.log_of(model)))
    moved = step(incidents.relevant(connection, model, at - _RECENT), findings, at, policy, known)
    moved = joined(connection, moved)
    if world.deliver and settings.triggers:
        moved = firing.explained(connection, model, world.config.settings, moved, now)
    incidents.apply(connection, moved.incidents, moved.events)
    if world.deliver:
        outbox.add_incident_intents(connection, moved.events, now)
        if settings.triggers:
            still_open = incidents.listing(connection, model=model, open_only=True)
            return moved.events + firing.by_incidents(connection, model, world.config.settings, still_open, now)
    return moved.events


def joined(connection: Connection, moved: Step) -> Step:
    """The step with its new incidents joined to those of other models that have the same problem."""
    leads: dict[str, str] = {}
    for event in moved.events:
        if event.event is Change.OPENED:
            at = event.incident.opened_at
            others = incidents.leads(connection, event.incident.trouble.value, at - TOGETHER, at + TOGETHER)
            lead = lead_of(event.incident, others)
            if lead is not None:
                leads[event.incident.id] = lead.id
    if not leads:
        return moved

    def told(incident: Incident) -> Incident:
        return replace(incident, lead=leads.get(incident.id, incident.lead))

    events = tuple(replace(event, incident=told(event.incident)) for event in moved.events)
    return Step(tuple(told(incident) for incident in moved.incidents), events)


def source_of(log: LogSettings | None) -> str:
    """What tells one log from another: tables of one database, and of one folder, are one. It holds no secrets."""
    if log is None:
        return ""
    place = log.delta or log.parquet or (log.sql or "").rpartition("@")[2]
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def policy_of(settings: ModelSettings, source: str = "") -> Policy:
    """How a model's incidents live, from its settings; `source` tells its log from another."""
    return Policy(severity_cap=settings.severity, owner=settings.owner, timezone=settings.timezone, source=source)
