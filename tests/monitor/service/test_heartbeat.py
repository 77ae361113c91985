"""The dead-man's switch is fetched only while everything gets on."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from monitor.service.heartbeat import Heartbeat
from monitor.service.pulse import Pulse


class Switch:
    """A dead-man's switch that counts."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.heard.append(self.path)
                self.send_response(switch.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"OK")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ping/abc"


@pytest.fixture
def switch() -> Iterator[Switch]:
    made = Switch()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def pulse() -> Pulse:
    return Pulse({"evaluation": 60.0, "delivery": 60.0})


def beat(pulse: Pulse) -> None:
    pulse.beat("evaluation")
    pulse.beat("delivery")


def test_it_is_sent_once_for_each_time_both_loops_got_on(switch: Switch, pulse: Pulse) -> None:
    heartbeat = Heartbeat(pulse)
    assert not heartbeat.send(switch.url), "nothing has been done yet"
    beat(pulse)
    assert heartbeat.send(switch.url)
    assert not heartbeat.send(switch.url), "nothing has been done since"
    pulse.beat("evaluation")
    assert not heartbeat.send(switch.url), "one loop alone is not enough"
    pulse.beat("delivery")
    assert heartbeat.send(switch.url)
    assert switch.heard == ["/ping/abc"] * 2


def test_it_is_not_sent_while_a_loop_fails_or_stands_still(switch: Switch) -> None:
    pulse = Pulse({"evaluation": 60.0, "delivery": 60.0})
    beat(pulse)
    pulse.failed("delivery", "no network")
    assert not Heartbeat(pulse).send(switch.url)
    stalled = Pulse({"evaluation": -1.0, "delivery": 60.0})
    beat(stalled)
    assert not Heartbeat(stalled).send(switch.url)
    assert switch.heard == []


def test_one_that_did_not_arrive_is_tried_again(switch: Switch, pulse: Pulse) -> None:
    beat(pulse)
    heartbeat = Heartbeat(pulse)
    switch.status = 500
    assert not heartbeat.send(switch.url)
    switch.status = 200
    assert heartbeat.send(switch.url)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1/", "no url at all"])
def test_nowhere_to_send_to_is_no_failure(pulse: Pulse, url: str | None) -> None:
    beat(pulse)
    assert not Heartbeat(pulse).send(url)
