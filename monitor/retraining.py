"""What people and training jobs say of a retraining: yes, no, again, done; and what became of the call itself.

In: the store, a retraining's key, who says it, now. Out: the retraining as it then stands. Kept: its stage, the news of
its incident and the intents, in one transaction.

The loop closes here: a success resolves the incident the retraining was for. The new version's baseline is made when
its first rows come, as `baseline.new_version` says.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts import dead_letters, outbox
from alerts.by_hand import close
from alerts.incident import Change, Incident, IncidentEvent, Verdict
from alerts.triggers import retrainings
from alerts.triggers.retrainings import Retraining, Stage
from monitor.store import Store, incidents

_CALLED = frozenset({Stage.ASKED, Stage.UNKNOWN, Stage.UNDELIVERED})
_LOST = frozenset({Stage.UNKNOWN, Stage.UNDELIVERED})


def approve(store: Store, key: str, by: str, now: datetime) -> Retraining:
    """Let a waiting retraining go to its target. Raises NoSuchRetraining, NotNow."""
    with store.begin() as connection:
        one = retrainings.move(connection, key, Stage.ASKED, now, allowed=frozenset({Stage.WAITING}), actor=by)
        outbox.add_trigger_intent(connection, one.model, one.trigger, key, one.payload, now)
        _tell(connection, one, f"retraining approved by {by}", now)
        return one


def refuse(store: Store, key: str, by: str, note: str, now: datetime) -> Retraining:
    """Do not retrain for this. Raises NoSuchRetraining, NotNow."""
    with store.begin() as connection:
        waiting = frozenset({Stage.WAITING})
        one = retrainings.move(connection, key, Stage.REFUSED, now, allowed=waiting, actor=by, note=note)
        _tell(connection, one, f"retraining refused by {by}{f': {note}' if note else ''}", now)
        return one


def again(store: Store, key: str, by: str, now: datetime) -> Retraining:
    """Call the target once more: somebody has looked, and nothing was begun. Raises NoSuchRetraining, NotNow."""
    with store.begin() as connection:
        one = retrainings.move(connection, key, Stage.ASKED, now, allowed=_LOST, actor=by)
        dead_letters.retry(connection, outbox.deliveries_of_key(connection, key), now, looked=True)
        _tell(connection, one, f"retraining asked for again by {by}", now)
        return one


def done(
    store: Store, key: str, by: str, now: datetime, *, succeeded: bool, version: str = "", note: str = ""
) -> Retraining:
    """A training job has ended. Success resolves the incident it was for. Raises NoSuchRetraining, NotNow."""
    stage = Stage.SUCCEEDED if succeeded else Stage.FAILED
    with store.begin() as connection:
        one = retrainings.move(connection, key, stage, now, allowed=_CALLED, actor=by, note=note, new_version=version)
        made = f" as version {version}" if version else ""
        if succeeded:
            _tell(connection, one, f"retrained{made}, says {by}", now, resolve=True)
        else:
            _tell(connection, one, f"retraining failed, says {by}{f': {note}' if note else ''}", now)
        return one


def follow_up(connection: Connection, now: datetime) -> list[Retraining]:
    """Look at what was asked for and never arrived, and say so; those that have moved."""
    moved = []
    for key, (ambiguous, why) in outbox.lost_triggers(connection).items():
        stage = Stage.UNKNOWN if ambiguous else Stage.UNDELIVERED
        told = "nobody knows whether retraining has begun" if ambiguous else "retraining could not be asked for"
        one = retrainings.move(connection, key, stage, now, allowed=frozenset({Stage.ASKED}), note=why)
        _tell(connection, one, f"{told}: {why}; then `driftline trigger retry {key}` or `done`", now)
        moved.append(one)
    return moved


def _tell(connection: Connection, one: Retraining, text: str, now: datetime, *, resolve: bool = False) -> None:
    """Put it on the timeline of the incident it is for, and tell those who follow that."""
    incident = incidents.get(connection, one.incident) if one.incident else None
    if incident is None or incident.resolved:
        return
    event = _over(incident, one, text, now) if resolve else _news(incident, text, now)
    incidents.apply(connection, [event.incident], [event])
    outbox.add_incident_intents(connection, [event], now)


def _news(incident: Incident, text: str, now: datetime) -> IncidentEvent:
    return IncidentEvent(Change.UPDATED, replace(incident, updated_at=now), now, text)


def _over(incident: Incident, one: Retraining, text: str, now: datetime) -> IncidentEvent:
    return replace(close(incident, Verdict.FIXED, one.actor, now), reason=text)
