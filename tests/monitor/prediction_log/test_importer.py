"""Importing: good rows in, bad rows named, nothing twice, whatever happens in between."""

from __future__ import annotations

import gzip
import json
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.prediction_log import import_block, importer
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import Appended, LogMismatch, LogNotWritten, LogUnreachable
from monitor.prediction_log.delta import DeltaLog
from monitor.prediction_log.importer import import_files, refused_path
from monitor.prediction_log.open import open_labels
from monitor.settings import Columns, LogSettings, ModelSettings

NOW = datetime(2024, 6, 1, tzinfo=UTC)
T0 = datetime(2024, 5, 1, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
PLAIN = Columns(timestamp="ts")
ROLES = Columns(timestamp="ts", id="id", version="v", score="p", label="late", label_time="landed")


@pytest.fixture
def log(tmp_path: Path) -> DeltaLog:
    return DeltaLog(str(tmp_path / "log"), "m", ROLES)


def plain(tmp_path: Path, columns: Columns = PLAIN) -> DeltaLog:
    return DeltaLog(str(tmp_path / "log"), "m", columns)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def rows_of(log: DeltaLog) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for batch in log.batches(*EVER, log.schema().names):
        found += batch.to_pylist()
    return sorted(found, key=lambda row: str(row[log.columns.timestamp]))


def labels_of(log: DeltaLog) -> list[dict[str, object]]:
    settings = ModelSettings(columns=log.columns)
    source = open_labels(settings, LogSettings(delta=log.root), log.model)
    assert source is not None
    return source.labels(*EVER).drop_columns(["first_at"]).to_pylist()


def test_each_format_gives_the_same_rows(tmp_path: Path) -> None:
    records = [
        {"ts": "2024-05-01T00:00:00Z", "n": 1, "x": 0.5, "b": True, "s": "a", "d": "2024-01-01"},
        {"ts": "2024-05-01T01:00:00+01:00", "n": 2, "x": 1.0, "b": False, "s": None, "d": "2024-01-02"},
        {"ts": "2024-05-01 02:00:00.25Z", "n": None, "x": None, "b": None, "s": 'ü,\n"q"', "d": None},
    ]
    csv = "ts,n,x,b,s,d\n2024-05-01T00:00:00Z,1,0.5,true,a,2024-01-01\n"
    csv += "2024-05-01T01:00:00+01:00,2,1.0,false,,2024-01-02\n"
    csv += '2024-05-01 02:00:00.25Z,,,,"ü,\n""q""",\n'
    nd = "\n".join(json.dumps(record) for record in records) + "\n\n"
    times = [T0, T0, T0 + timedelta(hours=2, milliseconds=250)]
    typed = pa.table(
        {
            "ts": pa.array(times, TIME),
            "n": pa.array([1, 2, None], pa.int64()),
            "x": [0.5, 1.0, None],
            "b": [True, False, None],
            "s": ["a", None, 'ü,\n"q"'],
            "d": pa.array([date(2024, 1, 1), date(2024, 1, 2), None]),
        }
    )
    pq.write_table(typed, tmp_path / "a.parquet")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(csv.encode()))
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(nd.encode()))
    files = [
        write(tmp_path / "b.csv", "\ufeff" + csv),
        tmp_path / "b.csv.gz",
        write(tmp_path / "b.jsonl", nd),
        tmp_path / "b.ndjson.gz",
        tmp_path / "a.parquet",
    ]
    expected = typed.sort_by("ts").to_pylist()
    for index, path in enumerate(files):
        log = DeltaLog(str(tmp_path / f"log{index}"), "m", PLAIN)
        report = import_files(log, PLAIN, [path], now=NOW)
        assert (report.rows, report.refused) == (3, ()), path
        got = rows_of(log)
        assert [row["ts"] for row in got] == [row["ts"] for row in expected], path
        for row, want in zip(got, expected, strict=True):
            days = {"d": want["d"]} if "ndjson" not in path.name and "jsonl" not in path.name else {}
            assert {key: row[key] for key in ("n", "x", "b", "s", *days)} == {
                key: want[key] for key in ("n", "x", "b", "s", *days)
            }, path


