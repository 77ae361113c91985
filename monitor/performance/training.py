"""Whether the performance baseline was made of rows the model was trained on: then it flatters.

In: a model's settings, its baseline, its log. Out: the share of the baseline that was trained on. Kept: the ids of a
training file once read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from detectors.result import Finding, Kind, Status
from detectors.volume import OPERATIONAL
from monitor.evaluate import Context
from monitor.prediction_log.base import LogError, PredictionLog
from monitor.reference.baseline import instant
from monitor.reference.rows import read_table
from monitor.settings import ModelSettings
from monitor.store.baselines import Baseline

DETECTOR = "training_overlap"


@dataclass(frozen=True, slots=True)
class Overlap:
    """The share of the baseline that was trained on (None: it cannot be told, and `reason` says why)."""

    share: float | None
    rows: int
    reason: str = ""


def judge_training(
    context: Context, settings: ModelSettings, baseline: Baseline | None, log: PredictionLog
) -> list[Finding]:
    """The finding about the baseline, where the config says what the model was trained on."""
    chosen = settings.training
    if chosen is None or chosen.out_of_fold or baseline is None or not baseline.performance:
        return []
    found = overlap(settings, baseline, log)
    limit = OPERATIONAL[DETECTOR]
    status, detail = Status.INSUFFICIENT, {"reason": found.reason}
    if found.share is not None:
        status = Status.BREACH if found.share >= limit else Status.OK
        detail = {"baseline": baseline.origin}
    return [
        context.finding(
            "baseline", Kind.VOLUME, DETECTOR, status, found.rows,
            statistic=found.share, threshold=limit, effect=found.share, detail=detail,
        )
    ]  # fmt: skip


def overlap(settings: ModelSettings, baseline: Baseline, log: PredictionLog) -> Overlap:
    """How much of the baseline was trained on: by ids, where the training file has them, else by time."""
    chosen = settings.training
    assert chosen is not None
    if baseline.start is None or baseline.end is None:
        return Overlap(None, baseline.rows, "the baseline is of no known time")
    if chosen.file is None:
        assert chosen.start is not None
        assert chosen.end is not None
        return Overlap(
            _share(baseline.start, baseline.end, instant(chosen.start, settings), instant(chosen.end, settings)),
            baseline.rows,
        )
    try:
        ids = _ids(chosen.file.replace("{version}", baseline.version), settings.columns.id or "")
        if ids is None:
            return Overlap(None, baseline.rows, "the training file has no column with the prediction's id")
        rows = same = 0
        assert settings.columns.id is not None
        names = [settings.columns.timestamp, settings.columns.id]
        for batch in log.batches(baseline.start, baseline.end, names):
            if settings.columns.id in batch.schema.names:
                column = batch.column(settings.columns.id).cast(pa.string())
                rows += batch.num_rows
                same += pc.sum(pc.is_in(column, value_set=ids)).as_py() or 0
    except LogError as error:
        return Overlap(None, baseline.rows, str(error))
    return Overlap(same / rows if rows else None, rows, "" if rows else "no rows of the baseline are left in the log")


def _share(start: datetime, end: datetime, first: datetime, last: datetime) -> float:
    common = (min(end, last) - max(start, first)).total_seconds()
    return max(common, 0.0) / (end - start).total_seconds()


@lru_cache(maxsize=8)
def _ids(file: str, column: str) -> pa.Array | None:
    table = read_table(Path(file))
    if column not in table.column_names:
        return None
    return pc.unique(table.column(column).cast(pa.string()))
