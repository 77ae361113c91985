"""Judge the windows of one model that end at a time, without writing what is found.

In: a config, a store, a model, a time. Out: findings. Kept: hour profiles and the baseline alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from detectors.result import Finding
from monitor.config import Config
from monitor.engine import has_labels
from monitor.judging import Judging
from monitor.prediction_log.base import LogMismatch
from monitor.runs import judge_runs
from monitor.store import Store
from monitor.windows import ending_at, runs_between
from monitor.world import make_world


def check_model(config: Config, store: Store, model: str, at: datetime | None, now: datetime) -> list[Finding]:
    """The findings of the windows that end at `at` (default: the newest that the log has rows for).

    A time inside a day or hour stands for the last boundary before it. Raises LogError, StoreError.
    """
    settings = config.settings.models[model]
    with ThreadPoolExecutor(2) as pool:
        world = make_world(config, store, pool=pool, deliver=False)
        try:
            log = world.open_log(model)
            if at is None:
                span = log.span()
                if span is None:
                    raise LogMismatch(f"the log of {model} has no rows")
                at = min(now, span[1] + timedelta(days=1))
            judging = Judging(world, model, settings, log, world.open_labels(model), max(now, at), explain=True)
            if settings.cadence is not None:
                looks = runs_between(settings.cadence, settings.settle, settings.zone, at - timedelta(days=8), at)
                evaluations = list(judge_runs(judging, looks[-1:]))
            else:
                dues = ending_at(settings, at, has_labels(settings, config.settings.log_of(model)))
                evaluations = list(judging.windows(dues))
        finally:
            world.close()
    return [finding for evaluation in evaluations for finding in evaluation.findings]
