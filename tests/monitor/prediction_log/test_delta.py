"""The embedded log: what lands, what is refused, what others' tables look like, what holds while others write."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from monitor.prediction_log import delta_table
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import Appended, LogMismatch, LogNotWritten, LogUnreachable
from monitor.prediction_log.delta import DeltaLog, table_name
from monitor.settings import Columns

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COLUMNS = Columns(timestamp="ts", id="id")


@pytest.fixture
def log(tmp_path: Path) -> DeltaLog:
    return DeltaLog(str(tmp_path / "log"), "m", COLUMNS)


def rows(times: Sequence[datetime], **columns: object) -> pa.Table:
    return pa.table({"id": [str(i) for i in range(len(times))], "ts": pa.array(times, TIME), **columns})


def seen(log: DeltaLog, start: datetime = T0, end: datetime = T0 + 30 * DAY) -> list[datetime]:
    return sorted(time for batch in log.batches(start, end, ["ts"]) for time in batch.column(0).to_pylist())


def table_folder(log: DeltaLog) -> Path:
    return Path(log.root) / log.model


def test_an_import_lands_once(log: DeltaLog) -> None:
    assert log.append(rows([T0, T0 + HOUR]), "a") == Appended(rows=2)
    assert log.append(rows([T0, T0 + HOUR]), "a") == Appended(rows=0, skipped=2)
    assert log.append(rows([T0 + HOUR]), "a", part=1) == Appended(rows=1)
    assert log.append(rows([T0]), "a", part=0) == Appended(rows=0, skipped=1)
    assert seen(log) == [T0, T0 + HOUR, T0 + HOUR]


def test_the_same_import_from_several_writers_at_once_lands_once(log: DeltaLog) -> None:
    results: list[Appended] = []
    gate = threading.Barrier(4)

    def write() -> None:
        gate.wait()
        results.append(log.append(rows([T0, T0 + HOUR]), "same"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.rows for result in results) == [0, 0, 0, 2]
    assert seen(log) == [T0, T0 + HOUR]


def test_different_imports_at_once_all_land(log: DeltaLog) -> None:
    gate = threading.Barrier(4)

    def write(number: int) -> None:
        gate.wait()
        log.append(rows([T0 + number * HOUR], **{f"c{number}": [1.0]}), f"import {number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen(log) == [T0 + number * HOUR for number in range(4)]
    assert set(log.schema().names) == {"ts", "id", "c0", "c1", "c2", "c3"}


def test_rows_lie_by_utc_day_and_the_day_column_is_never_shown(log: DeltaLog) -> None:
    log.append(rows([T0 + DAY, T0, T0 + 2 * DAY - timedelta(microseconds=1)]), "a")
    folders = sorted(path.name for path in table_folder(log).glob("_day=*"))
    assert folders == ["_day=2024-05-01", "_day=2024-05-02"]
    assert log.schema().names == ["ts", "id"]
    assert next(iter(log.batches(T0, T0 + DAY, ["_day", "id"]))).schema.names == ["id"]
    with pytest.raises(LogMismatch, match="_day"):
        log.append(rows([T0], _day=["x"]), "b")


def test_new_columns_join_and_types_never_change_silently(log: DeltaLog) -> None:
    log.append(rows([T0], x=pa.array([1], pa.int64()), y=[1.5], z=["a"]), "a")
    log.append(rows([T0], x=pa.array([2.0]), y=pa.array([1], pa.int32()), new=[date(2024, 1, 1)]), "b")
    assert [str(field.type) for field in log.schema()] == [
        "timestamp[us, tz=UTC]",
        "string",
        "int64",
        "double",
        "string",
        "date32[day]",
    ]
    for bad, message in (
        (rows([T0], x=["1"]), "'x' is string in these rows and int64 in the log"),
        (rows([T0], x=[1.5]), "'x' is double in these rows and int64 in the log, which cannot hold them"),
        (rows([T0], z=[1]), "'z' is int64 in these rows and string in the log"),
        (rows([T0], X=[1]), ""),
    ):
        if message:
            with pytest.raises(LogMismatch, match=message):
                log.append(bad, "c")
    with pytest.raises(LogMismatch, match="'x' and 'X' differ at most in case"):
        log.append(rows([T0], x=[1], X=[1]), "c")
    assert len(seen(log)) == 2


def test_times_without_zone_are_refused(log: DeltaLog) -> None:
    naive = pa.table({"ts": pa.array([0], pa.timestamp("us"))})
    with pytest.raises(LogMismatch, match="need a time zone"):
        log.append(naive, "a")
    with pytest.raises(LogMismatch, match="no column 'ts'"):
        log.append(pa.table({"x": [1]}), "a")
    berlin = pa.table({"ts": pa.array([T0], pa.timestamp("ns", "Europe/Berlin"))})
    log.append(berlin, "a")
    assert seen(log) == [T0]


def test_odd_types_are_kept_as_what_delta_has(log: DeltaLog) -> None:
    log.append(
        rows(
            [T0],
            u64=pa.array([2**64 - 1], pa.uint64()),
            u8=pa.array([255], pa.uint8()),
            cat=pa.array(["a"]).dictionary_encode(),
            large=pa.array(["b"], pa.large_string()),
            clock=pa.array([1], pa.time64("us")),
            span=pa.array([5], pa.duration("s")),
            nothing=pa.nulls(1),
        ),
        "a",
    )
    row = next(iter(log.batches(T0, T0 + HOUR, log.schema().names))).to_pylist()[0]
    assert row == {
        "ts": T0,
        "id": "0",
        "u64": float(2**64),
        "u8": 255,
        "cat": "a",
        "large": "b",
        "clock": "00:00:00.000001",
        "span": 5,
    }


def test_a_reader_stays_on_the_version_it_began_with(log: DeltaLog) -> None:
    for number in range(3):
        log.append(rows([T0 + number * timedelta(minutes=1)]), f"{number}")
    batches = log.batches(T0, T0 + DAY, ["ts"])
    first = next(iter(batches)).num_rows
    log.append(rows([T0 + HOUR]), "later")
    log.compact_closed_days(date(2024, 6, 1))
    assert first + sum(batch.num_rows for batch in batches) == 3
    assert len(seen(log)) == 4


def test_compaction_joins_closed_days_only_and_loses_nothing(log: DeltaLog) -> None:
    for number in range(6):
        log.append(rows([T0 + number * HOUR, T0 + DAY + number * HOUR]), f"{number}")
    log.append_labels(pa.table({"id": ["1"], "label": [1], "received_at": pa.array([T0], TIME)}), "l")
    stray = table_folder(log) / "_day=2024-05-01" / "not-in-the-log.parquet"
    stray.write_bytes(b"somebody else's")
    before = seen(log)
    day_two = log.hours(T0 + DAY, T0 + 2 * DAY)
    assert log.compact_closed_days(date(2024, 5, 2)) == 5
    assert log.compact_closed_days(date(2024, 5, 2)) == 0
    assert seen(log) == before
    assert log.hours(T0 + DAY, T0 + 2 * DAY) == day_two
    assert [hour.rows for hour in log.hours(T0, T0 + DAY)] == [1] * 6
    assert log.append(rows([T0]), "3") == Appended(rows=0, skipped=1)
    assert stray.exists()
    kept = {path.name for path in (table_folder(log) / "_day=2024-05-01").glob("part-*")}
    assert len(kept) == 7  # the six old files stay for readers of older versions


def test_a_model_that_is_not_there_is_unreachable_and_the_others_are_named(log: DeltaLog) -> None:
    with pytest.raises(LogUnreachable, match=r"there is no folder .*driftline log import m FILES"):
        log.schema()
    DeltaLog(log.root, "flight-delay", COLUMNS).append(rows([T0]), "a")
    with pytest.raises(LogUnreachable, match=r"there are: flight-delay"):
        log.span()


@pytest.mark.parametrize("model", ["a b", "../up", "a/b", "50% off?#", "ünï", ".hidden", "x.labels", "a:b*"])
def test_any_name_of_a_model_is_a_folder_of_the_log(tmp_path: Path, model: str) -> None:
    root = tmp_path / "root with % and spaces"
    for name in (model, "x"):
        DeltaLog(str(root), name, COLUMNS).append(rows([T0]), "a")
        labels = pa.table({"id": ["1"], "label": [1], "received_at": pa.array([T0], TIME)})
        DeltaLog(str(root), name, COLUMNS).append_labels(labels, "a")
    assert seen(DeltaLog(str(root), model, COLUMNS)) == [T0]
    assert {path.name for path in root.iterdir()} == {
        table_name(model),
        table_name(model) + ".labels",
        "x",
        "x.labels",
    }


def test_a_vanished_or_broken_file_is_named(log: DeltaLog) -> None:
    log.append(rows([T0, T0 + 3 * HOUR]), "a")
    file = next(table_folder(log).glob("_day=*/*.parquet"))
    whole = file.read_bytes()
    for broken in (b"", whole[:100], whole[:-100]):
        file.write_bytes(broken)
        with pytest.raises(LogUnreachable, match=file.name):
            seen(log)
        with pytest.raises(LogUnreachable, match=file.name):
            log.hours(T0, T0 + DAY)
    file.unlink()
    with pytest.raises(LogUnreachable, match=file.name):
        seen(log)


def test_a_broken_transaction_log_is_unreachable(log: DeltaLog) -> None:
    log.append(rows([T0]), "a")
    entry = next((table_folder(log) / "_delta_log").glob("*.json"))
    entry.write_text("{ not json")
    with pytest.raises(LogUnreachable, match=str(table_folder(log))):
        log.schema()


_FULL_DISK = """
import resource, signal, sys
from datetime import UTC, datetime
import numpy as np, pyarrow as pa
from monitor.prediction_log.base import LogNotWritten
from monitor.prediction_log.delta import DeltaLog
from monitor.settings import Columns
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
times = pa.array([datetime(2024, 5, 1, tzinfo=UTC)] * 100_000, pa.timestamp("us", "UTC"))
rows = pa.table({"ts": times, "x": np.random.default_rng(0).normal(size=100_000)})
try:
    DeltaLog(sys.argv[1], "m", Columns(timestamp="ts")).append(rows, "big")
