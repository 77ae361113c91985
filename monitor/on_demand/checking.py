"""Judge the windows of one model that end at a time, without writing what is found.

In: a config, a store, a model, a time. Out: findings. Kept: hour profiles and the baseline alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from detectors.result import Finding
from monitor.config import Config
from monitor.engine import has_labels
from monitor.judging.moment import Judging
from monitor.judging.runs import judge_runs
from monitor.prediction_log.base import LogMismatch
from monitor.store import Store
from monitor.windows import HOUR, RunDue, ending_at, runs_between
from monitor.world import make_world

# Two weekly runs and their late looks.
_LOOK_BACK = timedelta(days=15)


def check_model(config: Config, store: Store, model: str, at: datetime | None, now: datetime) -> list[Finding]:
    """The findings of the windows that end at `at` (default: the newest that the log has rows for).

    A time inside a day or hour stands for the last boundary before it. Raises LogError, StoreError.
    """
    settings = config.settings.models[model]
    with ThreadPoolExecutor(2) as pool:
        world = make_world(config, store, pool=pool, deliver=False)
        try:
            log = world.open_log(model)
            hour_at = day_at = at
            if hour_at is None or day_at is None:
                span = log.span()
                if span is None:
                    raise LogMismatch(f"the log of {model} has no rows")
                hour_at, day_at = min(now, span[1] + HOUR), min(now, span[1] + timedelta(days=1))
            judging = Judging(world, model, settings, log, world.open_labels(model), max(now, day_at), explain=True)
            if settings.cadence is not None:
                looks = runs_between(settings.cadence, settings.settle, settings.zone, day_at - _LOOK_BACK, day_at)
                evaluations = list(judge_runs(judging, _newest(looks), again=True))
            else:
                labelled = has_labels(settings, config.settings.log_of(model))
                hourly = [due for due in ending_at(settings, hour_at, labelled) if due.window.horizon == "1h"]
                longer = [due for due in ending_at(settings, day_at, labelled) if due.window.horizon != "1h"]
                evaluations = list(judging.windows([*hourly, *longer], revisions=False))
        finally:
            world.close()
    return [finding for evaluation in evaluations for finding in evaluation.findings]


def _newest(looks: Sequence[RunDue]) -> list[RunDue]:
    """The last look for the newest run, from its deadline on as one that finds it missing."""
    last = looks[-1]
    return [replace(last, deadline=any(look.deadline for look in looks if look.due == last.due))]
