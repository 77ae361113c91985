"""Rates, pauses and the death of channels, in simulated time; two processes share them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from alerts import health
from alerts.channels.console import Console
from alerts.health import DEAD_AFTER, OPEN_AFTER, Health, Rate
from tests.alerts.conftest import Begin
from tests.alerts.test_delivery import HOUR, SECOND, event, hook
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0
from tests.support.post import Post

MINUTE = timedelta(minutes=1)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def test_a_rate_admits_a_burst_and_then_one_at_a_time() -> None:
    rate = Rate(2 * SECOND, burst=3)
    assert rate.admitted(None, DAY0, 50) == 3
    full = DAY0 + 3 * rate.every
    assert rate.admitted(full, DAY0, 50) == 0
    ready = Health("one", next_slot=full).ready_at(rate)
    assert ready == DAY0 + 2 * SECOND
    assert rate.admitted(full, ready - timedelta(microseconds=1), 50) == 0
    assert rate.admitted(full, ready, 50) == 1
    assert rate.admitted(full, full, 50) == 3


def test_two_processes_keep_one_rate_between_them(either: Begin, receiver: Server) -> None:
    rates = {"hook": Rate(SECOND)}
    posts = [Post(either, {"hook": hook(receiver)}, worker=f"worker-{n}", rates=rates) for n in range(2)]
    posts[0].say(*(event(incident=f"incident-{n}") for n in range(6)))
    now = DAY0
    for step in range(4):
        assert sum(post.run(now) for post in posts) == 1
        assert len(receiver.requests) == step + 1
        assert posts[1].deliverer.next_due() == now + SECOND
        now += SECOND


def test_a_broken_receiver_is_left_alone_then_tried_with_one_message(begin: Begin, receiver: Server) -> None:
    receiver.default = lambda _: Answer(500)
    posts = [Post(begin, {"hook": hook(receiver)}, worker=f"worker-{n}") for n in range(2)]
    posts[0].say(*(event(incident=f"incident-{n}") for n in range(20)))
    posts[0].run(DAY0)
    assert len(receiver.requests) == OPEN_AFTER
    # Those held back have lost none of their tries.
    assert [d["attempts"] for d in posts[0].deliveries()] == [1] * OPEN_AFTER + [0] * (20 - OPEN_AFTER)
    for post in posts:
        post.run(DAY0 + 29 * SECOND)
    assert len(receiver.requests) == OPEN_AFTER
    pauses = []
    for _ in range(8):
        due = posts[0].deliverer.next_due()
        assert due is not None
        with begin() as conn:
            before = health.lock(conn, "hook").pauses
        assert sum(post.run(due) for post in posts) == 0
        with begin() as conn:
            known = health.lock(conn, "hook")
        assert known.pauses == before + 1
        assert known.paused_until is not None
        pauses.append(known.paused_until - due)
    assert len(receiver.requests) == OPEN_AFTER + 8
    assert timedelta(seconds=60) <= pauses[0] <= timedelta(seconds=72)
    assert all(10 * MINUTE <= pause <= 12 * MINUTE for pause in pauses[-2:])
    receiver.default = lambda _: Answer(200)
    due = posts[0].deliverer.next_due()
    assert due is not None
    # The probe gets through, and with it everything else that is due.
    assert posts[1].run(due) >= 15
    with begin() as conn:
        assert health.lock(conn, "hook").sound


def test_a_channel_is_dead_after_five_minutes_of_failures_and_back_with_a_success(
    begin: Begin, receiver: Server
) -> None:
    told: list[tuple[str, str, datetime]] = []

    class Watch:
        def died(self, conn: Connection, channel: Health, at: datetime) -> None:
            told.append(("died", channel.reason, at))

        def recovered(self, conn: Connection, channel: Health, at: datetime) -> None:
            told.append(("recovered", channel.reason, at))

    receiver.default = lambda _: Answer(503)
    post = Post(begin, {"hook": hook(receiver)}, watcher=Watch())
    post.say(event())
    now = DAY0
    while not told and now < DAY0 + HOUR:
        post.run(now)
        now += 10 * SECOND
    ((what, reason, at),) = told
    assert (what, reason) == ("died", "the receiver answered 503")
    assert DAY0 + DEAD_AFTER <= at <= DAY0 + DEAD_AFTER * 1.3
    receiver.default = lambda _: Answer(200)
    post.say(event(incident="two", at=now))
    assert post.run(now) == 1
    assert [what for what, _, _ in told] == ["died", "recovered"]


def test_one_message_that_nobody_takes_does_not_stop_a_channel(begin: Begin, receiver: Server) -> None:
    poison = json.loads(b'{"id": "poison"}')["id"]
    receiver.default = lambda request: Answer(500 if json.loads(request.body)["subject"] == poison else 200)
    post = Post(begin, {"hook": hook(receiver), "console": Console(io.StringIO())})
    now = DAY0
    post.say(event(incident=poison))
    for number in range(30):
        post.say(event(incident=f"incident-{number}", at=now))
        post.run(now)
        now += 20 * SECOND
    states = {d["stream"]: d["state"] for d in post.deliveries() if d["channel"] == "hook"}
    assert states.pop(poison) == "pending"
    assert set(states.values()) == {"delivered"}


def test_pauses_are_spread() -> None:
    rng = random.Random(3)
    broken = Health("one", failures=OPEN_AFTER - 1, since=DAY0)
    pauses = {broken.failed(DAY0, "", rng).paused_until for _ in range(20)}
    assert len(pauses) == 20
