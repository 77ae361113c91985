"""Take frozen deliveries to their channels, and try again until they arrive or are given up.

In: transactions, channels, routes, `now`. Out: how many arrived. Kept: nothing beside the tables; which channels are
busy is remembered while they are. Only this module waits: a slow channel has threads of its own and holds up no other.

An attempt is recorded before it is made. Results are recorded together, a fifth of a second after the first of them at
the latest, so that a long queue does not wait for the disk at every message: who is killed in between has sent those
messages, and his successor sends them again with the same keys.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from alerts import deliveries, disabled, health, outbox
from alerts.announcement import trial_message
from alerts.channels.base import Channel, Delivery, DeliveryError, Letter
from alerts.flush import Outlet, flush
from alerts.health import OPEN_AFTER, Health, Rate
from alerts.message import Picture
from alerts.routing import Route
from alerts.site import Site

# Standard Webhooks' schedule; after the last, and no sooner than `PATIENCE` for a throttled one, it is a dead letter.
SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)  # fmt: skip
PATIENCE = timedelta(days=4)
# A message is given up no sooner than this, however often its senders were killed.
_WHOLE = sum(SCHEDULE, timedelta(0))
_JITTER = 0.2
_BATCH = 50
# One send takes 120 s at most (Slack: eight calls of 15 s); none begins later in a lease than this.
LEASE = timedelta(seconds=170)
_BEGIN_UNTIL = timedelta(seconds=40)
# How long results may wait to be recorded together (seconds).
_TOGETHER = 0.2
_NOTE = 500


def wait_before(failures: int, rng: random.Random) -> timedelta | None:
    """How long to wait after the n-th failure (from 1), up to a fifth longer than the schedule; None: give up."""
    if failures > len(SCHEDULE):
        return None
    return SCHEDULE[failures - 1] * (1 + _JITTER * rng.random())


class Watcher(Protocol):
    """Is told, inside the transaction that records it, when a channel dies and when it delivers again."""

    def died(self, conn: Connection, channel: Health, at: datetime) -> None:
        """This channel is dead from now on."""

    def recovered(self, conn: Connection, channel: Health, at: datetime) -> None:
        """This channel, as it was before, has delivered again."""


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
        site: Site = Site(),
        rates: Mapping[str, Rate] | None = None,
        watcher: Watcher | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._begin = begin
        self._outlet = Outlet(channels, routes, site)
        self._rates = dict(rates or {})
        self._watcher = watcher
        self._worker = worker
        self._rng = rng
        self._monotonic = monotonic
        self._wake = wake
        self._guard = threading.Condition()
        self._busy: dict[str, list[threading.Thread]] = {}
        self._delivered = 0
        self._problem: Exception | None = None
        self._closing = threading.Event()

    def configure(
        self,
        channels: Mapping[str, Channel],
        routes: Sequence[Route],
        site: Site,
        rates: Mapping[str, Rate] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """Go on with other settings; what is frozen already goes out as it is."""
        self._outlet = Outlet(channels, routes, site)
        self._rates = dict(rates or {})
        self._watcher = watcher

    def flush(self, now: datetime, hold: Collection[str] = (), pictures: Mapping[str, Picture] | None = None) -> int:
        """Route, group and freeze the intents that are due, but for models in `hold`; how many were looked at.

        `pictures` are charts by incident, for channels that show them.
        """
        with self._begin() as conn:
            return flush(conn, self._outlet, now, hold, pictures)

    def deliver(self, now: datetime, wait: float = 5.0) -> int:
        """Send what is due; how many arrived since the last call.

        Waits up to `wait` seconds for the channels' threads. A channel still busy from an
        earlier call is left alone. Raises what a thread could not record, such as a lost state database.
        """
        with self._begin() as conn:
            due = deliveries.due_channels(conn, now)
            states = health.every(conn)
        started = []
        for channel in due:
            ready = states[channel].ready_at(self._rates.get(channel)) if channel in states else None
            with self._guard:
                if channel in self._busy or (ready is not None and ready > now):
                    continue
                self._start(channel, now)
            started.append(channel)
        with self._guard:
            self._guard.wait_for(lambda: not any(channel in self._busy for channel in started), wait)
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
            moments = list(deliveries.next_due(conn, busy).items())
            states = health.every(conn)
            flushing = outbox.next_flush(conn)
        due = [flushing] if flushing is not None else []
        for channel, at in moments:
            ready = states[channel].ready_at(self._rates.get(channel)) if channel in states else None
            due.append(at if ready is None else max(at, ready))
        return min(due, default=None)

    def close(self, timeout: float = 5.0) -> None:
        """Begin nothing new, and give the sends under way up to `timeout` seconds; the rest is taken over by lease."""
        self._closing.set()
        with self._guard:
            self._guard.wait_for(lambda: not self._busy, timeout)

    def _start(self, name: str, now: datetime) -> None:
        """Begin one more thread for a channel; the caller holds the guard."""
        if self._closing.is_set():
            return
        thread = threading.Thread(target=self._run, args=(name, now), name=f"deliver-{name}", daemon=True)
        self._busy.setdefault(name, []).append(thread)
        thread.start()

    def _run(self, name: str, now: datetime) -> None:
        try:
            self._drain(name, now)
        except Exception as error:  # noqa: BLE001 -- a thread's boundary: handed to the next call of deliver()
            with self._guard:
                self._problem = error
        finally:
            with self._guard:
                self._busy[name].remove(threading.current_thread())
                if not self._busy[name]:
                    del self._busy[name]
                self._guard.notify_all()
            self._wake()

    def _drain(self, name: str, now: datetime) -> None:
        """Send all that one channel has due, a batch at a time; a long queue to a healthy channel gets more threads."""
        begun = self._monotonic()

        def clock() -> datetime:
            return now + timedelta(seconds=self._monotonic() - begun)

        while not self._closing.is_set():
            batch, sound = self._claim(name, clock())
            channel = self._outlet.channels.get(name)
            if channel is not None and len(batch) == _BATCH and name not in self._rates:
                with self._guard:
                    if len(self._busy[name]) < channel.lanes:
                        self._start(name, clock())
            if not batch or not self._send_all(name, batch, sound, clock):
                return

    def _claim(self, name: str, at: datetime) -> tuple[list[Delivery], bool]:
        """A batch of what is due, as much as health and rate of the channel allow; and whether it is sound."""
        with self._begin() as conn:
            known, rate = health.of(conn, name), self._rates.get(name)
            if rate is not None or not known.sound:
                known = health.lock(conn, name)
            changed = known
            if known.paused_until is not None and known.paused_until > at:
                return [], False
            probing = known.failures >= OPEN_AFTER
            most = 1 if probing else _BATCH
            most = most if rate is None else rate.admitted(known.next_slot, at, most)
            batch = deliveries.claim(conn, name, at, worker=self._worker, lease=LEASE, limit=most) if most else []
            if batch and rate is not None:
                changed = replace(changed, next_slot=max(known.next_slot or at, at) + rate.every * len(batch))
            if batch and probing:
                # Nobody else knocks before this one knows.
                changed = replace(changed, paused_until=at + LEASE)
            if changed != known:
                health.write(conn, changed)
        return batch, known.sound

    def _send_all(self, name: str, batch: Sequence[Delivery], sound: bool, clock: Callable[[], datetime]) -> bool:
        """Send a batch and record it; False if the channel takes no more for now."""
        begun = clock()
        results: list[_Result] = []
        for position, delivery in enumerate(batch):
            if self._closing.is_set() or clock() - begun > _BEGIN_UNTIL:
                self._record(name, results, batch[position:], sound)
                return not self._closing.is_set()
            result = self._send(name, delivery, clock)
            results.append(result)
            last = position == len(batch) - 1
            if last or not result.arrived or (result.at - results[0].at).total_seconds() >= _TOGETHER:
                rest = batch[position + 1 :]
                stop = result.refused
                open_again = self._record(name, results, rest if stop else (), sound)
                sound = sound and result.arrived
                if open_again is not None and not stop and rest:
                    self._record(name, [], rest, sound)
                if stop or open_again is not None:
                    return False
                results = []
        return True

    def _record(self, name: str, results: Sequence[_Result], rest: Sequence[Delivery], sound: bool) -> datetime | None:
        """Write results, give back the rest; until when the channel is paused, if it is."""
        known = changed = None
        with self._begin() as conn:
            mine = deliveries.record(conn, self._worker, [(one.delivery, one.values) for one in results])
            deliveries.release(conn, rest, worker=self._worker)
            if name in self._outlet.channels and not (sound and all(one.arrived for one in results)):
                known = changed = health.lock(conn, name)
                for one in results:
                    changed = self._judged(conn, name, changed, one)
                if changed != known:
                    health.write(conn, changed)
                self._tell(conn, known, changed, results)
        with self._guard:
            ours = {delivery.id for delivery in mine}
            self._delivered += sum(one.arrived and one.delivery.id in ours for one in results)
        if changed is None or changed.paused_until is None or not results:
            return None
        return changed.paused_until if changed.paused_until > results[-1].at else None

    def _judged(self, conn: Connection, name: str, known: Health, result: _Result) -> Health:
        """A channel's health after one result; a receiver that is gone loses what waits for it."""
        if result.arrived:
            return known.succeeded()
        if result.gone:
            disabled.disable(conn, name, self._outlet.channels[name].endpoint, result.text, result.at)
            deliveries.give_up(conn, name, result.text, result.at)
            return known.gone(result.at, result.text)
        if result.until is not None:
            return known.asked_to_wait(result.until)
        return known.failed(result.at, result.text, self._rng)

    def _tell(self, conn: Connection, known: Health, changed: Health, results: Sequence[_Result]) -> None:
        if self._watcher is None or not results:
            return
        if changed.dead_since is not None and known.dead_since is None:
            self._watcher.died(conn, changed, results[-1].at)
        elif known.dead_since is not None and changed.dead_since is None:
            self._watcher.recovered(conn, known, results[-1].at)

    def _send(self, name: str, delivery: Delivery, clock: Callable[[], datetime]) -> _Result:
        """Try one delivery; what became of it."""
        channel = self._outlet.channels.get(name)
        try:
            if delivery.taken_over and delivery.failures > len(SCHEDULE):
                raise DeliveryError("whoever sent it died of it, time and again", retryable=True, ambiguous=True)
            if channel is None:
                raise DeliveryError(f"there is no channel {name} (any more)", retryable=False)
            remote = channel.send(replace(delivery, at=clock()))
        except DeliveryError as error:
            return self._failed(delivery, error, clock())
        except Exception as error:  # noqa: BLE001 -- a channel's own mistake must neither be lost nor stop the others
            text = f"{type(error).__name__}: {error}"
            return self._failed(delivery, DeliveryError(text, retryable=True, ambiguous=True), clock())
        at = clock()
        return _Result(delivery, deliveries.arrived(at, remote, str(remote.get("note", ""))[:_NOTE]), at, arrived=True)

    def _failed(self, delivery: Delivery, error: DeliveryError, at: datetime) -> _Result:
        text = str(error)[:_NOTE]
        wait = wait_before(delivery.failures + 1, self._rng)
        if wait is None and at < delivery.created_at + _WHOLE:
            # Being taken over counts as a failure, and takes no time: the receiver has not had all its tries.
            wait = wait_before(len(SCHEDULE), self._rng)
        if wait is not None and error.retry_after is not None:
            asked = timedelta(seconds=error.retry_after)
            wait = asked if error.throttled else max(wait, asked)
        patient = not error.throttled or (wait is not None and at + wait <= delivery.created_at + PATIENCE)
        if error.retryable and wait is not None and patient:
            values = deliveries.failed(
                delivery, error=text, next_at=at + wait, failed=not error.throttled, ambiguous=error.ambiguous,
                progress=error.progress,
            )  # fmt: skip
        else:
            why = f"given up after {delivery.attempts} attempts: {text}" if error.retryable else text
            values = deliveries.lost(delivery, error=why, at=at, ambiguous=error.ambiguous)
        until = at + wait if error.throttled and wait is not None else None
        return _Result(delivery, values, at, text=text, gone=error.gone, until=until)


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one attempt: the values to record, and what it says of the channel.

    The receiver takes nothing more `until` a time, or (`gone`) ever.
    """

    delivery: Delivery
    values: Mapping[str, Any]
    at: datetime
    arrived: bool = False
    text: str = ""
    gone: bool = False
    until: datetime | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing more should be sent for now."""
        return self.gone or self.until is not None


def send_test(
    begin: Callable[[], AbstractContextManager[Connection]],
    name: str,
    channel: Channel,
    now: datetime,
    *,
    public_url: str | None = None,
    watcher: Watcher | None = None,
) -> None:
    """Send a test message at once, outside the outbox; lifts a "gone" when it gets through. Raises DeliveryError."""
    key = f"test_{int(now.timestamp() * 1000)}"
    letter = Letter(key, key, 1, name, first=True)
    body = channel.render(trial_message(name, now, public_url=public_url), letter)
    channel.send(Delivery(0, key, key, 1, name, "sent", body, 1, 0, ambiguous=False, created_at=now, at=now))
    with begin() as conn:
        disabled.lift(conn, name)
        known = health.lock(conn, name)
        if not known.sound:
            health.write(conn, known.succeeded())
            if watcher is not None and known.dead_since is not None:
                watcher.recovered(conn, known, now)
