"""From settings to an open log and its labels.

In: a model's settings and the log common to all. Out: a `PredictionLog` and a `LabelSource`.
Kept: nothing.
"""

from __future__ import annotations

from monitor.prediction_log.base import LabelSource, LogMismatch, PredictionLog
from monitor.prediction_log.delta import LABELS, DeltaLog, DeltaRows, table_location
from monitor.prediction_log.labels import RowLabels
from monitor.prediction_log.parquet import ParquetLog
from monitor.prediction_log.sql import SqlLog
from monitor.settings import Columns, LabelSettings, LogSettings, ModelSettings


def open_log(settings: ModelSettings, common: LogSettings | None, model: str) -> PredictionLog:
    """The model's log, its own or the common one. Nothing is read yet. Raises LogMismatch."""
    return _open(_where(settings, common, model), settings.columns, model)


def open_delta(settings: ModelSettings, common: LogSettings | None, model: str) -> DeltaLog:
    """The model's log where it is one Driftline writes. Raises LogMismatch for any other."""
    where = _where(settings, common, model)
    if not where.delta:
        raise LogMismatch(f"the log of {model} is read-only (sql or parquet); only a delta log can be written to")
    return DeltaLog(where.delta, model, settings.columns)


def open_labels(settings: ModelSettings, common: LogSettings | None, model: str) -> LabelSource | None:
    """Where the model's labels come from, None where the config names no place.

    `labels:` names a place of their own; a Delta log has a labels table of its own; a label column in the user's own
    table or files counts from `label_time`, or from the row's own time where that is not mapped.
    Raises LogMismatch.
    """
    if settings.labels is not None:
        return _apart(settings.labels, model)
    where = _where(settings, common, model)
    columns = settings.columns
    if where.delta:
        source = DeltaRows(table_location(where.delta, model, LABELS), "received_at")
        return RowLabels(source, id="id", label="label", received_at="received_at")
    if columns.label is None:
        return None
    if columns.id is None:
        raise LogMismatch(f"{model}: columns.label needs columns.id, by which labels are joined")
    received = columns.label_time or columns.timestamp
    labelled = columns.model_copy(update={"timestamp": received})
    rows = _open(where, labelled, model, filled=columns.label, asked_by=columns.timestamp)
    return RowLabels(rows, id=columns.id, label=columns.label, received_at=received)


def _where(settings: ModelSettings, common: LogSettings | None, model: str) -> LogSettings:
    where = settings.log or common
    if where is None:
        raise LogMismatch(f"{model} has no log: give log: at the top level or under the model")
    return where


def _open(
    where: LogSettings, columns: Columns, model: str, filled: str | None = None, asked_by: str | None = None
) -> PredictionLog:
    if where.delta:
        return DeltaLog(where.delta, model, columns)
    if where.parquet:
        return ParquetLog(where.parquet, columns)
    return SqlLog(where.sql or "", columns, table=where.table, query=where.query, filled=filled, asked_by=asked_by)


def _apart(where: LabelSettings, model: str) -> LabelSource:
    if where.delta:
        source: PredictionLog = DeltaRows(table_location(where.delta, model, LABELS), where.received_at)
    else:
        columns = Columns(timestamp=where.received_at, id=where.id, label=where.label)
        source = _open(where, columns, model, filled=where.label)
    return RowLabels(source, id=where.id, label=where.label, received_at=where.received_at)
