"""What version serves, with which preprocessing, on what it was trained on: each a finding of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from detectors.result import Finding, Kind, Status, Window
from monitor.cli import app
from monitor.cycle import Outcome
from monitor.judging.versioning import retired
from monitor.on_demand.comparing import compare_versions
from monitor.store import baselines, served
from monitor.store.served import TRAINING, Registered
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, labels_for, rows, table_rows, with_column

COLUMNS = {"timestamp": "ts", "id": "id", "version": "version", "score": "score", "prediction": "pred"}
PREPARED = {**COLUMNS, "preprocessing": "prep"}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def prepared(number: int, name: str | None, version: str = "1") -> pa.Table:
    made = rows(START + number * DAY, 24, seed=number, version=version)
    return with_column(made, "prep", pa.array([name] * made.num_rows, pa.string()))


def of(outcomes: list[Outcome], detector: str) -> list[tuple[int, str, Status]]:
    found = findings_of(outcomes, detector=detector)
    return [((one.window.start - START).days, one.version, one.status) for one in found]


def breach(outcomes: list[Outcome], detector: str) -> Finding:
    return findings_of(outcomes, detector=detector, status=Status.BREACH)[0]


def summaries(outcomes: list[Outcome]) -> list[str]:
    return [event.incident.summary for outcome in outcomes for event in outcome.events]


def test_preprocessing_that_changes_within_a_version_is_found(flow: Flow) -> None:
    for number in range(4):
        flow.put(prepared(number, "a1"), columns=PREPARED)
    flow.put(prepared(4, "b2"), columns=PREPARED)
    flow.put(prepared(5, None), columns=PREPARED)  # rows that do not say are no other preprocessing
    outcomes = list(flow.engine({"m": {"columns": PREPARED}}).advance(START + 6 * DAY + HOUR))
    assert [(day, status) for day, _, status in of(outcomes, "preprocessing_change")] == [
        *((day, Status.OK) for day in range(4)),
        (4, Status.BREACH),
    ]
    assert breach(outcomes, "preprocessing_change").detail["after"] == "b2"
    assert summaries(outcomes)[0].startswith("prep changed within version 1: b2, was a1, since 2024-03-08 00:00 UTC")
    assert not [f for f in findings_of(outcomes) if f.subject == "prep" and f.detector == "ks"]


def test_a_new_version_may_bring_its_own_preprocessing(flow: Flow) -> None:
    for number in range(4):
        flow.put(prepared(number, "a1"), columns=PREPARED)
    flow.put(prepared(4, "b2", "2"), columns=PREPARED)
    outcomes = list(flow.engine({"m": {"columns": PREPARED}}).advance(START + 5 * DAY + HOUR))
    assert {status for _, _, status in of(outcomes, "preprocessing_change")} == {Status.OK}


def test_what_was_registered_is_what_is_expected(flow: Flow) -> None:
    for number in range(5):
        flow.put(prepared(number, "a1"), columns=PREPARED)
    with flow.store().begin() as connection:
        served.register(connection, "m", Registered("1", "z9", START))
    outcomes = list(flow.engine({"m": {"columns": PREPARED}}).advance(START + 5 * DAY + HOUR))
    assert {status for _, _, status in of(outcomes, "preprocessing_change")} == {Status.BREACH}


def test_a_version_nobody_registered_is_found_once_anybody_registers(flow: Flow) -> None:
    for number in range(4):
        flow.put(rows(START + number * DAY, 24, seed=number))
    outcomes = list(flow.engine().advance(START + 4 * DAY + HOUR))
    assert of(outcomes, "unregistered_version") == []
    with flow.store().begin() as connection:
        served.register(connection, "m", Registered("1", None, START))
    flow.put(rows(START + 4 * DAY, 24, seed=4))
    flow.put(rows(START + 5 * DAY, 24, seed=5, version="rogue"))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    assert of(outcomes, "unregistered_version") == [(4, "1", Status.OK), (5, "rogue", Status.BREACH)]
    said = [text for text in summaries(outcomes) if "never registered" in text]
    assert said
    assert said[0].startswith("model version rogue is served, and was never registered")


def test_features_that_were_never_served_as_trained_are_skew_and_drift_is_not(flow: Flow) -> None:
    trained = rows(START - 30 * DAY, 24 * 5, seed=99)
    doubled = with_column(trained, "amount", pa.array(10.0 * trained.column("amount").to_numpy()))
    pq.write_table(doubled, flow.folder / "train.parquet")
    for number in range(5):
        flow.put(rows(START + number * DAY, 24, seed=number))
    flow.put(rows(START + 5 * DAY, 24, seed=5, shift=3.0))
    engine = flow.engine({"m": {"training": {"file": "train.parquet"}}})
    outcomes = list(engine.advance(START + 6 * DAY + HOUR))
    found = findings_of(outcomes, detector="training_skew")
    assert {one.subject for one in found if one.status is Status.BREACH} == {"amount"}, "x is drift"
    assert "is served otherwise than in training" in str(breach(outcomes, "training_skew").detail["explanation"])
    assert len(table_rows(flow.store(), TRAINING)) == 1
    pq.write_table(trained, flow.folder / "train.parquet")
    flow.put(rows(START + 6 * DAY, 24, seed=6))
    outcomes = list(flow.engine({"m": {"training": {"file": "train.parquet"}}}).advance(START + 7 * DAY + HOUR))
    assert of(outcomes, "training_skew") == [(6, "1", Status.OK)]


def test_two_versions_side_by_side(flow: Flow) -> None:
    for number in range(4):
        made = flow.put(rows(START + number * DAY, 24, 40, seed=number))
        flow.put_labels(labels_for(made, START + 5 * DAY, seed=number))
    for number in (2, 3):
        made = rows(START + number * DAY, 24, 40, seed=50 + number, version="2", prefix="v2-")
        worse = 1.0 - made.column("score").to_numpy()
        flow.put_labels(labels_for(made, START + 5 * DAY, seed=number))
        flow.put(with_column(made, "score", pa.array(worse)))
    list(flow.engine().advance(START + 4 * DAY + HOUR))
    world = flow.world()
    settings = world.config.settings.models["m"]
    with flow.store().read() as connection:
        baseline = baselines.current(connection, "m", "1")
    assert baseline is not None
    log, labels = world.open_log("m"), world.open_labels("m")
    span = START + 2 * DAY, START + 4 * DAY
    found = compare_versions(log, labels, "m", settings, baseline, ("1", "2"), span, START + 9 * DAY)
    assert found.together
    lines = {line.measure: line for line in found.lines}
    assert (lines["rows"].old, lines["rows"].new) == (1920.0, 1920.0)
    assert lines["labelled rows"].new == 1920.0
    assert all(line.note == "asked alike" for name, line in lines.items() if name.startswith("rows apart"))
    auc = lines["AUC"]
    assert auc.old is not None
    assert auc.new is not None
    assert auc.old > 0.6 > 0.4 > auc.new
    assert auc.note == "worse"
    assert np.isclose(auc.old + auc.new, 1.0, atol=0.1)
    earlier = compare_versions(log, labels, "m", settings, baseline, ("1", "2"), (START, START + DAY), START + 9 * DAY)
    assert not earlier.together


def test_the_command_line_lists_registers_and_compares(flow: Flow) -> None:
    for number in range(4):
        flow.put(rows(START + number * DAY, 24, seed=number))
    flow.put(rows(START + 3 * DAY + timedelta(minutes=1), 24, seed=9, version="2"))
    list(flow.engine().advance(START + 4 * DAY + HOUR))
    run = CliRunner()
    config = ["-c", str(flow.path)]
    told = run.invoke(app, ["versions", "register", "m", "1", "--preprocessing", "a1", *config])
    assert (told.exit_code, "m 1 is registered" in told.output) == (0, True)
    listed = run.invoke(app, ["versions", "list", "m", *config])
    assert listed.exit_code == 0
    assert "registered" in listed.output
    compared = run.invoke(app, ["versions", "compare", "m", "1", "2", *config])
    assert compared.exit_code == 0
    assert "mean score" in compared.output
    assert "no clear difference" in compared.output


def test_days_that_are_left_of_a_version_that_is_gone_say_nothing_of_it(flow: Flow) -> None:
    for number in range(10):
        # Its last day is like no other: in windows that hold that day alone, everything has drifted.
        shift, version = (3.0, "1") if number == 6 else (0.0, "1" if number < 6 else "2")
        table = flow.put(rows(START + number * DAY, 24, seed=number, shift=shift, version=version))
        flow.put_labels(labels_for(table, START + (number + 1) * DAY + HOUR, seed=number, truth=0.0))
    baseline = {"from": f"{START:%Y-%m-%d}", "to": f"{START + 2 * DAY:%Y-%m-%d}", "new_version": "learn"}
    model = {"horizons": ["1d", "7d"], "baseline": baseline, "label_wait": "1d", "detectors": {}}
    outcomes = list(flow.engine({"m": model}).advance(START + 11 * DAY))
    found = [f for f in findings_of(outcomes) if f.version == "1" and f.kind is not Kind.VOLUME]
    week = {"ks": False, "auc": False}
    for finding in (one for one in found if one.window.horizon == "7d"):
        gone = finding.window.end > START + 7 * DAY
        assert not gone or finding.status is Status.INSUFFICIENT, finding
        assert not gone or "until 2024-03-10 23:57 UTC, then 2" in str(finding.detail["reason"])
        if finding.detector in week and finding.window.end == START + 7 * DAY:
            week[finding.detector] = finding.status is not Status.INSUFFICIENT
    assert all(week.values()), "the last week it served is judged"
    assert any(f.status is Status.INSUFFICIENT and f.window.end > START + 8 * DAY for f in found)


def test_two_versions_side_by_side_are_both_judged() -> None:
    known = {"1": (START, START + 9 * DAY), "2": (START + 2 * DAY, START + 9 * DAY + HOUR)}
    for horizon, days in (("1d", 1), ("7d", 7)):
        assert retired(known, "1", Window(horizon, START + (9 - days) * DAY, START + 9 * DAY)) == ""
    later = Window("7d", START + 4 * DAY, START + 11 * DAY)
    assert retired(known, "2", later) == "", "nobody came after it: its rows are late, or the log is silent"
    assert "then 2" in retired(known, "1", later)
    assert retired(known, "1", Window("run:5", later.start, later.end)) == ""
    assert retired(known, "never seen", later) == ""
