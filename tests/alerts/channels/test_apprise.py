"""Apprise, against a real server: what one service has is not sent to it again, and no secret is kept."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.channels.apprise import Apprise
from alerts.errors import ChannelError
from tests.alerts.conftest import Begin
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0, opened
from tests.support.post import Post


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    with warnings.catch_warnings():
        # Apprise's own plugins warn of old calls while they are loaded.
        warnings.simplefilter("ignore")
        with http_server() as one, http_server() as two:
            yield [one, two]


def url(server: Server, secret: str) -> str:
    return f"json://user:{secret}@{server.url.removeprefix('http://')}/{secret}"


def test_each_service_gets_it_once(begin: Begin, servers: list[Server]) -> None:
    servers[1].answer(Answer(500))
    post = Post(begin, {"all": Apprise((url(servers[0], "s3cret-one"), url(servers[1], "s3cret-two")))})
    post.say(opened(now=DAY0))
    assert post.run(DAY0) == 0
    error = post.deliveries()[0]["error"]
    assert error.startswith("json: ")
    assert "s3cret" not in error
    assert post.run(DAY0 + timedelta(seconds=10)) == 1
    assert [len(server.requests) for server in servers] == [1, 2]
    sent = json.loads(servers[0].requests[0].body)
    assert sent["title"] == "Warning: drift in flight-delay"
    assert sent["type"] == "warning"
    assert "wind_speed" in sent["message"]
    assert sent["message"].count("\n") < 10


def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, begin: Begin, servers: list[Server]) -> None:
    with pytest.raises(ChannelError, match="no URLs"):
        Apprise(())
    post = Post(begin, {"odd": Apprise(("nonsense://secret-token",))})
    post.say(opened(now=DAY0))
    post.run(DAY0)
    assert post.deliveries()[0]["error"] == "nonsense: Apprise does not know this URL"
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises((ChannelError, ValueError), match="apprise"):
        Apprise(("json://host",))
