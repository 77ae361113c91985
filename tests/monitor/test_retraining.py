"""A retraining from the finding to the new version: asked for once, allowed, lost, done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.incident import Incident
from alerts.lifecycle import Step
from alerts.triggers import retrainings
from alerts.triggers.retrainings import NoSuchRetraining, NotNow, Retraining, Stage
from detectors.result import Kind
from monitor import firing, retraining
from monitor.config import Config, load
from monitor.service.wiring import make_deliverer
from monitor.store import Store, incidents
from tests.support.flow import Flow
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0, opened

LOOP = ["127.0.0.0/8"]


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


class Case:
    """A model with one trigger and one degradation; `fire` lets the policy look at it."""

    def __init__(self, flow: Flow, trigger: Mapping[str, Any]) -> None:
        given = {"confirm": 1, "allow": LOOP, **trigger}
        flow.write({"flight-delay": {"triggers": {"retrain": given}}}, server={"public_url": "https://d.example"})
        self.config: Config = load(flow.path, {})
        self.store: Store = flow.store()
        self.deliverer = make_deliverer(self.config.settings, self.store.begin)
        self.incident: Incident = opened(
            kind=Kind.PERFORMANCE, detector="auc", statistic=0.6, threshold=0.05, effect=0.1
        ).incident
        with self.store.begin() as connection:
            incidents.apply(connection, [self.incident], [])

    def fire(self, now: datetime = DAY0) -> None:
        with self.store.begin() as connection:
            still_open = incidents.listing(connection, open_only=True)
            firing.by_incidents(connection, "flight-delay", self.config.settings, still_open, now)

    def deliver(self, now: datetime = DAY0) -> None:
        self.deliverer.flush(now)
        self.deliverer.deliver(now, wait=60)
        with self.store.begin() as connection:
            retraining.follow_up(connection, now)

    @property
    def one(self) -> Retraining:
        with self.store.read() as connection:
            (found,) = retrainings.listed(connection)
        return found

    @property
    def told(self) -> list[str]:
        with self.store.read() as connection:
            return [reason for _, _, _, reason in incidents.timeline(connection, incident=self.incident.id)]

    @property
    def over(self) -> bool:
        with self.store.read() as connection:
            found = incidents.get(connection, self.incident.id)
        assert found is not None
        return found.resolved


@pytest.fixture
def case(flow: Flow) -> Iterator[Callable[[Mapping[str, Any]], Case]]:
    made: list[Case] = []

    def make(trigger: Mapping[str, Any]) -> Case:
        made.append(Case(flow, trigger))
        return made[-1]

    yield make
    for each in made:
        each.deliverer.close()


def test_the_job_is_told_what_it_needs_and_closes_the_loop(
    case: Callable[[Mapping[str, Any]], Case], receiver: Server
) -> None:
    one = case({"url": receiver.url})
    for _ in range(3):
        one.fire()
        one.deliver()
    (request,) = receiver.requests
    data = json.loads(request.body)["data"]
    key = one.one.key
    assert (data["model"], data["incident"], data["key"]) == ("flight-delay", one.incident.id, key)
    assert data["train_on"]["log"]["table"] == "flight-delay"
    assert data["train_on"]["columns"]["timestamp"]
    assert data["links"]["done"] == f"https://d.example/api/retrainings/{key}/done"
    assert one.told == ["retraining has been asked for"]
    done = retraining.done(one.store, key, "airflow", DAY0, succeeded=True, version="2026-03")
    assert (done.stage, done.new_version, done.over) == (Stage.SUCCEEDED, "2026-03", True)
    assert one.over
    assert one.told[-1] == "retrained as version 2026-03, says airflow"
    with pytest.raises(NotNow, match="is succeeded"):
        retraining.done(one.store, key, "airflow", DAY0, succeeded=False)


def test_a_failed_training_leaves_the_incident_open(
    case: Callable[[Mapping[str, Any]], Case], receiver: Server
) -> None:
    one = case({"url": receiver.url})
    one.fire()
    retraining.done(one.store, one.one.key, "ci", DAY0, succeeded=False, note="out of memory")
    assert not one.over
    assert one.told[-1] == "retraining failed, says ci: out of memory"


def test_nothing_is_called_before_somebody_has_said_yes(
    case: Callable[[Mapping[str, Any]], Case], receiver: Server
) -> None:
    one = case({"url": receiver.url, "approval": True})
    one.fire()
    one.deliver()
    assert (one.one.stage, receiver.requests) == (Stage.WAITING, [])
    assert f"driftline trigger approve {one.one.key}" in one.told[-1]
    retraining.approve(one.store, one.one.key, "maria", DAY0)
    one.deliver()
    assert len(receiver.requests) == 1
    assert (one.one.stage, one.one.actor) == (Stage.ASKED, "maria")
    with pytest.raises(NotNow, match="only one that is waiting"):
        retraining.refuse(one.store, one.one.key, "tom", "", DAY0)


def test_what_is_refused_is_not_asked_again(case: Callable[[Mapping[str, Any]], Case], receiver: Server) -> None:
    one = case({"url": receiver.url, "approval": True})
    one.fire()
    retraining.refuse(one.store, one.one.key, "maria", "the feed is broken", DAY0)
    one.fire(DAY0 + timedelta(days=60))
    one.deliver()
    assert (one.one.stage, receiver.requests) == (Stage.REFUSED, [])
    assert one.told[-1] == "retraining refused by maria: the feed is broken"


def test_a_dry_run_calls_nobody(case: Callable[[Mapping[str, Any]], Case], receiver: Server) -> None:
    one = case({"url": receiver.url, "dry_run": True})
    one.fire()
    one.deliver()
    assert (one.one.stage, receiver.requests) == (Stage.DRY_RUN, [])
    assert one.told == ["dry run: retraining would have been asked for now"]


def test_a_lost_answer_asks_a_person_instead_of_training_twice(
    case: Callable[[Mapping[str, Any]], Case], receiver: Server
) -> None:
    hub = {"repository": "acme/models", "workflow": "w.yml", "token": "t", "api_url": receiver.url}
    one = case({"github": hub})
    receiver.answer(Answer(drop=True))
    one.fire()
    for day in range(3):
        one.deliver(DAY0 + timedelta(days=day))
    assert (one.one.stage, len(receiver.requests)) == (Stage.UNKNOWN, 1)
    assert one.told[-1].startswith("nobody knows whether retraining has begun")
    retraining.again(one.store, one.one.key, "maria", DAY0 + timedelta(days=3))
    receiver.answer(Answer(204))
    one.deliver(DAY0 + timedelta(days=3))
    assert (one.one.stage, len(receiver.requests)) == (Stage.ASKED, 2)


def test_a_target_that_turns_it_away_is_said(case: Callable[[Mapping[str, Any]], Case], receiver: Server) -> None:
    one = case({"url": receiver.url})
    receiver.answer(Answer(422))
    one.fire()
    one.deliver()
    assert one.one.stage is Stage.UNDELIVERED
    assert "retraining could not be asked for" in one.told[-1]


def test_a_key_that_is_none(flow: Flow) -> None:
    flow.write()
    with pytest.raises(NoSuchRetraining, match="trigger list"):
        retraining.approve(flow.store(), "retrain_x", "maria", DAY0)


def test_a_message_says_why_the_model_is_not_retrained_until_it_is(case: Callable[[Mapping[str, Any]], Case]) -> None:
    one = case({"url": "https://d.example", "confirm": 2})
    event = opened(kind=Kind.PERFORMANCE, detector="auc", statistic=0.6, threshold=0.05, effect=0.1)
    event = replace(event, incident=replace(event.incident, ruled_out="rows come as usual"))
    with one.store.begin() as connection:
        moved = Step((event.incident,), (event,))
        for _ in range(2):
            moved = firing.explained(connection, "flight-delay", one.config.settings, moved, DAY0)
        (said,) = moved.events
        wanted = "rows come as usual; retraining not triggered: breached in 1 of 2 windows it takes"
        assert said.incident.ruled_out == wanted
        assert moved.incidents == (said.incident,)
        track = next(iter(event.incident.tracks.values()))
        twice = replace(said.incident, tracks={"1d": replace(track, breaches=2)})
        (news,) = firing.by_incidents(connection, "flight-delay", one.config.settings, [twice], DAY0)
        assert news.incident.ruled_out == "rows come as usual"
