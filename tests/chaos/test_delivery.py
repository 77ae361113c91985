"""Whatever dies, hangs or lies on the way, no incident change is lost, doubled in Slack, or told out of order.

Real processes are killed with SIGKILL at random instants; real local servers answer 200, 429 in three spellings, 500,
not at all, drop the connection after reading, refuse it, or never take anything; the database is locked for a while,
and read-only for a while. `make chaos` does it with 300 changes and 200 kills, `make test` with 60 and 12.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.deliveries import DELIVERIES
from alerts.intents import INTENTS
from monitor.store import Store, open_store
from monitor.store.incidents import EVENTS
from tests.support.courier import Plan, deliver
from tests.support.http_server import Answer, Request, Server, http_server
from tests.support.incidents import DAY0
from tests.support.service import ROOT, free_port, until
from tests.support.slack_server import Slack, slack_server

SPEED = 300.0
HANG = Answer(hang=True)


class Courier:
    """The process at work: one at a time, forked from a server that has everything imported already."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.support.courier"])
        self._process: Any = None

    def start(self, plan: Plan) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        self._process = self._context.Process(target=deliver, args=(plan, theirs))
        self._process.start()
        theirs.close()
        ours.recv()
        ours.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None


@pytest.fixture
def courier(monkeypatch: pytest.MonkeyPatch) -> Iterator[Courier]:
    # The server of forks finds our packages as this process does.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    made = Courier()
    yield made
    made.kill()


def sometimes(chance: random.Random, share: float, answers: Callable[[], Answer]) -> Callable[[Request], Answer]:
    return lambda _: answers() if chance.random() < share else Answer(200)


def throttled(chance: random.Random, plan: Callable[[], Plan]) -> Callable[[], Answer]:
    def answer() -> Answer:
        later = format_datetime(plan().now() + timedelta(seconds=20), usegmt=True)
        return Answer(429, {"Retry-After": chance.choice(("1", "1.5", later))})

    return answer


def test_every_change_is_told_or_says_why_not(tmp_path: Path, request: pytest.FixtureRequest, courier: Courier) -> None:
    thorough = int(request.config.getoption("--kills")) >= 200
    kills, changes = (200, 300) if thorough else (12, 60)
    chance = random.Random(6)
    state = f"sqlite:///{tmp_path / 'state.db'}"
    store = open_store(state)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(http_server())
            for name in ("good", "throttling", "failing", "hanging", "dropping", "refusing", "never")
        }
        slack = stack.enter_context(slack_server())
        hooks = {name: server.url for name, server in servers.items()}
        hooks["refusing"] = f"http://127.0.0.1:{free_port()}"
        failures = tmp_path / "failures"
        failures.touch()
        plan = Plan(state, hooks, slack.url, changes, DAY0, time.time(), SPEED, failures)
        servers["throttling"].default = sometimes(chance, 0.5, throttled(chance, lambda: plan))
        servers["failing"].default = sometimes(chance, 0.5, lambda: Answer(500))
        servers["hanging"].default = sometimes(chance, 0.3, lambda: HANG)
        servers["dropping"].default = sometimes(chance, 0.5, lambda: Answer(drop=True))
        servers["never"].default = lambda _: Answer(500)
        for number in range(kills):
            slack.fail(
                "chat.postMessage", *chance.choice(((), (Answer(drop=True),), (Answer(500, {"X-Posted": "1"}),)))
            )
            read_only = number % 6 == 4
            courier.start(
                replace(plan, state=f"sqlite:///file:{tmp_path / 'state.db'}?mode=ro&uri=true") if read_only else plan
            )
            if number % 6 == 2:
                with store.begin():
                    time.sleep(0.3)
            time.sleep(chance.uniform(0.0, 0.3))
            courier.kill()
            if number == kills // 2:
                plan = replace(plan, hooks={**hooks, "refusing": servers["refusing"].url})
        for name in ("throttling", "failing", "hanging", "dropping"):
            servers[name].default = lambda _: Answer(200)
        slack._failures.clear()
        # What was left behind is taken over at the old speed (a lease must outlast a send), what waits longer, faster.
        courier.start(plan)
        until(lambda: written(store) == changes and not under_way(store), "every change written, nothing being sent")
        courier.kill()
        plan = plan.faster(200_000.0)
        courier.start(plan)
        until(lambda: waiting(store) == 0, "every intent ended")
        courier.kill()
        said = failures.read_text()
        assert "readonly database" in said
        assert "database is locked" in said
        check_intents(store, changes)
        for name, server in servers.items():
            check_order(store, name, server)
        check_slack(store, slack)
    store.close()


