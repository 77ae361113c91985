"""`config check --ping` against things that are there, and things that are not."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.config import load
from monitor.on_demand.ping import Outcome, Probe, ping
from monitor.store import open_store

NOW = datetime(2024, 2, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    write_log(tmp_path / "log.parquet", NOW - timedelta(hours=2))
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def write_log(path: Path, newest: datetime, zone: str | None = "UTC", rows: int = 5) -> None:
    times = [newest - timedelta(hours=i) for i in range(rows)]
    stamps = pa.array([time.replace(tzinfo=None) for time in times], pa.timestamp("us")).cast(pa.timestamp("us", zone))
    pq.write_table(pa.table({"ts": stamps, "id": [str(i) for i in range(rows)], "score": [0.5] * rows}), path)


def probes(folder: Path, text: str) -> list[Probe]:
    (folder / "c.yaml").write_text(text)
    return list(ping(load(folder / "c.yaml", {}), NOW))


def one(folder: Path, what: str, text: str) -> tuple[Outcome, str]:
    (found,) = (probe for probe in probes(folder, text) if probe.what == what)
    return found.outcome, found.detail


def model(more: str = "", columns: str = "{timestamp: ts, id: id, score: score}") -> str:
    return f"log: {{parquet: log.parquet}}\nmodels:\n  m:\n    columns: {columns}\n{more}"


class TestLog:
    def test_fine(self, folder: Path) -> None:
        assert one(folder, "log", model()) == (Outcome.OK, "3 columns, newest row 2024-01-31 22:00 UTC")

    def test_a_mapped_column_is_missing(self, folder: Path) -> None:
        outcome, detail = one(folder, "log", model("    segments: [origin]\n", "{timestamp: ts, score: skore}"))
        assert outcome is Outcome.FAILED
        assert detail == (
            "columns.score names `skore`, which the log does not have; did you mean `score`?; "
            "segments names `origin`, which the log does not have; there are: ts, id, score"
        )

    def test_no_rows_yet(self, folder: Path) -> None:
        write_log(folder / "log.parquet", NOW, rows=0)
        assert one(folder, "log", model()) == (Outcome.WARNING, "3 columns, no rows yet")

    def test_times_in_the_future(self, folder: Path) -> None:
        write_log(folder / "log.parquet", NOW + timedelta(hours=5))
        outcome, detail = one(folder, "log", model())
        assert outcome is Outcome.FAILED
        assert detail.startswith("the newest row is in the future (2024-02-01 05:00 UTC)")

    def test_times_without_a_zone(self, folder: Path) -> None:
        write_log(folder / "log.parquet", NOW - timedelta(hours=5), zone=None)
        outcome, detail = one(folder, "log", model())
        assert outcome is Outcome.WARNING
        assert "no zone" in detail

    def test_a_feature_that_is_no_column(self, folder: Path) -> None:
        outcome, detail = one(folder, "log", model("    features: {private: [zip]}\n"))
        assert (outcome, "`zip`" in detail) == (Outcome.WARNING, True)

    def test_not_there(self, folder: Path) -> None:
        (folder / "log.parquet").unlink()
        assert one(folder, "log", model())[0] is Outcome.FAILED

    def test_a_database_that_is_away(self, folder: Path) -> None:
        text = 'log: {sql: "postgresql://me:hunter2@127.0.0.1:1/x", table: t}\nmodels: {m: {columns: {score: s}}}\n'
        outcome, detail = one(folder, "log", text)
        assert outcome is Outcome.FAILED
        assert "hunter2" not in detail
        assert "refused" in detail

    def test_one_that_fails_leaves_the_others(self, folder: Path) -> None:
        text = model("  n: {columns: {timestamp: ts, score: score}, log: {parquet: gone.parquet}}\n")
        assert [(p.name, p.outcome) for p in probes(folder, text) if p.what == "log"] == [
            ("m", Outcome.OK),
            ("n", Outcome.FAILED),
        ]


class TestLabels:
    def test_read_for_real(self, folder: Path) -> None:
        with sqlite3.connect(folder / "labels.db") as connection:
            connection.execute("create table labels (id text, label int, received_at text)")
            connection.execute("insert into labels values ('1', 1, '2024-01-31T12:00:00+00:00')")
        connection.close()
        text = model('    labels: {sql: "sqlite:///labels.db", table: labels}\n')
        assert one(folder, "labels", text) == (Outcome.OK, "1 received in the last 7 days")

    def test_missing_table(self, folder: Path) -> None:
        outcome, _ = one(folder, "labels", model('    labels: {sql: "sqlite:///labels.db", table: labels}\n'))
        assert outcome is Outcome.FAILED


class TestState:
    def test_is_not_made(self, folder: Path) -> None:
        assert one(folder, "state", model()) == (Outcome.OK, "will be made at the first run")
        assert not (folder / "driftline.db").exists()

    def test_writable_and_left_as_it_was(self, folder: Path) -> None:
        open_store(f"sqlite:///{folder}/driftline.db").close()
        assert one(folder, "state", model()) == (Outcome.OK, "writable")
        with sqlite3.connect(folder / "driftline.db") as connection:
            names = {name for (name,) in connection.execute("select name from sqlite_master")}
        connection.close()
        assert "driftline_ping" not in names

    def test_no_folder_for_it(self, folder: Path) -> None:
        (folder / "file").write_text("")
        outcome, detail = one(folder, "state", f"state: sqlite:///file/x.db\n{model()}")
        assert (outcome, detail) == (Outcome.FAILED, f"{folder}/file is no folder")

    def test_no_database_of_ours(self, folder: Path) -> None:
        (folder / "driftline.db").write_text("this is no database " * 100)
        outcome, detail = one(folder, "state", model())
        assert (outcome, "not a database" in detail) == (Outcome.FAILED, True)

    def test_postgres(self, folder: Path, postgres_url: str) -> None:
        text = f'state: "{postgres_url}"\n{model()}'
        assert one(folder, "state", text) == (Outcome.OK, "writable, still empty")
        open_store(postgres_url).close()
        assert one(folder, "state", text) == (Outcome.OK, "writable")

    def test_read_only(self, folder: Path, postgres_url: str) -> None:
        url = f"{postgres_url}&options=-cdefault_transaction_read_only%3Don"
        outcome, detail = one(folder, "state", f'state: "{url}"\n{model()}')
        assert (outcome, "read-only transaction" in detail) == (Outcome.FAILED, True)


class TestReachable:
    def test_whatever_listens_is_reached_and_sent_nothing(self, folder: Path, port: int) -> None:
        text = model(
            f'    triggers: {{r: {{url: "http://127.0.0.1:{port}/hook/s3cr3t"}}}}\n'
            "alerts:\n  channels:\n"
            f'    s: {{slack: {{webhook: "http://127.0.0.1:{port}/s3cr3t"}}}}\n'
            f'    e: {{email: {{smtp: "smtp://me:s3cr3t@127.0.0.1:{port}", to: [a@b.example]}}}}\n'
            f'    w: {{webhook: {{url: "http://127.0.0.1:{port}/s3cr3t"}}}}\n'
            "    c: {console: {}}\n"
            f'server: {{heartbeat: "http://127.0.0.1:{port}/s3cr3t"}}\n'
        )
        found = [p for p in probes(folder, text) if p.what in ("trigger", "channel", "heartbeat")]
        assert [(p.what, p.name, p.outcome) for p in found] == [
            ("trigger", "m.r", Outcome.OK),
            ("channel", "s", Outcome.OK),
            ("channel", "e", Outcome.OK),
            ("channel", "w", Outcome.OK),
            ("channel", "c", Outcome.OK),
            ("heartbeat", "heartbeat", Outcome.OK),
        ]
        assert "s3cr3t" not in str(found)

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://127.0.0.1:1/x", "127.0.0.1:1: Connection refused"),
            ("http://nowhere.invalid/x", "no host of that name"),
        ],
    )
    def test_what_does_not_answer(self, folder: Path, url: str, reason: str) -> None:
        outcome, detail = one(folder, "channel", model(f'alerts: {{channels: {{w: {{webhook: {{url: "{url}"}}}}}}}}\n'))
        assert (outcome, reason in detail) == (Outcome.FAILED, True)

    def test_a_proxy_is_tried_in_place_of_the_host(
        self, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        text = model('alerts: {channels: {w: {webhook: {url: "https://nowhere.invalid/x"}}}}\n')
        assert one(folder, "channel", text) == (
            Outcome.OK,
            f"127.0.0.1:{port} (the proxy to nowhere.invalid) answers",
        )


class TestFiles:
    def test_baseline_file(self, folder: Path) -> None:
        text = model("    baseline: {file: train.parquet}\n")
        assert one(folder, "baseline", text) == (Outcome.FAILED, f"there is no file {folder}/train.parquet")
        write_log(folder / "train.parquet", NOW)
        assert one(folder, "baseline", text)[0] is Outcome.OK

    def test_report_folder(self, folder: Path) -> None:
        text = model("reports: [{name: weekly, folder: out/weekly}]\n")
        assert one(folder, "report", text) == (Outcome.OK, f"{folder}/out/weekly (will be made)")
        assert not (folder / "out").exists()
        (folder / "out").write_text("a file")
        assert one(folder, "report", text) == (Outcome.FAILED, f"{folder}/out is no folder")


class TestCommand:
    def test_exit_code_and_table(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(model())
        result = CliRunner().invoke(app, ["config", "check", "--ping"])
        # The log ends in 2024: its newest row is old, which is no fault of the config.
        assert result.exit_code == 0, result.stdout
        assert "all 2 are fine" in result.stdout
        os.unlink(folder / "log.parquet")
        result = CliRunner().invoke(app, ["config", "check", "--ping"])
        assert result.exit_code == 2
        assert "1 of 2 failed" in result.stdout

    def test_json(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(model().replace("log.parquet", "gone.parquet"))
        result = CliRunner().invoke(app, ["config", "check", "--ping", "--json"])
        assert result.exit_code == 2
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert [(record["type"], record["what"], record["outcome"]) for record in records] == [
            ("probe", "state", "ok"),
            ("probe", "log", "failed"),
        ]
