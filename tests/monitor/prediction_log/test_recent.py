"""Batches that were read a while ago: the same again, never more than was allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from monitor.prediction_log import delta_table
from monitor.prediction_log.delta import DeltaLog
from monitor.prediction_log.recent import Recent
from monitor.settings import Columns

DAY0 = datetime(2024, 1, 1, tzinfo=UTC)


def batch(rows: int) -> pa.RecordBatch:
    return pa.record_batch({"x": pa.array(range(rows), pa.int64())})


def test_what_was_used_last_stays_and_too_much_is_not_held() -> None:
    recent = Recent(most=8 * 80)
    for name in range(9):
        recent.keep(name, [batch(9)])
        assert recent.get(0) is not None, "asked for all the time"
    assert recent.get(1) is None
    assert recent.get(8) == (batch(9),)
    recent.keep("large", [batch(11)])
    assert recent.get("large") is None
    recent.keep(8, [batch(1)])
    assert recent.get(8) == (batch(9),)


def test_a_window_read_again_opens_no_file_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = DeltaLog(str(tmp_path), "m", Columns(timestamp="ts", id="id"))

    def day(number: int, seed: int) -> pa.Table:
        ts = [DAY0 + timedelta(days=number, hours=hour) for hour in range(24)]
        return pa.table({"ts": ts, "id": [f"{seed}.{hour}" for hour in range(24)], "x": [float(seed)] * 24})

    for number in range(3):
        log.append(day(number, number), f"day {number}")
    opened: list[str] = []
    real = delta_table.TimedTable._readers

    def watched(table: delta_table.TimedTable, found: object, file: delta_table.DataFile) -> object:
        opened.append(file.path)
        return real(table, found, file)  # type: ignore[arg-type]

    monkeypatch.setattr(delta_table.TimedTable, "_readers", watched)

    def read(first: float, last: float, *names: str) -> pa.Table:
        span = DAY0 + timedelta(days=first), DAY0 + timedelta(days=last)
        return pa.Table.from_batches(list(log.batches(*span, names)))

    first = read(0, 3, "ts", "x")
    assert len(opened) == 3
    assert read(0, 3, "ts", "x").equals(first)
    assert len(opened) == 3
    assert read(0.5, 3, "ts", "x").equals(first.slice(12))
    assert len(opened) == 4, "half a day is cut from its file"
    assert read(0, 3, "x").num_rows == 72
    assert len(opened) == 7, "other columns"
    log.append(day(1, 9), "late rows")
    assert read(0, 3, "ts", "x").num_rows == 96
    assert len(opened) == 8, "the new file alone"
