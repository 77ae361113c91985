"""The user's own database: types, ways to write a time, what is asked of it, and that it is never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import psycopg.sql
import pyarrow as pa
import pytest
import sqlalchemy as sa

from monitor.prediction_log import sql
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import LogError, LogMismatch, LogUnreachable
from monitor.prediction_log.sql import SqlLog
from monitor.settings import Columns

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COLUMNS = Columns(timestamp="ts")


def lite(path: Path, script: str, rows: Sequence[Sequence[object]] = ()) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    if rows:
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def read(
    log: SqlLog, columns: Sequence[str], start: datetime = T0, end: datetime = T0 + DAY
) -> list[dict[str, object]]:
    return [row for batch in log.batches(start, end, columns) for row in batch.to_pylist()]


def seconds(time: datetime) -> int:
    return int(time.timestamp())


STYLES = {
    "space": lambda t: t.strftime("%Y-%m-%d %H:%M:%S"),
    "space and fraction": lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "T": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S"),
    "T and Z": lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "T, fraction and +00:00": lambda t: t.isoformat(timespec="microseconds"),
    "minutes": lambda t: t.strftime("%Y-%m-%d %H:%M"),
    "another offset": lambda t: t.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(),
    "epoch seconds": seconds,
    "epoch seconds as float": lambda t: t.timestamp(),
    "epoch milliseconds": lambda t: seconds(t) * 1_000,
    "epoch microseconds": lambda t: seconds(t) * 1_000_000,
    "epoch nanoseconds": lambda t: seconds(t) * 1_000_000_000,
}


@pytest.mark.parametrize("query", [False, True])
@pytest.mark.parametrize("style", STYLES)
def test_sqlite_times_in_every_common_form(tmp_path: Path, style: str, query: bool) -> None:
    times = [T0 + index * timedelta(minutes=30) for index in range(48)]
    url = lite(
        tmp_path / "a.db",
        "CREATE TABLE t (ts, x REAL); CREATE INDEX i ON t (ts);",
        [(STYLES[style](time), float(index)) for index, time in enumerate(times)],
    )
    if query:
        log = SqlLog(url, COLUMNS, query="SELECT ts, x FROM t WHERE ts >= :start AND ts < :end")
    else:
        log = SqlLog(url, COLUMNS, table="t")
    assert log.span() == (times[0], times[-1])
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + DAY)] == [(T0 + n * HOUR, 2) for n in range(24)]
    found = read(log, ["x", "ts"], T0 + HOUR, T0 + 3 * HOUR)
    assert sorted((row["x"], row["ts"]) for row in found) == [(float(n), times[n]) for n in (2, 3, 4, 5)]
    cut = read(log, ["ts"], T0 + timedelta(minutes=10), T0 + timedelta(minutes=30, microseconds=1))
    assert [row["ts"] for row in cut] == [times[1]]
    assert log.schema().field("ts").type == TIME


def test_sqlite_dates_alone_are_midnights(tmp_path: Path) -> None:
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts DATE)", [("2024-05-01",), ("2024-05-02",)])
    log = SqlLog(url, COLUMNS, table="t")
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + 3 * DAY)] == [(T0, 1), (T0 + DAY, 1)]
    assert [row["ts"] for row in read(log, ["ts"])] == [T0]
    assert [row["ts"] for row in read(log, ["ts"], T0 + HOUR, T0 + 2 * DAY)] == [T0 + DAY]


def test_sqlite_times_that_are_none_are_a_mismatch(tmp_path: Path) -> None:
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT)", [("soon",)])
    with pytest.raises(LogMismatch, match="'ts' holds no times") as caught:
        SqlLog(url, COLUMNS, table="t").hours(T0, T0 + DAY)
    assert "soon" not in str(caught.value)


def test_a_range_is_served_by_the_index(tmp_path: Path) -> None:
    url = lite(
        tmp_path / "a.db", "CREATE TABLE t (ts TEXT, x); CREATE INDEX i ON t (ts);", [("2024-05-01 00:00:00", 1)]
    )
    log = SqlLog(url, COLUMNS, table="t")
    statements: list[tuple[str, object]] = []
    sa.event.listen(log._source._engine, "before_cursor_execute", lambda *a: statements.append((a[2], a[3])))
    read(log, ["x"])
    log.hours(T0, T0 + DAY)
    ranged = [(text, values) for text, values in statements if "ts >=" in text]
    assert len(ranged) == 2
    connection = sqlite3.connect(tmp_path / "a.db")
    for text, values in ranged:
        assert "2024" not in text
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall())
        assert "INDEX i (ts>? AND ts<?)" in plan
    connection.close()


def test_sqlite_types_as_declared_and_as_they_are(tmp_path: Path) -> None:
    url = lite(
        tmp_path / "a.db",
        "CREATE TABLE t (ts TEXT, n INTEGER, r REAL, m NUMERIC(10,2), b BOOLEAN, d DATE, s VARCHAR(9), w DATETIME, "
        "free, blob BLOB)",
        [
            ("2024-05-01 00:00:00", 1, 1.5, 2.25, 1, "2024-01-01", "a", "2024-01-01 10:00:00", 7, b"\x01\x02"),
            ("2024-05-01 00:01:00", None, None, None, None, None, None, None, None, None),
        ],
    )
    log = SqlLog(url, COLUMNS, table="t")
    assert {field.name: str(field.type) for field in log.schema()} == {
        "ts": "timestamp[us, tz=UTC]",
        "n": "int64",
        "r": "double",
        "m": "double",
        "b": "bool",
        "d": "date32[day]",
        "s": "string",
        "w": "timestamp[us]",
        "free": "int64",
        "blob": "string",
    }
    first, second = read(log, log.schema().names)
    assert first["d"] == date(2024, 1, 1)
    assert (first["b"], first["m"], first["free"], first["blob"]) == (True, 2.25, 7, "0102")
    assert first["w"] == datetime(2024, 1, 1, 10)  # noqa: DTZ001 -- DATETIME has no zone
    assert set(second) - {"ts"} == {name for name in second if second[name] is None}


def test_values_that_are_not_what_is_declared_come_as_they_are(tmp_path: Path) -> None:
    rows = [("2024-05-01 00:00:00", 1, "2024-01-01"), ("2024-05-01 00:00:01", "many", "soon")]
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT, n INTEGER, d DATE)", rows)
    log = SqlLog(url, COLUMNS, table="t")
    assert log.schema().field("n").type == pa.int64()
    assert [(row["n"], row["d"]) for row in read(log, ["n", "d"])] == [("1", "2024-01-01"), ("many", "soon")]


def postgres(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)


POSTGRES_TABLE = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE t (ts timestamptz, i2 smallint, i8 bigint, f4 real, num numeric, fixed numeric(8,2), flag boolean,
  day date, local timestamp, word varchar(9), id uuid, doc jsonb, feel mood, list int[], clock time, raw bytea);
INSERT INTO t VALUES ('2024-05-01 02:00:00+02', 1, 9007199254740993, 1.5, 0.1, 12.25, true, '2024-01-01',
  '2024-01-01 10:00', 'a', '00000000-0000-0000-0000-000000000001', '{"a": 1}', 'good', '{1,2}', '10:00', '\\x0102');
INSERT INTO t (ts, num) VALUES ('2024-05-01 00:30:00+00', 'NaN');
"""


