"""From the log to findings: a day whose columns no longer belong together is found, healthy days are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detectors.registry import JOINT
from detectors.result import Finding, Kind, Status, Window
from monitor.cli.tables import findings_table
from monitor.cycle import Outcome
from monitor.evaluate import enabled
from monitor.judging.joint import asked_for
from monitor.reference import joint as joint_reference
from monitor.reporting.gather import gather
from monitor.reporting.page import model_page
from monitor.settings import ModelSettings
from monitor.store import baselines
from monitor.store.samples import SAMPLES
from reports.context import Period
from tests.support import days
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, table_rows, with_column

COLUMNS = {"timestamp": "ts", "id": "id", "version": "version"}
REFERENCE = 12
TO = START + REFERENCE * DAY
MODEL: dict[str, Any] = {
    "columns": COLUMNS,
    "baseline": {"from": START, "to": TO},
    "detectors": {"domain_classifier": {}},
}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


@cache
def day(number: int, rows_: int = 300) -> pa.Table:
    """A day of columns that go together."""
    made = days.day(np.random.default_rng([7, number]), rows_, first=number * rows_, weather=False)
    start = START + number * DAY
    stamps = [start + (row / rows_) * DAY for row in range(rows_)]
    made = with_column(made, "ts", pa.array(stamps, pa.timestamp("us", "UTC")))
    return with_column(made, "version", pa.array(["1"] * rows_))


def broken(number: int, column: str = "warm") -> pa.Table:
    return days.shuffled(day(number), column, np.random.default_rng(3))


def put(flow: Flow, *tables: pa.Table) -> None:
    for table in tables:
        flow.put(table, columns=COLUMNS)


def judged(flow: Flow, until: int, start: datetime = TO, **more: Any) -> list[Outcome]:
    return list(flow.engine({"m": {**MODEL, **more}}, start=start).advance(START + until * DAY + HOUR))


def joint(outcomes: list[Outcome], number: int | None = None) -> list[Finding]:
    wanted = {} if number is None else {"window": window(number)}
    return [one for one in findings_of(outcomes, **wanted) if one.detector in JOINT]


def window(number: int) -> Window:
    return Window("1d", START + number * DAY, START + (number + 1) * DAY)


def test_a_shuffled_column_is_found_and_healthy_days_are_not(
    flow: Flow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]))
    put(flow, *(day(number) for number in (12, 13, 15, 16)), broken(14))
    outcomes = judged(flow, 17, detectors={"domain_classifier": {}, "pca_reconstruction": {"threshold": 50.0}})
    both = {number: joint(outcomes, number) for number in range(12, 17)}
    assert all(
        [one.detector for one in found] == ["domain_classifier", "pca_reconstruction"] for found in both.values()
    )
    found = {number: one for number, (one, _) in both.items()}
    assert {number for number, one in found.items() if one.status is Status.BREACH} == {14}
    assert {one.status for number, one in found.items() if number != 14} == {Status.OK}
    assert {one.threshold for _, one in both.values()} == {50.0}, "the config's threshold"
    breach = found[14]
    assert (breach.subject, breach.kind, breach.n, breach.segment) == ("joint distribution", Kind.FEATURE, 300, None)
    assert breach.threshold == JOINT["domain_classifier"].threshold
    assert breach.statistic is not None
    assert breach.statistic == breach.effect > 0.7
    columns = breach.detail["columns"]
    assert isinstance(columns, list)
    assert "warm" in {name for name, _ in columns[:3]}, "or those it was related to"
    # No other detector sees anything: every column alone is as it was.
    assert [one.detector for one in findings_of(outcomes, window=window(14), status=Status.BREACH)] == [
        "domain_classifier"
    ]
    assert [(event, trouble) for _, event, trouble in events_of(outcomes)][:1] == [("opened", "drift")]
    told = next(event for outcome in outcomes for event in outcome.events).incident
    assert "warm" in told.summary
    assert "no longer go together with the other columns" in told.summary
    monkeypatch.setenv("COLUMNS", "200")
    findings_table([breach], everything=False)
    printed = capsys.readouterr().out
    assert "relation lost" in printed
    assert "warm" in printed
    assert "fare" not in printed, "its part is that of chance"
    # In a report it stands above the features: it is none of them, and no column of the grid.
    config = flow.config({"m": MODEL})
    with flow.store().read() as connection:
        period = Period(START + 14 * DAY, START + 15 * DAY)
        page = model_page(gather(connection, "m", config.settings.models["m"], period), None)
    (shown,) = [figure for figure in page.together if figure.statistic == "relation lost"]
    assert shown.state == "breach"
    assert "joint distribution" not in {feature.name for feature in page.features}


def test_what_is_not_asked_for_costs_nothing(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*_: Any) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr("detectors.idhash._bytes", called)
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]), broken(12))
    without = {key: name for key, name in COLUMNS.items() if key != "id"}
    for more in ({"columns": without}, {"columns": without, "detectors": {}}):
        assert joint(judged(flow, 13, **more)) == []
    monkeypatch.undo()
    assert joint(judged(flow, 13, detectors={"domain_classifier": {"enabled": False}})) == []
    assert table_rows(flow.store(), SAMPLES) == []
    with flow.store().read() as connection:
        found = baselines.current(connection, "m", "1")
    assert found is not None
    assert (found.joint, found.sample_rate) == (None, None)


def test_asked_for_later_the_days_are_learned_and_read_then(flow: Flow) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]), day(12), broken(13), day(14))
    first = judged(flow, 13, detectors={})
    assert joint(first) == []
    with flow.store().read() as connection:
        plain = baselines.current(connection, "m", "1")
    outcomes = list(flow.engine({"m": MODEL}, start=None).advance(START + 15 * DAY + HOUR))
    assert [one.status for one in joint(outcomes)] == [Status.BREACH, Status.OK]
    assert not [one for outcome in outcomes for one in outcome.evaluations if one.revision], "the past stays judged"
    with flow.store().read() as connection:
        learned = baselines.current(connection, "m", "1")
    assert plain is not None
    assert learned is not None
    assert learned.joint is not None
    assert replace(learned, joint=None, sample_rate=None) == plain, "the same baseline, completed"


def test_hours_that_are_read_again_are_sampled_once(flow: Flow) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]), day(12))
    judged(flow, 13)
    late = with_column(day(12).slice(0, 20), "id", pa.array([f"late-{number}" for number in range(20)]))
    put(flow, late, day(13))
    (again, first) = sorted(joint(judged(flow, 14)), key=lambda one: one.window)
    assert (again.window, again.revision, again.n) == (window(12), 1, 320)
    assert (first.window, first.revision, first.n) == (window(13), 0, 300)


def test_too_few_days_are_told_and_not_learned_again(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(8)]))
    # The first and the last of eight days from noon to noon are no whole days.
    chosen = {"from": START + 12 * HOUR, "to": START + 7 * DAY + 12 * HOUR}
    outcomes = judged(flow, 8, START + 7 * DAY + 12 * HOUR, baseline=chosen)
    (found,) = joint(outcomes)
    assert (found.status, found.statistic) == (Status.INSUFFICIENT, None)
    assert "6 days of 200 sampled rows or more" in str(found.detail["reason"])
    assert table_rows(flow.store(), SAMPLES) == [], "there is nothing to judge by them"

    def called(*_: Any) -> None:
        raise AssertionError("learned in vain again")

    monkeypatch.setattr(joint_reference, "_samples", called)
    put(flow, day(8))
    assert [one.status for one in joint(judged(flow, 9, baseline=chosen))] == [Status.INSUFFICIENT]


def test_a_file_has_no_days(flow: Flow) -> None:
    import pyarrow.parquet as parquet

    parquet.write_table(day(0).drop_columns(["id", "ts", "version"]), flow.folder / "train.parquet")
    put(flow, day(0))
    (found,) = joint(judged(flow, 1, START, baseline={"file": "train.parquet"}))
    assert found.status is Status.INSUFFICIENT
    assert found.detail["reason"] == "no joint distribution was learned: the reference has no days"


def test_a_new_version_inherits_what_was_learned(flow: Flow) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]))
    put(flow, day(12), with_column(broken(13), "version", pa.array(["2"] * 300)))
    outcomes = judged(flow, 14, TO + DAY)
    assert [(one.version, one.status) for one in joint(outcomes)] == [("1", Status.OK), ("2", Status.BREACH)]


def test_only_days_are_judged(flow: Flow) -> None:
    put(flow, pa.concat_tables([day(number) for number in range(REFERENCE)]), day(12))
    outcomes = judged(flow, 13, TO + DAY, horizons=["1d", "7d"])
    assert {one.window.horizon for outcome in outcomes for one in outcome.evaluations} == {"1d", "7d"}
    assert [one.window for one in joint(outcomes)] == [window(12)]


def test_days_are_taken_from_beginning_to_end_and_of_every_weekday() -> None:
    for count in (1, 59, 60, 61, 119, 365, 414, 420, 800):
        whole = [(START + number * DAY, START + (number + 1) * DAY) for number in range(count)]
        chosen = joint_reference._spread(whole)
        assert len(chosen) <= joint_reference.MOST_DAYS
        assert chosen[0] == whole[0]
        assert whole[-1][0] - chosen[-1][0] < 15 * DAY
        if count >= 59:
            assert len(chosen) >= 30
            assert {start.weekday() for start, _ in chosen} == set(range(7))
    assert joint_reference._spread([]) == []


def test_they_are_on_request_and_take_ids() -> None:
    settings = ModelSettings.model_validate({"columns": COLUMNS})
    assert not any(enabled(settings, name) for name in JOINT)
    assert enabled(settings, "ks")
    assert enabled(settings, "auc")
    told = {"columns": COLUMNS, "detectors": {"pca_reconstruction": {}, "domain_classifier": {"enabled": False}}}
    assert asked_for(ModelSettings.model_validate(told)) == ["pca_reconstruction"]
    for more in (
        {"columns": {"timestamp": "ts"}},
        {"horizons": ["1h", "7d"]},
        {"cadence": {"run": "batch", "due": "07:00"}},
    ):
        assert asked_for(ModelSettings.model_validate({**told, **more})) == []
