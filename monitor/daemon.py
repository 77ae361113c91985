"""The long-running service: evaluate, deliver, answer health checks, reload, stop.

In: config paths, a clock, signals. Out: an exit code. Kept: nothing beyond the process; all state is in the store.

Two loops in two threads, so that neither waits for the other: evaluation (one leader at a time, by lease) and
delivery (any number of processes). The main thread waits for signals and changed files. APScheduler only wakes:
what is due is decided by rows and the clock, and a loop that hears no alarm looks by itself.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from pathlib import Path

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from alerts.errors import AlertError
from monitor.clock import Clock
from monitor.config import Config, load
from monitor.config.errors import ConfigError
from monitor.service.heartbeat import Heartbeat
from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.service.rounds import DeliveryRound, EvaluationRound
from monitor.service.slack_buttons import SlackButtons
from monitor.store import open_store
from monitor.store.errors import StoreError
from monitor.web.actions import Desk
from monitor.web.incident import chart_of, incident_page
from monitor.web.serve import serving

# How soon a signal or a changed file is noticed (seconds).
_TICK = 0.5
# A loop that is told nothing looks by itself this often (seconds).
LOOK = 5.0
# No progress for this long (seconds) and /healthz fails.
STALLED = 300.0
# SIGTERM must end the process within 10 s; what cannot be finished by then is rolled back.
PATIENCE = 6.0

log = structlog.get_logger()


class Daemon:
    """One service process."""

    def __init__(self, paths: list[Path], config: Config, clock: Clock, environ: Mapping[str, str]) -> None:
        self.paths, self.config, self.clock, self.environ = paths, config, clock, environ
        self.metrics = Metrics()
        self.pulse = Pulse({"evaluation": STALLED, "delivery": STALLED})
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._wakes = {"evaluation": threading.Event(), "delivery": threading.Event()}
        self._told: int | None = None
        self._buttons: SlackButtons | None = None
        self._stamps = self._file_stamps()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; returns 0. Raises StoreError, CannotListen or AlertError at the start."""
        store = open_store(self.config.settings.state)
        pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="profile")
        deliveries = DeliveryRound(store, self.config, self.clock, self.metrics)
        evaluations = EvaluationRound(store, self.config, self.clock, self.metrics, self.pulse, pool, deliveries)
        loops = [
            threading.Thread(target=self._evaluate, args=(evaluations,), name="evaluation", daemon=True),
            threading.Thread(target=self._deliver, args=(deliveries,), name="delivery", daemon=True),
        ]
        scheduler = BackgroundScheduler(timezone=UTC)
        heartbeat = Heartbeat(self.pulse)
        desk = Desk(store, lambda: self.config.settings.server, self.clock)
        page = partial(incident_page, store, lambda: self.config.settings, self.clock)
        chart = partial(chart_of, store)
        buttons = self._buttons = SlackButtons(store, self.clock, self.pulse, self._wakes["delivery"].set)

        def status() -> Mapping[str, object]:
            return {**evaluations.status(), **buttons.status()}

        with (
            self._signals(),
            serving(self.config.settings, self.pulse, self.metrics, status, page, chart, desk),
        ):
            scheduler.add_job(evaluations.renew, "interval", seconds=15, coalesce=True, misfire_grace_time=None)
            scheduler.add_job(
                lambda: heartbeat.send(self.config.settings.server.heartbeat),
                "interval",
                seconds=30,
                coalesce=True,
                misfire_grace_time=None,
            )
            scheduler.start()
            for loop in loops:
                loop.start()
            buttons.use(self.config.settings)
            log.info("started", state=store.url, models=len(self.config.settings.models), config=self._sources())
            while not self._stop.wait(_TICK):
                if self._told == signal.SIGHUP:
                    self._told = None
                    self._reload.set()
                    self._wake()
                elif self._told is not None:
                    break
                self._look_at_files()
            self._stop.set()
            log.info("stopping")
            scheduler.shutdown(wait=False)
            self._wake()
            buttons.close()
            deadline = time.monotonic() + PATIENCE
            for loop in loops:
                loop.join(max(0.1, deadline - time.monotonic()))
        if any(loop.is_alive() for loop in loops):
            # Whatever is in hand lives in an open transaction: leaving now rolls it back.
            log.warning("stopped with work in hand", consequence="rolled back, repeated at the next start")
            os._exit(0)
        pool.shutdown()
        store.close()
        log.info("stopped")
        return 0

    def _evaluate(self, evaluations: EvaluationRound) -> None:
        wake = self._wakes["evaluation"]
        while not self._stop.is_set():
            wake.clear()
            wait = LOOK
            try:
                if self._reload.is_set():
                    self._reload.clear()
                    self._load(evaluations)
                wait = evaluations.run(lambda: self._stop.is_set() or self._reload.is_set())
                self.pulse.failed("evaluation", None)
                self._wakes["delivery"].set()
            except Exception as error:
                self.pulse.failed("evaluation", f"{type(error).__name__}: {error}")
                log.exception("evaluation failed")
            self.pulse.beat("evaluation")
            wake.wait(min(wait, LOOK))
        evaluations.leave()

    def _deliver(self, deliveries: DeliveryRound) -> None:
        wake = self._wakes["delivery"]
        while not self._stop.is_set():
            wake.clear()
            wait = LOOK
            try:
                wait = deliveries.run()
                self.pulse.failed("delivery", None)
                deliveries.direct.fine(self.clock.now())
            except Exception as error:
                self.pulse.failed("delivery", f"{type(error).__name__}: {error}")
                log.exception("delivery failed")
                if isinstance(error, StoreError):
                    # The delivery loop writes at least once a round: what it cannot write, evaluation cannot either.
                    deliveries.direct.failed(str(error), self.clock.now())
            self.pulse.beat("delivery")
            wake.wait(min(wait, LOOK))
        deliveries.close()

    def _load(self, evaluations: EvaluationRound) -> None:
        try:
            config = load(self.paths, self.environ)
            evaluations.use(config)
        except (ConfigError, AlertError, OSError, ValueError) as error:
            self.metrics.config_refused.set(1)
            log.error("changed config refused; the old one runs on", error=str(error))
            return
        self.config = config
        if self._buttons is not None:
            self._buttons.use(config.settings)
        self.metrics.config_refused.set(0)
        log.info("config reloaded", config=self._sources())

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(number: int, _frame: object) -> None:
            # Nothing more: it may interrupt this very thread while it holds the lock of an Event.
            if self._told in (None, signal.SIGHUP):
                self._told = number

        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, action in before.items():
                signal.signal(number, action)

    def stop(self) -> None:
        """Ask the service to end, as SIGTERM does."""
        self._stop.set()
        self._wake()

    def _wake(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _sources(self) -> list[str]:
        return [str(source) for source in self.config.sources]

    def _look_at_files(self) -> None:
        stamps = self._file_stamps()
        if stamps != self._stamps:
            self._stamps = stamps
            self._reload.set()
            self._wakes["evaluation"].set()

    def _file_stamps(self) -> dict[Path, tuple[int, int]]:
        stamps = {}
        inside = [file for path in self.paths if path.is_dir() for file in path.glob("*.y*ml")]
        for source in {*self.config.sources, *inside}:
            try:
                found = source.stat()
            except OSError:
                continue  # being replaced at this moment: the next look sees the new one
            stamps[source] = (found.st_mtime_ns, found.st_size)
        return stamps