def written(store: Store) -> int:
    with store.read() as connection:
        query = sa.select(sa.func.count()).select_from(EVENTS).where(EVENTS.c.incident.like("incident-%"))
        return int(connection.execute(query).scalar_one())


def under_way(store: Store) -> int:
    """Deliveries that have been begun and may be anywhere, but for the channel that never takes one."""
    with store.read() as connection:
        query = sa.select(sa.func.count()).where(DELIVERIES.c.state == "sending", DELIVERIES.c.channel != "never")
        return int(connection.execute(query).scalar_one())


def waiting(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).where(INTENTS.c.state != "done")).scalar_one())


def check_intents(store: Store, changes: int) -> None:
    """Every change has its intent, every intent ended with a reason; dead is only what nobody ever takes."""
    with store.read() as connection:
        made = connection.execute(sa.select(EVENTS.c.incident, EVENTS.c.event).order_by(EVENTS.c.id)).all()
        intents = connection.execute(sa.select(INTENTS).order_by(INTENTS.c.id)).all()
        deliveries = connection.execute(sa.select(DELIVERIES)).all()
    ours = [event for event in made if event.incident.startswith("incident-")]
    told = [intent for intent in intents if intent.kind == "incident"]
    assert len(ours) == changes
    assert [(i.stream, i.payload["event"]) for i in told] == [(e.incident, e.event) for e in ours]
    assert {i.state for i in intents} == {"done"}
    assert {i.outcome for i in told} <= {"delivered", "coalesced", "suppressed", "dead"}
    assert all(i.reason for i in intents)
    ended = Counter((d.channel, d.state) for d in deliveries)
    assert {state for _, state in ended} == {"delivered", "dead"}
    assert {channel for channel, state in ended if state == "dead"} == {"never"}
    assert ("never", "delivered") not in ended
    # The channel that never takes anything was told of elsewhere.
    assert any(i.kind == "channel" and "never" in i.payload["incident"]["subjects"] for i in intents)


def check_order(store: Store, name: str, server: Server) -> None:
    """What arrived first under each key arrived in order within its incident; a key has one body, and all arrived."""
    with store.read() as connection:
        rows = connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.channel == name)).all()
    seq = {row.key: row.seq for row in rows}
    bodies: dict[str, bytes] = {}
    order: dict[str, list[int]] = {}
    for request in list(server.requests):
        key = request.headers["webhook-id"]
        if key not in bodies:
            bodies[key] = request.body
            order.setdefault(json.loads(request.body)["subject"], []).append(seq[key])
        assert bodies[key] == request.body
    assert {row.key for row in rows if row.state == "delivered"} <= bodies.keys() <= seq.keys()
    assert all(numbers == sorted(numbers) for numbers in order.values())


def check_slack(store: Store, slack: Slack) -> None:
    """One parent an incident, whatever was killed or lost between posting and recording; each reply is there once."""
    with store.read() as connection:
        rows = connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.channel == "slack")).all()
    streams = {row.key: row.stream for row in rows}
    parents = Counter(streams[parent["metadata"]["event_payload"]["key"]] for parent in slack.parents)
    assert parents.keys() == set(streams.values())
    assert set(parents.values()) == {1}
    keys = Counter(m["metadata"]["event_payload"]["key"] for m in slack.messages.values() if "thread_ts" in m)
    assert set(keys.values()) <= {1}
