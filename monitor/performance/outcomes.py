"""Predictions joined with their labels.

In: a log, its labels, a span, and up to when labels count. Out: arrays by version, ready for the metrics.
Kept: nothing. Only the columns of id, score, prediction and segments are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.result import FloatArray, IntArray
from monitor.prediction_log.arrow import micros, moment
from monitor.prediction_log.base import LabelSource, LogMismatch, PredictionLog
from monitor.profiling.rows import by_version, times_of
from monitor.settings import ModelSettings
from monitor.windows import days, local_day

_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The labelled rows of one version in a span, in order of time, and how many rows there were in all.

    `label` is 0/1 for binary tasks, text for multiclass, a number for regression; `score` is None where the log
    has none, `prediction` likewise. Arrays have shape (labelled,), but for `row_times`, the times of all rows as
    microseconds since the epoch; `times` are those of the labelled ones, `first` when their first label was received
    (None: not known). `segments` are the values of the segment columns.
    """

    row_times: IntArray
    times: IntArray
    label: NDArray[np.generic]
    score: FloatArray | None
    prediction: NDArray[np.generic] | None
    first: IntArray | None = None
    segments: Mapping[str, pa.Array] = field(default_factory=dict)

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

    def days(self, zone: ZoneInfo) -> IntArray:
        """The local day of each labelled row, as a number, shape (labelled,)."""
        return local_days(self.times, zone)

    def between(self, start: datetime, end: datetime) -> Outcomes:
        """The part in `[start, end)`."""
        edges = micros(start), micros(end)
        first, last = np.searchsorted(self.row_times, edges)
        return replace(self._cut(slice(*np.searchsorted(self.times, edges))), row_times=self.row_times[first:last])

    def where(self, chosen: NDArray[np.bool_]) -> Outcomes:
        """The labelled rows that a mask of shape (labelled,) chooses, of all the rows there were."""
        return self._cut(chosen)

    def _cut(self, chosen: slice | NDArray[np.bool_] | IntArray) -> Outcomes:
        return Outcomes(
            self.row_times,
            self.times[chosen],
            self.label[chosen],
            None if self.score is None else self.score[chosen],
            None if self.prediction is None else self.prediction[chosen],
            None if self.first is None else self.first[chosen],
            {name: _picked(values, chosen) for name, values in self.segments.items()},
        )

    def digests(self) -> NDArray[np.uint64]:
        """A number for each labelled row that another label, score or prediction changes, shape (labelled,)."""
        found = _bits(self.times) * _MIX
        for values in (self.label, self.score, self.prediction):
            if values is not None:
                found = (found ^ (found >> np.uint64(29))) * _MIX + _bits(values)
        return found ^ (found >> np.uint64(32))


def _picked(values: pa.Array, chosen: slice | NDArray[np.bool_] | IntArray) -> pa.Array:
    if isinstance(chosen, slice):
        return values[chosen]
    return values.filter(pa.array(chosen)) if chosen.dtype == np.bool_ else values.take(pa.array(chosen))


def _bits(values: NDArray[np.generic]) -> NDArray[np.uint64]:
    if values.dtype.kind == "U":
        names, place = np.unique(values, return_inverse=True)
        each = [int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:8], "little") for name in names]
        return np.array(each, dtype=np.uint64)[place]
    return values.astype(np.float64 if values.dtype.kind == "f" else np.int64).view(np.uint64)


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
        name
        for name in (
            columns.timestamp,
            columns.version,
            columns.id,
            columns.score,
            columns.prediction,
            *settings.segments,
        )
        if name
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


def local_days(times: IntArray, zone: ZoneInfo) -> IntArray:
    """The local day of each time (microseconds), as its proleptic ordinal, shape (rows,)."""
    if not len(times):
        return np.empty(0, dtype=np.int64)
    spans = list(days(moment(int(times.min())), moment(int(times.max()) + 1), zone))
    edges = np.array([micros(start) for start, _ in spans])
    ordinals = np.array([local_day(start, zone).toordinal() for start, _ in spans], dtype=np.int64)
    found: IntArray = ordinals[np.searchsorted(edges, times, side="right") - 1]
    return found


def _outcomes(settings: ModelSettings, parts: list[tuple[IntArray, pa.Table]], known: pa.Table) -> Outcomes:
    """Join one version's rows with the labels: all at once, since each join hashes every label."""
    row_times = np.concatenate([times for times, _ in parts])
    rows = pa.concat_tables([table for _, table in parts], promote_options="permissive").combine_chunks()
    columns = settings.columns
    found = pc.index_in(rows.column(columns.id).cast(pa.string()), value_set=known.column("id").combine_chunks())
    found = found.combine_chunks()
    label = known.column("label").combine_chunks().take(found)
    score, said = _column(rows, columns.score), _column(rows, columns.prediction)
    usable = label.is_valid()
    for array in (score, said):
        if array is not None:
            usable = pc.and_(usable, array.is_valid())
    times, label = row_times[usable.to_numpy(zero_copy_only=False)], label.filter(usable)
    came = known.column("first_at").combine_chunks().take(found.filter(usable)).cast(pa.int64())
    first = came.to_numpy(zero_copy_only=False).astype(np.int64)
    segments = {
        name: column.filter(usable) for name in settings.segments if (column := _column(rows, name)) is not None
    }
    scores = None if score is None else _floats(score.filter(usable))
    raw = None if said is None else said.filter(usable)
    whole = Outcomes(np.sort(row_times), times, times, None, None, first, segments)
    if settings.task == "multiclass":
        return _ordered(replace(whole, label=_texts(label), prediction=None if raw is None else _texts(raw)))
    if settings.task == "regression":
        value = scores if raw is None else _floats(raw)
        return _ordered(_finite(replace(whole, label=_floats(label), prediction=value)))
    guess: NDArray[np.generic] | None = None if raw is None else _positive(raw, settings.positive)
    if guess is None and scores is not None:
        guess = (scores >= settings.decision_threshold).astype(np.int64)
    return _ordered(_finite(replace(whole, label=_positive(label, settings.positive), score=scores, prediction=guess)))


def _ordered(outcomes: Outcomes) -> Outcomes:
    """In order of time: any part of the span is then a slice."""
    if (np.diff(outcomes.times) >= 0).all():
        return outcomes
    return outcomes._cut(np.argsort(outcomes.times, kind="stable"))


def _column(rows: pa.Table, name: str | None) -> pa.Array | None:
    return rows.column(name).combine_chunks() if name and name in rows.schema.names else None


def _finite(outcomes: Outcomes) -> Outcomes:
    """Without the rows whose label, score or prediction is no finite number."""
    finite = np.ones(outcomes.labelled, dtype=np.bool_)
    for values in (outcomes.label, outcomes.score, outcomes.prediction):
        if values is not None:
            finite &= np.isfinite(values)
    return outcomes if finite.all() else outcomes.where(finite)


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