def test_postgresql_types(postgres_url: str) -> None:
    postgres(postgres_url, POSTGRES_TABLE)
    for log in (
        SqlLog(postgres_url, COLUMNS, table="t"),
        SqlLog(postgres_url, COLUMNS, query="SELECT * FROM t WHERE ts >= :start AND ts < :end;"),
    ):
        assert {field.name: str(field.type) for field in log.schema()} == {
            "ts": "timestamp[us, tz=UTC]",
            "i2": "int64",
            "i8": "int64",
            "f4": "double",
            "num": "double",
            "fixed": "double",
            "flag": "bool",
            "day": "date32[day]",
            "local": "timestamp[us]",
            "word": "string",
            "id": "string",
            "doc": "string",
            "feel": "string",
            "list": "string",
            "clock": "string",
            "raw": "string",
        }
        first, second = sorted(read(log, log.schema().names), key=lambda row: str(row["ts"]))
        assert first["ts"] == T0
        assert (first["i8"], first["num"], first["fixed"]) == (9007199254740993, 0.1, 12.25)
        assert (first["doc"], first["feel"], first["list"]) == ('{"a": 1}', "good", "[1, 2]")
        assert first["raw"] == "0102"
        assert str(second["num"]) == "nan"
        assert second["flag"] is None


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
def test_postgresql_times_of_each_kind(postgres_url: str, kind: str) -> None:
    postgres(postgres_url, f"CREATE TABLE t (ts {kind}); INSERT INTO t VALUES ('2024-05-01Z'), ('2024-05-02Z'), (NULL)")
    # The server's own zone, far away, must not move times without zone.
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(psycopg.sql.SQL("ALTER DATABASE {} SET timezone TO 'Asia/Kolkata'").format(name))
    log = SqlLog(postgres_url, COLUMNS, table="t")
    assert log.span() == (T0, T0 + DAY)
    assert [(hour.start, hour.rows) for hour in log.hours(T0, T0 + 2 * DAY)] == [(T0, 1), (T0 + DAY, 1)]
    assert [row["ts"] for row in read(log, ["ts"])] == [T0]


