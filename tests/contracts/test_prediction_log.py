"""What every prediction log must do, run over each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import LogMismatch, LogUnreachable, PredictionLog
from monitor.prediction_log.open import open_log
from monitor.settings import Columns, ModelSettings
from tests.support.logs import COLUMNS, MODEL, Harness, labels_for, open_for

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = 'a "b"% :c <i>&\n;é\'`'


def rows(times: Sequence[datetime], **columns: object) -> pa.Table:
    ids = pa.array([f"id-{time.timestamp():.6f}" for time in times], pa.string())
    x = pa.array([float(index) for index in range(len(times))], pa.float64())
    return pa.table({"ts": pa.array(times, TIME), "id": ids, "x": x, **columns})


def every(step: timedelta, count: int, start: datetime = T0) -> list[datetime]:
    return [start + index * step for index in range(count)]


def read(log: PredictionLog, start: datetime, end: datetime, columns: Sequence[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for batch in log.batches(start, end, columns):
        assert batch.num_rows > 0
        found += batch.to_pylist()
    return found


def test_schema_names_the_columns_and_their_types(harness: Harness) -> None:
    harness.put(
        rows(
            [T0],
            n=pa.array([1], pa.int64()),
            s=pa.array(["a"], pa.string()),
            b=pa.array([True], pa.bool_()),
            d=pa.array([date(2024, 1, 1)], pa.date32()),
        )
    )
    schema = open_for(harness).schema()
    assert schema.names == ["ts", "id", "x", "n", "s", "b", "d"]
    given = {field.name: field.type for field in schema}
    assert given["x"] == pa.float64()
    assert given["n"] == pa.int64()
    assert given["s"] == pa.string()
    if "query" not in str(type(harness)) and not getattr(harness, "_query", False):
        assert given["b"] == pa.bool_()
        assert given["d"] == pa.date32()


def test_span_is_the_first_and_the_last_row(harness: Harness) -> None:
    harness.put(rows([T0 + HOUR, T0 + timedelta(microseconds=1), T0 + timedelta(days=3, microseconds=999_999)]))
    harness.put(rows([T0 + timedelta(days=2)]))
    span = open_for(harness).span()
    assert span == (T0 + timedelta(microseconds=1), T0 + timedelta(days=3, microseconds=999_999))
    assert span[0].tzinfo is not None


def test_a_log_with_no_rows_is_empty_and_no_error(harness: Harness) -> None:
    harness.put(rows([]))
    log = open_for(harness)
    assert log.span() is None
    assert log.hours(T0, T0 + timedelta(days=40)) == []
    assert read(log, T0, T0 + timedelta(days=40), ["ts", "x"]) == []
    assert log.token() == log.token()


def test_hours_count_their_rows(harness: Harness) -> None:
    harness.put(rows(every(timedelta(minutes=20), 7)))
    harness.put(rows([T0 + timedelta(days=2)]))
    hours = open_for(harness).hours(T0 - timedelta(days=1), T0 + timedelta(days=3))
    assert [(hour.start, hour.rows) for hour in hours] == [
        (T0, 3),
        (T0 + HOUR, 3),
        (T0 + 2 * HOUR, 1),
        (T0 + timedelta(days=2), 1),
    ]


def test_hours_are_whole_and_half_open(harness: Harness) -> None:
    harness.put(rows(every(timedelta(minutes=30), 8)))
    log = open_for(harness)
    inside = log.hours(T0 + timedelta(minutes=50), T0 + timedelta(minutes=70))
    assert [(hour.start, hour.rows) for hour in inside] == [(T0, 2), (T0 + HOUR, 2)]
    assert [hour.start for hour in log.hours(T0 + HOUR, T0 + 2 * HOUR)] == [T0 + HOUR]


def test_a_token_changes_exactly_when_rows_of_its_hour_come(harness: Harness) -> None:
    harness.put(rows(every(timedelta(minutes=10), 24)))
    log = open_for(harness)
    day = (T0, T0 + timedelta(days=1))
    before = {hour.start: hour.token for hour in log.hours(*day)}
    whole = log.token()
    assert {hour.start: hour.token for hour in log.hours(*day)} == before
    assert log.token() == whole
    harness.put(rows([T0 + HOUR + timedelta(minutes=5), T0 + 3 * HOUR + timedelta(minutes=5), T0 + 9 * HOUR]))
    after = {hour.start: hour.token for hour in log.hours(*day)}
    changed = {start for start in after if after[start] != before.get(start)}
    assert changed == {T0 + HOUR, T0 + 3 * HOUR, T0 + 9 * HOUR}
    assert log.token() != whole
    # What another process reads is the same.
    assert {hour.start: hour.token for hour in open_for(harness).hours(*day)} == after


def test_batches_are_half_open(harness: Harness) -> None:
    edge = [T0 - timedelta(microseconds=1), T0, T0 + HOUR - timedelta(microseconds=1), T0 + HOUR]
    harness.put(rows(edge))
    log = open_for(harness)
    assert [row["ts"] for row in read(log, T0, T0 + HOUR, ["ts"])] == edge[1:3]
    tiny = read(log, T0, T0 + timedelta(microseconds=1), ["ts"])
    assert [row["ts"] for row in tiny] == [T0]
    assert read(log, T0 + timedelta(days=9), T0 + timedelta(days=10), ["ts"]) == []


def test_parts_hold_the_rows_of_batches_and_are_read_a_few_columns_at_a_time(harness: Harness) -> None:
    harness.put(rows(every(timedelta(minutes=7), 60)))
    harness.put(rows(every(timedelta(minutes=11), 30)))
    log, end = open_for(harness), T0 + timedelta(hours=3)
    names = ["ts", "x", "gone", "id"]
    wanted = sorted((row["ts"], row["id"], row["x"]) for row in read(log, T0, end, ["ts", "id", "x"]))
    found = []
    before = None
    with ThreadPoolExecutor(4) as pool:
        for part in log.parts(T0, end, names):
            if before is not None:
                assert before.read(["id"]).num_rows == before.num_rows, "until the next but one is asked for"
            before = part
            # Several threads at once, and again.
            asked = [["ts"], ["x", "gone"], ["id"], ["gone"], ["ts", "id"], ["x"]] * 4
            ts, x, ids, gone, *_ = pool.map(part.read, asked)
            assert {batch.num_rows for batch in (ts, x, ids)} == {part.num_rows}
            assert (ts.schema.names, x.schema.names, gone.schema.names) == (["ts"], ["x"], [])
            assert ts.column(0).type == pa.timestamp("us", "UTC")
            found += zip(*(batch.column(0).to_pylist() for batch in (ts, ids, x)), strict=True)
    assert sorted(row for row in found if T0 <= row[0] < end) == wanted
    assert len(found) <= 90


@pytest.mark.parametrize("columns", [["x", "ts"], ["id"], ["x", "gone", "id"], ["ts", "x", "id"]])
def test_batches_have_exactly_the_chosen_columns_in_order(harness: Harness, columns: list[str]) -> None:
    harness.put(rows(every(timedelta(minutes=1), 10)))
    batches = list(open_for(harness).batches(T0, T0 + HOUR, columns))
    assert sum(batch.num_rows for batch in batches) == 10
    for batch in batches:
        assert batch.schema.names == [name for name in columns if name != "gone"]
        if "ts" in columns:
            assert batch.schema.field("ts").type == TIME


def test_a_column_that_comes_later_is_null_before(harness: Harness) -> None:
    if hasattr(harness, "url"):
        harness.put(rows([T0], later=pa.array([None], pa.string())))
    else:
        harness.put(rows([T0]))
    harness.put(rows([T0 + HOUR], later=pa.array(["new"], pa.string())))
    found = read(open_for(harness), T0, T0 + 2 * HOUR, ["ts", "later"])
    assert sorted((row["ts"], row["later"]) for row in found) == [(T0, None), (T0 + HOUR, "new")]


def test_without_its_timestamp_column_a_log_is_a_mismatch(harness: Harness) -> None:
    harness.put(rows([T0]))
    log = open_for(harness, Columns(timestamp="when"))
    with pytest.raises(LogMismatch, match=r"(?s)when.*\bid\b"):
        log.hours(T0, T0 + HOUR)
    with pytest.raises(LogMismatch, match="when"):
        list(log.batches(T0, T0 + HOUR, ["x"]))
    with pytest.raises(LogMismatch, match="when"):
        log.span()


def test_a_timestamp_column_that_is_no_time_is_a_mismatch(harness: Harness) -> None:
    harness.put(rows([T0], word=pa.array(["hello"], pa.string())))
    with pytest.raises(LogMismatch, match="word"):
        open_for(harness, Columns(timestamp="word")).hours(T0, T0 + HOUR)


def test_nulls_nan_and_infinities_arrive_as_they_are(harness: Harness) -> None:
    values = [1.5, math.nan, math.inf, -math.inf, None, 1e300]
    table = rows(every(timedelta(minutes=1), 6)).set_column(2, "x", pa.array(values, pa.float64()))
    table = table.append_column("s", pa.array(["", None, "NULL", "nan", "é", "a"], pa.string()))
    table = table.append_column("n", pa.array([None, 2**62, -1, 0, None, 7], pa.int64()))
    harness.put(table)
    found = sorted(read(open_for(harness), T0, T0 + HOUR, ["ts", "x", "s", "n"]), key=lambda row: str(row["ts"]))
    expected = (
        values if harness.nan else [None if value is not None and math.isnan(value) else value for value in values]
    )
    for row, value in zip(found, expected, strict=True):
        got = row["x"]
        assert isinstance(got, float) and math.isnan(got) if value is not None and math.isnan(value) else got == value
    assert [row["s"] for row in found] == ["", None, "NULL", "nan", "é", "a"]
    assert [row["n"] for row in found] == [None, 2**62, -1, 0, None, 7]


def test_hostile_text_in_names_and_values_is_only_text(harness: Harness) -> None:
    text = ["<script>alert(1)</script>", "a\nb\r\n", "x'; DROP TABLE t; --", '"%s" :start {0}', "\U0001f4a9 ünï"]
    harness.put(rows(every(timedelta(minutes=1), 5), **{HOSTILE: pa.array(text, pa.string())}))
    log = open_for(harness)
    assert HOSTILE in log.schema().names
    found = read(log, T0, T0 + HOUR, ["ts", HOSTILE])
    assert [row[HOSTILE] for row in sorted(found, key=lambda row: str(row["ts"]))] == text


def test_duplicate_rows_are_all_there(harness: Harness) -> None:
    harness.put(rows([T0, T0, T0]))
    log = open_for(harness)
    assert len(read(log, T0, T0 + HOUR, ["id"])) == 3
    assert log.hours(T0, T0 + HOUR)[0].rows == 3


def test_rows_without_a_time_belong_to_no_interval(harness: Harness) -> None:
    if type(harness).__name__ == "DeltaHarness":
        with pytest.raises(LogMismatch, match="without a time"):
            harness.put(rows([T0]).set_column(0, "ts", pa.array([None], TIME)))
        return
    table = rows(every(timedelta(minutes=1), 3)).set_column(0, "ts", pa.array([T0, None, T0], TIME))
    harness.put(table)
    log = open_for(harness)
    assert len(read(log, datetime(1990, 1, 1, tzinfo=UTC), T0 + HOUR, ["ts"])) == 2
    assert [hour.rows for hour in log.hours(datetime(2000, 1, 1, tzinfo=UTC), T0 + HOUR)] == [2]
    assert log.span() == (T0, T0)


def test_an_hour_larger_than_a_batch_comes_whole(harness: Harness) -> None:
    count = 20_000 if hasattr(harness, "url") else 144_000
    step = timedelta(microseconds=3_600_000_000 // count)
    harness.put(rows(every(step, count), noise=pa.array(np.arange(count, dtype=np.int64))))
    log = open_for(harness)
    seen = []
    for batch in log.batches(T0, T0 + HOUR, ["noise"]):
        assert batch.num_rows <= (8_192 if hasattr(harness, "url") else 131_072)
        seen += batch.column(0).to_pylist()
    assert sorted(seen) == list(range(count))
    half = sum(batch.num_rows for batch in log.batches(T0, T0 + HOUR / 2, ["noise"]))
    assert half == count // 2


def test_a_log_that_cannot_be_reached_is_no_empty_log(harness: Harness) -> None:
    log = open_log(ModelSettings(columns=COLUMNS), harness.unreachable(), MODEL)
    for call in (log.schema, log.span, log.token, lambda: log.hours(T0, T0 + HOUR)):
        if call == log.token and type(harness).__name__ == "DeltaHarness":
            continue
        with pytest.raises(LogUnreachable) as caught:
            call()
        assert "hunter2" not in str(caught.value)
    with pytest.raises(LogUnreachable):
        list(log.batches(T0, T0 + HOUR, ["ts"]))


def test_closing_twice_is_fine(harness: Harness) -> None:
    harness.put(rows([T0]))
    log = open_for(harness)
    log.hours(T0, T0 + HOUR)
    log.close()
    log.close()


def test_reading_can_stop_in_the_middle(harness: Harness) -> None:
    harness.put(rows(every(timedelta(milliseconds=50), 20_000)))
    log = open_for(harness)
    batches = iter(log.batches(T0, T0 + HOUR, ["x"]))
    assert next(batches).num_rows > 0
    del batches
    assert len(read(log, T0, T0 + timedelta(seconds=1), ["x"])) == 20


def test_labels_in_the_same_source_count_from_their_label_time(harness: Harness) -> None:
    if type(harness).__name__ == "DeltaHarness":
        return  # keeps labels in a table of their own: tests/monitor/prediction_log/test_labels.py
    columns = Columns(timestamp="ts", id="id", label="late", label_time="landed")
    times = every(timedelta(minutes=1), 4)
    landed = pa.array([T0 + HOUR, T0 + 2 * HOUR, None, T0 + 3 * HOUR], TIME)
    harness.put(rows(times, late=pa.array([1, 0, None, None], pa.int64()), landed=landed))
    source = labels_for(harness, columns)
    assert source is not None
    first = source.labels(T0 + HOUR, T0 + 2 * HOUR)
    assert first.schema.names == ["id", "label", "received_at", "first_at"]
    assert first.to_pylist() == [
        {"id": f"id-{times[0].timestamp():.6f}", "label": 1, "received_at": T0 + HOUR, "first_at": T0 + HOUR}
    ]
    assert source.labels(T0, T0 + timedelta(days=1)).num_rows == 2
    assert source.labels(T0 + timedelta(days=2), T0 + timedelta(days=3)).num_rows == 0


def test_labels_in_the_same_source_without_label_time_count_from_the_row(harness: Harness) -> None:
    if type(harness).__name__ == "DeltaHarness":
        return
    harness.put(rows([T0, T0 + HOUR], late=pa.array([1, 0], pa.int64())))
    source = labels_for(harness, Columns(timestamp="ts", id="id", label="late"))
    assert source is not None
    token = source.token()
    assert source.labels(T0, T0 + HOUR).column("label").to_pylist() == [1]
    harness.put(rows([T0 + 2 * HOUR], late=pa.array([1], pa.int64())))
    assert source.token() != token
    assert labels_for(harness, Columns(timestamp="ts", id="id")) is None
    with pytest.raises(LogMismatch, match=r"columns\.id"):
        labels_for(harness, Columns(timestamp="ts", label="late"))
