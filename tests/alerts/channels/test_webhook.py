"""Webhooks: what is sent, and what of the receiver's behaviour is put up with."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from standardwebhooks import Webhook as Verifier

from alerts.announcement import notice_message, trigger_message
from alerts.channels.base import Delivery, DeliveryError, Letter, retry_after
from alerts.channels.webhook import Webhook
from alerts.errors import ChannelError, SigningError
from alerts.incident import Change, IncidentEvent, State
from alerts.message import Message, incident_message
from tests.support.docs import fenced
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0, HOSTILE, opened

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
LOOP = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def send(channel: Webhook, message: Message | None = None, at: datetime | None = None) -> Any:
    letter = Letter("msg_1", "stream-1", 1, "hook", first=True)
    body = channel.render(message or incident_message(opened(now=DAY0)), letter)
    now = at or datetime.now(UTC)
    return channel.send(Delivery(1, "msg_1", "stream-1", 1, "hook", "opened", body, 1, 0, False, now, now))


def test_the_reference_package_verifies_it_and_the_body_is_a_cloud_event(receiver: Server) -> None:
    send(Webhook(receiver.url + "/in?x=1", SECRET, LOOP, source="https://d.example"))
    (request,) = receiver.requests
    assert request.path == "/in?x=1"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = Verifier(SECRET).verify(request.body, request.headers)
    incident = opened(now=DAY0)
    assert event == {
        "specversion": "1.0",
        "id": "msg_1",
        "source": "https://d.example",
        "type": "driftline.incident.opened",
        "subject": "stream-1",
        "time": "2013-05-01T04:00:00Z",
        "datacontenttype": "application/json",
        "data": event["data"],
    }
    assert incident.to_json().items() <= event["data"].items()


@pytest.mark.parametrize("subject", ["wind_speed", HOSTILE, "naïve \N{SNOWMAN}"])
def test_the_published_schema_holds(receiver: Server, subject: str) -> None:
    schema = json.loads(fenced("docs/webhooks.md", "json schema"))
    assert json.loads((Path(__file__).parents[3] / "docs" / "webhooks.schema.json").read_text()) == schema
    jsonschema.Draft202012Validator.check_schema(schema)
    firing = {"type": "retrain", "model": "m", "version": "1", "reasons": ["x"], "trigger": "t", "key": "k"}
    channel = Webhook(receiver.url, SECRET, LOOP)
    event = opened(now=DAY0, subject=subject, statistic=float("inf"))
    standing = replace(event.incident, state=State.STANDING, model="other")
    messages = [incident_message(event), trigger_message(firing, DAY0)]
    for change in (Change.STANDING, Change.REMINDED, Change.ESCALATED):
        again = IncidentEvent(change, standing, DAY0, "x")
        messages.append(incident_message(again, fleet=(event.incident, standing)))
    digest = {"title": "t", "summary": "", "lines": [subject]}
    messages += [notice_message("digest", digest, DAY0), notice_message("notice", digest, DAY0)]
    for message in messages:
        send(channel, message)
        jsonschema.validate(json.loads(receiver.requests[-1].body), schema)


def test_without_a_secret_nothing_is_signed(receiver: Server) -> None:
    send(Webhook(receiver.url, None, LOOP))
    assert "webhook-signature" not in receiver.requests[0].headers
    assert receiver.requests[0].headers["webhook-id"] == "msg_1"


def test_redirects_are_not_followed(receiver: Server) -> None:
    receiver.answer(Answer(307, {"Location": receiver.url + "/next"}))
    with pytest.raises(DeliveryError, match="redirects are not followed") as caught:
        send(Webhook(receiver.url, SECRET, LOOP))
    assert not caught.value.retryable
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("status", "retryable", "gone", "ambiguous"),
    [
        (400, False, False, False), (401, True, False, False), (404, True, False, False), (408, True, False, False),
        (410, False, True, False), (422, False, False, False), (429, True, False, False), (500, True, False, True),
        (503, True, False, True),
    ],
)  # fmt: skip
def test_how_answers_are_classified(
    receiver: Server, status: int, retryable: bool, gone: bool, ambiguous: bool
) -> None:
    receiver.answer(Answer(status, {"Retry-After": "2.5"}))
    with pytest.raises(DeliveryError, match=str(status)) as caught:
        send(Webhook(receiver.url, SECRET, LOOP))
    error = caught.value
    assert (error.retryable, error.gone, error.ambiguous) == (retryable, gone, ambiguous)
    assert error.retry_after == 2.5
    assert error.throttled is (status == 429)


def test_a_dropped_connection_may_have_arrived(receiver: Server) -> None:
    receiver.answer(Answer(drop=True))
    with pytest.raises(DeliveryError) as caught:
        send(Webhook(receiver.url, SECRET, LOOP))
    assert caught.value.retryable
    assert caught.value.ambiguous
    assert len(receiver.requests) == 1


def test_an_endless_answer_is_read_to_a_bound(receiver: Server) -> None:
    receiver.answer(Answer(500, {}, b"x" * 3_000_000))
    with pytest.raises(DeliveryError, match="500") as caught:
        send(Webhook(receiver.url, SECRET, LOOP))
    assert len(str(caught.value)) < 300


def test_a_receiver_that_drips_is_stopped() -> None:
    """Every read brings a byte in time; only the attempt as a whole takes too long."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"X: y\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(DeliveryError) as caught:
            send(Webhook(url, SECRET, LOOP, timeout=0.5))
        stop.set()
        thread.join()
    assert caught.value.ambiguous


def test_what_is_no_http_is_an_error_like_any_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def babble() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=babble, daemon=True)
        thread.start()
        with pytest.raises(DeliveryError, match="no proper answer"):
            send(Webhook(f"http://127.0.0.1:{listening.getsockname()[1]}", SECRET, LOOP))
        thread.join()


def test_a_private_address_is_refused_before_anything_is_sent(receiver: Server) -> None:
    with pytest.raises(DeliveryError, match="list its network under `allow`") as caught:
        send(Webhook(receiver.url, SECRET))
    assert not caught.value.retryable
    assert receiver.requests == []


@pytest.mark.parametrize("url", ["ftp://h/x", "https://", "http://h:99999/", "http://h:0/", "http://u:p@h/", "h/x"])
def test_urls_that_cannot_work_are_refused(url: str) -> None:
    with pytest.raises(ChannelError):
        Webhook(url)


def test_a_malformed_secret_or_network_is_refused() -> None:
    with pytest.raises(SigningError):
        Webhook("https://h.example", "not-base64!")
    with pytest.raises(ChannelError):
        Webhook("https://h.example", allow=("ten",))


def test_the_endpoint_and_the_representation_give_no_secret_away() -> None:
    channel = Webhook("https://h.example/services/T0/token-in-path?key=hidden", SECRET)
    assert "token" not in channel.endpoint
    assert "hidden" not in channel.endpoint
    assert channel.endpoint != Webhook("https://h.example/other").endpoint
    assert SECRET not in repr(channel)
    assert "token" not in repr(channel)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("nan", None), ("1", 1.0), ("1.5", 1.5), ("-3", 0.0),
        ("1e400", 86_400.0), ("99999999", 86_400.0), ("Wed, 01 May 2013 04:01:30 GMT", 90.0),
        ("Wed, 01 May 2013 03:00:00 GMT", 0.0), ("Wed, 01 May 2013 04:00:10 -0000", 10.0),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, DAY0) == seconds