except LogNotWritten as error:
    print(error)
    sys.exit(7)
"""


def test_a_full_disk_is_a_clear_error_and_nothing_is_half_there(log: DeltaLog) -> None:
    log.append(rows([T0]), "a")
    done = subprocess.run([sys.executable, "-c", _FULL_DISK, log.root], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "cannot write to" in done.stdout
    assert seen(log) == [T0]
    assert log.append(rows([T0 + HOUR]), "big") == Appended(rows=1)


def test_a_log_whose_folder_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    with pytest.raises(LogNotWritten, match="cannot write to"):
        DeltaLog(str(tmp_path / "log"), "m", COLUMNS).append(rows([T0]), "a")


def test_reading_leaves_out_the_dataset_library() -> None:
    code = """
import sys, tempfile
from datetime import UTC, datetime
import pyarrow as pa
from monitor.prediction_log import open, importer
from monitor.prediction_log.delta import DeltaLog
from monitor.settings import Columns
t = datetime(2024, 5, 1, tzinfo=UTC)
log = DeltaLog(tempfile.mkdtemp(), "m", Columns(timestamp="ts"))
log.append(pa.table({"ts": pa.array([t], pa.timestamp("us", "UTC"))}), "a")
log.hours(t, t.replace(day=2)); log.span(); list(log.batches(t, t.replace(day=2), ["ts"]))
assert "pyarrow.dataset" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def foreign(tmp_path: Path, table: pa.Table, **options: object) -> DeltaLog:
    write_deltalake(str(tmp_path / "log" / "m"), table, **options)  # type: ignore[call-overload]
    return DeltaLog(str(tmp_path / "log"), "m", COLUMNS)


