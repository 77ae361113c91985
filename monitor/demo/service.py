"""The daemon's own parts, led through the demo's year by hand instead of by the clock.

In: a config, an open store. Out: what happened up to each moment. Kept: everything the daemon keeps, in the store.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.delivery import Deliverer
from alerts.incident import IncidentEvent
from monitor.clock import SetClock
from monitor.config import Config
from monitor.demo.driver import Step
from monitor.demo.job import answer
from monitor.demo.prepare import MODEL
from monitor.demo.receiver import Receiver
from monitor.demo.recovery import Recovery, Since
from monitor.demo.trainer import Retrained
from monitor.engine import Engine
from monitor.prediction_log.delta import DeltaLog
from monitor.reporting.write import write
from monitor.service import chores
from monitor.settings import Settings
from monitor.store import Store
from monitor.world import make_world


class DemoService:
    """Evaluates, delivers, reports and retrains up to whatever moment it is told; see `driver.Service`.

    `clock` is moved to it; `receiver` takes the requests to retrain (None: nobody does).
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        deliverer: Deliverer,
        clock: SetClock,
        pool: Executor,
        receiver: Receiver | None = None,
    ) -> None:
        self._config, self._store = config, store
        self._clock, self._deliverer = clock, deliverer
        self._receiver, self._recovery = receiver, Recovery()
        # A deep dive takes Evidently ten seconds: one, at the end, shows what it is.
        hasty = replace(config, settings=_without_deep_dives(config.settings))
        self._engine = Engine(make_world(hasty, store, pool=pool), as_it_was=True)
        for model in self._engine.models():
            self._engine.start(model, clock.now())
        chores.run(self._engine.world, clock)

    def advance(self, to: datetime) -> Step:
        """Everything due up to `to`. Raises RuntimeError if the demo's own log cannot be read."""
        windows, events, since = 0, list[IncidentEvent](), list[Since]()
        for outcome in self._engine.advance(to):
            if outcome.blind is not None:
                raise RuntimeError(f"the demo's log cannot be read: {outcome.blind}")
            windows += len(outcome.evaluations)
            events += outcome.events
            since += self._recovery.seen(outcome.evaluations)
        self._clock.moment = to
        reports = chores.run(self._engine.world, self._clock)
        self._deliverer.flush(to)
        self._deliverer.deliver(to)
        retrained = self._retrained()
        return Step(windows, tuple(events), tuple(reports), tuple(retrained), tuple(since))

    def _retrained(self) -> list[Retrained]:
        world = self._engine.world
        log, labels = world.open_log(MODEL), world.open_labels(MODEL)
        if self._receiver is None or labels is None or not isinstance(log, DeltaLog):
            return []
        made = answer(self._receiver, self._store, log, labels, self._clock.now)
        for one in made:
            if one.better:
                self._recovery.follow(one)
        return made

    def dive(self, written: Path) -> None:
        """Write a report that has been written once more, now with Evidently's deep dive."""
        report = self._config.settings.reports[0]
        day = datetime.combine(date.fromisoformat(written.parent.name), time(12), tzinfo=ZoneInfo(report.timezone))
        at = day.astimezone(UTC)
        write(replace(self._engine.world, config=self._config), report, at, at)

    def close(self) -> None:
        """Give back the log."""
        self._engine.world.close()


def _without_deep_dives(settings: Settings) -> Settings:
    hasty = tuple(report.model_copy(update={"deep_dive": False}) for report in settings.reports)
    return settings.model_copy(update={"reports": hasty})
