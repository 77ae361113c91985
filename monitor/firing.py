"""Set off retraining triggers: the policy's decisions, written as intents.

In: a connection inside the caller's transaction, a model's settings and open incidents. Out: the decisions.
Kept: intents, which are also the history the policy looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.incident import Incident
from alerts.triggers.policy import Decision, on_incidents, on_schedule
from monitor import wiring
from monitor.settings import ModelSettings
from monitor.store import baselines


def by_incidents(
    connection: Connection, model: str, settings: ModelSettings, incidents: Sequence[Incident], now: datetime
) -> list[Decision]:
    """What a model's breach triggers make of its incidents as they now stand."""
    triggers = wiring.make_triggers(model, settings)
    if not triggers:
        return []
    return _write(connection, on_incidents(triggers, incidents, outbox.fired(connection, model), now), now)


def by_clock(
    connection: Connection, model: str, name: str, settings: ModelSettings, due_at: datetime, now: datetime
) -> list[Decision]:
    """What a model's scheduled trigger makes of the time it was due at."""
    elder = baselines.newest(connection, model)
    version, baseline = (elder.version, elder.id) if elder else ("", "")
    history = outbox.fired(connection, model)
    return _write(
        connection,
        [
            on_schedule(trigger, due_at, version, baseline, history, now)
            for trigger in wiring.make_triggers(model, settings)
            if trigger.name == name
        ],
        now,
    )


def _write(connection: Connection, decisions: list[Decision], now: datetime) -> list[Decision]:
    outbox.add_trigger_intents(connection, [d.firing for d in decisions if d.firing is not None], now)
    return decisions
