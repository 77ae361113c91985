"""Dead letters: sent again with the same key, dropped by somebody, never over newer news."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts import dead_letters
from alerts.incident import Change
from alerts.routing import Route, Timing
from tests.alerts.conftest import Begin
from tests.alerts.test_delivery import HOUR, SECOND, event, hook, keys
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0
from tests.support.post import Post


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def ids(post: Post) -> list[int]:
    return [d["id"] for d in post.deliveries()]


def test_a_dead_letter_is_sent_again_with_its_key(either: Begin, receiver: Server) -> None:
    receiver.answer(Answer(400))
    post = Post(either, {"hook": hook(receiver)})
    post.say(event())
    post.run(DAY0)
    assert post.outcomes()[0][1] == "dead"
    (number,) = ids(post)
    with either() as conn:
        handled = dead_letters.retry(conn, [number, 99], DAY0 + HOUR)
    assert (handled.done, handled.refused) == ((number,), ((99, "there is none"),))
    assert post.outcomes()[0][:2] == ("queued", None)
    assert post.run(DAY0 + HOUR) == 1
    assert len(set(keys(receiver))) == 1
    assert post.outcomes()[0][1] == "delivered"
    with either() as conn:
        again = dead_letters.retry(conn, [number], DAY0 + HOUR)
    assert again.refused == ((number, "it is delivered, not dead"),)


def test_what_newer_news_has_overtaken_is_not_sent_over_it(begin: Begin, receiver: Server) -> None:
    receiver.answer(Answer(400))
    post = Post(begin, {"hook": hook(receiver)}, [Route(("hook",), timing=Timing(group_interval=timedelta(0)))])
    post.say(event())
    post.run(DAY0)
    post.say(event(Change.UPDATED, DAY0 + SECOND))
    assert post.run(DAY0 + SECOND) == 1
    with begin() as conn:
        handled = dead_letters.retry(conn, dead_letters.matching(conn, "hook"), DAY0 + HOUR)
    assert handled.done == ()
    assert "newer news" in handled.refused[0][1]


def test_dropped_it_says_who_dropped_it(either: Begin, receiver: Server) -> None:
    receiver.default = lambda _: Answer(500)
    post = Post(either, {"hook": hook(receiver)})
    post.say(event(), event(incident="two"))
    post.run(DAY0)
    first, second = ids(post)
    with either() as conn:
        handled = dead_letters.drop(conn, [first], "ada", DAY0)
    assert handled.done == (first,)
    assert post.outcomes()[0] == ("done", "dead", "hook: dropped by ada; it was: the receiver answered 500")
    receiver.default = lambda _: Answer(200)
    assert post.run(DAY0 + HOUR) == 1
    with either() as conn:
        assert dead_letters.drop(conn, [first, second], "ada", DAY0).done == ()
        assert dead_letters.matching(conn) == []
