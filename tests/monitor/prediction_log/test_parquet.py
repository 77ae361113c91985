"""Parquet files as a log: folders, globs, files of different ages, files that come and go."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.prediction_log import parquet_file
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.prediction_log.parquet import ParquetLog
from monitor.settings import Columns

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COLUMNS = Columns(timestamp="ts")


def write(path: Path, times: list[datetime], **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"ts": pa.array(times, TIME), **columns}), path)
    return path


def read(
    log: ParquetLog, columns: list[str], start: datetime = T0, end: datetime = T0 + DAY
) -> list[dict[str, object]]:
    return [row for batch in log.batches(start, end, columns) for row in batch.to_pylist()]


def test_a_file_a_folder_and_a_glob(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [T0], x=[1])
    write(tmp_path / "sub" / "b.parquet", [T0 + HOUR], x=[2])
    write(tmp_path / "_tmp" / "c.parquet", [T0], x=[3])
    write(tmp_path / ".hidden.parquet", [T0], x=[4])
    (tmp_path / "notes.txt").write_text("not a table")
    for path, expected in (
        ("a.parquet", [1]),
        ("", [1, 2]),
        ("*.parquet", [1]),
        ("**/*.parquet", [1, 2, 3]),
        ("sub/?.parquet", [2]),
        ("nothing*.parquet", []),
    ):
        log = ParquetLog(str(tmp_path / path), COLUMNS)
        assert sorted(row["x"] for row in read(log, ["x"])) == expected, path
    for path in ("nowhere", "nowhere/*.parquet", "c.parquet"):
        with pytest.raises(LogUnreachable, match=r"nowhere|c\.parquet"):
            ParquetLog(str(tmp_path / path), COLUMNS).hours(T0, T0 + DAY)


def test_a_name_with_brackets_is_a_name_before_it_is_a_glob(tmp_path: Path) -> None:
    path = write(tmp_path / "run [1].parquet", [T0], x=[1])
    assert read(ParquetLog(str(path), COLUMNS), ["x"]) == [{"x": 1}]


def test_key_value_folders_are_columns(tmp_path: Path) -> None:
    write(tmp_path / "run=a%2Fb" / "region=eu" / "x.parquet", [T0], x=[1])
    write(tmp_path / "run=__HIVE_DEFAULT_PARTITION__" / "region=us" / "x.parquet", [T0], x=[2])
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert log.schema().names == ["ts", "x", "run", "region"]
    assert sorted(read(log, ["run", "x", "region"]), key=lambda row: str(row["x"])) == [
        {"run": "a/b", "x": 1, "region": "eu"},
        {"run": None, "x": 2, "region": "us"},
    ]


def test_the_time_may_be_told_by_the_folder(tmp_path: Path) -> None:
    for day in ("2024-05-01", "2024-05-02"):
        path = tmp_path / f"ts={day}" / "x.parquet"
        path.parent.mkdir()
        pq.write_table(pa.table({"x": [1, 2]}), path)
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert log.span() == (T0, T0 + DAY)
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + 2 * DAY)] == [(T0, 2), (T0 + DAY, 2)]
    assert read(log, ["ts", "x"], T0 + DAY, T0 + 2 * DAY) == [{"ts": T0 + DAY, "x": 1}, {"ts": T0 + DAY, "x": 2}]
    assert read(log, ["ts"], T0, T0 + HOUR) == [{"ts": T0}, {"ts": T0}]
    (tmp_path / "ts=soon").mkdir()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "ts=soon" / "x.parquet")
    with pytest.raises(LogMismatch, match="ts=soon"):
        log.span()


def test_columns_and_types_of_files_of_different_ages(tmp_path: Path) -> None:
    old = write(
        tmp_path / "a.parquet", [T0], n=pa.array([1], pa.int32()), c=["x"], gone=["old"], changed=[1.5], e=pa.nulls(1)
    )
    new = write(
        tmp_path / "b.parquet",
        [T0 + HOUR],
        n=[2.5],
        c=pa.array(["y"]).dictionary_encode(),
        changed=["text"],
        e=[date(2024, 1, 1)],
    )
    os.utime(old, (1, 1))
    os.utime(new, (2, 2))
    log = ParquetLog(str(tmp_path), COLUMNS)
    types = {field.name: field.type for field in log.schema()}
    assert types == {
        "ts": TIME,
        "n": pa.float64(),
        "c": pa.string(),
        "changed": pa.string(),
        "e": pa.date32(),
        "gone": pa.string(),
    }
    batches = list(log.batches(T0, T0 + DAY, ["n", "c", "gone", "changed", "e", "never"]))
    assert [batch.to_pylist() for batch in batches] == [
        [{"n": 1.0, "c": "x", "gone": "old", "changed": 1.5, "e": None}],
        [{"n": 2.5, "c": "y", "gone": None, "changed": "text", "e": date(2024, 1, 1)}],
    ]
    # Where types cannot meet, the newest file's is the log's and the older keeps its own.
    assert batches[0].schema.field("changed").type == pa.float64()
    assert batches[0].schema.field("n").type == pa.float64()


@pytest.mark.parametrize(
    "kind",
    [pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("ns"), pa.timestamp("ns", "Asia/Tokyo"), pa.date64(), TIME],
)
def test_times_of_every_type_are_utc_microseconds(tmp_path: Path, kind: pa.DataType) -> None:
    times = pa.array([T0, T0 + DAY], TIME).cast(kind)
    pq.write_table(pa.table({"ts": times, "x": [1, 2]}), tmp_path / "a.parquet")
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert log.span() == (T0, T0 + DAY)
    assert [hour.start for hour in log.hours(T0, T0 + 2 * DAY)] == [T0, T0 + DAY]
    assert read(log, ["ts", "x"]) == [{"ts": T0, "x": 1}]


def test_sparks_old_times_are_read(tmp_path: Path) -> None:
    table = pa.table({"ts": pa.array([T0, T0 + DAY], pa.timestamp("ns")), "x": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert log.span() == (T0, T0 + DAY)
    assert read(log, ["ts", "x"]) == [{"ts": T0, "x": 1}]


def test_only_row_groups_of_the_interval_are_read(tmp_path: Path) -> None:
    times = [T0 + n * timedelta(minutes=1) for n in range(1_440)]
    table = pa.table({"ts": pa.array(times, TIME), "x": range(1_440)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=60)
    path = tmp_path / "a.parquet"
    with pq.ParquetFile(path) as file:
        hour_five = file.metadata.row_group(5).column(1)
    # Spoilt pages outside the interval would be noticed if they were read.
    data = bytearray(path.read_bytes())
    first, size = hour_five.data_page_offset, hour_five.total_compressed_size
    start = hour_five.dictionary_page_offset or first
    body = bytes(data[start : start + size])
    data[4:start] = b"\xff" * (start - 4)
    path.write_bytes(data)
    assert path.read_bytes()[start : start + size] == body
    with parquet_file.open_file(str(path)) as file:
        batches = list(parquet_file.file_batches(file, "ts", T0 + 6 * HOUR, T0 + 7 * HOUR, ["x"], file.schema_arrow))
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == list(range(360, 420))


def test_half_written_and_vanished_files_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [T0], x=[1])
    whole = write(tmp_path / "b.parquet", [T0 + HOUR] * 1_000, x=list(range(1_000))).read_bytes()
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert len(read(log, ["x"])) == 1_001
    for part in (b"", whole[:4], whole[: len(whole) // 2], whole[:-4]):
        (tmp_path / "b.parquet").write_bytes(part)
        with pytest.raises(LogUnreachable, match=r"b\.parquet"):
            read(log, ["x"])
        with pytest.raises(LogUnreachable, match=r"b\.parquet"):
            log.hours(T0, T0 + DAY)
    (tmp_path / "b.parquet").write_bytes(whole)
    batches = log.batches(T0, T0 + DAY, ["x"])
    assert next(iter(batches)).num_rows == 1
    (tmp_path / "b.parquet").unlink()
    with pytest.raises(LogUnreachable, match=r"b\.parquet vanished"):
        list(batches)
    assert len(read(log, ["x"])) == 1


def test_a_rewritten_file_changes_the_tokens_of_its_hours_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [T0], x=[1])
    path = write(tmp_path / "b.parquet", [T0 + HOUR, T0 + 5 * HOUR], x=[1, 2])
    log = ParquetLog(str(tmp_path), COLUMNS)
    before = {hour.start: hour.token for hour in log.hours(T0, T0 + DAY)}
    write(path, [T0 + HOUR, T0 + 5 * HOUR], x=[1, 3])
    os.utime(path, (1, 1))
    after = {hour.start: hour.token for hour in log.hours(T0, T0 + DAY)}
    assert {start for start in after if after[start] != before[start]} == {T0 + HOUR, T0 + 5 * HOUR}
    path.unlink()
    assert [hour.start for hour in log.hours(T0, T0 + DAY)] == [T0]


def test_two_columns_of_one_name_are_a_mismatch(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([T0], TIME), pa.array([1]), pa.array([2])], names=["ts", "x", "x"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(LogMismatch, match="several columns named x"):
        ParquetLog(str(tmp_path), COLUMNS).hours(T0, T0 + DAY)


def test_nested_columns_and_dotted_names_are_told_apart(tmp_path: Path) -> None:
    table = pa.table({"ts": pa.array([T0], TIME), "a": [{"b": 1}], "a.b": [2], "l": [[1, 2]]})
    pq.write_table(table, tmp_path / "a.parquet")
    log = ParquetLog(str(tmp_path), COLUMNS)
    assert read(log, ["a.b"]) == [{"a.b": 2}]
    assert read(log, ["l", "a"]) == [{"l": [1, 2], "a": {"b": 1}}]
