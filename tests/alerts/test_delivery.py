"""Claims, retries, order and dead letters, in simulated time, against a real receiver."""

from __future__ import annotations

import base64
import io
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook as Verifier

from alerts import deliveries, outbox
from alerts.channels.base import Delivery, DeliveryError
from alerts.channels.console import Console
from alerts.channels.webhook import Webhook
from alerts.delivery import LEASE, SCHEDULE, send_test, wait_before
from alerts.incident import Change, IncidentEvent
from alerts.routing import Route, Timing
from tests.alerts.conftest import Begin
from tests.support.http_server import Answer, Server, http_server
from tests.support.incidents import DAY0, opened
from tests.support.post import Post

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with http_server() as server:
        yield server


def hook(server: Server, path: str = "/hook", **changes: object) -> Webhook:
    values = {"secret": SECRET, "allow": ("127.0.0.0/8",), "timeout": 5.0} | changes
    return Webhook(server.url + path, **values)  # type: ignore[arg-type]


def event(change: Change = Change.OPENED, at: datetime = DAY0, incident: str = "one") -> IncidentEvent:
    return IncidentEvent(change, replace(opened(now=DAY0).incident, id=incident), at, change.value)


def keys(server: Server) -> list[str]:
    return [request.headers["webhook-id"] for request in server.requests]


def test_the_schedule_has_jitter_and_an_end() -> None:
    rng = random.Random(4)
    for number, plain in enumerate(SCHEDULE, start=1):
        waits = [wait_before(number, rng) for _ in range(50)]
        assert all(wait is not None and plain <= wait <= plain * 1.2 for wait in waits)
        assert len(set(waits)) > 40
    assert wait_before(len(SCHEDULE) + 1, rng) is None


def test_a_failed_message_is_sent_again_with_the_same_bytes_and_key(either: Begin, receiver: Server) -> None:
    receiver.answer(Answer(500), Answer(503), Answer(drop=True))
    post = Post(either, {"hook": hook(receiver)})
    post.say(event())
    assert post.run(DAY0) == 0
    assert post.run(DAY0 + 4 * SECOND) == 0
    assert len(receiver.requests) == 1
    moments = [DAY0 + 7 * SECOND, DAY0 + timedelta(minutes=7), DAY0 + timedelta(minutes=50)]
    assert [post.run(moment) for moment in moments] == [0, 0, 1]
    assert len({request.body for request in receiver.requests}) == 1
    assert len(set(keys(receiver))) == 1
    stamps = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert stamps == [int(moment.timestamp()) for moment in (DAY0, *moments)]
    assert post.outcomes() == [("done", "delivered", "delivered")]
    assert post.deliveries()[0]["attempts"] == 4


def test_after_the_last_try_it_is_a_dead_letter_and_the_next_message_goes(begin: Begin, receiver: Server) -> None:
    receiver.default = lambda _: Answer(500)
    post = Post(begin, {"hook": hook(receiver)}, [Route(("hook",), timing=Timing(group_interval=timedelta(0)))])
    post.say(event())
    now = DAY0
    for _ in range(len(SCHEDULE)):
        post.run(now)
        now += timedelta(hours=30)
    receiver.default = lambda _: Answer(200)
    post.say(event(Change.UPDATED, now))
    receiver.answer(Answer(500))
    # The channel has failed ten times in a row: one message is its probe, the next has to wait for the pause to end.
    assert post.run(now) == 0
    assert post.run(now + HOUR) == 1
    assert [d["state"] for d in post.deliveries()] == ["dead", "delivered"]
    assert post.outcomes()[0][:2] == ("done", "dead")
    assert "given up after 10 attempts: the receiver answered 500" in post.outcomes()[0][2]


def test_order_holds_within_an_incident_and_not_between_them(begin: Begin, receiver: Server) -> None:
    receiver.answer(Answer(500))
    post = Post(begin, {"hook": hook(receiver)}, [Route(("hook",), timing=Timing(group_interval=timedelta(0)))])
    post.say(event(Change.OPENED))
    assert post.run(DAY0) == 0
    post.say(event(Change.UPDATED, DAY0 + SECOND), event(Change.OPENED, DAY0 + SECOND, "two"))
    assert post.run(DAY0 + SECOND) == 1
    assert post.run(DAY0 + 10 * SECOND) == 2
    told = [(json.loads(r.body)["subject"], json.loads(r.body)["type"].rpartition(".")[2]) for r in receiver.requests]
    assert told == [("one", "opened"), ("two", "opened"), ("one", "opened"), ("one", "updated")]


