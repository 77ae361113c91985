"""Airflow and GitHub Actions: what they are sent, and what their answers mean for the next attempt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.announcement import trigger_message
from alerts.channels.base import Channel, Delivery, DeliveryError, Letter
from alerts.triggers.airflow import Airflow
from alerts.triggers.github import Github
from tests.support.http_server import Answer, Server, http_server

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LOOP = ("127.0.0.0/8",)
KEY = "retrain_0123456789abcdef01234567"
PAYLOAD = {"model": "flight-delay", "version": "3", "trigger": "retrain", "key": KEY, "reasons": ["AUC fell ü"]}


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def airflow(server: Server) -> Airflow:
    return Airflow(server.url + "/", "retrain churn", "t0ken", LOOP, timeout=1.0)


def github(server: Server) -> Github:
    return Github("acme/models", "retrain.yml", "t0ken", api=server.url, allow=LOOP, timeout=1.0)


def delivery(channel: Channel) -> Delivery:
    body = channel.render(trigger_message(PAYLOAD, NOW), Letter(KEY, "s", 1, "c", first=True))
    return Delivery(1, KEY, "s", 1, "c", "requested", body, 1, 0, False, NOW, NOW)


def failure(channel: Channel, letter: Delivery) -> DeliveryError:
    with pytest.raises(DeliveryError) as found:
        channel.send(letter)
    return found.value


def test_airflow_is_asked_for_a_run_whose_id_is_the_key(receiver: Server) -> None:
    channel = airflow(receiver)
    assert channel.send(delivery(channel))["dag_run_id"] == KEY
    (request,) = receiver.requests
    assert request.path == "/api/v2/dags/retrain%20churn/dagRuns"
    assert request.headers["authorization"] == "Bearer t0ken"
    sent = json.loads(request.body)
    assert sent == {"dag_run_id": KEY, "logical_date": None, "conf": sent["conf"]}
    assert PAYLOAD.items() <= sent["conf"].items()


def test_a_run_that_airflow_has_is_success(receiver: Server) -> None:
    receiver.answer(Answer(409))
    assert airflow(receiver).send(delivery(airflow(receiver)))["status"] == 409


@pytest.mark.parametrize(("answer", "retryable"), [(Answer(503), True), (Answer(401), True), (Answer(422), False)])
def test_airflow_may_be_asked_again(receiver: Server, answer: Answer, retryable: bool) -> None:
    receiver.answer(answer)
    assert failure(airflow(receiver), delivery(airflow(receiver))).retryable is retryable
    receiver.answer(Answer(drop=True))
    assert failure(airflow(receiver), delivery(airflow(receiver))).retryable, "the same id makes no second run"


def test_github_is_sent_a_dispatch_with_the_event_in_one_input(receiver: Server) -> None:
    receiver.answer(Answer(204))
    channel = github(receiver)
    channel.send(delivery(channel))
    (request,) = receiver.requests
    assert request.path == "/repos/acme/models/actions/workflows/retrain.yml/dispatches"
    assert request.headers["authorization"] == "Bearer t0ken"
    sent = json.loads(request.body)
    assert (sent["ref"], list(sent["inputs"])) == ("main", ["driftline"])
    assert PAYLOAD.items() <= json.loads(sent["inputs"]["driftline"]).items()


@pytest.mark.parametrize("answer", [Answer(drop=True), Answer(502), Answer(hang=True)])
def test_a_dispatch_that_may_have_arrived_is_never_sent_again(receiver: Server, answer: Answer) -> None:
    receiver.answer(answer)
    error = failure(github(receiver), delivery(github(receiver)))
    assert (error.retryable, error.ambiguous) == (False, True)
    again = failure(github(receiver), replace(delivery(github(receiver)), ambiguous=True))
    assert (again.retryable, again.ambiguous) == (False, True)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (403, False), (404, False), (422, False)])
def test_a_dispatch_that_was_turned_away_did_not_start(receiver: Server, status: int, retryable: bool) -> None:
    receiver.answer(Answer(status, {"Retry-After": "7"}))
    error = failure(github(receiver), delivery(github(receiver)))
    assert (error.retryable, error.ambiguous) == (retryable, False)


def test_tokens_are_not_in_what_is_printed(receiver: Server) -> None:
    assert "t0ken" not in repr(airflow(receiver)) + repr(github(receiver))
    assert "t0ken" not in airflow(receiver).endpoint + github(receiver).endpoint
