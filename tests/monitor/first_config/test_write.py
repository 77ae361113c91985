"""Guessing what a log's columns are, and the config that comes of it."""

from __future__ import annotations

import json
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.config import load
from monitor.first_config.guess import guess, guess_timestamp
from monitor.first_config.write import Plan, Source, model_name, proposed_interval, render

ROWS = 400
START = datetime(2024, 1, 1, tzinfo=UTC)
RUN = CliRunner()


def table(**more: Any) -> pa.Table:
    """A log with the usual columns, and `more`."""
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "ts": pa.array([START + timedelta(hours=3 * i) for i in range(ROWS)], pa.timestamp("us", "UTC")),
            "prediction_id": [str(uuid.UUID(int=i)) for i in range(ROWS)],
            "model_version": ["v1"] * ROWS,
            "score": rng.random(ROWS),
            "pred": rng.integers(0, 2, ROWS),
            "label": rng.integers(0, 2, ROWS),
            "amount": rng.normal(size=ROWS),
            **more,
        }
    )


def reasons(**column: Any) -> tuple[str | None, str | None]:
    """Why the guess leaves one column out, and why it makes it private."""
    found = guess(table(**column), "ts")
    (name,) = column
    left = {item.column: item.reason for item in found.left_out}
    private = {item.column: item.reason for item in found.private}
    return left.get(name), private.get(name)