@pytest.mark.parametrize(
    ("header", "seconds"), [("1", 1.0), ("1.5", 1.5), (format_datetime(DAY0 + 90 * SECOND, usegmt=True), 90.0)]
)
def test_retry_after_is_obeyed_and_is_no_failure(begin: Begin, receiver: Server, header: str, seconds: float) -> None:
    receiver.default = lambda _: Answer(429, {"Retry-After": header})
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event(), event(incident="two"))
    post.run(DAY0)
    # The second message was not even tried: the receiver had asked for a pause.
    assert len(receiver.requests) == 1
    assert post.deliverer.next_due() == DAY0 + timedelta(seconds=seconds)
    assert post.run(DAY0 + timedelta(seconds=seconds / 2)) == 0
    assert len(receiver.requests) == 1
    if header == "1":
        for number in range(1, 40):
            post.run(DAY0 + number * 2 * SECOND)
        assert {d["state"] for d in post.deliveries()} == {"pending"}
    receiver.default = lambda _: Answer(200)
    assert post.run(DAY0 + timedelta(seconds=200)) == 2


def test_410_disables_the_channel_until_it_is_another_one_or_a_test_gets_through(
    begin: Begin, receiver: Server
) -> None:
    receiver.answer(Answer(410))
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event(), event(incident="two"))
    assert post.run(DAY0) == 0
    assert len(receiver.requests) == 1
    assert [d["state"] for d in post.deliveries()] == ["dead", "dead"]
    post.say(event(incident="three"))
    assert post.run(DAY0 + HOUR) == 0
    assert len(receiver.requests) == 1
    moved = Post(begin, {"hook": hook(receiver, "/elsewhere")})
    moved.say(event(incident="four"))
    assert moved.run(DAY0 + HOUR) == 1
    send_test(begin, "hook", hook(receiver), DAY0 + HOUR)
    post.say(event(incident="five"))
    assert post.run(DAY0 + HOUR) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 422])
def test_what_no_later_try_will_change_is_dead_at_once(begin: Begin, receiver: Server, status: int) -> None:
    receiver.answer(Answer(status, {"Location": receiver.url + "/other"}, b"no\x1b[31m <b>way</b>"))
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event())
    post.run(DAY0)
    assert len(receiver.requests) == 1
    assert post.outcomes()[0][1] == "dead"
    assert "\x1b" not in post.outcomes()[0][2]


def test_killed_between_claim_and_record_it_is_sent_again_with_the_same_key(either: Begin, receiver: Server) -> None:
    """At least once: the process dies after sending, another takes over when the lease has run out."""

    class Killed(BaseException):
        pass

    class Dying(Webhook):
        def send(self, delivery: Delivery) -> dict[str, object]:
            super().send(delivery)
            raise Killed

    first = Post(either, {"hook": Dying(receiver.url, SECRET, ("127.0.0.0/8",))})
    first.say(event())
    first.deliverer.flush(DAY0)
    with either() as conn:
        (claimed,) = deliveries.claim(conn, "hook", DAY0, worker="worker-1", lease=LEASE, limit=8)
    with pytest.raises(Killed):
        Dying(receiver.url, SECRET, ("127.0.0.0/8",)).send(claimed)
    second = Post(either, {"hook": hook(receiver)}, worker="worker-2")
    assert second.run(DAY0 + LEASE - SECOND) == 0
    assert second.deliverer.next_due() == DAY0 + LEASE
    assert second.run(DAY0 + LEASE) == 1
    assert len(receiver.requests) == 2
    assert len(set(keys(receiver))) == 1
    # The first process was only slow: what it records now is refused.
    with either() as conn:
        assert not deliveries.delivered(conn, claimed, worker="worker-1", at=DAY0 + HOUR, remote={})
    assert second.deliveries()[0]["attempts"] == 2


def abandoned(begin: Begin, times: int) -> datetime:
    """Somebody claims what there is and dies, so many times; when the last one's lease has run out."""
    now = DAY0
    for _ in range(times):
        with begin() as conn:
            deliveries.claim(conn, "hook", now, worker="dying", lease=LEASE, limit=8)
        now += LEASE
    return now


def test_a_message_that_kills_its_sender_every_time_ends_as_a_dead_letter(begin: Begin, receiver: Server) -> None:
    receiver.default = lambda _: Answer(500)
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event())
    post.deliverer.flush(DAY0)
    now = abandoned(begin, len(SCHEDULE) + 3)
    post.run(now)
    # Nobody tries it again at once.
    assert receiver.requests == []
    assert post.deliveries()[0]["error"] == "whoever sent it died of it, time and again"
    for _ in range(4):
        now += timedelta(hours=30)
        post.run(now)
    assert post.deliveries()[0]["state"] == "dead"


