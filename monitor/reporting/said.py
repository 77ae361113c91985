"""What was said of an incident, to whom, and what became of it.

In: a connection, an incident. Out: `Notice`s, oldest first. Kept: nothing.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from alerts import deliveries, intents, outbox
from alerts.incident import Incident
from alerts.intents import Outcome
from reports.figures import State
from reports.incident import Notice

_MOST = 500
_DELIVERIES = {
    deliveries.DELIVERED: ("delivered", State.OK),
    deliveries.DEAD: ("not delivered", State.BREACH),
    deliveries.DROPPED: ("dropped", State.BREACH),
    deliveries.PENDING: ("waiting", State.INSUFFICIENT),
    deliveries.SENDING: ("being sent", State.INSUFFICIENT),
}
_INTENTS = {
    Outcome.SUPPRESSED.value: "not sent",
    Outcome.COALESCED.value: "told with another change",
}


def notices(connection: Connection, incident: Incident, known_at: datetime) -> tuple[Notice, ...]:
    """Every message of an incident's conversation, and every one that was held back or told with another."""
    found = []
    for one in outbox.listed(connection, incident=incident.stream, limit=_MOST):
        outcome, state = _DELIVERIES[one["state"]]
        attempts = f"{one['attempts']} attempts" if one["attempts"] > 1 else ""
        note = "; ".join(part for part in (attempts, one["error"]) if part)
        at = datetime.fromisoformat(one["finished_at"] or one["created_at"])
        found.append(Notice(at, one["event"], one["channel"], outcome, state, note))
    for told in intents.told(connection, incident.stream):
        if told["incident"] not in (None, incident.id):
            continue
        if told["outcome"] in _INTENTS:
            outcome = _INTENTS[told["outcome"]]
            found.append(Notice(told["at"], str(told["event"]), "", outcome, State.MISSING, told["reason"]))
        elif told["state"] == intents.PENDING:
            note = told["reason"] or "to be routed"
            found.append(Notice(told["at"], str(told["event"]), "", "waiting", State.INSUFFICIENT, note))
    return tuple(sorted((one for one in found if one.at <= known_at), key=lambda one: one.at))
