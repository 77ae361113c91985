"""What the clock asks for beside windows: done when due, once, made up for when missed, tried again when it failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.intents import INTENTS
from monitor.clock import SetClock
from monitor.service import chores
from monitor.service.chores import HOURS_KEPT, RETRY, next_fire
from monitor.store import Store, schedule
from monitor.store.errors import StoreUnreachable
from monitor.store.profiles import HOURS, SLOTS
from monitor.world import World
from tests.support.flow import DAY, HOUR, START, Flow, rows, table_rows

TRIGGER = {"retrain": {"url": "https://ci.example/hook", "when": "schedule", "cron": "0 6 * * *", "cooldown": "1h"}}
REPORT = {"name": "weekly", "cron": "0 8 * * mon", "deep_dive": False, "folder": "out"}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(world: World, moment: datetime) -> list[Path]:
    return chores.run(world, SetClock(moment))


def planned(flow: Flow) -> dict[tuple[str, str], datetime]:
    return {(row[0], row[1]): row[2] for row in table_rows(flow.store(), schedule.SCHEDULE)}


def keys(flow: Flow) -> list[str]:
    return [row[1] for row in table_rows(flow.store(), INTENTS)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 8 * * mon", "UTC", "2024-03-04T07:59:59", "2024-03-04T08:00:00"),
        ("0 8 * * mon", "UTC", "2024-03-04T08:00:00", "2024-03-11T08:00:00"),
        ("0 8 * * mon", "America/New_York", "2024-03-04T13:00:00", "2024-03-11T12:00:00"),
        ("30 2 * * *", "America/New_York", "2024-03-09T07:30:00", "2024-03-10T07:30:00"),
        ("*/15 * * * *", "Asia/Kolkata", "2024-03-04T00:14:59.5", "2024-03-04T00:15:00"),
        ("0 0 29 2 *", "UTC", "2024-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 30 2 *", "UTC", "2024-03-01T00:00:00", "9999-01-01T00:00:00"),
    ],
)
def test_a_cron_line_names_its_next_time_on_its_own_clock(cron: str, zone: str, after: str, expected: str) -> None:
    assert next_fire(cron, zone, at(after)) == at(expected)


def test_what_is_new_is_planned_and_what_is_gone_forgotten(flow: Flow) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}}, reports=[REPORT])
    run(world, START)
    assert planned(flow) == {
        ("report", "weekly"): START + 8 * HOUR,
        ("trigger", "m/retrain"): START + 6 * HOUR,
        ("upkeep", "daily"): START + 3 * HOUR + timedelta(minutes=17),
    }
    run(flow.world(), START + HOUR)
    assert set(planned(flow)) == {("upkeep", "daily")}


def test_a_changed_line_counts_at_once(flow: Flow) -> None:
    run(flow.world(reports=[REPORT]), START)
    run(flow.world(reports=[{**REPORT, "cron": "30 1 * * *"}]), START + HOUR)
    assert planned(flow)["report", "weekly"] == START + HOUR + timedelta(minutes=30)


def test_a_line_that_never_comes_holds_up_nothing(flow: Flow) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}}, reports=[{**REPORT, "cron": "0 0 30 2 *"}])
    run(world, START)
    run(world, START + 6 * HOUR)
    assert len(keys(flow)) == 1


def test_a_scheduled_trigger_fires_once_for_each_time_it_is_due(flow: Flow) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}})
    moment = START
    while moment < START + 3 * DAY:
        run(world, moment)
        moment += 5 * HOUR
    assert len(keys(flow)) == 3
    assert len(set(keys(flow))) == 3


def test_of_times_missed_the_last_is_made_up_for(flow: Flow) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}})
    run(world, START)
    run(world, START + 10 * DAY + 7 * HOUR)
    assert len(keys(flow)) == 1
    assert planned(flow)["trigger", "m/retrain"] == START + 11 * DAY + 6 * HOUR


def test_where_nothing_is_delivered_no_trigger_fires(flow: Flow) -> None:
    from dataclasses import replace

    world = replace(flow.world({"m": {"triggers": TRIGGER}}), deliver=False)
    run(world, START)
    run(world, START + 7 * HOUR)
    assert keys(flow) == []


def test_asked_to_stop_it_does_no_more(flow: Flow) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}})
    run(world, START)
    assert chores.run(world, SetClock(START + DAY), lambda: True) == []
    assert keys(flow) == []
    run(world, START + DAY)
    assert len(keys(flow)) == 1


def test_a_report_is_written_when_due_and_announced_once(flow: Flow) -> None:
    flow.put(rows(hours=8 * 24))
    channels = {"channels": {"team": {"console": {}}}}
    world = flow.world(reports=[{**REPORT, "to": ["team"]}], alerts=channels)
    run(world, START)
    (index,) = run(world, START + 8 * HOUR)
    assert index.is_file()
    assert "<script" not in index.read_text()
    assert len(keys(flow)) == 1
    assert run(world, START + 9 * HOUR) == []
    with flow.store().begin() as connection:
        schedule.plan(connection, "report", "weekly", START + 8 * HOUR)
    run(world, START + 9 * HOUR)
    assert len(keys(flow)) == 1, "after a crash it is written again, and not announced again"


def test_a_job_that_fails_is_tried_again_and_holds_up_no_other(flow: Flow) -> None:
    (flow.folder / "out").write_text("in the way")
    world = flow.world({"m": {"triggers": TRIGGER}}, reports=[{**REPORT, "cron": "0 5 * * *"}])
    run(world, START)
    due = START + 6 * HOUR
    assert run(world, due) == []
    assert len(keys(flow)) == 1, "the trigger fired all the same"
    assert planned(flow)["report", "weekly"] == START + 5 * HOUR, "still due"
    (flow.folder / "out").unlink()
    assert run(world, due + RETRY) == []
    (index,) = run(world, due + RETRY + timedelta(seconds=1))
    assert index.parent.name == "2024-03-04"
    assert planned(flow)["report", "weekly"] == START + DAY + 5 * HOUR


def test_a_state_that_is_away_is_not_the_jobs_fault(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    world = flow.world({"m": {"triggers": TRIGGER}})
    run(world, START)

    def away(*_: Any) -> None:
        raise StoreUnreachable("gone")

    monkeypatch.setattr("monitor.firing.by_clock", away)
    with pytest.raises(StoreUnreachable):
        run(world, START + 6 * HOUR)
    assert planned(flow)["trigger", "m/retrain"] == START + 6 * HOUR
    monkeypatch.undo()
    run(world, START + 6 * HOUR)
    assert len(keys(flow)) == 1, "it is repeated rather than lost"


def oldest(store: Store, table: Any) -> datetime:
    with store.read() as connection:
        found: datetime = min(row.start for row in connection.execute(table.select()))
    return found


def test_upkeep_forgets_what_is_past_its_time_and_nothing_an_evaluation_reads(flow: Flow) -> None:
    flow.put(rows(hours=60 * 24, per_hour=1))
    models = {"m": {"horizons": ["28d"], "minimum_rows": 10}}
    engine = flow.engine(models)
    list(engine.advance(START + 60 * DAY + HOUR))
    run(engine.world, START + 60 * DAY + HOUR)
    assert oldest(flow.store(), SLOTS) == START
    run(engine.world, START + 60 * DAY + 4 * HOUR)
    kept = oldest(flow.store(), SLOTS)
    assert START + 20 * DAY < kept <= START + 60 * DAY - HOURS_KEPT
    assert oldest(flow.store(), HOURS) == kept
    flow.put(rows(START + 60 * DAY, 24, 1, seed=1))
    outcomes = list(engine.advance(START + 61 * DAY + HOUR))
    found = [one for outcome in outcomes for one in outcome.evaluations if one.aspect.value == "inputs"]
    assert [(one.revision, one.rows) for one in found] == [(0, 28 * 24)], "nothing was read or judged anew"


def test_upkeep_joins_the_small_files_of_closed_days(flow: Flow) -> None:
    for hour in range(5):
        flow.put(rows(START + hour * HOUR, 1))
    world = flow.world({"m": {}, "away": {}})
    run(world, START)
    before = len(list((flow.folder / "log" / "m" / "_delta_log").glob("*.json")))
    run(world, START + 2 * DAY)
    assert len(list((flow.folder / "log" / "m" / "_delta_log").glob("*.json"))) > before
    assert flow.log().hours(START, START + DAY)[0].rows == 20
