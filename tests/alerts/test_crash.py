"""A delivering process killed with SIGKILL while the receiver has the message and has not answered."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.delivery import LEASE
from alerts.outbox import METADATA
from monitor.store.engine import Store, make_engine
from tests.support.deliver_child import channel, deliver
from tests.support.http_server import Answer, http_server
from tests.support.incidents import DAY0, opened
from tests.support.post import Post
from tests.support.slack_server import slack_server


def kill_while_sending(state: str, kind: str, url: str, arrived: Callable[[], bool]) -> None:
    child = multiprocessing.get_context("spawn").Process(target=deliver, args=(state, kind, url))
    child.start()
    deadline = time.monotonic() + 60
    while not arrived() and time.monotonic() < deadline:
        assert child.is_alive()
        time.sleep(0.01)
    child.kill()
    child.join()
    assert arrived()


@pytest.fixture
def state(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = Store(make_engine(url))
    METADATA.create_all(store.engine)
    store.close()
    return url


def test_slack_shows_one_parent(state: str) -> None:
    store = Store(make_engine(state))
    with slack_server() as slack:
        heir = Post(store.begin, {"oncall": channel("slack", slack.url)}, worker="heir")
        heir.say(opened(now=DAY0))
        slack.fail("chat.postMessage", Answer(hang=True))
        kill_while_sending(state, "slack", slack.url, lambda: bool(slack.messages))
        assert heir.run(DAY0) == 0
        assert heir.run(DAY0 + LEASE) == 1
        assert len(slack.parents) == 1
        assert heir.deliveries()[0]["attempts"] == 2
    store.close()


def test_a_webhook_gets_it_twice_with_one_key(state: str) -> None:
    store = Store(make_engine(state))
    with http_server() as server:
        heir = Post(store.begin, {"oncall": channel("webhook", server.url)}, worker="heir")
        heir.say(opened(now=DAY0))
        server.answer(Answer(hang=True))
        kill_while_sending(state, "webhook", server.url, lambda: bool(server.requests))
        assert heir.run(DAY0 + LEASE) == 1
        assert len(server.requests) == 2
        assert len({request.headers["webhook-id"] for request in server.requests}) == 1
        assert len({request.body for request in server.requests}) == 1
    store.close()
