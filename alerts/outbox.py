"""The outbox: what the rest of Driftline writes to be said, and reads about what became of it.

In: a connection inside the caller's transaction. Out: figures and lists for health, metrics and the CLI.
Kept: the tables of `METADATA` (intents, deliveries, silences, disabled channels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import deliveries, disabled, health, intents, reminders, silences
from alerts.deliveries import DELIVERIES
from alerts.incident import Change, Incident, IncidentEvent
from alerts.intents import INTENTS
from alerts.tables import METADATA, Instant
from alerts.triggers.policy import target_name
from alerts.triggers.retrainings import RETRAININGS, Stage
from detectors.result import iso

__all__ = [
    "METADATA",
    "Counts",
    "add_channel_intent",
    "add_incident_intents",
    "add_report_intent",
    "add_trigger_intent",
    "counts",
    "disabled",
    "event_of",
    "health",
    "listed",
    "next_flush",
    "prune",
    "silences",
]


@dataclass(frozen=True, slots=True)
class Counts:
    """The outbox in figures: deliveries by (channel, state), intents still pending or queued, the oldest of those."""

    deliveries: Mapping[tuple[str, str], int]
    intents: int
    oldest: datetime | None

    @property
    def dead(self) -> int:
        """Dead letters of all channels."""
        return sum(count for (_, state), count in self.deliveries.items() if state == deliveries.DEAD)


def add_incident_intents(
    conn: Connection, events: Sequence[IncidentEvent], at: datetime, channels: Sequence[str] | None = None
) -> None:
    """Write what is to be said of these changes; the caller's transaction holds the changes themselves.

    With `channels`, these are told at once, whatever routes and silences say.
    """
    for event in events:
        stream, model = event.incident.stream, event.incident.model
        intents.add(
            conn, kind="incident", stream=stream, model=model, payload=_payload(event), at=at, channels=channels
        )


def _payload(event: IncidentEvent) -> dict[str, Any]:
    return {
        "event": event.event.value,
        "at": iso(event.at),
        "reason": event.reason,
        "incident": event.incident.to_json(),
    }


def add_channel_intent(conn: Connection, event: IncidentEvent, channels: Sequence[str], at: datetime) -> None:
    """Write what is to be said of a dead channel, to these others, whatever routes say."""
    payload = _payload(event)
    intents.add(conn, kind="channel", stream=event.incident.id, payload=payload, at=at, channels=channels)


def event_of(payload: Mapping[str, Any]) -> IncidentEvent:
    """The event an incident's intent was written for."""
    incident = Incident.from_json(payload["incident"])
    return IncidentEvent(Change(payload["event"]), incident, datetime.fromisoformat(payload["at"]), payload["reason"])


def add_report_intent(
    conn: Connection,
    *,
    name: str,
    title: str,
    summary: str,
    channels: Sequence[str],
    at: datetime,
    key: str,
    lines: Sequence[str] = (),
    html: str | None = None,
    attachments: Sequence[Path] = (),
    url: str | None = None,
) -> bool:
    """Send a report to these channels; once for each `key` (false: it was written before).

    `html` is a finished, safe page for a mail's body; `attachments` are read when the message is frozen.
    """
    payload = {
        "name": name,
        "title": title,
        "summary": summary,
        "lines": list(lines),
        "html": html,
        "attachments": [str(path) for path in attachments],
        "url": url,
    }
    return intents.add(
        conn, kind="report", stream=f"report:{key}", payload=payload, at=at, channels=channels, key=f"report:{key}"
    )


def add_trigger_intent(
    conn: Connection, model: str, trigger: str, key: str, payload: Mapping[str, Any], at: datetime
) -> bool:
    """Send a retraining to its target; each key once, whatever is asked (false: it was sent before)."""
    name = target_name(model, trigger)
    return intents.add(
        conn,
        kind="trigger",
        stream=f"{name}:{key}",
        model=model,
        payload=dict(payload),
        at=at,
        channels=[name],
        key=f"trigger:{key}",
    )


def lost_triggers(conn: Connection) -> dict[str, tuple[bool, str]]:
    """The retrainings that were asked for and whose call was given up: whether it may have arrived, and why, by key."""
    here = sa.and_(RETRAININGS.c.key == DELIVERIES.c.key, RETRAININGS.c.stage == Stage.ASKED.value)
    query = sa.select(DELIVERIES.c.key, DELIVERIES.c.ambiguous, DELIVERIES.c.last_error)
    rows = conn.execute(query.join(RETRAININGS, here).where(DELIVERIES.c.state == deliveries.DEAD))
    return {row.key: (bool(row.ambiguous), str(row.last_error)) for row in rows}


def deliveries_of_key(conn: Connection, key: str) -> list[int]:
    """The deliveries that have this key."""
    return [row.id for row in conn.execute(sa.select(DELIVERIES.c.id).where(DELIVERIES.c.key == key))]


def counts(conn: Connection) -> Counts:
    """The outbox in figures, for health and metrics."""
    by_state = sa.select(DELIVERIES.c.channel, DELIVERIES.c.state, sa.func.count().label("number")).group_by(
        DELIVERIES.c.channel, DELIVERIES.c.state
    )
    found = {(row.channel, row.state): row.number for row in conn.execute(by_state)}
    waiting = sa.select(
        sa.func.count().label("number"), sa.type_coerce(sa.func.min(INTENTS.c.created_at), Instant).label("oldest")
    ).where(INTENTS.c.state != intents.DONE)
    row = conn.execute(waiting).one()
    return Counts(found, row.number, row.oldest)


def listed(
    conn: Connection,
    *,
    state: str | None = None,
    incident: str | None = None,
    channel: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Deliveries for the CLI, newest first, as plain JSON without their bodies."""
    query = (
        sa.select(DELIVERIES, INTENTS.c.kind, INTENTS.c.model)
        .join(INTENTS, INTENTS.c.id == DELIVERIES.c.intent)
        .order_by(DELIVERIES.c.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    if channel is not None:
        query = query.where(DELIVERIES.c.channel == channel)
    if incident is not None:
        query = query.where(DELIVERIES.c.stream == incident)
    return [
        {
            "id": row.id,
            "key": row.key,
            "kind": row.kind,
            "model": row.model,
            "stream": row.stream,
            "channel": row.channel,
            "event": row.event,
            "state": row.state,
            "attempts": row.attempts,
            "created_at": iso(row.created_at),
            "next_at": iso(row.next_at) if row.state == deliveries.PENDING else None,
            "finished_at": iso(row.finished_at) if row.finished_at else None,
            "error": row.last_error,
        }
        for row in conn.execute(query)
    ]


def next_flush(conn: Connection) -> datetime | None:
    """When there is something to route next."""
    query = sa.select(sa.type_coerce(sa.func.min(INTENTS.c.due_at), Instant)).where(INTENTS.c.state == intents.PENDING)
    moments = [conn.execute(query).scalar_one(), reminders.next_due(conn), silences.next_notice(conn)]
    return min((moment for moment in moments if moment is not None), default=None)


def prune(conn: Connection, before: datetime) -> int:
    """Forget what was made before this and has ended, with its deliveries; how many intents.

    A stream goes as a whole: a later message still needs to know what it follows.
    """
    going_on = sa.select(INTENTS.c.stream).where(
        sa.or_(INTENTS.c.state != intents.DONE, INTENTS.c.created_at >= before)
    )
    over = (INTENTS.c.stream.not_in(going_on),)
    conn.execute(DELIVERIES.delete().where(DELIVERIES.c.intent.in_(sa.select(INTENTS.c.id).where(*over))))
    return conn.execute(INTENTS.delete().where(*over)).rowcount
