"""Rows of a log as cells, with what was predicted for them: what a reason is found in.

In: a log (or a training file), a grid, a span. Out: `ReasonRows`, thinned evenly where there are many. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.columns import ColumnKind
from detectors.grid import Grid
from detectors.profile import Profile
from detectors.result import FloatArray, IntArray
from detectors.sample import ABSENT, CellArray, cells_of
from detectors.values import column_of, numbers
from monitor.prediction_log.base import PredictionLog
from monitor.profiling.rows import by_version, merged, times_of
from monitor.reasons.losses import Losses
from monitor.settings import ModelSettings

_DAY = 86_400_000_000
# Rows that are cut to cells together.
_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Target:
    """What is explained: the mean of a predicted number, the rate of one class (`cell` of the column), or a mean loss.

    `share`: it is a share of 1. `loss`: it is what the column's rows cost.
    """

    column: str
    measure: str
    share: bool
    cell: int | None = None
    loss: bool = False

    @property
    def key(self) -> str:
        """Its name among the surrogates of a baseline."""
        if self.loss:
            return f"{self.column} {self.measure}"
        return self.column if self.cell is None else f"{self.column}#{self.cell}"


@dataclass(frozen=True, slots=True, eq=False)
class ReasonRows:
    """Rows: `cells` (rows, columns of the grid), `predicted` (rows,), `days` (rows,) since 1970, and the segments,
    (rows, segment columns)."""

    cells: CellArray
    predicted: FloatArray
    days: IntArray
    segments: IntArray

    def __len__(self) -> int:
        return len(self.days)


def target_of(settings: ModelSettings, reference: Profile, production: Profile) -> Target | None:
    """What to explain: the score where there is one, else the predicted value, else the class whose rate moved most."""
    grid = reference.grid
    for name in (settings.columns.score, settings.columns.prediction):
        place = None if name is None else grid.place(name)
        if name is None or place is None:
            continue
        column = grid.columns[place]
        if column.kind is ColumnKind.NUMBER:
            return Target(name, f"mean {name}", (column.low, column.high) == (0.0, 1.0))
        before, now = reference.column(name), production.column(name)
        if not before.valid or not now.valid or not column.values:
            continue
        cell = int(np.argmax(np.abs(now.shares - before.shares)[: len(column.values)]))
        value = "one class" if column.private else column.values[cell][:60]
        return Target(name, f"rate of {name} = {value}", True, cell)
    return None


def log_rows(
    log: PredictionLog,
    settings: ModelSettings,
    grid: Grid,
    target: Target,
    version: str | None,
    start: datetime,
    end: datetime,
    every: int,
    losses: Losses | None = None,
) -> ReasonRows:
    """One row in `every` of a version's (None: of all versions') rows of `[start, end)`; `losses` where the target is
    one."""
    stamp, by, name = settings.columns.timestamp, settings.columns.version, settings.columns.id
    names = [stamp, *([by] if by else []), *grid.names, *(part.name for part in grid.segments)]
    if losses is not None and name is not None:
        names += [name, target.column]

    def parts() -> Iterator[tuple[pa.RecordBatch, IntArray]]:
        for batch in log.batches(start, end, list(dict.fromkeys(names))):
            for found, part, times in by_version(batch, times_of(batch, stamp), by):
                if version is None or found == version:
                    yield part, times

    return _rows(parts(), grid, target, every, losses)


def file_rows(table: pa.Table, grid: Grid, target: Target, every: int) -> ReasonRows | None:
    """One row in `every` of a training file; None where the file does not hold predictions."""
    if target.column not in table.schema.names:
        return None
    batches = table.to_batches(max_chunksize=65_536)
    return _rows(((batch, np.zeros(batch.num_rows, dtype=np.int64)) for batch in batches), grid, target, every)


def _rows(
    parts: Iterable[tuple[pa.RecordBatch, IntArray]],
    grid: Grid,
    target: Target,
    every: int,
    losses: Losses | None = None,
) -> ReasonRows:
    place = grid.index(target.column)

    def thinned() -> Iterator[tuple[pa.RecordBatch, NDArray[np.generic]]]:
        seen = 0
        for batch, times in parts:
            chosen = np.arange((-seen) % every, batch.num_rows, every)
            seen += batch.num_rows
            if len(chosen):
                yield batch if every == 1 else batch.take(pa.array(chosen)), times[chosen]

    kept: list[ReasonRows] = []
    for few, times in merged(thinned(), _AT_ONCE):
        cells = np.empty((few.num_rows, len(grid)), dtype=np.uint16)
        for index, column in enumerate(grid.columns):
            cells[:, index] = cells_of(column, column_of(few, column.name), few.num_rows)
        array = column_of(few, target.column)
        if losses is not None:
            said = losses(few)
        elif target.cell is not None:
            own = cells[:, place]
            said = np.where(own >= ABSENT, np.nan, (own == target.cell).astype(np.float64))
        elif array is None or (cells[:, place] >= ABSENT).all():
            said = np.full(few.num_rows, np.nan)
        else:
            column = grid.columns[place]
            said = np.where(
                cells[:, place] >= ABSENT, np.nan, np.clip(numbers(array, keep_null=True), column.low, column.high)
            )
        codes = grid.segment_codes(few)
        segments = np.stack(codes, axis=1) if codes else np.empty((few.num_rows, 0), dtype=np.int64)
        kept.append(ReasonRows(cells, said, times.astype(np.int64) // _DAY, segments))
    if not kept:
        empty = np.empty(0)
        return ReasonRows(
            np.empty((0, len(grid)), dtype=np.uint16), empty, empty.astype(np.int64), np.empty((0, 0), dtype=np.int64)
        )
    return ReasonRows(
        np.concatenate([part.cells for part in kept]),
        np.concatenate([part.predicted for part in kept]),
        np.concatenate([part.days for part in kept]),
        np.concatenate([part.segments for part in kept]),
    )
