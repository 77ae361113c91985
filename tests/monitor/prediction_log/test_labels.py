"""Labels: wherever they live, the latest received wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import Appended, LabelSource, LogMismatch, LogUnreachable
from monitor.prediction_log.delta import DeltaLog
from monitor.prediction_log.open import open_delta, open_labels, open_log
from monitor.settings import Columns, LabelSettings, LogSettings, ModelSettings

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLUMNS = Columns(timestamp="ts", id="id")


def labels(*given: tuple[str | None, int | None, datetime]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([row[0] for row in given], pa.string()),
            "label": pa.array([row[1] for row in given], pa.int64()),
            "received_at": pa.array([row[2] for row in given], TIME),
        }
    )


def opened(settings: ModelSettings, common: LogSettings | None) -> LabelSource:
    source = open_labels(settings, common, "m")
    assert source is not None
    return source


GIVEN = labels(
    ("a", 0, T0),
    ("b", 1, T0),
    ("a", 1, T0 + 2 * HOUR),
    ("a", 0, T0 + HOUR),
    (None, 1, T0),
    ("c", None, T0),
    ("d", 1, T0 + 9 * HOUR),
)


def check(source: LabelSource) -> None:
    found = source.labels(T0, T0 + 3 * HOUR)
    assert found.schema.names == ["id", "label", "received_at", "first_at"]
    assert found.schema.field("received_at").type == TIME
    assert found.to_pylist() == [
        {"id": "a", "label": 1, "received_at": T0 + 2 * HOUR, "first_at": T0},
        {"id": "b", "label": 1, "received_at": T0, "first_at": T0},
    ]
    assert source.labels(T0, T0 + 2 * HOUR).column("label").to_pylist() == [0, 1]
    assert source.labels(T0 + HOUR, T0 + 2 * HOUR).to_pylist() == [
        {"id": "a", "label": 0, "received_at": T0 + HOUR, "first_at": T0 + HOUR}
    ]
    empty = source.labels(T0 - HOUR, T0)
    assert (empty.num_rows, empty.schema.names) == (0, ["id", "label", "received_at", "first_at"])
    source.close()


def test_in_the_embedded_log(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "m", COLUMNS)
    source = opened(ModelSettings(columns=COLUMNS), LogSettings(delta=str(tmp_path)))
    assert source.labels(T0, T0 + HOUR).num_rows == 0
    assert source.token() == "none"
    assert log.append_labels(GIVEN.filter(GIVEN.column("id").is_valid()), "a") == Appended(rows=6)
    token = source.token()
    assert token != "none"
    check(source)
    assert log.append_labels(labels(("z", 1, T0)), "a") == Appended(rows=0, skipped=1)
    assert source.token() == token
    log.append_labels(labels(("z", 1, T0 + 20 * HOUR)), "b")
    assert source.token() != token


def test_a_vanished_embedded_log_is_unreachable_not_empty(tmp_path: Path) -> None:
    source = opened(ModelSettings(columns=COLUMNS), LogSettings(delta=str(tmp_path / "gone")))
    with pytest.raises(LogUnreachable, match="no folder"):
        source.labels(T0, T0 + HOUR)
    with pytest.raises(LogUnreachable, match="no folder"):
        source.token()


def test_labels_to_append_need_their_columns(tmp_path: Path) -> None:
    with pytest.raises(LogMismatch, match="lack label, received_at"):
        DeltaLog(str(tmp_path), "m", COLUMNS).append_labels(pa.table({"id": ["a"]}), "a")


def test_numbers_as_ids_join_as_text(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "m", COLUMNS)
    log.append_labels(pa.table({"id": [7], "label": [1], "received_at": pa.array([T0], TIME)}), "a")
    assert log.append(pa.table({"ts": pa.array([T0], TIME), "id": [7]}), "a") == Appended(rows=1)
    assert log.schema().field("id").type == pa.string()
    source = opened(ModelSettings(columns=COLUMNS), LogSettings(delta=str(tmp_path)))
    assert source.labels(T0, T0 + HOUR).column("id").to_pylist() == ["7"]


@pytest.mark.parametrize("names", [("id", "label", "received_at"), ("pred id", "truth", "known")])
def test_in_files_of_their_own(tmp_path: Path, names: tuple[str, str, str]) -> None:
    pq.write_table(GIVEN.rename_columns(list(names)), tmp_path / "labels.parquet")
    where = LabelSettings(parquet=str(tmp_path), id=names[0], label=names[1], received_at=names[2])
    check(opened(ModelSettings(columns=COLUMNS, labels=where), None))
    wrong = LabelSettings(parquet=str(tmp_path), id=names[0], label="nope", received_at=names[2])
    with pytest.raises(LogMismatch, match="'nope'"):
        opened(ModelSettings(columns=COLUMNS, labels=wrong), None).labels(T0, T0 + HOUR)


@pytest.mark.parametrize("form", ["table", "query"])
def test_in_a_table_of_their_own(postgres_url: str, form: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute('CREATE TABLE "the labels" (id text, label int, received_at timestamptz)')
        with connection.cursor() as cursor:
            rows = [tuple(row.values()) for row in GIVEN.to_pylist()]
            cursor.executemany('INSERT INTO "the labels" VALUES (%s, %s, %s)', rows)
    query = 'SELECT * FROM "the labels" WHERE received_at >= :start AND received_at < :end'
    where = LabelSettings(sql=postgres_url, **({"table": "the labels"} if form == "table" else {"query": query}))
    source = opened(ModelSettings(columns=COLUMNS, labels=where), None)
    before = source.token()
    check(source)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("INSERT INTO \"the labels\" VALUES ('new', NULL, now())")
    assert source.token() == before
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE \"the labels\" SET label = 1 WHERE id = 'new'")
    assert source.token() != before


def test_in_another_embedded_log(tmp_path: Path) -> None:
    DeltaLog(str(tmp_path), "m", COLUMNS).append_labels(GIVEN.filter(GIVEN.column("id").is_valid()), "a")
    where = LabelSettings(delta=str(tmp_path))
    check(opened(ModelSettings(columns=COLUMNS, labels=where, log=LogSettings(parquet="/nowhere")), None))


def test_of_labels_received_at_one_time_one_is_left(tmp_path: Path) -> None:
    pq.write_table(labels(("a", 0, T0), ("a", 1, T0), ("b", 5, T0)), tmp_path / "labels.parquet")
    where = LabelSettings(parquet=str(tmp_path))
    found = opened(ModelSettings(columns=COLUMNS, labels=where), None).labels(T0, T0 + HOUR)
    assert found.column("id").to_pylist() == ["a", "b"]
    assert found.column("label").to_pylist() == [1, 5]


def test_a_model_without_log_or_a_read_only_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogMismatch, match="m has no log"):
        open_log(ModelSettings(), None, "m")
    with pytest.raises(LogMismatch, match="read-only"):
        open_delta(ModelSettings(), LogSettings(parquet=str(tmp_path)), "m")
    assert open_delta(ModelSettings(), LogSettings(delta=str(tmp_path)), "m").model == "m"
