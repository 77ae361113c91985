"""Large parts are counted by several threads, two parts at a time, and nothing is counted twice or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pyarrow as pa
import pytest

from detectors import Grid
from detectors.places import COMPILED_ROWS
from monitor.prediction_log.base import LogUnreachable
from monitor.profiling.counting import count_slots
from monitor.settings import Columns, ModelSettings
from tests.support.flow import HOUR, START, rows

PARTS = 7
TABLE = rows(hours=PARTS, per_hour=COMPILED_ROWS, seed=3)
GRID = Grid.fit(rows(hours=24, seed=9).select(["x", "amount", "colour"]))
SETTINGS = ModelSettings(columns=Columns(timestamp="ts", id="id", version="version"))
SLOTS = [(START + hour * HOUR, START + (hour + 1) * HOUR) for hour in range(PARTS)]


class Piece:
    """A part that must not be read any more once the next but one was asked for."""

    def __init__(self, batch: pa.RecordBatch, fails: bool) -> None:
        self.batch, self.fails, self.closed = batch, fails, False
        self.num_rows = batch.num_rows

    def read(self, columns: Sequence[str]) -> pa.RecordBatch:
        assert not self.closed
        if self.fails and "x" in columns:
            raise LogUnreachable("gone")
        found = self.batch.select([name for name in columns if name in self.batch.schema.names])
        assert not self.closed
        return found


class InPieces:
    """A log whose every hour is a part; the `bad` one cannot be read."""

    def __init__(self, bad: int = -1) -> None:
        batches = TABLE.combine_chunks().to_batches(max_chunksize=COMPILED_ROWS)
        self.pieces = [Piece(batch, number == bad) for number, batch in enumerate(batches)]

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Piece]:
        for number, piece in enumerate(self.pieces):
            if number > 1:
                self.pieces[number - 2].closed = True
            yield piece


def test_threads_count_what_one_thread_does() -> None:
    alone = count_slots(InPieces(), SETTINGS, {"1": GRID}, SLOTS)  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        together = count_slots(InPieces(), SETTINGS, {"1": GRID}, SLOTS, pool)  # type: ignore[arg-type]
    assert alone.rows.tolist() == [COMPILED_ROWS] * PARTS
    for slot in range(PARTS):
        assert together.profile("1", slot) == alone.profile("1", slot)
        assert together.repeats.counts(slot) == alone.repeats.counts(slot)


def test_a_part_that_cannot_be_read_is_told_when_no_thread_reads_any_more() -> None:
    log = InPieces(bad=3)
    with ThreadPoolExecutor(4) as pool:
        with pytest.raises(LogUnreachable):
            count_slots(log, SETTINGS, {"1": GRID}, SLOTS, pool)  # type: ignore[arg-type]
        for piece in log.pieces:
            piece.closed = True
