"""Predictions joined with their labels.

In: a log, its labels, a span, and up to when labels count. Out: arrays by version, ready for the metrics.
Kept: nothing. Only the id, score and prediction columns are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.result import FloatArray, IntArray
from monitor.prediction_log.base import LabelSource, LogMismatch, PredictionLog
from monitor.settings import ModelSettings
from monitor.sync import by_version, times_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The labelled rows of one version in a span, and how many rows there were in all.

    `label` is 0/1 for binary tasks, text for multiclass, a number for regression; `score` is None where the log
    has none, `prediction` likewise. Arrays have shape (labelled,).
    """

    rows: int
    label: NDArray[np.generic]
    score: FloatArray | None
    prediction: NDArray[np.generic] | None

    @property
    def labelled(self) -> int:
        """Rows whose label has come."""
        return len(self.label)

    @property
    def coverage(self) -> float:
        """Share of rows whose label has come; 0 for no rows."""
        return self.labelled / self.rows if self.rows else 0.0


def read_outcomes(
    log: PredictionLog,
    labels: LabelSource,
    settings: ModelSettings,
    start: datetime,
    end: datetime,
    until: datetime,
    every: int = 1,
) -> dict[str, Outcomes]:
    """The outcomes of `[start, end)` by version, with the labels received before `until`.

    Raises LogMismatch when the config maps no id column, LogUnreachable when a source cannot be read.
    """
    columns = settings.columns
    if columns.id is None:
        raise LogMismatch("labels are joined by id: map columns.id")
    table = labels.labels(start, until)
    known = table.column("id").combine_chunks()
    truths = table.column("label").combine_chunks()
    names = [
        name for name in (columns.timestamp, columns.version, columns.id, columns.score, columns.prediction) if name
    ]
    parts: dict[str, list[tuple[int, pa.Array, pa.Array | None, pa.Array | None]]] = {}
    for batch in log.batches(start, end, list(dict.fromkeys(names))):
        if not batch.num_rows or columns.id not in batch.schema.names:
            continue
        for version, part, _ in by_version(batch, times_of(batch, columns.timestamp), columns.version):
            found = pc.index_in(part.column(columns.id).cast(pa.string()), value_set=known)
            here = found.is_valid()
            parts.setdefault(version, []).append(
                (
                    part.num_rows,
                    truths.take(found.drop_null()),
                    _chosen(part, columns.score, here),
                    _chosen(part, columns.prediction, here),
                )
            )
    return {version: _outcomes(settings, pieces) for version, pieces in parts.items()}


def _chosen(part: pa.RecordBatch, name: str | None, here: pa.BooleanArray) -> pa.Array | None:
    return part.column(name).filter(here) if name and name in part.schema.names else None


def _outcomes(
    settings: ModelSettings, pieces: list[tuple[int, pa.Array, pa.Array | None, pa.Array | None]]
) -> Outcomes:
    rows = sum(piece[0] for piece in pieces)
    label = _joined([piece[1] for piece in pieces])
    score = _joined([piece[2] for piece in pieces if piece[2] is not None])
    prediction = _joined([piece[3] for piece in pieces if piece[3] is not None])
    usable = label.is_valid()
    for array in (score, prediction):
        if len(array) == len(label) and len(array):
            usable = pc.and_(usable, array.is_valid())
    label = label.filter(usable)
    score_values = _floats(score.filter(usable)) if len(score) == len(usable) and settings.columns.score else None
    raw = prediction.filter(usable) if len(prediction) == len(usable) and settings.columns.prediction else None
    if settings.task == "binary":
        truth: NDArray[np.generic] = _positive(label, settings.positive)
        guess: NDArray[np.generic] | None = None if raw is None else _positive(raw, settings.positive)
        if guess is None and score_values is not None:
            guess = (score_values >= settings.decision_threshold).astype(np.int64)
    elif settings.task == "multiclass":
        truth, guess = _texts(label), None if raw is None else _texts(raw)
    else:
        truth, guess = _floats(label), None if raw is None else _floats(raw)
        if guess is None:
            guess = score_values
        finite = np.isfinite(truth) & (np.isfinite(guess) if guess is not None else True)
        truth, guess = truth[finite], None if guess is None else guess[finite]
        return Outcomes(rows, truth, None, guess)
    if score_values is not None:
        finite = np.isfinite(score_values)
        truth, score_values = truth[finite], score_values[finite]
        guess = None if guess is None else guess[finite]
    return Outcomes(rows, truth, score_values, guess)


def _joined(arrays: list[pa.Array]) -> pa.Array:
    if not arrays:
        return pa.array([], pa.null())
    return pa.chunked_array(arrays).combine_chunks()


def _floats(array: pa.Array) -> FloatArray:
    values: FloatArray = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values.astype(np.float64, copy=False)


def _texts(array: pa.Array) -> NDArray[np.generic]:
    return np.asarray(pc.cast(array, pa.string()).to_numpy(zero_copy_only=False), dtype=np.str_)


def _positive(array: pa.Array, positive: str | int | bool) -> IntArray:
    """1 where the value is the positive class: numbers and booleans compare as numbers, the rest as text."""
    kind = array.type
    if pa.types.is_boolean(kind):
        array = pc.cast(array, pa.int8())
        kind = array.type
    if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not isinstance(positive, str):
        hit = pc.equal(pc.cast(array, pa.float64()), float(positive))
    else:
        hit = pc.equal(pc.cast(array, pa.string()), str(positive))
    values: IntArray = pc.cast(hit, pa.int64()).to_numpy(zero_copy_only=False)
    return values
