"""`driftline check`: the right figures of the right windows, and nothing left behind that the daemon would miss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from detectors.result import Finding, Status
from monitor.cli import app
from monitor.cycle import Outcome
from monitor.on_demand.checking import check_model
from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.store.evaluations import EVALUATIONS
from monitor.store.incidents import INCIDENTS
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, labels_for, rows, table_rows, with_column
from tests.support.tables import (
    CATEGORIES,
    NUMBERS,
    counts_between,
    counts_of,
    finite,
    ks_of,
    psi_of,
    random_table,
)

NOW = START + 300 * DAY


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def check(flow: Flow, at: Any = None, now: Any = NOW, **model: Any) -> list[Finding]:
    return check_model(flow.config({"m": model}), flow.store(), "m", at, now)


def windows(found: list[Finding]) -> set[tuple[str, Any, Any]]:
    return {(one.window.horizon, one.window.start, one.window.end) for one in found}


@pytest.mark.parametrize("seed", [1, 2])
def test_an_imported_file_gives_scipys_ks_and_numpys_psi_for_every_feature(flow: Flow, seed: int) -> None:
    reference, production = random_table(seed, 3000), random_table(seed + 100, 2500, 0.4)
    stamped = []
    for table, day in ((reference, 0), (production, 2)):
        stamps = [START + day * DAY + timedelta(seconds=20 * i) for i in range(table.num_rows)]
        stamped.append(table.append_column("ts", pa.array(stamps, pa.timestamp("us", "UTC"))))
    pq.write_table(pa.concat_tables(stamped), flow.folder / "export.parquet")
    columns = {"timestamp": "ts"}
    flow.write({"m": {"columns": columns, "baseline": {"from": "2024-03-04", "to": "2024-03-05"}}})
    runner = CliRunner()
    done = runner.invoke(app, ["log", "import", "m", str(flow.folder / "export.parquet"), "-c", str(flow.path)])
    assert done.exit_code == 0, done.output
    done = runner.invoke(app, ["check", "m", "--json", "--at", "2024-03-07", "-c", str(flow.path)])
    assert done.exit_code == 1, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(one["subject"], one["detector"]): one for one in lines}
    assert {one["window"]["start"] for one in lines} == {"2024-03-06T00:00:00Z"}
    for name in NUMBERS:
        assert abs(found[name, "ks"]["statistic"] - ks_of(reference, production, name)) <= 1 / 500 + 1e-9, name
        edges = np.array([edge for edge in found[name, "psi"]["detail"]["bins"] if edge is not None], dtype=float)
        edges = np.concatenate(([-np.inf], edges[np.isfinite(edges)], [np.inf]))
        sides = [counts_between(finite(table, name), edges) for table in (reference, production)]
        assert found[name, "psi"]["statistic"] == pytest.approx(psi_of(*sides), abs=1e-6), name
    for name in CATEGORIES:
        known = sorted(set(reference.column(name).to_pylist()))
        sides = [counts_of(table, name, known) for table in (reference, production)]
        assert found[name, "psi"]["statistic"] == pytest.approx(psi_of(*sides), abs=1e-6), name
    assert {subject for subject, detector in found if detector == "psi"} == {*NUMBERS, *CATEGORIES}


def test_without_a_time_the_newest_windows_that_have_rows_are_judged(flow: Flow) -> None:
    flow.put(rows(hours=5 * 24 - 6))
    found = check(flow, horizons=["1h", "1d", "7d"])
    assert windows(found) == {
        ("1h", START + 4 * DAY + 17 * HOUR, START + 4 * DAY + 18 * HOUR),
        ("1d", START + 4 * DAY, START + 5 * DAY),
        ("7d", START - 2 * DAY, START + 5 * DAY),
    }
    assert {one.n for one in found if one.window.horizon == "1h" and one.detector == "ks"} == {20}
    today = check(flow, now=START + 4 * DAY + 19 * HOUR)
    assert windows(today) == {("1d", START + 3 * DAY, START + 4 * DAY)}, "a day that has not ended is no window"


def test_a_time_stands_for_the_boundary_before_it_on_the_models_clock(flow: Flow) -> None:
    flow.put(rows(hours=5 * 24))
    found = check(flow, START + 4 * DAY + 3 * HOUR, timezone="America/New_York")
    assert windows(found) == {("1d", START + 2 * DAY + 5 * HOUR, START + 3 * DAY + 5 * HOUR)}


def test_what_is_checked_is_what_the_daemon_finds(flow: Flow) -> None:
    table = flow.put(rows(hours=4 * 24))
    flow.put(rows(START + 4 * DAY, 24, shift=2.0, seed=1))
    flow.put_labels(labels_for(table, START + 4 * DAY + HOUR))
    outcomes = list(flow.engine().advance(START + 5 * DAY + 2 * HOUR))
    judged = {(f.subject, f.detector): f for f in findings_of(outcomes) if f.window.start == START + 4 * DAY}
    checked = {(f.subject, f.detector): f for f in check(flow, START + 5 * DAY)}
    assert judged
    # Why a breach may be is looked for when somebody is told of it, which nobody is by a check.
    for key, one in ((key, one) for key, one in judged.items() if one.detector != "attribution"):
        assert (checked[key].statistic, checked[key].status) == (one.statistic, one.status)


def test_checking_writes_no_judgement_and_takes_no_revision_from_the_daemon(flow: Flow) -> None:
    flow.put(rows(hours=5 * 24))
    engine = flow.engine()
    list(engine.advance(START + 5 * DAY + HOUR))
    before = [table_rows(flow.store(), table) for table in (EVALUATIONS, INCIDENTS)]
    flow.put(rows(START + 3 * DAY, 24, 5, seed=9, prefix="late"))
    found = check(flow, START + 5 * DAY)
    assert windows(found) == {("1d", START + 4 * DAY, START + 5 * DAY)}, "other windows are not asked for"
    check(flow, START + 4 * DAY)
    assert [table_rows(flow.store(), table) for table in (EVALUATIONS, INCIDENTS)] == before
    flow.put(rows(START + 5 * DAY, 24, seed=5))
    outcomes: list[Outcome] = list(engine.advance(START + 6 * DAY + HOUR))
    revised = [one for outcome in outcomes for one in outcome.evaluations if one.revision == 1]
    assert [one.window.start for one in revised] == [START + 3 * DAY]


def test_a_batch_models_newest_run_is_checked_however_often(flow: Flow) -> None:
    model = {"cadence": {"run": "run", "due": "07:00"}, "baseline": {"learn": "2d"}}
    for day in range(4):
        table = rows(START + day * DAY + 7 * HOUR, 0.1, 2000, seed=day)
        flow.put(with_column(table, "run", [f"r{day}"] * table.num_rows))
    list(flow.engine({"m": model}).advance(START + 3 * DAY + 10 * HOUR))
    for _ in range(2):
        found = check(flow, START + 3 * DAY + 10 * HOUR, **model)
        assert {one.window.horizon for one in found} == {"run:r3"}
        assert {one.status for one in found if one.detector == "ks"} == {Status.OK}
    missed = check(flow, START + 4 * DAY + 10 * HOUR, **model)
    assert [(one.detector, one.status) for one in missed] == [("run_due", Status.BREACH)]


def test_a_log_that_cannot_be_checked_says_why(flow: Flow) -> None:
    (flow.folder / "log").mkdir()
    with pytest.raises(LogUnreachable):
        check(flow)
    flow.put(rows(hours=2).slice(0, 0).append_column("y", pa.array([], pa.int64())))
    with pytest.raises((LogMismatch, LogUnreachable)):
        check(flow)


def test_a_check_beside_a_running_evaluation_on_postgres(flow: Flow, postgres_url: str) -> None:
    import threading

    flow.state = postgres_url
    flow.put(rows(hours=6 * 24))
    config = flow.config({"m": {"horizons": ["1h", "1d"]}})
    failures: list[BaseException] = []

    def keep_checking() -> None:
        try:
            for day in range(1, 7):
                check_model(config, flow.store(), "m", START + day * DAY, NOW)
        except BaseException as error:
            failures.append(error)

    engine = flow.engine({"m": {"horizons": ["1h", "1d"]}}, start=START + 4 * DAY)
    thread = threading.Thread(target=keep_checking)
    thread.start()
    outcomes = list(engine.advance(START + 6 * DAY))
    thread.join()
    assert failures == []
    assert [outcome.blind for outcome in outcomes if outcome.blind] == []
    with flow.store().read() as connection:
        held = connection.execute(sa.select(sa.func.sum(EVALUATIONS.c.rows)).where(EVALUATIONS.c.horizon == "1h"))
        assert held.scalar_one() == 48 * 20
