"""Run the daemon's own code over the past, on a state of its own that is thrown away.

In: a config, models, a span. Out: one `Outcome` a moment. Kept: nothing; nothing is delivered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from monitor.config import Config
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.store import Store, open_store
from monitor.store.metadata import METADATA
from monitor.store.versions import VERSIONS
from monitor.world import make_world

# What says nothing but what the log holds, and so is the same under another budget.
_READ = frozenset({"slots", "hour_profiles", "day_profiles", "samples", "grids", "calibrations", "versions"})


def replay(
    config: Config, models: Sequence[str], start: datetime, end: datetime, state: Store | None = None
) -> Iterator[Outcome]:
    """What would have been judged and raised between `start` and `end`, one model after the other.

    Windows are those due in `(start, end]`; labels count from the time they were received. `state` (default: one of its
    own) is a `scratch_state` that an earlier replay of the same logs, columns and references has filled: what was read
    then is not read again. Raises StoreError.
    """
    with nullcontext(state) if state is not None else scratch_state() as store, ThreadPoolExecutor(2) as pool:
        engine = Engine(make_world(config, store, pool=pool, deliver=False), as_it_was=True)
        try:
            for model in models:
                yield from engine.past(model, start, end)
        finally:
            engine.world.close()


@contextmanager
def scratch_state() -> Iterator[Store]:
    """A state database that is deleted when the block ends."""
    with tempfile.TemporaryDirectory(prefix="driftline-replay-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'replay.db'}")
        try:
            yield store
        finally:
            store.close()


def forget_judgements(state: Store) -> None:
    """Leave of a scratch state only what was read from the logs: the next replay begins as the first did.

    Of a model with several versions nothing is left: when each was first and last seen is learned by reading.
    """
    with state.begin() as connection:
        seen = connection.execute(sa.select(sa.func.count()).select_from(VERSIONS).group_by(VERSIONS.c.model))
        kept = _READ if all(count == 1 for (count,) in seen.all()) else frozenset()
        for table in reversed(METADATA.sorted_tables):
            if table.name not in kept:
                connection.execute(table.delete())
