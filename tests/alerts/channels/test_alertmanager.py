"""Alertmanager: one alert an incident, ended when it is over, whatever its severity has been."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.alertmanager import Alertmanager
from alerts.errors import ChannelError
from alerts.incident import Change, IncidentEvent, State
from alerts.routing import Route, Timing
from detectors.result import Severity
from tests.alerts.conftest import Begin
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0, opened
from tests.support.post import Post

LOCAL = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def test_an_incident_is_one_alert_until_it_is_over(begin: Begin, receiver: Server) -> None:
    post = Post(
        begin,
        {"am": Alertmanager(receiver.url + "/am/", LOCAL)},
        [Route(("am",), timing=Timing(group_interval=timedelta(0)))],
    )
    incident = replace(opened(now=DAY0).incident, severity=Severity.WARNING)
    later = DAY0 + timedelta(hours=1)
    worse = replace(incident, severity=Severity.CRITICAL)
    over = replace(worse, state=State.RESOLVED, resolved_at=later)
    post.say(IncidentEvent(Change.OPENED, incident, DAY0))
    post.run(DAY0)
    post.say(IncidentEvent(Change.UPDATED, worse, later))
    post.run(later)
    post.say(IncidentEvent(Change.RESOLVED, over, later))
    post.run(later)
    assert {request.path for request in receiver.requests} == {"/am/api/v2/alerts"}
    posted = [json.loads(request.body) for request in receiver.requests]
    identities = [{tuple(sorted(alert["labels"].items())) for alert in alerts} for alerts in posted]
    assert identities[0] == identities[1] == identities[2]
    firing = []
    for alerts in posted:
        for alert in alerts:
            assert alert["startsAt"] <= alert["endsAt"]
            assert all(isinstance(value, str) and value for value in alert["labels"].values())
            assert set(alert["labels"]) <= {"alertname", "incident", "model", "kind", "owner", "severity"}
        firing.append([a["labels"]["severity"] for a in alerts if a["endsAt"] > "2013-05-15"])
    assert firing == [["warning"], ["critical"], []]
    assert "wind_speed" in posted[0][0]["annotations"]["description"]


def test_refusals_are_classified(begin: Begin, receiver: Server) -> None:
    receiver.answer(Answer(503), Answer(400, body=b'"bad labels"'))
    post = Post(begin, {"am": Alertmanager(receiver.url, LOCAL)})
    post.say(opened(now=DAY0))
    post.run(DAY0)
    assert post.deliveries()[0]["state"] == "pending"
    post.run(DAY0 + timedelta(seconds=10))
    assert post.deliveries()[0]["state"] == "dead"
    assert "bad labels" in post.deliveries()[0]["error"]


def test_a_private_address_must_be_allowed(begin: Begin, receiver: Server) -> None:
    post = Post(begin, {"am": Alertmanager(receiver.url)})
    post.say(opened(now=DAY0))
    post.run(DAY0)
    assert "not a public address" in post.deliveries()[0]["error"]
    assert receiver.requests == []
    with pytest.raises(ChannelError, match="write an http or https URL"):
        Alertmanager("alertmanager:9093")
