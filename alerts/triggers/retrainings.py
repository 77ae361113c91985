"""The table of retrainings: what was asked for, who allowed it, what came of it.

In: a connection, firings, what people and training jobs say. Out: `Retraining` values, and the history the policy
looks at. Kept: one row a firing, for good: it is what stops a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from alerts.errors import AlertError
from alerts.tables import METADATA, Instant, insert_once
from alerts.triggers.policy import Fired, Firing, Mode


class Stage(StrEnum):
    """How far a retraining has come."""

    WAITING = "waiting"  # for somebody's approval
    REFUSED = "refused"
    DRY_RUN = "dry run"
    ASKED = "asked"  # its target is being called, or has been
    UNKNOWN = "unknown"  # the answer was lost, and asking again might train twice
    UNDELIVERED = "undelivered"  # the target did not take it
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_FIRST = {Mode.LIVE: Stage.ASKED, Mode.APPROVAL: Stage.WAITING, Mode.DRY_RUN: Stage.DRY_RUN}
_OVER = frozenset({Stage.REFUSED, Stage.DRY_RUN, Stage.SUCCEEDED, Stage.FAILED})

RETRAININGS = sa.Table(
    "retrainings",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("trigger", sa.String(200), nullable=False),
    sa.Column("incident", sa.String(64), nullable=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("new_version", sa.Text, nullable=False),
    sa.Index("retrainings_model", "model", "created_at"),
    sa.Index("retrainings_stage", "stage"),
)


class NoSuchRetraining(AlertError):
    """A key that no retraining has."""


class NotNow(AlertError):
    """A retraining cannot be changed that way from where it stands."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """One firing and what became of it. `payload` is what its target is told."""

    key: str
    model: str
    trigger: str
    incident: str | None
    stage: Stage
    created_at: datetime
    changed_at: datetime
    actor: str = ""
    note: str = ""
    new_version: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self.stage in _OVER


def add(conn: Connection, firing: Firing, payload: Mapping[str, Any], at: datetime) -> bool:
    """Keep a firing; once for each key (false: it was there)."""
    values = {
        "key": firing.key,
        "model": firing.model,
        "trigger": firing.trigger,
        "incident": firing.incident,
        "stage": _FIRST[firing.mode].value,
        "payload": dict(payload),
        "created_at": at,
        "changed_at": at,
        "actor": "",
        "note": "",
        "new_version": "",
    }
    return insert_once(conn, RETRAININGS, values)


def history(conn: Connection, model: str) -> list[Fired]:
    """What this model's triggers have fired, oldest first. What was refused is not fired again, and counts no more."""
    rows = conn.execute(
        RETRAININGS.select().where(RETRAININGS.c.model == model).order_by(RETRAININGS.c.created_at, RETRAININGS.c.key)
    )
    return [Fired(row.trigger, row.key, row.created_at, row.stage != Stage.REFUSED) for row in rows]


def get(conn: Connection, key: str) -> Retraining:
    """One retraining. Raises NoSuchRetraining."""
    row = conn.execute(RETRAININGS.select().where(RETRAININGS.c.key == key)).one_or_none()
    if row is None:
        raise NoSuchRetraining(f"there is no retraining {key!r}; `driftline trigger list` shows them")
    return _retraining(row)


def listed(conn: Connection, *, model: str | None = None, stage: Stage | None = None) -> list[Retraining]:
    """Retrainings, newest first."""
    query = RETRAININGS.select().order_by(RETRAININGS.c.created_at.desc(), RETRAININGS.c.key)
    if model is not None:
        query = query.where(RETRAININGS.c.model == model)
    if stage is not None:
        query = query.where(RETRAININGS.c.stage == stage.value)
    return [_retraining(row) for row in conn.execute(query)]


def move(
    conn: Connection,
    key: str,
    stage: Stage,
    at: datetime,
    *,
    allowed: frozenset[Stage],
    actor: str = "",
    note: str = "",
    new_version: str = "",
) -> Retraining:
    """Put a retraining into another stage. Raises NoSuchRetraining, NotNow unless it is in one of `allowed`."""
    known = get(conn, key)
    if known.stage not in allowed:
        raise NotNow(f"{key} is {known.stage.value}; only one that is {_either(allowed)} can become {stage.value}")
    values = {
        "stage": stage.value,
        "changed_at": at,
        "actor": actor or known.actor,
        "note": note or known.note,
        "new_version": new_version or known.new_version,
    }
    # Between the look and this another process may have moved it.
    here = sa.and_(RETRAININGS.c.key == key, RETRAININGS.c.stage == known.stage.value)
    if conn.execute(RETRAININGS.update().where(here).values(**values)).rowcount == 0:
        raise NotNow(f"{key} has just been changed by somebody else")
    return get(conn, key)


def _either(stages: frozenset[Stage]) -> str:
    return " or ".join(sorted(stage.value for stage in stages))


def _retraining(row: Row[tuple[object, ...]]) -> Retraining:
    return Retraining(
        key=row.key,
        model=row.model,
        trigger=row.trigger,
        incident=row.incident,
        stage=Stage(row.stage),
        created_at=row.created_at,
        changed_at=row.changed_at,
        actor=row.actor,
        note=row.note,
        new_version=row.new_version,
        payload=row.payload,
    )