BAD = [
    ("x", "not a number", "column 'x' does not fit double"),
    ("ts", "", "column 'ts' has no time"),
    ("ts", "2024-05-01 00:00:00", "column 'ts' has no time zone (say which with --timezone)"),
    ("ts", "yesterday", "column 'ts' is not a time (ISO 8601 or seconds since 1970)"),
    ("ts", "2024-06-03T00:00:00Z", "column 'ts' lies more than a day in the future"),
    ("ts", "99999-01-01T00:00:00Z", "column 'ts' is not a time (ISO 8601 or seconds since 1970)"),
    ("id", "i0", "column 'id' repeats an id of this file"),
    ("n", "1.5", "column 'n' does not fit int64"),
    ("n", "99999999999999999999", "column 'n' does not fit int64"),
    ("landed", "soon", "column 'landed' is not a time (ISO 8601 or seconds since 1970)"),
]


def seed(log: DeltaLog) -> None:
    """Fix the columns' types, as a first import does."""
    table = pa.table(
        {
            "ts": pa.array([T0 - timedelta(days=1)], TIME),
            "id": ["seed"],
            "v": ["1"],
            "p": [0.5],
            "x": [1.0],
            "n": pa.array([1], pa.int64()),
        }
    )
    log.append(table, "seed")


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
@pytest.mark.parametrize(("column", "value", "reason"), BAD)
def test_a_bad_value_refuses_its_row_alone(
    log: DeltaLog, tmp_path: Path, ending: str, column: str, value: str, reason: str
) -> None:
    seed(log)
    good = {"ts": "2024-05-01T00:00:00Z", "id": "i", "v": "1", "p": "0.25", "x": "1.5", "n": "7", "landed": ""}
    records = [dict(good, id=f"i{index}") for index in range(4)]
    records[2] |= {column: value}
    if ending == "csv":
        text = ",".join(good) + "\n" + "".join(",".join(record.values()) + "\n" for record in records)
    else:
        text = "".join(json.dumps(record) + "\n" for record in records)
    path = write(tmp_path / f"a.{ending}", text)
    report = import_files(log, ROLES, [path], now=NOW, write_refused=True)
    line = 4 if ending == "csv" else 3
    assert [(found.file, found.line, found.reason) for found in report.refused] == [(str(path), line, reason)]
    assert (report.rows, report.refused_total, report.files[0].refused) == (3, 1, 1)
    written = [json.loads(row) for row in refused_path(path).read_text().splitlines()]
    assert written == [{"file": str(path), "line": line, "reason": reason}]
    assert {row["id"] for row in rows_of(log)} == {"seed", "i0", "i1", "i3"}


def test_lines_that_are_no_rows_are_refused_with_their_line(tmp_path: Path) -> None:
    log = plain(tmp_path)
    t = "2024-05-01T00:00:00Z"
    body = (
        b"ts,s\n"
        + f'{t},"two\nlines"\n{t}\n\n{t},a,b\n'.encode()
        + t.encode()
        + b",\xff\n"
        + f'{t},"x"y\n{t},ok\n'.encode()
    )
    path = tmp_path / "a.csv"
    path.write_bytes(body)
    report = import_files(log, PLAIN, [path], now=NOW)
    assert [(found.line, found.reason.split(":")[0]) for found in report.refused] == [
        (4, "has 1 fields, the header has 2"),
        (6, "has 3 fields, the header has 2"),
        (7, "is not UTF-8"),
        (8, "cannot be read as CSV"),
    ]
    assert sorted(str(row["s"]) for row in rows_of(log)) == ["ok", "two\nlines"]


