"""The daemon's own parts, led through the demo's year by hand instead of by the clock.

In: a config, an open store. Out: what happened up to each moment. Kept: everything the daemon keeps, in the store.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime

from alerts.delivery import Deliverer
from alerts.incident import IncidentEvent
from monitor import chores
from monitor.clock import SetClock
from monitor.config import Config
from monitor.demo.driver import Step
from monitor.engine import Engine
from monitor.store import Store
from monitor.world import make_world


class DemoService:
    """Evaluates, delivers and reports up to whatever moment it is told; see `driver.Service`."""

    def __init__(
        self, config: Config, store: Store, deliverer: Deliverer | None, start: datetime, pool: Executor
    ) -> None:
        self._deliverer = deliverer
        world = make_world(config, store, pool=pool, deliver=deliverer is not None)
        self._engine = Engine(world, as_it_was=True)
        for model in self._engine.models():
            self._engine.start(model, start)
        chores.run(replace(world, deliver=False), SetClock(start))

    def advance(self, to: datetime) -> Step:
        """Everything due up to `to`. Raises LogUnreachable's words as RuntimeError: a demo's log is our own."""
        windows, events = 0, list[IncidentEvent]()
        for outcome in self._engine.advance(to):
            if outcome.blind is not None:
                raise RuntimeError(f"the demo's log cannot be read: {outcome.blind}")
            windows += len(outcome.evaluations)
            events += outcome.events
        reports = chores.run(self._engine.world, SetClock(to))
        if self._deliverer is not None:
            self._deliverer.flush(to)
            self._deliverer.deliver(to)
        return Step(windows, tuple(events), tuple(reports))
