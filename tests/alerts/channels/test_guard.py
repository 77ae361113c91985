"""Where webhooks may go: every way of writing a private address, and a name that changes its mind."""

from __future__ import annotations

import socket

import pytest

from alerts.channels import guard
from alerts.channels.base import DeliveryError
from alerts.errors import ChannelError
from tests.support.http_server import http_server

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:808:808::1", "2001:0:1::1", "2001:db8::1", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    assert not guard.permitted(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    assert guard.permitted(address, ())


def test_an_allowed_network_is_permitted_and_no_other() -> None:
    allow = guard.networks(["10.0.0.0/8", "::1", "192.168.1.7/24"])
    assert guard.permitted("10.1.2.3", allow)
    assert guard.permitted("::ffff:10.1.2.3", allow)
    assert guard.permitted("::1", allow)
    assert guard.permitted("192.168.1.99", allow)
    assert not guard.permitted("127.0.0.1", allow)
    with pytest.raises(ChannelError, match="write a network"):
        guard.networks(["ten"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0", "::1"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with http_server() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(DeliveryError, match=r"not a public address|Name or service|not known") as caught:
            guard.connect(host, port, 2, ())
        assert server.requests == []
        if "not a public" in str(caught.value):
            assert not caught.value.retryable


def test_a_name_with_one_public_and_one_private_address_reaches_only_what_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is looked up once, and what was judged is what is connected to."""
    answers = [[("203.0.113.9",), ("127.0.0.1",)], [("127.0.0.1",)]]
    asked = []

    def lookup(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a[0], port)) for a in answers[len(asked) - 1]]

    with http_server() as server:
        port = int(server.url.rpartition(":")[2])
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        with pytest.raises(DeliveryError, match="not a public address"):
            guard.connect("rebind.example", port, 2, ())
        assert asked == ["rebind.example"]
        assert server.requests == []


def test_what_nobody_listens_on_is_worth_another_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError, match="cannot be reached") as caught:
            guard.connect("127.0.0.1", free.getsockname()[1], 2, guard.networks(["127.0.0.0/8"]))
    assert caught.value.retryable
    assert not caught.value.ambiguous