class TestRoles:
    def test_the_usual_names(self) -> None:
        found = guess(table(), "ts")
        assert found.roles == {
            "timestamp": "ts",
            "id": "prediction_id",
            "version": "model_version",
            "score": "score",
            "prediction": "pred",
            "label": "label",
        }
        assert (found.task, found.features, found.notes) == ("binary", ("amount",), ())

    def test_names_decide_and_values_must_agree(self) -> None:
        """A score outside [0, 1] is no probability, and an id that repeats is none."""
        log = table(request_id=[i % 7 for i in range(ROWS)]).drop_columns(["prediction_id"])
        log = log.set_column(log.column_names.index("score"), "score", pa.array(np.arange(ROWS) / 10))
        found = guess(log, "ts")
        assert (found.score, found.id) == (None, None)
        assert "no unique id was recognised" in " ".join(found.notes)

    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"b": pa.timestamp("us"), "event_time": pa.timestamp("us")}, "event_time"),
            ({"x": pa.timestamp("us"), "label_time": pa.timestamp("us")}, "x"),
            ({"received_at": pa.timestamp("us")}, None),
            ({"created_at": pa.string(), "day": pa.date32()}, "created_at"),
            ({"day": pa.date32(), "x": pa.int64()}, "day"),
            ({"x": pa.int64()}, None),
        ],
    )
    def test_timestamp(self, schema: dict[str, pa.DataType], expected: str | None) -> None:
        assert guess_timestamp(pa.schema(list(schema.items()))) == expected

    @pytest.mark.parametrize(
        ("values", "task"),
        [
            ([0, 1], "binary"),
            (["no", "yes"], "binary"),
            (["a", "b", "c"], "multiclass"),
            ([0.0, 1.0, 2.0], "multiclass"),
            ([0.5, 1.25, 7.75], "regression"),
            (list(range(ROWS)), "regression"),
        ],
    )
    def test_task_follows_the_prediction(self, values: list[Any], task: str) -> None:
        log = table().drop_columns(["score", "pred", "label"])
        log = log.append_column("prediction", pa.array((values * ROWS)[:ROWS]))
        assert guess(log, "ts").task == task

    def test_positive_class(self) -> None:
        log = table().drop_columns(["label"])
        churned = log.append_column("label", pa.array(["stays", "churned"] * (ROWS // 2)))
        assert guess(churned, "ts").positive == "churned"
        rarer = log.append_column("label", pa.array(["a", "b", "a", "a"] * (ROWS // 4)))
        found = guess(rarer, "ts")
        assert found.positive == "b"
        assert "check that it is the positive class" in " ".join(found.notes)

    def test_an_outcome_by_name_is_doubted_aloud(self) -> None:
        found = guess(table(is_fraud=[0, 1] * (ROWS // 2)).drop_columns(["label"]), "ts")
        assert found.label == "is_fraud"
        assert found.notes == ("`is_fraud` was taken for the truth; if the model gets it as an input, remove `label`",)

    def test_a_label_may_be_named(self) -> None:
        found = guess(table(outcome_x=[0, 1] * (ROWS // 2)), "ts", "outcome_x")
        assert found.label == "outcome_x"
        assert "label" in found.features

    def test_labels_in_a_table_of_their_own_are_not_missed(self) -> None:
        log = table().drop_columns(["label"])
        assert "no truth was recognised" in " ".join(guess(log, "ts").notes)
        assert guess(log, "ts", labels_apart=True).notes == ()


class TestLeftOut:
    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            (pa.nulls(ROWS, pa.string()), "no values in the sample"),
            ([7] * ROWS, "constant in the sample"),
            ([f"text {i}" for i in range(ROWS)], "near-unique text (400 values in 400 rows): an id or free text"),
            ([f"{'word ' * 12}{i % 100}" for i in range(ROWS)], "free text"),
            (list(range(1000, 1000 + ROWS)), "a number that never repeats: an id or a counter"),
            ([[1]] * ROWS, "values of type list<item: int64> cannot be watched"),
            ([b"x"] * ROWS, "values of type binary cannot be watched"),
            ([START + timedelta(days=i % 9) for i in range(ROWS)], "a time: it moves on with the clock"),
        ],
    )
    def test_reasons(self, values: Any, reason: str) -> None:
        left, _ = reasons(thing=values)
        assert left is not None
        assert left.startswith(reason)

    @pytest.mark.parametrize(
        "values",
        [
            np.arange(ROWS) * 1.5,
            (np.arange(ROWS) * 7919) % 1_000_003,  # an amount in cents repeats seldom and is no counter
            [True, False] * (ROWS // 2),
            ["a", None] * (ROWS // 2),
            pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
            [f"c{i % 60}" for i in range(ROWS)],
        ],
    )
    def test_features_stay(self, values: Any) -> None:
        assert reasons(thing=values) == (None, None)

    def test_ids_by_name(self) -> None:
        left, _ = reasons(customer_id=[i % 200 for i in range(ROWS)])
        assert left == "named like an id, with many values"
        assert reasons(store_id=[i % 5 for i in range(ROWS)])[0] is None

    def test_a_small_sample_says_nothing_of_uniqueness(self) -> None:
        found = guess(table(city=[f"c{i}" for i in range(ROWS)]).slice(0, 20), "ts")
        assert "city" in found.features
        assert "only 20 rows were there to guess from" in " ".join(found.notes)


class TestPrivate:
    @pytest.mark.parametrize(
        "name",
        ["email", "zip", "customer_zip", "homePhone", "SSN", "first_name", "name", "ip_address", "date_of_birth"],
    )
    def test_names(self, name: str) -> None:
        assert reasons(**{name: ["a", "b"] * (ROWS // 2)})[1] is not None

    @pytest.mark.parametrize("name", ["product_name", "zipped", "emailed_count", "shipping_days", "carrier"])
    def test_other_names(self, name: str) -> None:
        assert reasons(**{name: ["a", "b"] * (ROWS // 2)})[1] is None

    def test_values(self) -> None:
        assert reasons(contact=[f"u{i % 50}@x.example" for i in range(ROWS)])[1] == "e-mail addresses"

    def test_are_never_proposed_as_segments(self) -> None:
        found = guess(table(zip=["1", "2"] * (ROWS // 2), origin=["A", "B"] * (ROWS // 2)), "ts")
        assert found.segments == ("origin",)


class TestConfig:
    def write(self, folder: Path, log: pa.Table, source: Source, env: dict[str, str] | None = None) -> Any:
        span = (START, START + timedelta(days=50))
        text = render(Plan("flights", source, guess(log, "ts"), span))
        (folder / "config.yaml").write_text(text)
        return load(folder / "config.yaml", env or {}), text

    def test_reads_back_as_it_was_meant(self, tmp_path: Path) -> None:
        log = table(zip=["1", "2"] * (ROWS // 2), const=[1] * ROWS)
        loaded, _ = self.write(tmp_path, log, Source("parquet", "data/*.parquet"))
        model = loaded.settings.models["flights"]
        assert loaded.warnings == ()
        assert model.columns.model_dump(exclude_none=True) == guess(log, "ts").roles
        assert model.features.exclude == ("const",)
        assert model.features.private == ("zip",)
        assert (str(model.baseline.start), str(model.baseline.end)) == ("2024-01-16", "2024-02-13")
        assert loaded.settings.log.parquet == f"{tmp_path}/data/*.parquet"

    @pytest.mark.parametrize(
        "name",
        [
            "a: b #c",
            "yes",
            "007",
            "${HOME}",
            "$$",
            "*",
            "-",
            'quote"\\',
            "line\nbreak",
            "\x85\u2028",
            "naïve",
            "[x]",
            "1e3",
        ],
    )
    def test_hostile_column_names(self, tmp_path: Path, name: str) -> None:
        """In the config they are what they are in the log, and never leave the line they stand in."""
        loaded, text = self.write(tmp_path, table(**{name: [1] * ROWS}), Source("delta", "log"))
        assert loaded.settings.models["flights"].features.exclude == (name,)
        assert len(text.splitlines()) == len(
            self.write(tmp_path, table(c=[1] * ROWS), Source("delta", "l"))[1].splitlines()
        )

    def test_hostile_notes(self, tmp_path: Path) -> None:
        log = (
            table().drop_columns(["label"]).append_column("x\n_label", pa.array(["a", "b", "c\n  evil: 1", "a"] * 100))
        )
        loaded, text = self.write(tmp_path, log, Source("delta", "log"))
        assert "\n  evil" not in text
        assert loaded.settings.models["flights"].columns.label == "x\n_label"

    def test_a_password_stays_out(self, tmp_path: Path) -> None:
        address = "postgresql://me:hunter2@db.example/x"
        loaded, text = self.write(tmp_path, table(), Source("sql", address, "t"), {"DATABASE_URL": address})
        assert "hunter2" not in text
        assert loaded.settings.log.sql == address

    def test_little_history_is_learned(self) -> None:
        assert proposed_interval((START, START + timedelta(days=34)), ZoneInfo("UTC")) is None
        assert proposed_interval(None, ZoneInfo("UTC")) is None
        text = render(Plan("m", Source("delta", "log"), guess(table(), "ts"), None))
        assert "baseline: {learn: 28d}" in text

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("public.flight_delays", "flight-delays"),
            ("/data/Scores 2024.parquet", "scores-2024"),
            ("/data/scores/", "scores"),
            ("/data/*.parquet", "model"),
        ],
    )
    def test_model_name(self, text: str, name: str) -> None:
        assert model_name(text) == name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a test runner may set it; a pipe has no width
    return tmp_path


class TestCommand:
    def test_parquet(self, folder: Path) -> None:
        pq.write_table(table(zip=["1", "2"] * (ROWS // 2), const=[1] * ROWS), folder / "flights.parquet")
        result = RUN.invoke(app, ["init", "--parquet", "flights.parquet"])
        assert result.exit_code == 0, result.stderr
        assert "It seems to be a binary model" in result.stdout
        assert "const  constant in the sample" in result.stdout
        assert "driftline config check --ping\n" in result.stdout
        check = RUN.invoke(app, ["config", "check", "--ping"])
        assert check.exit_code == 0, check.stdout

    def test_sql(self, folder: Path) -> None:
        with sqlite3.connect(folder / "log.db") as connection:
            connection.execute("create table flights (ts text, id text, score real, amount real)")
            rows = [((START + timedelta(hours=i)).isoformat(), f"i{i}", i / ROWS, i * 1.5) for i in range(ROWS)]
            connection.executemany("insert into flights values (?, ?, ?, ?)", rows)
        connection.close()
        result = RUN.invoke(app, ["init", "sqlite:///log.db", "--table", "flights", "--json"])
        assert result.exit_code == 0, result.stderr
        record = json.loads(result.stdout)
        assert record["columns"] == {"timestamp": "ts", "id": "id", "score": "score"}
        assert record["features"] == ["amount"]
        loaded = load(folder / "config.yaml", {})
        assert loaded.settings.log is not None
        assert loaded.settings.log.table == "flights"

    def test_delta(self, folder: Path) -> None:
        (folder / "import.yaml").write_text(
            "log: {delta: log}\nmodels: {flights: {columns: {timestamp: ts, id: prediction_id, label: label}}}\n"
        )
        pq.write_table(table(), folder / "f.parquet")
        assert RUN.invoke(app, ["log", "import", "flights", "f.parquet", "-c", "import.yaml"]).exit_code == 0
        result = RUN.invoke(app, ["init", "--delta", "log"])
        assert result.exit_code == 0, result.stderr
        assert list(load(folder / "config.yaml", {}).settings.models) == ["flights"]
        missing = RUN.invoke(app, ["init", "--delta", ".", "-o", "x.yaml"])
        assert missing.stderr == "error: say which table of . with --model; no Delta table was found below it\n"

    def test_config_in_another_folder_still_finds_the_log(self, folder: Path) -> None:
        (folder / "etc").mkdir()
        pq.write_table(table(), folder / "flights.parquet")
        assert RUN.invoke(app, ["init", "--parquet", "flights.parquet", "-o", "etc/c.yaml"]).exit_code == 0
        check = RUN.invoke(app, ["config", "check", "--ping", "-c", "etc/c.yaml"])
        assert check.exit_code == 0, check.stdout

    def test_never_overwrites_unasked(self, folder: Path) -> None:
        pq.write_table(table(), folder / "flights.parquet")
        (folder / "config.yaml").write_text("mine")
        result = RUN.invoke(app, ["init", "--parquet", "flights.parquet"])
        assert result.exit_code == 2
        assert result.stderr.startswith("error: config.yaml is there already; --force overwrites it")
        assert (folder / "config.yaml").read_text() == "mine"
        assert RUN.invoke(app, ["init", "--parquet", "flights.parquet", "--force"]).exit_code == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "say where the log is: a database URL with --table, or --delta PATH, or --parquet PATH"),
            (["--delta", "a", "--parquet", "b"], "say where the log is: a database URL with --table"),
            (["sqlite:///x.db"], "a database URL needs --table"),
            (["data.parquet", "--table", "t"], "'data.parquet' is no database URL; for files use --parquet or --delta"),
            (["--parquet", "a", "--table", "t"], "--table goes with a database URL"),
            (["--parquet", "gone.parquet"], "cannot read "),
            (["--parquet", "empty.parquet"], "the log has no rows yet"),
            (["--parquet", "timeless.parquet"], "no column looks like the time of a prediction; name it with --timest"),
            (["--parquet", "log.parquet", "--timestamp", "tss"], "there is no column 'tss'; there are: ts, "),
            (["--parquet", "log.parquet", "--label", "x"], "--label: there is no column 'x'; there are: ts, "),
            (
                ["--parquet", "log.parquet", "--timezone", "Mars"],
                "--timezone: 'Mars' is no time zone; write one such as",
            ),
            (["--parquet", "log.parquet", "-o", "no/where.yaml"], "there is no folder "),
        ],
    )
    def test_mistakes(self, folder: Path, arguments: list[str], message: str) -> None:
        pq.write_table(table(), folder / "log.parquet")
        pq.write_table(table().slice(0, 0), folder / "empty.parquet")
        pq.write_table(table().drop_columns(["ts"]), folder / "timeless.parquet")
        result = RUN.invoke(app, ["init", *arguments])
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {message}")
        assert not (folder / "config.yaml").exists()
