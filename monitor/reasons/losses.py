"""What each row cost: the log loss of a binary model's score, the absolute error of a number, once labels are there.

In: labels received by some time. Out: a function from a batch of rows to their losses, NaN where there is no label.
Kept: nothing. A mean of losses can be divided among features as a mean of predictions can; an AUC cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.result import FloatArray
from detectors.values import column_of
from monitor.performance.outcomes import _floats, _positive
from monitor.prediction_log.base import LabelSource
from monitor.settings import ModelSettings

Losses = Callable[[pa.RecordBatch], FloatArray]
_TINY = 1e-6


def loss_of(settings: ModelSettings) -> tuple[str, str] | None:
    """The column whose loss is looked at, and what the loss is called; None for a model that has no such one."""
    columns = settings.columns
    if columns.id is None:
        return None
    if settings.task == "binary":
        return None if columns.score is None else (columns.score, "log loss")
    said = columns.prediction or columns.score
    return (said, "mean absolute error") if settings.task == "regression" and said else None


def losses_of(settings: ModelSettings, labels: LabelSource, start: datetime, now: datetime) -> Losses:
    """The losses of rows from `start` on, by the labels received before `now`. Raises LogError."""
    chosen, name = loss_of(settings), settings.columns.id
    assert chosen is not None
    assert name is not None
    known = labels.labels(start, now)
    ids, label = known.column("id").combine_chunks(), known.column("label").combine_chunks()

    def losses(rows: pa.RecordBatch) -> FloatArray:
        found = np.full(rows.num_rows, np.nan)
        own, said = column_of(rows, name), column_of(rows, chosen[0])
        if own is None or said is None:
            return found
        truth = label.take(pc.index_in(pc.cast(own, pa.string()), value_set=ids))
        there = pc.and_(truth.is_valid(), said.is_valid()).to_numpy(zero_copy_only=False)
        truth, said = truth.filter(pa.array(there)), _floats(said.filter(pa.array(there)))
        if settings.task == "regression":
            found[there] = np.abs(said - _floats(truth))
            return found
        score = np.clip(said, _TINY, 1.0 - _TINY)
        found[there] = -np.where(_positive(truth, settings.positive) == 1, np.log(score), np.log1p(-score))
        return found

    return losses
