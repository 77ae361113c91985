"""Batch models: runs on time, late, missed, twice, and with more rows at the second look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from detectors.result import Finding, Kind, Status
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.store import evaluations
from monitor.store.evaluations import Evaluation
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, rows, with_column

DUE = 7 * HOUR
MODEL: dict[str, Any] = {"cadence": {"run": "run", "due": "07:00", "grace": "2h"}, "baseline": {"learn": "3d"}}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def run(
    flow: Flow,
    name: str | None,
    start: datetime,
    n: int = 200,
    *,
    seed: int = 0,
    shift: float = 0.0,
    version: str = "1",
) -> pa.Table:
    """A run whose rows take six minutes from `start`."""
    table = rows(start, 0.1, n * 10, seed=seed, shift=shift, version=version)
    assert table.num_rows == n
    return flow.put(with_column(table, "run", pa.array([name] * n, pa.string())))


def usual(flow: Flow, days: range, minutes: int = 5) -> None:
    for number in days:
        run(flow, f"r{number}", START + number * DAY + DUE + timedelta(minutes=minutes), seed=number)


def engine(flow: Flow, **more: Any) -> Engine:
    return flow.engine({"m": {**MODEL, **more}})


def ledger(flow: Flow) -> list[Evaluation]:
    with flow.store().read() as connection:
        return list(evaluations.find(connection, "m", latest=False))


def seen(outcomes: list[Outcome]) -> list[tuple[str, int, int]]:
    return [(one.window.horizon, one.revision, one.rows) for outcome in outcomes for one in outcome.evaluations]


def run_due(outcomes: list[Outcome]) -> list[Finding]:
    return findings_of(outcomes, detector="run_due")


def test_every_run_is_one_window_judged_once_and_quiet_in_between_is_normal(flow: Flow) -> None:
    usual(flow, range(6))
    outcomes = list(engine(flow).advance(START + 6 * DAY))
    assert seen(outcomes) == [(f"run:r{number}", 0, 200) for number in range(6)]
    assert events_of(outcomes) == []
    assert {one.status for one in run_due(outcomes)} == {Status.OK}
    first, last = ledger(flow)[0], ledger(flow)[-1]
    assert first.window.start == START + DUE + timedelta(minutes=5)
    assert first.window.end - first.window.start < timedelta(minutes=6)
    assert {f.detector for f in first.findings if f.status is Status.INSUFFICIENT} >= {"baseline"}
    assert {f.status for f in last.findings if f.kind is Kind.FEATURE} == {Status.OK}


def test_drift_in_a_run_is_an_incident(flow: Flow) -> None:
    usual(flow, range(5))
    run(flow, "bad", START + 5 * DAY + DUE, seed=5, shift=3.0)
    usual(flow, range(6, 10))
    outcomes = list(engine(flow).advance(START + 10 * DAY))
    assert [event[1] for event in events_of(outcomes)] == ["opened", "resolved"]
    assert {event[2] for event in events_of(outcomes)} <= {"drift", "data"}


def test_a_missed_run_is_the_incident_and_the_next_one_ends_it(flow: Flow) -> None:
    usual(flow, range(3))
    usual(flow, range(4, 6))
    outcomes = list(engine(flow).advance(START + 6 * DAY))
    missed = START + 3 * DAY + DUE
    assert events_of(outcomes)[0] == (missed + 2 * HOUR, "opened", "silence")
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "silence"), ("resolved", "silence")]
    (finding,) = [one for one in run_due(outcomes) if one.status is Status.BREACH]
    assert finding.detail["reason"] == "no run arrived by Thu 07 Mar 09:00 UTC (due 07:00)"
    assert (finding.window.horizon, finding.window.end, finding.n) == ("run:missed", missed, 0)


def test_every_missed_run_is_in_the_ledger_and_one_incident_goes_on(flow: Flow) -> None:
    usual(flow, range(3))
    outcomes = list(engine(flow).advance(START + 7 * DAY))
    assert [event[1] for event in events_of(outcomes)].count("opened") == 1
    assert len([one for one in ledger(flow) if one.window.horizon == "run:missed"]) == 4


def test_a_late_run_ends_the_incident_the_same_day_and_is_not_taken_for_the_next(flow: Flow) -> None:
    usual(flow, range(3))
    late = START + 3 * DAY + DUE + 5 * HOUR
    service = engine(flow)
    outcomes = list(service.advance(late))
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "silence")]
    run(flow, "late", late, seed=3)
    outcomes = list(service.advance(START + 4 * DAY))
    assert [event[1:] for event in events_of(outcomes)] == [("resolved", "silence")]
    assert events_of(outcomes)[0][0] <= late + 4 * HOUR
    assert seen(outcomes) == [("run:late", 0, 200)]
    outcomes = list(service.advance(START + 4 * DAY + 12 * HOUR))
    assert [event[1:] for event in events_of(outcomes)] == [("reopened", "silence")], (
        "the next one was missed all the same"
    )


def test_a_run_that_is_written_to_the_log_late_ends_it_too(flow: Flow) -> None:
    usual(flow, range(3))
    service = engine(flow)
    outcomes = list(service.advance(START + 3 * DAY + DUE + 4 * HOUR))
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "silence")]
    run(flow, "r3", START + 3 * DAY + DUE + timedelta(minutes=5), seed=3)
    outcomes = list(service.advance(START + 4 * DAY))
    assert [event[1:] for event in events_of(outcomes)] == [("resolved", "silence")]


def test_an_early_run_is_the_next_ones(flow: Flow) -> None:
    usual(flow, range(3))
    run(flow, "early", START + 3 * DAY + DUE - 6 * HOUR, seed=3)
    outcomes = list(engine(flow).advance(START + 4 * DAY))
    assert events_of(outcomes) == []
    assert seen(outcomes)[-1] == ("run:early", 0, 200)


def test_two_runs_in_one_slot_are_two_windows(flow: Flow) -> None:
    usual(flow, range(4))
    run(flow, "again", START + 3 * DAY + DUE + HOUR, n=150, seed=33)
    outcomes = list(engine(flow).advance(START + 5 * DAY))
    assert ("run:r3", 0, 200) in seen(outcomes)
    assert ("run:again", 0, 150) in seen(outcomes)
    assert len(seen(outcomes)) == 6, "and the one missed on day 4"


def test_a_run_still_being_written_is_left_to_finish(flow: Flow) -> None:
    usual(flow, range(3))
    service = engine(flow)
    begun = START + 3 * DAY + DUE + timedelta(minutes=10)
    run(flow, "r3", begun, n=50, seed=3)
    outcomes = list(service.advance(START + 3 * DAY + DUE + timedelta(minutes=20)))
    assert seen(outcomes)[3:] == [], "its last row is a few minutes old"
    run(flow, "r3", begun + timedelta(minutes=8), n=150, seed=33)
    outcomes = list(service.advance(START + 4 * DAY))
    assert seen(outcomes) == [("run:r3", 0, 200)]
    assert events_of(outcomes) == []


def test_more_rows_at_the_second_look_are_a_revision_of_the_same_run(flow: Flow) -> None:
    usual(flow, range(4))
    service = engine(flow)
    list(service.advance(START + 3 * DAY + DUE + 3 * HOUR))
    # Some of it an hour before what was known, some after: the run is known by its id.
    run(flow, "r3", START + 3 * DAY + DUE - HOUR, n=60, seed=34)
    run(flow, "r3", START + 3 * DAY + DUE + 4 * HOUR, n=40, seed=35)
    outcomes = list(service.advance(START + 4 * DAY))
    assert seen(outcomes) == [("run:r3", 1, 300)]
    assert events_of(outcomes) == []
    newest = ledger(flow)[-1]
    assert newest.window.start == START + 3 * DAY + DUE - HOUR
    assert list(service.advance(START + 4 * DAY + HOUR)) == []


def test_rows_added_to_a_run_days_later_complete_it(flow: Flow) -> None:
    usual(flow, range(5))
    service = engine(flow)
    list(service.advance(START + 4 * DAY))
    run(flow, "r2", START + 4 * DAY + DUE, n=30, seed=50)
    outcomes = list(service.advance(START + 4 * DAY + 12 * HOUR))
    assert sorted(seen(outcomes)) == [("run:r2", 1, 230), ("run:r4", 0, 200)]


def test_a_run_with_far_fewer_rows_than_the_last_ones_is_news(flow: Flow) -> None:
    usual(flow, range(5))
    run(flow, "small", START + 5 * DAY + DUE, n=40, seed=5)
    outcomes = list(engine(flow).advance(START + 6 * DAY))
    (volume,) = [one for one in findings_of(outcomes, detector="volume") if one.window.horizon == "run:small"]
    assert volume.status is Status.BREACH
    assert volume.detail["before"] == "200 rows"


def test_versions_and_runs_are_counted_apart_and_rows_without_a_run_belong_to_none(flow: Flow) -> None:
    usual(flow, range(4))
    run(flow, "r4", START + 4 * DAY + DUE, n=100, seed=4)
    run(flow, "r4", START + 4 * DAY + DUE, n=120, seed=44, version="2")
    run(flow, None, START + 4 * DAY + DUE, n=500, seed=45)
    outcomes = list(engine(flow).advance(START + 5 * DAY))
    found = [(one.window.horizon, one.version, one.rows) for outcome in outcomes for one in outcome.evaluations]
    assert sorted(found[4:]) == [("run:r4", "1", 100), ("run:r4", "2", 120)]


def test_a_weekly_run_waits_for_its_day(flow: Flow) -> None:
    for week in range(3):
        run(flow, f"w{week}", START + 7 * week * DAY + DUE, seed=week)
    outcomes = list(
        engine(flow, cadence={"run": "run", "due": "mon 07:00"}, baseline={"learn": "7d"}).advance(START + 27 * DAY)
    )
    assert seen(outcomes)[:3] == [(f"run:w{week}", 0, 200) for week in range(3)]
    assert events_of(outcomes) == [(START + 21 * DAY + DUE + 2 * HOUR, "opened", "silence")]


def test_hostile_run_ids_fit_the_ledger(flow: Flow) -> None:
    usual(flow, range(3))
    for name in ("x" * 5000, "<b>\n\x00", ""):
        run(flow, name, START + 3 * DAY + DUE, seed=len(name))
    outcomes = list(engine(flow).advance(START + 4 * DAY))
    horizons = [one[0] for one in seen(outcomes)[3:]]
    assert len(set(horizons)) == 3
    assert all(len(horizon) <= 200 and horizon.isprintable() for horizon in horizons)
    assert [one[2] for one in seen(outcomes)[3:]] == [200, 200, 200]


def test_a_log_without_the_runs_column_has_only_missed_runs(flow: Flow) -> None:
    flow.put(rows(hours=48))
    outcomes = list(engine(flow).advance(START + 2 * DAY))
    assert {one[0] for one in seen(outcomes)} == {"run:missed"}
