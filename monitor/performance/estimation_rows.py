"""Rows of one version for estimating performance: scores, predictions, and features as cells of the baseline's grid.

In: a log, a baseline, a span; labels where there are any. Out: `Drawn`, at most so many rows. Kept: nothing.

Which rows are drawn follows from a fixed hash of their id, so that the same log always gives the same estimate. No raw
value of a feature leaves here: only which cell of the grid it falls into.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.columns import Column, ColumnKind, Role
from detectors.grid import Grid
from detectors.result import FloatArray, IntArray
from detectors.sample import ABSENT, SampleRule, cells_of, keep
from monitor.prediction_log.base import LogMismatch, PredictionLog
from monitor.profiling.rows import by_version, merged, times_of
from monitor.settings import ModelSettings

MOST_ROWS = 30_000
MOST_OF_A_WINDOW = 10_000
# Rows times features: what a baseline's estimator is learned from and keeps.
_MOST_VALUES = 1_500_000


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows drawn from a span, in order of their hash; arrays of shape (rows,), `features` (rows, F), NaN for missing.

    `total` is how many rows the span has; `score` and `said` are None where the log has no such column.
    """

    ids: pa.Array
    times: IntArray
    score: pa.Array | None
    said: pa.Array | None
    features: FloatArray
    total: int

    def take(self, chosen: IntArray | NDArray[np.bool_]) -> Drawn:
        """Some of the rows."""
        places = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        at = pa.array(places)
        return Drawn(
            self.ids.take(at),
            self.times[places],
            None if self.score is None else self.score.take(at),
            None if self.said is None else self.said.take(at),
            self.features[places],
            self.total,
        )


def features_of(grid: Grid) -> list[Column]:
    """The columns an estimator reads beside score and prediction."""
    return [column for column in grid.columns if column.role is Role.FEATURE]


def categorical(grid: Grid) -> NDArray[np.bool_]:
    """Which of `features_of` are categories, shape (F,)."""
    return np.array([column.kind is not ColumnKind.NUMBER for column in features_of(grid)], dtype=np.bool_)


def draw_rows(
    log: PredictionLog,
    settings: ModelSettings,
    grid: Grid,
    version: str,
    start: datetime,
    end: datetime,
    expected: int,
    most: int = MOST_OF_A_WINDOW,
) -> Drawn | None:
    """Rows of a version in `[start, end)`, about `most` of the `expected`; None where there are none.

    Raises LogUnreachable or LogMismatch.
    """
    columns, features = settings.columns, features_of(grid)
    if columns.id is None:
        raise LogMismatch("rows are drawn by their id: map columns.id")
    most = min(most, max(2_000, _MOST_VALUES // max(len(features), 1)))
    rule = replace(SampleRule.for_rows(expected, most), most=2 * most)
    outputs = [name for name in (columns.score, columns.prediction) if name]
    wanted = [columns.timestamp, *([columns.version] if columns.version else []), columns.id, *outputs]
    names = list(dict.fromkeys([*wanted, *(column.name for column in features)]))
    total = 0

    def kept() -> Iterator[tuple[pa.RecordBatch, NDArray[np.generic]]]:
        nonlocal total
        for batch in log.batches(start, end, names):
            if not batch.num_rows or columns.id not in batch.schema.names:
                continue
            for found, part, times in by_version(batch, times_of(batch, columns.timestamp), columns.version):
                if found != version:
                    continue
                total += part.num_rows
                rows, hashes = keep(part.column(part.schema.get_field_index(columns.id)), rule)
                if len(rows):
                    yield part.take(pa.array(rows)), np.stack([hashes, times[rows].view(np.uint64)], axis=1)

    parts: list[tuple[NDArray[np.generic], pa.Table, FloatArray]] = []
    for few, beside in merged(kept(), most):
        held = [name for name in (columns.id, *outputs) if name in few.schema.names]
        parts.append((beside, pa.Table.from_batches([few.select(held)]), _cells(features, few)))
    if not parts:
        return None
    hashes, times = np.concatenate([part[0] for part in parts]).T
    order = np.argsort(hashes, kind="stable")[: 2 * most]
    try:
        table = pa.concat_tables([part[1] for part in parts], promote_options="permissive").take(pa.array(order))
        ids = table.column(columns.id).cast(pa.string()).combine_chunks()
    except pa.ArrowException as error:
        raise LogMismatch("scores, predictions or ids have more than one type") from error
    return Drawn(
        ids,
        times[order].view(np.int64),
        _column(table, columns.score),
        _column(table, columns.prediction),
        np.concatenate([part[2] for part in parts])[order],
        total,
    )


def label_of(drawn: Drawn, known: pa.Table) -> pa.Array:
    """The label of each row by its id, null where none has come; `known` has the columns `id` and `label`."""
    found = pc.index_in(drawn.ids, value_set=known.column("id").combine_chunks())
    return known.column("label").combine_chunks().take(found)


def _column(table: pa.Table, name: str | None) -> pa.Array | None:
    return table.column(name).combine_chunks() if name and name in table.schema.names else None


def _cells(features: list[Column], rows: pa.RecordBatch) -> FloatArray:
    found = np.full((rows.num_rows, len(features)), np.nan)
    for place, column in enumerate(features):
        index = rows.schema.get_field_index(column.name)
        if index >= 0:
            cells = cells_of(column, rows.column(index), rows.num_rows)
            found[:, place] = np.where(cells < ABSENT, cells, np.nan)
    return found