def test_postgresql_is_opened_to_be_read(postgres_url: str) -> None:
    postgres(postgres_url, "CREATE TABLE t (ts timestamptz)")
    log = SqlLog(
        postgres_url, COLUMNS, query="WITH d AS (SELECT * FROM t) SELECT * FROM d WHERE ts >= :start AND ts < :end"
    )
    assert log.hours(T0, T0 + DAY) == []
    sneaky = SqlLog(
        postgres_url,
        COLUMNS,
        query="SELECT now() AS ts, nextval('s') AS n, :start AS a, :end AS b",
    )
    postgres(postgres_url, "CREATE SEQUENCE s")
    with pytest.raises(LogError, match="read-only transaction"):
        sneaky.hours(T0, T0 + DAY)


def test_sqlite_is_opened_to_be_read(tmp_path: Path) -> None:
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT)", [("2024-05-01 00:00:00",)])
    before = (tmp_path / "a.db").read_bytes()
    log = SqlLog(url, COLUMNS, table="t")
    read(log, ["ts"])
    with log._source.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.execute(sa.text("DELETE FROM t"))
    assert (tmp_path / "a.db").read_bytes() == before
    with pytest.raises(LogUnreachable, match="unable to open"):
        SqlLog(f"sqlite:///{tmp_path}/b.db", COLUMNS, table="t").schema()
    assert not (tmp_path / "b.db").exists()


def test_a_missing_table_is_named_with_those_there_are(tmp_path: Path, postgres_url: str) -> None:
    url = lite(tmp_path / "a.db", "CREATE TABLE one (ts TEXT); CREATE VIEW two AS SELECT * FROM one")
    with pytest.raises(LogMismatch, match=r"no table 'three'; there are one, two"):
        SqlLog(url, COLUMNS, table="three").schema()
    postgres(postgres_url, "CREATE SCHEMA ml; CREATE TABLE ml.preds (ts timestamptz)")
    with pytest.raises(LogMismatch, match=r"no table 'ml\.nope'; there are preds"):
        SqlLog(postgres_url, COLUMNS, table="ml.nope").schema()
    with pytest.raises(LogMismatch, match=r"no table 'preds'"):
        SqlLog(postgres_url, COLUMNS, table="preds").schema()
    assert SqlLog(postgres_url, COLUMNS, table="ml.preds").schema().names == ["ts"]


def test_a_view_is_as_good_as_a_table(tmp_path: Path) -> None:
    url = lite(
        tmp_path / "a.db",
        "CREATE TABLE t (ts TEXT, x REAL); CREATE VIEW v AS SELECT ts, x * 2 AS y FROM t;",
        [("2024-05-01 00:00:00", 1.5)],
    )
    assert read(SqlLog(url, COLUMNS, table="v"), ["y"]) == [{"y": 3.0}]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/db", LogUnreachable),
        ("postgresql://me:hunter2@no-such-host.invalid/db", LogUnreachable),
        ("mysql://me:hunter2@127.0.0.1/db", LogMismatch),
        ("nonsense://me:hunter2@127.0.0.1/db", LogMismatch),
        ("not a url hunter2", LogMismatch),
    ],
)
def test_errors_never_show_the_password(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        SqlLog(url, COLUMNS, table="t").schema()
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.__cause__)


