"""Take frozen deliveries to their channels, and try again until they arrive or are given up.

In: transactions, channels, routes, `now`. Out: how many arrived. Kept: nothing beside the tables; which channels are
busy is remembered while they are. Only this module waits: a slow channel has a thread of its own and holds up no other.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from alerts import deliveries, disabled, outbox
from alerts.channels.base import Channel, Delivery, DeliveryError, Letter
from alerts.flush import Outlet, flush
from alerts.message import trial_message
from alerts.routing import Route

# Standard Webhooks' schedule; after the last, and no sooner than `PATIENCE` for a throttled one, it is a dead letter.
SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)  # fmt: skip
PATIENCE = timedelta(days=4)
_JITTER = 0.2
# A batch must be through before its lease is: eight sends at 15 s are two minutes.
_BATCH = 8
LEASE = timedelta(minutes=5)
_NOTE = 500


def wait_before(failures: int, rng: random.Random) -> timedelta | None:
    """How long to wait after the n-th failure (from 1), up to a fifth longer than the schedule; None: give up."""
    if failures > len(SCHEDULE):
        return None
    return SCHEDULE[failures - 1] * (1 + _JITTER * rng.random())


class Deliverer:
    """Empties the outbox. `begin` gives write transactions, from any thread; `worker` names this process in leases."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        channels: Mapping[str, Channel],
        routes: Sequence[Route],
        *,
        worker: str,
        rng: random.Random,
        public_url: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._begin = begin
        self._outlet = Outlet(channels, routes, public_url)
        self._worker = worker
        self._rng = rng
        self._monotonic = monotonic
        self._wake = wake
        self._guard = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._delivered = 0
        self._problem: Exception | None = None
        self._closing = threading.Event()

    def configure(self, channels: Mapping[str, Channel], routes: Sequence[Route], public_url: str | None) -> None:
        """Go on with other settings; what is frozen already goes out as it is."""
        self._outlet = Outlet(channels, routes, public_url)

    def flush(self, now: datetime, hold: Collection[str] = ()) -> int:
        """Route, group and freeze the intents that are due, but for models in `hold`; how many were looked at."""
        with self._begin() as conn:
            return flush(conn, self._outlet, now, hold)

    def deliver(self, now: datetime, wait: float = 5.0) -> int:
        """Send what is due; how many arrived since the last call.

        Waits up to `wait` seconds for the channels' threads. A channel still busy from an
        earlier call is left alone. Raises what a thread could not record, such as a lost state database.
        """
        with self._begin() as conn:
            due = deliveries.due_channels(conn, now)
        started = []
        for channel in due:
            with self._guard:
                if channel in self._busy or self._closing.is_set():
                    continue
                thread = threading.Thread(target=self._run, args=(channel, now), name=f"deliver-{channel}", daemon=True)
                self._busy[channel] = thread
            thread.start()
            started.append(thread)
        deadline = time.monotonic() + wait
        for thread in started:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._guard:
            delivered, self._delivered = self._delivered, 0
            problem, self._problem = self._problem, None
        if problem is not None:
            raise problem
        return delivered

    def next_due(self) -> datetime | None:
        """When there is something to do next, but for channels at work: their end calls `wake`."""
        with self._guard:
            busy = tuple(self._busy)
        with self._begin() as conn:
            return outbox.next_due(conn, busy)

    def close(self, timeout: float = 5.0) -> None:
        """Begin nothing new, and give the sends under way up to `timeout` seconds; the rest is taken over by lease."""
        self._closing.set()
        deadline = time.monotonic() + timeout
        with self._guard:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, name: str, now: datetime) -> None:
        try:
            self._drain(name, now)
        except Exception as error:  # noqa: BLE001 -- a thread's boundary: handed to the next call of deliver()
            with self._guard:
                self._problem = error
        finally:
            with self._guard:
                del self._busy[name]
            self._wake()

    def _drain(self, name: str, now: datetime) -> None:
        """Send all that one channel has due, a batch at a time."""
        begun = self._monotonic()
        while not self._closing.is_set():
            at = now + timedelta(seconds=self._monotonic() - begun)
            with self._begin() as conn:
                batch = deliveries.claim(conn, name, at, worker=self._worker, lease=LEASE, limit=_BATCH)
            for position, delivery in enumerate(batch):
                if self._closing.is_set():
                    self._stop(name, batch[position:], None, at)
                    return
                at = now + timedelta(seconds=self._monotonic() - begun)
                refusal = self._send(name, delivery, at)
                if refusal is not None:
                    self._stop(name, batch[position + 1 :], refusal, at)
                    return
            if not batch:
                return

    def _stop(self, name: str, rest: Sequence[Delivery], refusal: _Refusal | None, at: datetime) -> None:
        """Give back what was not tried, and heed a receiver that wants fewer messages, or none any more."""
        with self._begin() as conn:
            deliveries.release(conn, rest, worker=self._worker)
            if refusal is None:
                return
            if refusal.until is not None:
                deliveries.postpone(conn, name, refusal.until)
            else:
                disabled.disable(conn, name, refusal.endpoint, refusal.text, at)
                deliveries.give_up(conn, name, refusal.text, at)

    def _send(self, name: str, delivery: Delivery, at: datetime) -> _Refusal | None:
        """Try one delivery and record what became of it; a refusal if the channel takes no more for now."""
        channel = self._outlet.channels.get(name)
        try:
            if channel is None:
                raise DeliveryError(f"there is no channel {name} (any more)", retryable=False)
            remote = channel.send(delivery)
        except DeliveryError as error:
            return self._failed(delivery, channel, error, at)
        except Exception as error:  # noqa: BLE001 -- a channel's own mistake must neither be lost nor stop the others
            text = f"{type(error).__name__}: {error}"
            return self._failed(delivery, channel, DeliveryError(text, retryable=True, ambiguous=True), at)
        with self._begin() as conn:
            note = str(remote.get("note", ""))[:_NOTE]
            mine = deliveries.delivered(conn, delivery, worker=self._worker, at=at, remote=remote, note=note)
        with self._guard:
            self._delivered += int(mine)
        return None

    def _failed(
        self, delivery: Delivery, channel: Channel | None, error: DeliveryError, at: datetime
    ) -> _Refusal | None:
        text = str(error)[:_NOTE]
        wait = wait_before(delivery.failures + 1, self._rng)
        if wait is not None and error.retry_after is not None:
            asked = timedelta(seconds=error.retry_after)
            wait = asked if error.throttled else max(wait, asked)
        patient = not error.throttled or (wait is not None and at + wait <= delivery.created_at + PATIENCE)
        with self._begin() as conn:
            if error.retryable and wait is not None and patient:
                deliveries.retry(
                    conn, delivery, worker=self._worker, error=text, next_at=at + wait, failed=not error.throttled,
                    ambiguous=error.ambiguous, progress=error.progress,
                )  # fmt: skip
            else:
                why = f"given up after {delivery.attempts} attempts: {text}" if error.retryable else text
                deliveries.dead(conn, delivery, worker=self._worker, error=why, at=at)
        if error.gone and channel is not None:
            return _Refusal(text, channel.endpoint)
        if error.throttled and wait is not None:
            return _Refusal(text, "", at + wait)
        return None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A receiver takes nothing more: until a time, or (None) ever."""

    text: str
    endpoint: str
    until: datetime | None = None


def send_test(
    begin: Callable[[], AbstractContextManager[Connection]],
    name: str,
    channel: Channel,
    now: datetime,
    *,
    public_url: str | None = None,
) -> None:
    """Send a test message at once, outside the outbox; lifts a "gone" when it gets through. Raises DeliveryError."""
    key = f"test_{int(now.timestamp() * 1000)}"
    letter = Letter(key, key, 1, name, first=True)
    body = channel.render(trial_message(name, now, public_url=public_url), letter)
    channel.send(Delivery(0, key, key, 1, name, "sent", body, 1, 0, ambiguous=False, created_at=now, at=now))
    with begin() as conn:
        disabled.lift(conn, name)
