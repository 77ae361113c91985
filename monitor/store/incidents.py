"""Incidents and their timeline.

In: a connection inside the evaluation's transaction, incident events. Out: `Incident` values, as they are or as they
were. Kept: the latest state of each incident, and every event in order with the incident as it was after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.incident import Change, Incident, IncidentEvent, State, Verdict
from detectors.result import Severity
from monitor.store.metadata import METADATA, Id, Instant

INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("trouble", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("resolved_at", Instant, nullable=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("lead", sa.String(64), nullable=True, index=True),
    sa.Index("incidents_model", "model", "state"),
)

EVENTS = sa.Table(
    "incident_events",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("incident", sa.String(64), sa.ForeignKey("incidents.id"), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("incident_events_incident", "incident", "id"),
    sa.Index("incident_events_at", "at"),
)


def relevant(connection: Connection, model: str, resolved_after: datetime) -> list[Incident]:
    """The incidents of a model that are open, or were resolved so lately that they may reopen."""
    rows = connection.execute(
        sa.select(INCIDENTS.c.data)
        .where(
            INCIDENTS.c.model == model,
            sa.or_(INCIDENTS.c.resolved_at.is_(None), INCIDENTS.c.resolved_at > resolved_after),
        )
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    return [Incident.from_json(json.loads(row.data)) for row in rows]


def leads(connection: Connection, trouble: str, start: datetime, end: datetime) -> list[Incident]:
    """The open incidents of this kind that were opened in `[start, end]` and follow no other, oldest first."""
    rows = connection.execute(
        sa.select(INCIDENTS.c.data)
        .where(
            INCIDENTS.c.trouble == trouble,
            INCIDENTS.c.resolved_at.is_(None),
            INCIDENTS.c.lead.is_(None),
            INCIDENTS.c.opened_at.between(start, end),
        )
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    return [Incident.from_json(json.loads(row.data)) for row in rows]


def fleet(connection: Connection, lead: str) -> list[Incident]:
    """An incident and those of other models that follow it, oldest first."""
    condition = sa.or_(INCIDENTS.c.id == lead, INCIDENTS.c.lead == lead)
    rows = connection.execute(
        sa.select(INCIDENTS.c.data).where(condition).order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    return [Incident.from_json(json.loads(row.data)) for row in rows]


def get(connection: Connection, incident_id: str) -> Incident | None:
    """One incident by its id."""
    data = connection.execute(sa.select(INCIDENTS.c.data).where(INCIDENTS.c.id == incident_id)).scalar_one_or_none()
    return None if data is None else Incident.from_json(json.loads(data))


def listing(
    connection: Connection,
    *,
    model: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    open_only: bool = False,
) -> list[Incident]:
    """Incidents that were open at some time in `[start, end)`, oldest first."""
    conditions: list[sa.ColumnElement[bool]] = []
    if model is not None:
        conditions.append(INCIDENTS.c.model == model)
    if start is not None:
        conditions.append(sa.or_(INCIDENTS.c.resolved_at.is_(None), INCIDENTS.c.resolved_at >= start))
    if end is not None:
        conditions.append(INCIDENTS.c.opened_at < end)
    if open_only:
        conditions.append(INCIDENTS.c.resolved_at.is_(None))
    rows = connection.execute(
        sa.select(INCIDENTS.c.data).where(*conditions).order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    return [Incident.from_json(json.loads(row.data)) for row in rows]


def as_of(connection: Connection, model: str, after: datetime, at: datetime) -> list[Incident]:
    """A model's incidents as they were known at an instant, oldest first; those that were over by `after` are left out.

    What has happened since is taken back: whether it is over, who took it on, its verdict, its figures.
    """
    rows = connection.execute(
        sa.select(INCIDENTS.c.data)
        .where(
            INCIDENTS.c.model == model,
            INCIDENTS.c.opened_at <= at,
            sa.or_(
                INCIDENTS.c.resolved_at.is_(None),
                INCIDENTS.c.resolved_at >= after,
            ),
        )
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    now = [Incident.from_json(json.loads(row.data)) for row in rows]
    found = [one if one.updated_at <= at and one.latest.end <= at else _before(connection, one, at) for one in now]
    return [one for one in found if one is not None and (one.resolved_at is None or one.resolved_at >= after)]


def _before(connection: Connection, incident: Incident, at: datetime) -> Incident | None:
    """An incident after its last event up to an instant; None where it had none."""
    mine = (EVENTS.c.incident == incident.id, EVENTS.c.at <= at)
    rows = connection.execute(sa.select(EVENTS).where(*mine).order_by(EVENTS.c.id)).all()
    if not rows:
        return None
    told = json.loads(rows[-1].data)
    if "incident" in told:
        return Incident.from_json(told["incident"])
    return _rebuilt(incident, [(Change(row.event), row.at) for row in rows], told)


_STATES = {
    Change.ACKNOWLEDGED: State.ACKNOWLEDGED,
    Change.STANDING: State.STANDING,
    Change.RESOLVED: State.RESOLVED,
    Change.OPENED: State.OPEN,
    Change.REOPENED: State.OPEN,
}


def _rebuilt(incident: Incident, events: Sequence[tuple[Change, datetime]], told: Mapping[str, Any]) -> Incident:
    """The same of an event of an earlier version of Driftline, which kept no figures: those of now stand in."""
    last = [(_STATES[event], at) for event, at in events if event in _STATES]
    state, since = last[-1] if last else (State.OPEN, None)
    opened = [at for event, at in events if event in (Change.OPENED, Change.REOPENED)]
    taken = [at for event, at in events if event is Change.ACKNOWLEDGED and at >= opened[-1]] if opened else []
    return replace(
        incident,
        state=state,
        severity=Severity(told["severity"]),
        diagnosis=told["diagnosis"],
        subjects=tuple(told["subjects"]),
        summary=told["summary"],
        resolved_at=since if state is State.RESOLVED else None,
        acknowledged_at=taken[-1] if taken else None,
        updated_at=events[-1][1],
        reopened=max(len(opened) - 1, 0),
        actor=None,
        verdict=None,
        judged_at=None,
        accepted_from=None,
    )


def caused_by(connection: Connection, incident: Incident) -> list[Incident]:
    """The incidents of the same model that an incident explains, oldest first."""
    found = listing(connection, model=incident.model, start=incident.opened_at)
    return [one for one in found if one.cause == incident.id]


def open_counts(connection: Connection) -> dict[str, int]:
    """How many incidents are open, by model; models without one are left out."""
    query = sa.select(INCIDENTS.c.model, sa.func.count().label("number")).where(INCIDENTS.c.resolved_at.is_(None))
    return {row.model: row.number for row in connection.execute(query.group_by(INCIDENTS.c.model))}


def accepted(connection: Connection, model: str) -> Incident | None:
    """The incident of a model that was accepted last as its new normal, unless that was taken back."""
    found = [one for one in _judged(connection, model, Verdict.ACCEPTED) if one.judged_at and one.accepted_from]
    return max(found, key=lambda one: (one.judged_at or one.opened_at, one.id), default=None)


def left_out(connection: Connection, model: str) -> list[Incident]:
    """Incidents whose time is no reference: those that are open, and those that were expected or fixed."""
    still_open = listing(connection, model=model, open_only=True)
    return still_open + _judged(connection, model, Verdict.EXPECTED) + _judged(connection, model, Verdict.FIXED)


def _judged(connection: Connection, model: str, verdict: Verdict) -> list[Incident]:
    """The closed incidents of a model with one verdict."""
    # Quotes inside JSON's own texts are escaped, so this finds the key and never a name that looks like it.
    text = f'"verdict": {json.dumps(verdict.value)}'
    rows = connection.execute(
        sa.select(INCIDENTS.c.data).where(
            INCIDENTS.c.model == model, INCIDENTS.c.resolved_at.is_not(None), INCIDENTS.c.data.contains(text)
        )
    )
    return [Incident.from_json(json.loads(row.data)) for row in rows]


def last_event(connection: Connection) -> int:
    """The number of the newest event; it is another one whenever an incident has changed."""
    return connection.execute(sa.select(sa.func.max(EVENTS.c.id))).scalar_one() or 0


def apply(connection: Connection, incidents: Sequence[Incident], events: Sequence[IncidentEvent]) -> None:
    """Write the new state of `incidents`, and append `events` to the timeline."""
    for incident in incidents:
        values = {
            "model": incident.model,
            "trouble": str(incident.trouble),
            "state": str(incident.state),
            "opened_at": incident.opened_at,
            "resolved_at": incident.resolved_at,
            "data": json.dumps(incident.to_json(), ensure_ascii=False),
            "lead": incident.lead,
        }
        changed = connection.execute(INCIDENTS.update().where(INCIDENTS.c.id == incident.id).values(**values))
        if changed.rowcount == 0:
            connection.execute(INCIDENTS.insert().values(id=incident.id, **values))
    for event in events:
        connection.execute(
            EVENTS.insert().values(
                incident=event.incident.id,
                event=str(event.event),
                at=event.at,
                reason=event.reason.replace("\x00", "\ufffd"),  # names of columns are in it; PostgreSQL holds no NUL
                data=json.dumps({**event.to_json(), "incident": event.incident.to_json()}, ensure_ascii=False),
            )
        )


def timeline(
    connection: Connection,
    *,
    incident: str | None = None,
    model: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[tuple[str, str, datetime, str]]:
    """(incident id, event, at, reason) in order: of one incident, of one model, of a span of time."""
    conditions: list[sa.ColumnElement[bool]] = []
    if incident is not None:
        conditions.append(EVENTS.c.incident == incident)
    if model is not None:
        conditions.append(EVENTS.c.incident.in_(sa.select(INCIDENTS.c.id).where(INCIDENTS.c.model == model)))
    if start is not None:
        conditions.append(EVENTS.c.at >= start)
    if end is not None:
        conditions.append(EVENTS.c.at < end)
    rows = connection.execute(sa.select(EVENTS).where(*conditions).order_by(EVENTS.c.id))
    return [(row.incident, row.event, row.at, row.reason) for row in rows]
