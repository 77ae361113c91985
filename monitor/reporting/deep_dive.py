"""Evidently's report of a model's worst breached window, on a reproducible sample of the log.

In: a `World`, what was gathered about a model, where to write. Out: the report's part on it, None where nothing
breached. Kept: Evidently's HTML. It runs in a process of its own; no failure of it breaks the report.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from detectors.result import Kind, Status
from monitor.prediction_log.base import LogError, PredictionLog
from monitor.reference.rows import read_table, watched
from monitor.reporting.gather import Gathered
from monitor.settings import ModelSettings
from monitor.store.evaluations import Evaluation
from monitor.world import World
from reports.context import DeepDiveLink, Period
from reports.deep_dive import make_deep_dive

_ROWS = 5_000


def dive(world: World, gathered: Gathered, out: Path) -> DeepDiveLink | None:
    """Dive into the worst window of the period; None when none breached or there is nothing to compare with."""
    worst = _worst(gathered)
    baseline = gathered.baseline
    if worst is None or baseline is None:
        return None
    window = worst.window
    period = Period(window.start, window.end)
    try:
        log = world.open_log(gathered.model)
        production = _sample(log, gathered.settings, window.start, window.end)
        if baseline.start is not None and baseline.end is not None:
            reference = _sample(log, gathered.settings, baseline.start, baseline.end)
        elif gathered.settings.baseline.file is not None:
            reference = read_table(Path(gathered.settings.baseline.file.replace("{version}", baseline.version)))
        else:
            return None
    except LogError as error:
        return DeepDiveLink(None, f"The log could not be read: {error}", period)
    names = [c.name for c in baseline.grid.columns if not c.private]
    both = [name for name in names if name in reference.schema.names and name in production.schema.names]
    return make_deep_dive(reference.select(both), production.select(both), out).link(period)


def _worst(gathered: Gathered) -> Evaluation | None:
    def breaches(evaluation: Evaluation) -> int:
        kinds = (Kind.FEATURE, Kind.PREDICTION, Kind.QUALITY)
        return sum(f.status is Status.BREACH and f.kind in kinds for f in evaluation.findings)

    judged = [one for one in gathered.in_period(gathered.inputs) if one.baseline and breaches(one)]
    return max(judged, key=lambda one: (breaches(one), one.window.end), default=None)


def _sample(log: PredictionLog, settings: ModelSettings, start: datetime, end: datetime) -> pa.Table:
    """About `_ROWS` rows, every n-th of the span: the same span gives the same rows."""
    rows = sum(hour.rows or 0 for hour in log.hours(start, end))
    every = max(1, -(-rows // _ROWS))
    names = [*watched(settings, log.schema()), settings.columns.timestamp]
    kept, seen = [], 0
    for batch in log.batches(start, end, list(dict.fromkeys(names))):
        chosen = np.arange((-seen) % every, batch.num_rows, every)
        seen += batch.num_rows
        if len(chosen):
            kept.append(pa.Table.from_batches([batch.take(pa.array(chosen))]))
    if not kept:
        return pa.table({name: pa.array([], pa.null()) for name in names})
    return pa.concat_tables(kept, promote_options="permissive")
