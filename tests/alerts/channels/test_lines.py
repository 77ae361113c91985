"""Connections are used for several messages where the receiver lets them, and never when they may have ended."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from alerts.channels import lines
from alerts.channels.base import DeliveryError
from alerts.channels.lines import Lines
from alerts.channels.post import Address
from tests.support.http_server import Answer, Server, http_server
from tests.support.service import until

LOOP = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server(keep=True) as server:
        yield server


def test_messages_one_after_the_other_go_over_one_connection(receiver: Server) -> None:
    receiver.answer(Answer(200, body=b"thanks"), Answer(204), Answer(500, body=b"x" * 60_000), Answer(200))
    address = Address(receiver.url, LOOP)
    assert [address.post(b"{}", {}).status for _ in range(4)] == [200, 204, 500, 200]
    assert receiver.connections == 1


def test_where_the_receiver_ends_it_the_next_message_has_a_new_one(receiver: Server) -> None:
    receiver.answer(Answer(200, {"Connection": "close"}), Answer(200))
    address = Address(receiver.url, LOOP)
    assert [address.post(b"{}", {}).status for _ in range(2)] == [200, 200]
    assert receiver.connections == 2


@pytest.mark.parametrize("answer", [Answer(drop=True), Answer(hang=True), Answer(200, body=b"x" * 70_000)])
def test_one_whose_answer_was_not_read_whole_is_not_used_again(receiver: Server, answer: Answer) -> None:
    receiver.answer(Answer(200), answer, Answer(201))
    address = Address(receiver.url, LOOP, timeout=0.2)
    address.post(b"{}", {})
    if answer.body:
        address.post(b"{}", {})
    else:
        with pytest.raises(DeliveryError) as caught:
            address.post(b"{}", {})
        assert caught.value.ambiguous
    assert address.post(b"{}", {}).status == 201
    assert receiver.connections == 2


def test_one_that_the_other_end_has_closed_meanwhile_is_not_used() -> None:
    kept = Lines()
    ours, theirs = socket.socketpair()
    line = http.client.HTTPConnection("example")
    line.sock = ours
    kept.give(line)
    theirs.close()
    assert kept.take() is None
    assert ours.fileno() == -1


def test_it_is_closed_when_nothing_follows_soon(receiver: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "IDLE", 0.01)
    address = Address(receiver.url, LOOP)
    address.post(b"{}", {})
    (line,) = address._lines._idle
    until(lambda: line.sock is None, "the connection was closed")
    assert address._lines.take() is None
