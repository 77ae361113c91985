"""Run the daemon's own code over the past, on a state of its own that is thrown away.

In: a config, models, a span. Out: one `Outcome` a moment. Kept: nothing; nothing is delivered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from monitor.config import Config
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.store import open_store
from monitor.world import make_world


def replay(config: Config, models: Sequence[str], start: datetime, end: datetime) -> Iterator[Outcome]:
    """What would have been judged and raised between `start` and `end`, one model after the other.

    Windows are those due in `(start, end]`; labels count from the time they were received. Raises StoreError.
    """
    with tempfile.TemporaryDirectory(prefix="driftline-replay-") as folder, ThreadPoolExecutor(2) as pool:
        store = open_store(f"sqlite:///{Path(folder) / 'replay.db'}")
        engine = Engine(make_world(config, store, pool=pool, deliver=False), as_it_was=True)
        try:
            for model in models:
                yield from engine.past(model, start, end)
        finally:
            engine.world.close()
            store.close()