def test_a_refused_login_is_unreachable(postgres_url: str) -> None:
    postgres(postgres_url, "CREATE TABLE t (ts timestamptz); DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    guest = postgres_url.replace("postgres@", "guest:hunter2@")
    with pytest.raises(LogUnreachable, match="permission denied") as caught:
        SqlLog(guest, COLUMNS, table="t").schema()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("hello" * 1_000)
    with pytest.raises(LogUnreachable, match="not a database"):
        SqlLog(f"sqlite:///{tmp_path}/a.db", COLUMNS, table="t").schema()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1", "lacks :start and :end"),
        ("SELECT ts FROM t WHERE ts >= :start", "lacks :end"),
        ("SELEC ts FROM t WHERE ts >= :start AND ts < :end", "syntax error"),
        ("SELECT ts, x FROM t WHERE ts >= :start AND ts < :end", "no such column: x"),
        ("SELECT ts FROM nowhere WHERE ts >= :start AND ts < :end", "no such table: nowhere"),
    ],
)
def test_a_query_that_cannot_be_says_why(tmp_path: Path, query: str, message: str) -> None:
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT)", [("2024-05-01 00:00:00",)])
    with pytest.raises(LogMismatch, match=message):
        SqlLog(url, COLUMNS, query=query).schema()


def test_a_query_with_two_columns_of_one_name_is_a_mismatch(postgres_url: str) -> None:
    postgres(postgres_url, "CREATE TABLE t (ts timestamptz)")
    query = "SELECT a.ts, b.ts FROM t a, t b WHERE a.ts >= :start AND a.ts < :end"
    with pytest.raises(LogMismatch, match="several columns are named ts"):
        SqlLog(postgres_url, COLUMNS, query=query).schema()


def test_a_query_may_hold_what_sql_holds(postgres_url: str) -> None:
    postgres(postgres_url, "CREATE TABLE t (ts timestamptz, s text); INSERT INTO t VALUES ('2024-05-01Z', '100%:a')")
    query = "SELECT ts, s, 'x:y' AS t, s LIKE '100%' AS l, ts::date AS d FROM t WHERE ts >= :start AND ts < :end -- :)"
    assert read(SqlLog(postgres_url, COLUMNS, query=query), ["s", "t", "l", "d"]) == [
        {"s": "100%:a", "t": "x:y", "l": True, "d": date(2024, 5, 1)}
    ]


def test_a_database_without_a_known_way_to_cut_hours_is_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [((T0 + n * timedelta(minutes=20)).isoformat(), n) for n in range(9)]
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT, x INTEGER)", rows)
    grouped = SqlLog(url, COLUMNS, table="t").hours(T0, T0 + DAY)
    monkeypatch.setattr(sql, "_GROUPED", ())
    log = SqlLog(url, COLUMNS, table="t")
    streamed = log.hours(T0, T0 + DAY)
    assert [(hour.start, hour.rows) for hour in streamed] == [(hour.start, hour.rows) for hour in grouped]
    lite(tmp_path / "a.db", "UPDATE t SET ts = replace(ts, '00:20:00', '00:21:00')")
    moved = log.hours(T0, T0 + DAY)
    assert [hour.token == before.token for hour, before in zip(moved, streamed, strict=True)] == [False, True, True]


def test_a_removed_row_changes_its_hours_token(tmp_path: Path) -> None:
    rows = [((T0 + n * timedelta(minutes=20)).isoformat(), n) for n in range(9)]
    url = lite(tmp_path / "a.db", "CREATE TABLE t (ts TEXT, x INTEGER)", rows)
    log = SqlLog(url, COLUMNS, table="t")
    before = log.hours(T0, T0 + DAY)
    lite(tmp_path / "a.db", "DELETE FROM t WHERE x = 4")
    after = log.hours(T0, T0 + DAY)
    assert [hour.token == old.token for hour, old in zip(after, before, strict=True)] == [True, False, True]
