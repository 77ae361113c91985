"""Put a `World` together from a config: which log and labels each model reads.

In: a config, a store. Out: a `World`. Kept: nothing.
"""

from __future__ import annotations

from concurrent.futures import Executor

from monitor.config import Config
from monitor.judging import World
from monitor.prediction_log.base import LabelSource, LogError, PredictionLog
from monitor.prediction_log.open import open_labels, open_log
from monitor.store import Store
from monitor.store.leases import Lease


def make_world(
    config: Config,
    store: Store,
    *,
    pool: Executor | None = None,
    lease: Lease | None = None,
    deliver: bool = True,
) -> World:
    """A world that reads each model's log where the config says it is."""
    settings = config.settings

    def log(model: str) -> PredictionLog:
        source = settings.log_of(model)
        if source is None:
            raise LogError(f"model {model} has no log: give it one, or one at top level")
        return open_log(settings.models[model], source, model)

    def labels(model: str) -> LabelSource | None:
        return open_labels(settings.models[model], settings.log_of(model), model)

    return World(store, config, log, labels, pool, lease, deliver)
