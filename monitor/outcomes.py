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
from monitor.sync import by_version, microseconds, times_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The labelled rows of one version in a span, and how many rows there were in all.

    `label` is 0/1 for binary tasks, text for multiclass, a number for regression; `score` is None where the log
    has none, `prediction` likewise. Arrays have shape (labelled,), but for `row_times`, the times of all rows as
    microseconds since the epoch; `times` are those of the labelled ones.
    """

    row_times: IntArray
    times: IntArray
    label: NDArray[np.generic]
    score: FloatArray | None
    prediction: NDArray[np.generic] | None

    @property
    def rows(self) -> int:
        """Rows in the span, labelled or not."""
        return len(self.row_times)

    @property
    def labelled(self) -> int:
        """Rows whose label has come."""
        return len(self.label)

    @property
    def coverage(self) -> float:
        """Share of rows whose label has come; 0 for no rows."""
        return self.labelled / self.rows if self.rows else 0.0

    def between(self, start: datetime, end: datetime) -> Outcomes:
        """The part in `[start, end)`."""
        first, last = microseconds(start), microseconds(end)
        mine = (self.times >= first) & (self.times < last)
        return Outcomes(
            self.row_times[(self.row_times >= first) & (self.row_times < last)],
            self.times[mine],
            self.label[mine],
            None if self.score is None else self.score[mine],
            None if self.prediction is None else self.prediction[mine],
        )


def read_outcomes(
    log: PredictionLog,
    labels: LabelSource,
    settings: ModelSettings,
    start: datetime,
    end: datetime,
    until: datetime,
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
    parts: dict[str, list[_Part]] = {}
    for batch in log.batches(start, end, list(dict.fromkeys(names))):
        if not batch.num_rows or columns.id not in batch.schema.names:
            continue
        for version, part, times in by_version(batch, times_of(batch, columns.timestamp), columns.version):
            found = pc.index_in(part.column(columns.id).cast(pa.string()), value_set=known)
            here = found.is_valid()
            parts.setdefault(version, []).append(
                _Part(
                    times,
                    times[here.to_numpy(zero_copy_only=False)],
                    truths.take(found.drop_null()),
                    _chosen(part, columns.score, here),
                    _chosen(part, columns.prediction, here),
                )
            )
    return {version: _outcomes(settings, pieces) for version, pieces in parts.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """One batch of one version: times of all rows, then the labelled rows alone."""

    row_times: IntArray
    times: IntArray
    label: pa.Array
    score: pa.Array | None
    prediction: pa.Array | None


def _chosen(part: pa.RecordBatch, name: str | None, here: pa.BooleanArray) -> pa.Array | None:
    return part.column(name).filter(here) if name and name in part.schema.names else None


def _outcomes(settings: ModelSettings, pieces: list[_Part]) -> Outcomes:
    row_times = np.concatenate([piece.row_times for piece in pieces])
    times = np.concatenate([piece.times for piece in pieces])
    label = _joined([piece.label for piece in pieces])
    score = _joined([piece.score for piece in pieces if piece.score is not None])
    prediction = _joined([piece.prediction for piece in pieces if piece.prediction is not None])
    usable = label.is_valid()
    for array in (score, prediction):
        if len(array) == len(label) and len(array):
            usable = pc.and_(usable, array.is_valid())
    label, times = label.filter(usable), times[usable.to_numpy(zero_copy_only=False)]
    score_values = _floats(score.filter(usable)) if len(score) == len(usable) and settings.columns.score else None
    raw = prediction.filter(usable) if len(prediction) == len(usable) and settings.columns.prediction else None
    if settings.task == "multiclass":
        return Outcomes(row_times, times, _texts(label), None, None if raw is None else _texts(raw))
    if settings.task == "regression":
        said = score_values if raw is None else _floats(raw)
        return _finite(Outcomes(row_times, times, _floats(label), None, said))
    guess: NDArray[np.generic] | None = None if raw is None else _positive(raw, settings.positive)
    if guess is None and score_values is not None:
        guess = (score_values >= settings.decision_threshold).astype(np.int64)
    return _finite(Outcomes(row_times, times, _positive(label, settings.positive), score_values, guess))


def _finite(outcomes: Outcomes) -> Outcomes:
    """Without the rows whose label, score or prediction is no finite number."""
    finite = np.ones(outcomes.labelled, dtype=np.bool_)
    for values in (outcomes.label, outcomes.score, outcomes.prediction):
        if values is not None:
            finite &= np.isfinite(values)
    if finite.all():
        return outcomes
    score, said = outcomes.score, outcomes.prediction
    return Outcomes(
        outcomes.row_times,
        outcomes.times[finite],
        outcomes.label[finite],
        None if score is None else score[finite],
        None if said is None else said[finite],
    )


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
