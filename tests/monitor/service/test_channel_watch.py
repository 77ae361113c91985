"""A channel that is dead is an incident, told through another one; and so is a state that cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels.webhook import Webhook
from alerts.incident import State
from monitor.service.channel_watch import OURSELVES, ChannelWatch
from monitor.service.direct import AGAIN, PATIENCE, Direct
from monitor.store import Store, incidents, open_store
from tests.alerts.test_delivery import event, hook
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0
from tests.support.post import Post

MINUTE = timedelta(minutes=1)


@pytest.fixture
def receivers() -> Iterator[dict[str, Server]]:
    with http_server() as one, http_server() as two, http_server() as three:
        yield {"oncall": one, "team": two, "ops": three}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


def hooks(receivers: dict[str, Server]) -> dict[str, Webhook]:
    return {name: hook(server) for name, server in receivers.items()}


def heard(server: Server) -> list[tuple[str, str, str]]:
    """(type, severity, summary) of every event of a channel's own that came."""
    events = [json.loads(request.body) for request in server.requests]
    return [
        (e["type"].rpartition(".")[2], e["data"]["severity"], e["data"]["summary"])
        for e in events
        if e["data"].get("model") == OURSELVES
    ]


@pytest.mark.parametrize(("operators", "hears"), [((), "team"), (("ops",), "ops"), (("oncall",), "team")])
def test_a_dead_channel_is_told_elsewhere_and_resolved_when_it_delivers(
    store: Store, receivers: dict[str, Server], operators: tuple[str, ...], hears: str
) -> None:
    watch = ChannelWatch(tuple(receivers), operators)
    post = Post(store.begin, hooks(receivers), watcher=watch)
    receivers["oncall"].default = lambda _: Answer(401)
    post.say(event())
    now = DAY0
    for _ in range(80):
        post.run(now)
        now += 5 * timedelta(seconds=1)
    ((kind, severity, summary),) = heard(receivers[hears])
    assert (kind, severity) == ("opened", "critical")
    assert summary == "channel oncall does not deliver: the receiver answered 401"
    assert sum(len(heard(server)) for server in receivers.values()) == 1
    with store.read() as connection:
        (incident,) = incidents.listing(connection, model=OURSELVES)
    assert incident.state is State.OPEN
    receivers["oncall"].default = lambda _: Answer(200)
    now += timedelta(hours=1)
    post.run(now)
    post.run(now + MINUTE)
    assert [kind for kind, _, _ in heard(receivers[hears])] == ["opened", "resolved"]
    with store.read() as connection:
        assert not incidents.listing(connection, open_only=True)


def test_a_receiver_that_is_gone_is_told_at_once(store: Store, receivers: dict[str, Server]) -> None:
    post = Post(store.begin, hooks(receivers), watcher=ChannelWatch(tuple(receivers)))
    receivers["oncall"].answer(Answer(410))
    post.say(event())
    post.run(DAY0)
    post.run(DAY0)
    assert [kind for kind, _, _ in heard(receivers["team"])] == ["opened"]


def test_a_state_that_cannot_be_written_is_told_directly_once_an_hour(receivers: dict[str, Server]) -> None:
    direct = Direct(hooks(receivers), ("ops",))
    receivers["ops"].default = lambda _: Answer(500)
    now = DAY0
    assert not direct.failed("disk full", now)
    assert not direct.fine(now)
    told = []
    for _ in range(150):
        if direct.failed("disk full", now):
            told.append(now - DAY0)
        now += MINUTE
    assert told == [PATIENCE, PATIENCE + AGAIN, PATIENCE + 2 * AGAIN]
    # The operators' channel does not work, so the next one has it.
    assert len(receivers["oncall"].requests) == 3
    assert receivers["team"].requests == []
    body = json.loads(receivers["oncall"].requests[0].body)
    assert body["type"] == "driftline.own.state"
    assert "disk full" in body["data"]["summary"]
    assert direct.fine(now)
    assert not direct.fine(now)
    assert "again" in json.loads(receivers["oncall"].requests[-1].body)["data"]["summary"]
