"""Set off retraining triggers: the policy's decisions, written down, told, and sent to their targets.

In: a connection inside the caller's transaction, a model's settings and open incidents. Out: the decisions, and the
news of incidents they make. Kept: retrainings, which are also the history the policy looks at; intents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.incident import Change, Incident, IncidentEvent
from alerts.lifecycle import Step
from alerts.triggers import retrainings
from alerts.triggers.policy import NOT_TRIGGERED, Decision, Firing, Mode, held_back, on_incidents, on_schedule
from detectors.result import iso
from detectors.trouble import Trouble
from monitor.masking import mask_address
from monitor.service import wiring
from monitor.settings import LogSettings, Settings
from monitor.store import baselines, incidents

# What a new model may help against.
_RETRAINED = (Trouble.DRIFT, Trouble.PERFORMANCE)
_NOTES = {
    Mode.APPROVAL: "retraining waits for approval: `driftline trigger approve {0}`, or `refuse`",
    Mode.DRY_RUN: "dry run: retraining would have been asked for now",
    Mode.LIVE: "retraining has been asked for",
}


def by_incidents(
    connection: Connection, model: str, settings: Settings, open_ones: Sequence[Incident], now: datetime
) -> tuple[IncidentEvent, ...]:
    """What a model's triggers make of its incidents as they now stand; the news of those that are acted on."""
    its = settings.models[model]
    triggers = wiring.make_triggers(model, its)
    if not triggers:
        return ()
    decisions = on_incidents(triggers, open_ones, retrainings.history(connection, model), now)
    known = {incident.id: incident for incident in open_ones}
    news = []
    for firing in _write(connection, settings, decisions, now):
        about = known[firing.incident or ""]
        text = _NOTES[firing.mode].format(firing.key)
        news.append(
            IncidentEvent(Change.UPDATED, replace(about, updated_at=now, ruled_out=_without_reason(about)), now, text)
        )
    incidents.apply(connection, [event.incident for event in news], news)
    outbox.add_incident_intents(connection, news, now)
    return tuple(news)


def explained(connection: Connection, model: str, settings: Settings, moved: Step, now: datetime) -> Step:
    """The step with each incident that is told saying, among what is ruled out, why it does not retrain the model."""
    triggers = wiring.make_triggers(model, settings.models[model])
    if not triggers or not moved.events:
        return moved
    history = retrainings.history(connection, model)
    told = {event.incident.id for event in moved.events}

    def said(incident: Incident) -> Incident:
        if incident.id not in told or incident.resolved or incident.trouble not in _RETRAINED:
            return incident
        parts = (_without_reason(incident), held_back(triggers, incident, history, now))
        return replace(incident, ruled_out="; ".join(part for part in parts if part))

    return replace(
        moved,
        incidents=tuple(said(incident) for incident in moved.incidents),
        events=tuple(replace(event, incident=said(event.incident)) for event in moved.events),
    )


def by_clock(
    connection: Connection, model: str, name: str, settings: Settings, due_at: datetime, now: datetime
) -> list[Decision]:
    """What a model's scheduled trigger makes of the time it was due at."""
    elder = baselines.newest(connection, model)
    version, baseline = (elder.version, elder.id) if elder else ("", "")
    history = retrainings.history(connection, model)
    decisions = [
        on_schedule(trigger, due_at, version, baseline, history, now)
        for trigger in wiring.make_triggers(model, settings.models[model])
        if trigger.name == name
    ]
    _write(connection, settings, decisions, now)
    return decisions


def _without_reason(incident: Incident) -> str:
    """What is ruled out, without why it had not been retrained before."""
    return "; ".join(part for part in incident.ruled_out.split("; ") if not part.startswith(NOT_TRIGGERED))


def _write(connection: Connection, settings: Settings, decisions: Sequence[Decision], now: datetime) -> list[Firing]:
    """Keep what fires, and send what may go at once; the firings that are new."""
    new = []
    for firing in (decision.firing for decision in decisions if decision.firing is not None):
        payload = payload_of(connection, settings, firing)
        if not retrainings.add(connection, firing, payload, now):
            continue
        new.append(firing)
        if firing.mode is Mode.LIVE:
            outbox.add_trigger_intent(connection, firing.model, firing.trigger, firing.key, payload, now)
    return new


def payload_of(connection: Connection, settings: Settings, firing: Firing) -> dict[str, Any]:
    """What the training job is told: why, which rows to train on and where they are, and where to say how it went."""
    its, public = settings.models[firing.model], settings.server.public_url
    baseline = baselines.get(connection, firing.baseline_id) if firing.baseline_id else None
    since = baseline.start if baseline else None
    until = firing.window.end if firing.window else firing.at
    links = {}
    if public:
        base = public.rstrip("/")
        links["done"] = f"{base}/api/retrainings/{firing.key}/done"
        if firing.incident:
            links["incident"] = f"{base}/incidents/{firing.incident}"
    return {
        **firing.payload(),
        "train_on": {
            "from": None if since is None else iso(since),
            "to": iso(until),
            "log": _log(settings.log_of(firing.model), firing.model),
            "columns": {key: value for key, value in its.columns.model_dump().items() if value},
        },
        "links": links,
    }


def _log(source: LogSettings | None, model: str) -> dict[str, str] | None:
    """Where the rows are, without passwords: the job has its own."""
    if source is None:
        return None
    if source.delta:
        return {"delta": mask_address(source.delta), "table": model}
    if source.parquet:
        return {"parquet": mask_address(source.parquet)}
    rows = {"table": source.table} if source.table else {"query": source.query or ""}
    return {"sql": mask_address(source.sql or ""), **rows}