def test_json_lines_that_are_no_rows_are_refused(tmp_path: Path) -> None:
    log = plain(tmp_path)
    good = '{"ts": "2024-05-01T00:00:00Z", "s": "ok", "more": {"a": [1]}}\n'
    bad = ['{"ts": \n', "[1, 2]\n", "7\n", "[" * 100_000 + "\n", '{"ts": "2024-05-01T00:00:00Z", "s": "\\ud800"}\n']
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"".join([good.encode(), *(line.encode() for line in bad), b'{"s": "\xff"}\n', good.encode()]))
    report = import_files(log, PLAIN, [path], now=NOW)
    assert [found.line for found in report.refused] == [2, 3, 4, 5, 6, 7]
    assert report.rows == 2
    assert rows_of(log)[0]["more"] == '{"a": [1]}'


def test_an_unclosed_quote_costs_its_own_row_and_says_where(tmp_path: Path) -> None:
    log = plain(tmp_path)
    t = "2024-05-01T00:00:00Z"
    path = write(tmp_path / "a.csv", f'ts,s\n{t},a\n{t},b\n{t},"never closed\n{t},c\n')
    report = import_files(log, PLAIN, [path], now=NOW)
    assert [(found.line, found.reason) for found in report.refused] == [
        (4, "cannot be read as CSV: unexpected end of data")
    ]
    assert report.rows == 2


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("a.txt", "x", LogMismatch, "import takes"),
        ("a.parquet.gz", "x", LogMismatch, "import takes"),
        ("a.csv", "", LogMismatch, "no header"),
        ("a.csv", "when,x\n1,2\n", LogMismatch, "no column 'ts'.*when, x"),
        ("a.csv", "ts,x,x\n1,2,3\n", LogMismatch, "several columns named x"),
        ("a.csv", "ts,x\n2024-05-01T00:00:00Z,1\n", LogMismatch, "no column 'id'"),
        ("a.parquet", "PAR1 nonsense", LogUnreachable, r"a\.parquet"),
        ("a.csv.gz", "not gzip", LogUnreachable, r"a\.csv\.gz"),
        ("a.ndjson", '{"x": 1}\n', LogMismatch, "no column 'ts'"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(
    log: DeltaLog, tmp_path: Path, name: str, text: str, error: type[Exception], message: str
) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(error, match=message) as caught:
        import_files(log, ROLES, [path], now=NOW)
    assert name in str(caught.value)
    assert not (tmp_path / "log").exists()


def test_a_missing_file_stops_the_import_before_it_begins(log: DeltaLog, tmp_path: Path) -> None:
    good = write(tmp_path / "a.csv", "ts,id\n2024-05-01T00:00:00Z,1\n")
    with pytest.raises(LogUnreachable, match=r"b\.csv"):
        import_files(log, ROLES, [good, tmp_path / "b.csv"], now=NOW)
    assert not (tmp_path / "log").exists()


def many(tmp_path: Path, count: int = 250) -> Path:
    lines = [f"{(T0 + timedelta(seconds=i)).isoformat()},id-{i},1,0.5,{i % 2},\n" for i in range(count)]
    return write(tmp_path / "many.csv", "ts,id,v,p,late,landed\n" + "".join(lines))


def test_importing_twice_changes_nothing_and_says_so(log: DeltaLog, tmp_path: Path) -> None:
    path = many(tmp_path, 1_000)
    first = import_files(log, ROLES, [path], now=NOW)
    assert (first.rows, first.labels, first.skipped) == (1_000, 1_000, 0)
    token, labels = log.token(), labels_of(log)
    renamed = path.rename(tmp_path / "other name.csv")
    second = import_files(log, ROLES, [renamed], now=NOW)
    assert (second.rows, second.labels, second.skipped) == (0, 0, 1_000)
    assert second.files[0].already
    assert "imported before" in second.notes[0]
    assert log.token() == token
    assert labels_of(log) == labels


class Crash(BaseException):
    """As good as a power cut: nothing catches it."""


class Crashing:
    """The log, until `after` calls have been made."""

    def __init__(self, log: DeltaLog, after: int) -> None:
        self._log, self._left = log, after
        self.known_types, self.known_label_type = log.known_types, log.known_label_type

    def _tick(self) -> None:
        if self._left == 0:
            raise Crash
        self._left -= 1

    def append(self, rows: pa.Table, import_id: str, part: int = 0) -> Appended:
        self._tick()
        return self._log.append(rows, import_id, part)

    def append_labels(self, labels: pa.Table, import_id: str, part: int = 0) -> Appended:
        self._tick()
        return self._log.append_labels(labels, import_id, part)


@pytest.mark.parametrize("after", range(6))
def test_a_crash_at_any_step_is_finished_by_importing_again(
    log: DeltaLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(importer, "PART_ROWS", (1, 100))
    monkeypatch.setattr(import_block, "BLOCK_ROWS", (1, 40))
    path = many(tmp_path)
    with pytest.raises(Crash):
        import_files(Crashing(log, after), ROLES, [path], now=NOW)
    report = import_files(log, ROLES, [path], now=NOW + timedelta(hours=1))
    assert report.rows + report.skipped == 250
    assert sorted(str(row["id"]) for row in rows_of(log)) == sorted(f"id-{i}" for i in range(250))
    assert len(labels_of(log)) == 250


def test_types_come_from_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_block, "BLOCK_ROWS", (1, 100))
    t = T0.isoformat()
    lines = [f"{t},1,2,true,007,2024-01-01,,nan\n"] * 150 + [f"{t},1.5,two,false,8,2024-01-02,,inf\n"]
    path = write(tmp_path / "a.csv", "ts,f,s,b,code,d,nothing,x\n" + "".join(lines))
    log = plain(tmp_path)
    report = import_files(log, PLAIN, [path], now=NOW)
    assert (report.rows, report.refused_total) == (151, 0)
    assert {field.name: field.type for field in log.schema()} == {
        "ts": TIME,
        "f": pa.float64(),
        "s": pa.string(),
        "b": pa.bool_(),
        "code": pa.string(),
        "d": pa.date32(),
        "x": pa.float64(),
    }
    last = next(row for row in rows_of(log) if row["s"] == "two")
    assert last["x"] == math.inf
    assert math.isnan(float(str(rows_of(log)[0]["x"])))


def test_roles_have_their_types_whatever_the_file_looks_like(log: DeltaLog, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ts,id,v,p,late,landed\n1714521600,1,2,0,1,1714525200000\n")
    import_files(log, ROLES, [path], now=NOW)
    assert rows_of(log) == [{"ts": T0, "id": "1", "v": "2", "p": 0.0}]
    assert labels_of(log) == [{"id": "1", "label": 1, "received_at": T0 + timedelta(hours=1)}]
    more = write(tmp_path / "b.csv", "ts,id,v,p,late,landed\n2024-05-01T00:00:00Z,x,v3,0.75,1.0,\n")
    report = import_files(log, ROLES, [more], now=NOW)
    assert report.refused == ()
    assert labels_of(log)[1] == {"id": "x", "label": 1, "received_at": T0}


def test_a_file_of_labels_alone(log: DeltaLog, tmp_path: Path) -> None:
    dated = write(tmp_path / "a.csv", "id,late,landed\na,1,2024-05-02T00:00:00Z\nb,,2024-05-02T00:00:00Z\n")
    undated = write(tmp_path / "b.ndjson", '{"id": "a", "late": 0}\n{"id": "c", "late": 1}\n')
    report = import_files(log, ROLES, [dated, undated], now=NOW)
    assert (report.rows, report.labels) == (0, 3)
    assert labels_of(log) == [
        {"id": "a", "label": 0, "received_at": NOW},
        {"id": "c", "label": 1, "received_at": NOW},
    ]
    again = import_files(log, ROLES, [dated], now=NOW)
    assert again.files[0].already


def test_times_without_zone_take_the_one_that_is_said(tmp_path: Path) -> None:
    csv = write(tmp_path / "a.csv", "ts\n2024-05-01 08:00:00\n2024-11-03 01:30:00\n2024-05-01T00:00:00Z\n")
    naive = [datetime(2024, 5, 1, 8), datetime(2024, 5, 1, 9)]  # noqa: DTZ001 -- a file without zones is the point
    pq.write_table(pa.table({"ts": pa.array(naive, pa.timestamp("ns"))}), tmp_path / "b.parquet")
    later = datetime(2025, 1, 1, tzinfo=UTC)
    log = plain(tmp_path)
    refused = import_files(log, PLAIN, [tmp_path / "b.parquet"], now=later)
    assert (refused.rows, refused.refused_total) == (0, 2)
    assert "--timezone" in refused.refused[0].reason
    report = import_files(log, PLAIN, [csv, tmp_path / "b.parquet"], now=later, assume_timezone="America/New_York")
    assert (report.rows, report.refused_total) == (5, 0)
    assert [row["ts"] for row in rows_of(log)] == [
        T0,
        T0 + timedelta(hours=12),
        T0 + timedelta(hours=12),
        T0 + timedelta(hours=13),
        datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
    ]


def test_parquet_types_are_brought_to_the_logs(tmp_path: Path) -> None:
    log = plain(tmp_path)
    t = pa.array([T0, T0 + timedelta(hours=1), T0 + timedelta(hours=2)], TIME)
    log.append(
        pa.table(
            {"ts": pa.array([T0 - timedelta(days=1)], TIME), "x": [0.5], "n": pa.array([1], pa.int64()), "s": ["a"]}
        ),
        "seed",
    )
    table = pa.table(
        {
            "ts": t,
            "x": pa.array([1, 2, 3], pa.int32()),
            "n": pa.array([1.0, 2.5, None], pa.float32()),
            "s": pa.array(["b", "c", "b"]).dictionary_encode(),
            "u": pa.array([1, 2, 3], pa.uint64()),
            "half": pa.array(np.array([1, 2, 3], np.float16)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    report = import_files(log, PLAIN, [tmp_path / "a.parquet"], now=NOW)
    assert [(found.line, found.reason) for found in report.refused] == [(2, "column 'n' does not fit int64")]
    assert rows_of(log)[1:] == [
        {"ts": T0, "x": 1.0, "n": 1, "s": "b", "u": 1, "half": 1.0},
        {"ts": T0 + timedelta(hours=2), "x": 3.0, "n": None, "s": "b", "u": 3, "half": 3.0},
    ]


def test_refusals_are_listed_to_a_hundred_and_counted_to_the_last(log: DeltaLog, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ts,id\n" + "nonsense,1\n" * 5_000)
    report = import_files(log, ROLES, [path], now=NOW, write_refused=True)
    assert (len(report.refused), report.refused_total, report.rows) == (100, 5_000, 0)
    assert len(refused_path(path).read_text().splitlines()) == 5_000
    import_files(log, ROLES, [path], now=NOW, write_refused=True)
    assert len(refused_path(path).read_text().splitlines()) == 5_000


def test_progress_ends_at_the_end(log: DeltaLog, tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    path = many(tmp_path, 3_000)
    import_files(log, ROLES, [path], now=NOW, progress=lambda *told: seen.append(told))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1] == (2 * path.stat().st_size, 2 * path.stat().st_size, 3_000)


def test_missing_parts_are_noted(log: DeltaLog, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ts,id\n2024-05-01T00:00:00Z,1\n")
    notes = import_files(log, ROLES, [path], now=NOW).notes
    assert any("'p' (the score)" in note for note in notes)
    assert any("'v' (the version)" in note for note in notes)


def test_refusals_never_hold_a_value(log: DeltaLog, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ts,id,p\nsecret-one,1,0.5\n2024-05-01T00:00:00Z,secret-two,secret-three\n")
    report = import_files(log, ROLES, [path], now=NOW)
    assert report.refused_total == 2
    assert "secret" not in repr(report.refused)


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocked = write(tmp_path / "log", "a file where the folder should be")
    path = write(tmp_path / "a.csv", "ts\n2024-05-01T00:00:00Z\n")
    with pytest.raises((LogNotWritten, LogUnreachable), match=str(blocked)):
        import_files(plain(tmp_path), PLAIN, [path], now=NOW)
