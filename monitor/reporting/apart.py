"""Write a report in a process of its own, so that the daemon stays small and its loops go on.

In: what `write` takes. Out: what `write` gives. Kept: nothing here: the chart engine's 100 MB go with the process.
Spawned, not forked: deltalake does not survive a fork.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime

from monitor.config import Config
from monitor.reporting.models import few_collections
from monitor.reporting.write import Written, write
from monitor.settings import ReportSettings
from monitor.store import Store
from monitor.store.engine import make_engine
from monitor.world import World, make_world
from reports.errors import ReportError


def write_apart(world: World, report: ReportSettings, at: datetime, now: datetime) -> Written:
    """`write`, elsewhere. Raises ReportError if the process died, and whatever `write` raises."""
    context = multiprocessing.get_context("spawn")
    url = world.store.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as process:
        try:
            return process.submit(_write, world.config, url, report, at, now).result()
        except BrokenProcessPool as error:
            raise ReportError(f"the process that wrote report {report.name} died: out of memory?") from error


def _write(config: Config, url: str, report: ReportSettings, at: datetime, now: datetime) -> Written:
    store = Store(make_engine(url))
    world = make_world(config, store)
    try:
        with few_collections():
            return write(world, report, at, now)
    finally:
        world.close()
        store.close()
