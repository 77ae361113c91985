"""Incidents and their timeline in the store."""

from __future__ import annotations

import json
from dataclasses import replace

from alerts.incident import Change, Incident, IncidentEvent, State, Verdict
from alerts.lifecycle import Policy, step
from detectors.result import Finding, Kind, Status, Window
from monitor.store import Store, incidents
from tests.support.flow import DAY, START

HOSTILE = "<b>\n\x00 *x* \u202e"


def opened(day: int = 0, model: str = "m", subject: str = HOSTILE) -> Incident:
    window = Window("1d", START + day * DAY, START + (day + 1) * DAY)
    found = Finding(
        model, "1", window, None, subject, Kind.FEATURE, "ks", 0.5, 1e-9, 0.15, 0.5, Status.BREACH, 1000, 0, window.end
    )
    return step([], [found], window.end, Policy()).incidents[0]


def event(incident: Incident, what: Change = Change.OPENED, reason: str = "because") -> IncidentEvent:
    return IncidentEvent(what, incident, incident.updated_at, reason)


def test_an_incident_and_its_timeline_come_back_as_they_were(store: Store) -> None:
    one = opened()
    later = replace(one, state=State.RESOLVED, resolved_at=START + 3 * DAY, updated_at=START + 3 * DAY)
    with store.begin() as connection:
        incidents.apply(connection, [one], [event(one)])
        assert incidents.get(connection, one.id) == one
        incidents.apply(connection, [later], [event(later, Change.RESOLVED, HOSTILE)])
    with store.read() as connection:
        assert incidents.get(connection, one.id) == later
        assert incidents.get(connection, "nobody") is None
        timeline = incidents.timeline(connection, incident=one.id)
        assert timeline == [
            (one.id, "opened", START + DAY, "because"),
            (one.id, "resolved", START + 3 * DAY, HOSTILE.replace("\x00", "\ufffd")),
        ]
        assert [each[1] for each in incidents.timeline(connection, start=START + 2 * DAY)] == ["resolved"]
        assert [each[1] for each in incidents.timeline(connection, end=START + 3 * DAY)] == ["opened"]


def test_what_matters_is_what_is_open_or_was_lately(store: Store) -> None:
    still, other = opened(2), opened(2, model="other")
    long_ago = replace(opened(0), state=State.RESOLVED, resolved_at=START + DAY)
    lately = replace(opened(1), state=State.RESOLVED, resolved_at=START + 5 * DAY)
    with store.begin() as connection:
        incidents.apply(connection, [still, other, long_ago, lately], [])
    with store.read() as connection:
        assert incidents.relevant(connection, "m", START + 2 * DAY) == [lately, still]
        assert incidents.listing(connection, open_only=True) == sorted([still, other], key=lambda one: one.id)
        assert incidents.listing(connection, model="m", start=START + 2 * DAY) == [lately, still]
        assert incidents.listing(connection, model="m", end=START + 2 * DAY) == [long_ago]


def test_incidents_come_back_as_they_were_known_at_an_instant(store: Store) -> None:
    first = opened(1)
    taken = replace(first, state=State.ACKNOWLEDGED, acknowledged_at=START + 3 * DAY, updated_at=START + 3 * DAY)
    over = replace(taken, state=State.RESOLVED, resolved_at=START + 5 * DAY, updated_at=START + 5 * DAY)
    told = replace(over, verdict=Verdict.FIXED, judged_at=START + 9 * DAY, updated_at=START + 9 * DAY)
    changes = [
        (first, Change.OPENED),
        (taken, Change.ACKNOWLEDGED),
        (over, Change.RESOLVED),
        (told, Change.RESOLVED),
    ]
    with store.begin() as connection:
        for incident, what in changes:
            incidents.apply(connection, [incident], [event(incident, what)])

    def at(day: int, after: int = 0) -> list[Incident]:
        with store.read() as connection:
            return incidents.as_of(connection, "m", START + after * DAY, START + day * DAY)

    assert [at(day) for day in (1, 2, 4, 5, 8, 9)] == [[], [first], [taken], [over], [over], [told]]
    assert at(8, after=6) == [], "over before the time that is asked for"
    assert at(4, after=4) == [taken]
    # Events of earlier versions of Driftline hold the contract's object alone: what they tell is taken from them.
    with store.begin() as connection:
        connection.execute(incidents.EVENTS.update().values(data=json.dumps(event(first).to_json())))
    assert [(one.state, one.verdict, one.acknowledged_at, one.resolved_at) for one in (at(2) + at(4) + at(8))] == [
        (State.OPEN, None, None, None),
        (State.ACKNOWLEDGED, None, START + 3 * DAY, None),
        (State.RESOLVED, None, START + 3 * DAY, START + 5 * DAY),
    ]
