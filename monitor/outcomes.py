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
from monitor.prediction_log.arrow import micros
from monitor.prediction_log.base import LabelSource, LogMismatch, PredictionLog
from monitor.rows import by_version, times_of
from monitor.settings import ModelSettings


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
        first, last = micros(start), micros(end)
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

    Raises LogMismatch when the config maps no id column or values are of no use, LogUnreachable when a source cannot be
    read.
    """
    columns = settings.columns
    if columns.id is None:
        raise LogMismatch("labels are joined by id: map columns.id")
    names = [
        name for name in (columns.timestamp, columns.version, columns.id, columns.score, columns.prediction) if name
    ]
    parts: dict[str, list[tuple[IntArray, pa.Table]]] = {}
    for batch in log.batches(start, end, list(dict.fromkeys(names))):
        if batch.num_rows and columns.id in batch.schema.names:
            for version, part, times in by_version(batch, times_of(batch, columns.timestamp), columns.version):
                parts.setdefault(version, []).append((times, pa.Table.from_batches([part])))
    known = labels.labels(start, until)
    try:
        return {version: _outcomes(settings, found, known) for version, found in parts.items()}
    except pa.ArrowException as error:
        # What Arrow says quotes values.
        raise LogMismatch(
            f"labels of type {known.schema.field('label').type} do not go with a {settings.task} model's predictions: "
            f"{'numbers' if settings.task == 'regression' else 'one type throughout'} is needed"
        ) from error


def _outcomes(settings: ModelSettings, parts: list[tuple[IntArray, pa.Table]], known: pa.Table) -> Outcomes:
    """Join one version's rows with the labels (`id`, `label`): all at once, since each join hashes every label."""
    row_times = np.concatenate([times for times, _ in parts])
    rows = pa.concat_tables([table for _, table in parts], promote_options="permissive").combine_chunks()
    columns = settings.columns
    found = pc.index_in(rows.column(columns.id).cast(pa.string()), value_set=known.column("id").combine_chunks())
    label = known.column("label").combine_chunks().take(found.combine_chunks())
    score, said = _column(rows, columns.score), _column(rows, columns.prediction)
    usable = label.is_valid()
    for array in (score, said):
        if array is not None:
            usable = pc.and_(usable, array.is_valid())
    times, label = row_times[usable.to_numpy(zero_copy_only=False)], label.filter(usable)
    scores = None if score is None else _floats(score.filter(usable))
    raw = None if said is None else said.filter(usable)
    if settings.task == "multiclass":
        return Outcomes(row_times, times, _texts(label), None, None if raw is None else _texts(raw))
    if settings.task == "regression":
        value = scores if raw is None else _floats(raw)
        return _finite(Outcomes(row_times, times, _floats(label), None, value))
    guess: NDArray[np.generic] | None = None if raw is None else _positive(raw, settings.positive)
    if guess is None and scores is not None:
        guess = (scores >= settings.decision_threshold).astype(np.int64)
    return _finite(Outcomes(row_times, times, _positive(label, settings.positive), scores, guess))


def _column(rows: pa.Table, name: str | None) -> pa.Array | None:
    return rows.column(name).combine_chunks() if name and name in rows.schema.names else None


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
