"""The pages of a report's models: gathered, drawn and written; half of them in a second process where they are many.

In: a `World`, a report's head, the models' names. Out: `Made`, what the digest needs of them. Kept: the models' files.
Models have nothing to do with each other, and a second process takes the second processor. Spawned, not forked:
deltalake does not survive a fork.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from monitor.config import Config
from monitor.reporting.deep_dive import dive
from monitor.reporting.gather import Gathered, gather
from monitor.reporting.incident import incident_page
from monitor.reporting.page import model_page, recent
from monitor.reporting.side_by_side import side_by_side
from monitor.reporting.totals import coverage, together
from monitor.settings import ReportSettings
from monitor.store import Store
from monitor.store.engine import make_engine
from monitor.world import World, make_world
from reports.context import Change, Coverage, ReportContext
from reports.errors import ReportError
from reports.links import deep_dive_name, page_name
from reports.render import Pages, ReportWriter

_MANY = 12  # models from which on a second process is worth its start


@dataclass(frozen=True, slots=True)
class Made:
    """Models whose pages are written: what is kept of the pages, and of what was gathered, for the totals."""

    pages: Pages
    changes: tuple[Change, ...]
    covered: Coverage
    gathered: tuple[Gathered, ...]

    def __add__(self, other: Made) -> Made:
        return Made(
            self.pages + other.pages,
            (*self.changes, *other.changes),
            together(self.covered, other.covered),
            (*self.gathered, *other.gathered),
        )


def make_models(
    world: World, report: ReportSettings, head: ReportContext, at: datetime, names: Sequence[str], folder: Path
) -> Made:
    """Write the pages of these models, each as it was known at `at`."""
    settings = world.config.settings
    writer = ReportWriter(head, folder)
    everything, covered = [], Coverage()
    changes: list[Change] = []
    for name in names:
        with world.store.read() as connection:
            gathered = gather(connection, name, settings.models[name], head.period, at)
            told = recent(gathered)
            page_of = page_name(name)
            pages = [incident_page(connection, one, gathered, head.generated_at, model_page=page_of) for one in told]
        found = dive(world, gathered, folder / deep_dive_name(name)) if report.deep_dive else None
        page = model_page(gathered, found, [one.id for one in told])
        page = replace(page, version_comparison=side_by_side(world, gathered, head.generated_at))
        writer.add(page, pages)
        changes += page.changes
        covered = together(covered, coverage(gathered))
        everything.append(gathered.light())
    return Made(writer.made, tuple(changes), covered, tuple(everything))


def make_all(
    world: World, report: ReportSettings, head: ReportContext, at: datetime, names: Sequence[str], folder: Path
) -> Made:
    """The same of all models of a report. Raises ReportError if the second process died."""
    if len(names) < _MANY or (os.cpu_count() or 1) < 2:
        return make_models(world, report, head, at, names, folder)
    half = len(names) // 2
    url = world.store.engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as process:
        theirs = process.submit(_elsewhere, world.config, url, report, head, at, names[half:], folder)
        ours = make_models(world, report, head, at, names[:half], folder)
        try:
            return ours + theirs.result()
        except BrokenProcessPool as error:
            raise ReportError(f"a process that wrote half of report {report.name} died: out of memory?") from error


def _elsewhere(
    config: Config,
    url: str,
    report: ReportSettings,
    head: ReportContext,
    at: datetime,
    names: Sequence[str],
    folder: Path,
) -> Made:
    store = Store(make_engine(url))
    world = make_world(config, store)
    try:
        with few_collections():
            return make_models(world, report, head, at, names, folder)
    finally:
        world.close()
        store.close()


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for cyclic garbage seldom: a report is millions of small values, hardly any in cycles, and looking through
    them again and again takes an eighth of its time. For a process that does nothing else meanwhile."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
