"""What an evaluation touches: the state, the config, and which log and labels each model reads.

In: a config, a store. Out: a `World`. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from monitor.config import Config
from monitor.prediction_log.base import LabelSource, LogError, PredictionLog
from monitor.prediction_log.open import open_labels, open_log
from monitor.store import Store
from monitor.store.leases import Lease


@dataclass(frozen=True)
class World:
    """Everything an evaluation touches, passed in: state, config, sources, threads.

    `deliver` is false where nothing may leave the house (replay, backfill). `lease` is None where nobody else can
    be writing (an own temporary state). `close` gives back whatever `open_log` and `open_labels` have opened; they
    open anew when asked again.
    """

    store: Store
    config: Config
    open_log: Callable[[str], PredictionLog]
    open_labels: Callable[[str], LabelSource | None]
    close: Callable[[], None] = lambda: None
    pool: Executor | None = None
    lease: Lease | None = None
    deliver: bool = True


def make_world(
    config: Config,
    store: Store,
    *,
    pool: Executor | None = None,
    lease: Lease | None = None,
    deliver: bool = True,
) -> World:
    """A world that reads each model's log where the config says it is; each is opened once and stays open."""
    settings = config.settings
    logs: dict[str, PredictionLog] = {}
    labels: dict[str, LabelSource | None] = {}

    def log_of(model: str) -> PredictionLog:
        if model not in logs:
            source = settings.log_of(model)
            if source is None:
                raise LogError(f"model {model} has no log: give it one, or one at top level")
            logs[model] = open_log(settings.models[model], source, model)
        return logs[model]

    def labels_of(model: str) -> LabelSource | None:
        if model not in labels:
            labels[model] = open_labels(settings.models[model], settings.log_of(model), model)
        return labels[model]

    def close() -> None:
        for log in logs.values():
            log.close()
        for source in labels.values():
            if source is not None:
                source.close()
        logs.clear()
        labels.clear()

    return World(store, config, log_of, labels_of, close, pool, lease, deliver)