def check_foreign(log: DeltaLog) -> None:
    times = [T0 + index * HOUR for index in range(30)]
    assert log.span() == (times[0], times[-1])
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + 2 * DAY)] == [(time, 1) for time in times]
    found = [row for batch in log.batches(T0 + HOUR, T0 + 4 * HOUR, ["x", "ts"]) for row in batch.to_pylist()]
    assert sorted(row["x"] for row in found) == [1, 2, 3]
    assert list(found[0]) == ["x", "ts"]


def foreign_rows(kind: pa.DataType = TIME) -> pa.Table:
    times = pa.array([T0 + index * HOUR for index in range(30)], TIME).cast(kind)
    places = [f"ö {index % 3}/%" for index in range(30)]
    return pa.table({"x": range(30), "place": places, "ts": times})


def test_a_table_of_somebody_else(tmp_path: Path) -> None:
    log = foreign(tmp_path, foreign_rows())
    check_foreign(log)
    assert log.compact_closed_days(date(2030, 1, 1)) == 0


def test_a_table_with_times_without_zone(tmp_path: Path) -> None:
    check_foreign(foreign(tmp_path, foreign_rows(pa.timestamp("us"))))


def test_a_table_partitioned_by_text(tmp_path: Path) -> None:
    log = foreign(tmp_path, foreign_rows(), partition_by=["place"])
    check_foreign(log)
    found = [row for batch in log.batches(T0, T0 + 2 * HOUR, ["place", "x"]) for row in batch.to_pylist()]
    assert sorted(row["place"] for row in found) == ["ö 0/%", "ö 1/%"]