def test_senders_that_are_killed_cost_a_receiver_none_of_its_time(begin: Begin, receiver: Server) -> None:
    receiver.answer(Answer(500))
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event())
    post.deliverer.flush(DAY0)
    now = abandoned(begin, len(SCHEDULE) + 1)
    assert post.run(now) == 0
    assert post.deliveries()[0]["state"] == "pending"
    assert post.run(now + timedelta(hours=30)) == 1


def test_two_deliverers_share_the_work_without_a_duplicate(either: Begin, receiver: Server) -> None:
    posts = [Post(either, {"hook": hook(receiver)}, worker=f"worker-{n}") for n in range(2)]
    posts[0].say(*(event(incident=f"incident-{n}") for n in range(40)))
    threads = [threading.Thread(target=post.run, args=(DAY0,)) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for post in posts:
        post.run(DAY0)
    assert len(receiver.requests) == 40
    assert len(set(keys(receiver))) == 40
    assert all(outcome == "delivered" for _, outcome, _ in posts[0].outcomes())


def test_a_channel_that_hangs_holds_up_no_other(begin: Begin, receiver: Server) -> None:
    receiver.answer(Answer(hang=True))
    out = io.StringIO()
    post = Post(begin, {"slow": hook(receiver, timeout=20.0), "console": Console(out)})
    post.say(event())
    post.deliverer.flush(DAY0)
    post.deliverer.deliver(DAY0, wait=0)
    post.say(event(incident="two"))
    for _ in range(200):
        post.deliverer.flush(DAY0 + SECOND)
        post.deliverer.deliver(DAY0 + SECOND, wait=0.05)
        if receiver.requests and sum(d["state"] == "delivered" for d in post.deliveries()) == 2:
            break
        # Asked without a pause, SQLite gives this loop the write lock each time and the channel's thread never.
        time.sleep(0.02)
    assert {(d["channel"], d["state"]) for d in post.deliveries()} == {
        ("slow", "sending"), ("slow", "pending"), ("console", "delivered"),
    }  # fmt: skip
    assert len(receiver.requests) == 1
    assert post.deliverer.next_due() is None
    receiver.close()
    post.deliverer.close(20)


def test_a_channels_own_mistake_is_recorded_and_tried_again(begin: Begin) -> None:
    class Odd(Console):
        def send(self, delivery: Delivery) -> dict[str, object]:
            raise KeyError("ts")

    post = Post(begin, {"odd": Odd(io.StringIO())})
    post.say(event())
    post.run(DAY0)
    assert post.deliveries()[0]["state"] == "pending"
    assert post.deliveries()[0]["error"] == "KeyError: 'ts'"


def test_a_state_that_cannot_be_written_is_told_to_the_caller(begin: Begin, receiver: Server) -> None:
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event())
    post.deliverer.flush(DAY0)

    class Full(Exception):
        pass

    class Broken(Webhook):
        def send(self, delivery: Delivery) -> dict[str, object]:
            post.deliverer._begin = full  # type: ignore[assignment]
            return dict(super().send(delivery))

    def full() -> None:
        raise Full("disk full")

    post.deliverer.configure({"hook": Broken(receiver.url, SECRET, ("127.0.0.0/8",))}, [], None)
    with pytest.raises(Full):
        post.deliverer.deliver(DAY0, wait=60)
    post.deliverer._begin = begin
    post.deliverer.configure({"hook": hook(receiver)}, [], None)
    assert post.run(DAY0 + LEASE) == 1
    assert len(set(keys(receiver))) == 1


def test_after_close_nothing_new_begins(begin: Begin, receiver: Server) -> None:
    post = Post(begin, {"hook": hook(receiver)})
    post.say(event())
    post.deliverer.close()
    assert post.run(DAY0) == 0
    assert receiver.requests == []
    assert Post(begin, {"hook": hook(receiver)}).run(DAY0) == 1


def test_a_test_message_goes_at_once_and_fails_loudly(begin: Begin, receiver: Server) -> None:
    now = datetime.now(UTC)
    send_test(begin, "hook", hook(receiver), now)
    body = Verifier(SECRET).verify(receiver.requests[0].body, receiver.requests[0].headers)
    assert body["type"] == "driftline.test.sent"
    receiver.answer(Answer(503))
    with pytest.raises(DeliveryError, match="503"):
        send_test(begin, "hook", hook(receiver), now)


def test_counts_for_health_and_metrics(either: Begin, receiver: Server) -> None:
    receiver.answer(Answer(400), Answer(500))
    post = Post(either, {"hook": hook(receiver)})
    post.say(event(), event(incident="two"), event(incident="three"))
    post.run(DAY0)
    with either() as conn:
        counts = outbox.counts(conn)
    assert counts.deliveries == {("hook", "dead"): 1, ("hook", "pending"): 1, ("hook", "delivered"): 1}
    assert (counts.dead, counts.intents, counts.oldest) == (1, 1, DAY0)
