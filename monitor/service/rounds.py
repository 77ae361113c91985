"""One round of each of the daemon's two loops.

In: the store, the config in force, a clock. Out: how many seconds the loop may wait for its next round.
Kept: the lease, and what the two rounds tell each other (models whose messages wait until they have caught up).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime

import structlog
from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.flush import STREAMS
from detectors.result import Status
from monitor.clock import Clock
from monitor.config import Config
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.promise import MONTH, promises
from monitor.service import chores, wiring
from monitor.service.channel_watch import ChannelWatch
from monitor.service.direct import Direct
from monitor.service.illustrator import Illustrator
from monitor.service.light import give_back
from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.store import Store, incidents, leases
from monitor.store.errors import StoreError
from monitor.store.leases import Lease
from monitor.world import make_world

LEASE = "evaluator"
LEASE_SECONDS = 60.0
_STANDBY = 5.0
_PENDING = 1.0
# How long a round waits for what it has begun to send (seconds).
_WAIT = 5.0

log = structlog.get_logger()


class DeliveryRound:
    """Routes what is to be said and sends what is due."""

    def __init__(self, store: Store, config: Config, clock: Clock, metrics: Metrics) -> None:
        self._store, self._clock, self._metrics = store, clock, metrics
        self._settings = config.settings
        self._illustrator = Illustrator(store)
        # Until the first look at what is due, every model may be behind.
        self._hold: frozenset[str] = frozenset(config.settings.models)
        self._deliverer = wiring.make_deliverer(config.settings, store.begin)
        self.direct = self._direct(config, wiring.wire(config.settings))
        self._counted: set[tuple[str, str]] = set()

    def use(self, config: Config) -> None:
        """Route and send by a changed config from now on. Raises AlertError if it cannot be used."""
        wired = wiring.wire(config.settings)
        self._settings = config.settings
        alerts = config.settings.alerts
        self._deliverer.configure(
            wired.channels,
            wired.routes,
            wiring.make_site(config.settings),
            wired.rates,
            ChannelWatch(tuple(alerts.channels), alerts.operators),
        )
        self.direct.use({name: wired.channels[name] for name in alerts.channels}, alerts.operators)

    @staticmethod
    def _direct(config: Config, wired: wiring.Wiring) -> Direct:
        alerts = config.settings.alerts
        return Direct({name: wired.channels[name] for name in alerts.channels}, alerts.operators)

    def hold(self, models: frozenset[str]) -> None:
        """Messages about these models wait: they are catching up, and what they say is not yet the last word."""
        self._hold = models

    def close(self) -> None:
        """Begin nothing new; what cannot be finished now is taken over by lease."""
        self._deliverer.close(timeout=2.0)

    def run(self) -> float:
        """Flush and deliver once."""
        now = self._clock.now()
        hold = self._hold
        pictures = self._illustrator.pictures(self._settings, now, hold)
        moved = self._deliverer.flush(now, hold, pictures)
        # Of a long queue, more is frozen while the first of it is on its way.
        moved += self._deliverer.deliver(self._clock.now(), wait=0.0 if moved >= STREAMS else _WAIT)
        with self._store.read() as connection:
            counts = outbox.counts(connection)
            states = outbox.health.every(connection)
        for name, health in states.items():
            self._metrics.dead_channels.labels(channel=name).set(health.dead_since is not None)
        # A state that nothing is in any more is told once more, as empty.
        for channel, state in self._counted | counts.deliveries.keys():
            count = counts.deliveries.get((channel, state), 0)
            self._metrics.deliveries.labels(channel=channel, state=state).set(count)
        self._counted |= counts.deliveries.keys()
        self._metrics.pending_intents.set(counts.intents)
        if moved:
            return 0.0
        due = self._deliverer.next_due()
        return min(_PENDING, self._clock.seconds_until(due)) if due is not None else _PENDING


class EvaluationRound:
    """Takes the lease, evaluates everything due, and does the chores."""

    def __init__(
        self,
        store: Store,
        config: Config,
        clock: Clock,
        metrics: Metrics,
        pulse: Pulse,
        pool: Executor,
        deliveries: DeliveryRound,
    ) -> None:
        self._store, self._clock, self._metrics, self._pulse, self._pool = store, clock, metrics, pulse, pool
        self._deliveries = deliveries
        self._config = config
        self._holder = leases.this_process()
        self._lease: Lease | None = None
        self._engine = Engine(make_world(config, store, pool=pool))
        self._promised: tuple[object, ...] = ()

    def use(self, config: Config) -> None:
        """Evaluate by a changed config from the next window on. Raises AlertError if it cannot be used."""
        self._deliveries.use(config)
        self._config = config
        self._engine.world.close()
        self._engine = Engine(make_world(config, self._store, pool=self._pool))

    def run(self, interrupted: Callable[[], bool]) -> float:
        """Evaluate what is due, window by window, until all is done or `interrupted()`."""
        if not self.renew():
            return _STANDBY
        assert self._lease is not None
        now = self._clock.now()
        engine = self._engine
        engine.use_lease(self._lease)
        self._deliveries.hold(frozenset(engine.behind(now)))
        begun = time.monotonic()
        for outcome in engine.advance(now):
            self._metrics.evaluation_seconds.observe(time.monotonic() - begun)
            self._record(outcome)
            self._pulse.beat("evaluation")
            if interrupted():
                return 0.0
            begun = time.monotonic()
        self._deliveries.hold(frozenset())
        chores.run(engine.world, self._clock, interrupted, apart=True)
        give_back()
        self._count_incidents(now)
        due = min((due for due in engine.next_dues(now).values() if due is not None), default=None)
        return self._clock.seconds_until(due) if due is not None else float("inf")

    def renew(self) -> bool:
        """Take or renew the lease; whether this process is the evaluator."""
        try:
            with self._store.begin() as connection:
                lease = leases.acquire(connection, LEASE, self._holder, LEASE_SECONDS)
        except StoreError as error:
            log.error("lease not renewed", error=str(error))
            return False
        if lease is None and self._lease is not None:
            log.warning("another process evaluates now")
        elif lease is not None and self._lease is None:
            log.info("evaluating", epoch=lease.epoch)
        self._lease = lease
        return lease is not None

    def leave(self) -> None:
        """Let a successor begin at once."""
        if self._lease is None:
            return
        try:
            with self._store.begin() as connection:
                leases.release(connection, self._lease)
        except StoreError as error:
            log.warning("lease not released; it runs out by itself", error=str(error))

    def status(self) -> Mapping[str, object]:
        """Facts for /healthz."""
        return {"role": "evaluator" if self._lease is not None else "standby", "models": len(self._engine.models())}

    def _record(self, outcome: Outcome) -> None:
        model, metrics = outcome.model, self._metrics
        metrics.blind.labels(model=model).set(1 if outcome.blind else 0)
        if outcome.blind is not None:
            log.error("log cannot be read", model=model, error=outcome.blind)
        for evaluation in outcome.evaluations:
            metrics.windows.labels(model=model, status=evaluation.status).inc()
            breaches = [finding for finding in evaluation.findings if finding.status is Status.BREACH]
            metrics.breaches.labels(model=model).inc(len(breaches))
            log.info(
                "window judged",
                model=model,
                version=evaluation.version,
                aspect=evaluation.aspect.value,
                horizon=evaluation.window.horizon,
                start=evaluation.window.start.isoformat(),
                end=evaluation.window.end.isoformat(),
                revision=evaluation.revision,
                rows=evaluation.rows,
                findings=len(evaluation.findings),
                breaches=len(breaches),
            )
        for event in outcome.events:
            metrics.events.labels(model=model, event=event.event.value).inc()
            log.info(
                "incident",
                change=event.event.value,
                incident=event.incident.id,
                model=model,
                severity=event.incident.severity.value,
                summary=event.incident.summary,
            )
        if outcome.blind is None:
            metrics.evaluated_through.labels(model=model).set(outcome.at.timestamp())

    def _count_incidents(self, now: datetime) -> None:
        """All models each time: people close incidents from elsewhere."""
        with self._store.read() as connection:
            still_open = incidents.open_counts(connection)
            self._count_alarms(connection, now)
        for model in self._engine.models():
            self._metrics.open_incidents.labels(model=model).set(still_open.get(model, 0))

    def _count_alarms(self, connection: Connection, now: datetime) -> None:
        """Promised against observed: when an incident has changed, and every hour, as old ones leave the month."""
        settings = self._config.settings
        state = (incidents.last_event(connection), now.replace(minute=0, second=0, microsecond=0), id(self._config))
        if state == self._promised:
            return
        self._promised = state
        for one in promises(connection, settings, now - MONTH, now):
            if one.kind == "model":
                if one.promised is not None:
                    self._metrics.promised.labels(model=one.name).set(one.promised)
                for verdict in ("false", "real", "expected", "unjudged"):
                    self._metrics.alarms.labels(model=one.name, verdict=verdict).set(getattr(one, verdict))