def test_a_table_partitioned_by_the_time_itself(tmp_path: Path) -> None:
    days = pa.array([date(2024, 5, 1), date(2024, 5, 1), date(2024, 5, 2)])
    log = foreign(tmp_path, pa.table({"x": [1, 2, 3], "ts": days}), partition_by=["ts"])
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + 2 * DAY)] == [(T0, 2), (T0 + DAY, 1)]
    assert log.span() == (T0, T0 + DAY)
    assert [batch.to_pylist() for batch in log.batches(T0 + DAY, T0 + 2 * DAY, ["ts", "x"])] == [
        [{"ts": T0 + DAY, "x": 3}]
    ]


def test_a_table_without_statistics(tmp_path: Path) -> None:
    log = foreign(tmp_path, foreign_rows(), configuration={"delta.dataSkippingStatsColumns": "x"})
    check_foreign(log)


def test_a_table_with_column_mapping(tmp_path: Path) -> None:
    log = foreign(tmp_path, foreign_rows(), configuration={"delta.columnMapping.mode": "name"})
    check_foreign(log)
    before = log.hours(T0, T0 + 2 * DAY)
    assert log.hours(T0, T0 + 2 * DAY) == before


def deletion_vector(positions: list[int]) -> str:
    """An inline deletion vector (Delta protocol: Z85 of a 64-bit RoaringBitmapArray with one array container)."""
    container = struct.pack("<IIHHI", 12346, 1, 0, len(positions) - 1, 16)
    container += b"".join(struct.pack("<H", position) for position in positions)
    data = struct.pack("<IQI", 1681511377, 1, 0) + container
    data += b"\0" * (-len(data) % 4)
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    text = ""
    for (word,) in struct.iter_unpack(">I", data):
        text += "".join(alphabet[word // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return text


def test_a_table_with_deletion_vectors(tmp_path: Path) -> None:
    log = foreign(tmp_path, foreign_rows(), configuration={"delta.enableDeletionVectors": "true"})
    check_foreign(log)
    before = {hour.start: hour.token for hour in log.hours(T0, T0 + 2 * DAY)}
    folder = table_folder(log)
    entries = [json.loads(line) for line in (folder / "_delta_log" / f"{0:020}.json").read_text().splitlines()]
    add = next(entry["add"] for entry in entries if "add" in entry)
    positions = [0, 5]
    size = 4 + 8 + 4 + 16 + 2 * len(positions)
    vector = {"storageType": "i", "pathOrInlineDv": deletion_vector(positions), "sizeInBytes": size, "cardinality": 2}
    remove = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True, "size": add["size"]}
    commit = [{"remove": remove}, {"add": add | {"deletionVector": vector}}]
    (folder / "_delta_log" / f"{1:020}.json").write_text("".join(json.dumps(entry) + "\n" for entry in commit))
    assert seen(log) == [T0 + index * HOUR for index in range(30) if index not in positions]
    after = {hour.start: hour.token for hour in log.hours(T0, T0 + 2 * DAY)}
    assert set(before) - set(after) == {T0, T0 + 5 * HOUR}
    assert log.span() == (T0 + HOUR, T0 + 29 * HOUR)


def test_files_of_an_object_store_are_read_through_its_own_client(
    log: DeltaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(rows([T0, T0 + 3 * HOUR]), "a")
    monkeypatch.setattr(log._rows, "folder", None)  # the store here is the disk, the client deltalake's own
    opened: list[str] = []
    real = delta_table.stored_file
    monkeypatch.setattr(delta_table, "stored_file", lambda table, path: opened.append(path) or real(table, path))
    assert seen(log) == [T0, T0 + 3 * HOUR]
    assert [hour.rows for hour in log.hours(T0, T0 + DAY)] == [1, 1]
    assert opened


def test_spark_and_others_open_the_same_table(log: DeltaLog) -> None:
    log.append(rows([T0 + HOUR, T0], x=[1.0, 2.0]), "a")
    file = DeltaTable(str(table_folder(log))).file_uris()[0]
    assert pq.read_table(file).column("x").to_pylist() == [2.0, 1.0]
    protocol = DeltaTable(str(table_folder(log))).protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


def test_statistics_show_no_values_of_features(log: DeltaLog) -> None:
    log.append(rows([T0], secret=["alice@example.org"]), "a")
    for entry in (table_folder(log) / "_delta_log").glob("*.json"):
        assert "alice" not in entry.read_text()
