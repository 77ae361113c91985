"""Keeping models evaluated: what is due, in which order, and what happens after a gap or a failure."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import structlog

from alerts.intents import INTENTS
from monitor import logs
from monitor.engine import Engine, has_labels
from monitor.prediction_log.base import PredictionLog
from monitor.settings import LogSettings, ModelSettings
from monitor.store import cursors, evaluations
from monitor.store.evaluations import SKIPPED, Evaluation
from monitor.windows import Aspect, due_between
from tests.support.flow import COLUMNS, DAY, HOUR, START, Flow, events_of, findings_of, labels_for, rows, table_rows

SETTLE = timedelta(minutes=15)


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def ledger(flow: Flow, **wanted: Any) -> list[Evaluation]:
    with flow.store().read() as connection:
        return list(evaluations.find(connection, done=False, latest=False, findings=False, **wanted))


def through(flow: Flow, model: str = "m") -> datetime | None:
    with flow.store().read() as connection:
        return cursors.through(connection, model)


def live(flow: Flow, models: dict[str, dict[str, Any]] | None = None, **top: Any) -> Engine:
    """An engine that judges at the time it is told, as the daemon does; nothing has been started."""
    return Engine(flow.world(models, **top))


# Order and completeness


def test_every_due_window_is_judged_once_oldest_first_over_all_models(flow: Flow) -> None:
    models = {"a": {"horizons": ["1h", "1d"]}, "b": {"horizons": ["1d", "7d"], "timezone": "America/New_York"}}
    for model in models:
        flow.put(rows(hours=48), model)
    engine = flow.engine(models)
    end = START + 2 * DAY + 6 * HOUR
    outcomes = list(engine.advance(end))
    moments = [outcome.at for outcome in outcomes]
    assert moments == sorted(moments)
    for model in models:
        settings = engine.world.config.settings.models[model]
        due = {(one.window, one.aspect) for one in due_between(settings, START, end, labelled=True)}
        found = [(one.window, one.aspect) for one in ledger(flow, model=model)]
        assert set(found) == due
        assert len(found) == len(due)
        assert through(flow, model) == max(outcome.at for outcome in outcomes if outcome.model == model)
    assert list(engine.advance(end)) == []


def test_small_steps_come_to_the_same_as_one_long_one(flow: Flow, tmp_path: Path) -> None:
    models = {"m": {"horizons": ["1h", "1d"], "baseline": {"learn": "1d"}}}
    other = Flow(tmp_path / "other")
    other.folder.mkdir()
    for one in (flow, other):
        one.put(rows(hours=24))
        one.put(rows(START + DAY, 30, shift=2.0, seed=1))
    end = START + 2 * DAY + 6 * HOUR
    whole = list(flow.engine(models).advance(end))
    engine, steps = other.engine(models), []
    moment = START
    while moment < end:
        moment = min(moment + timedelta(minutes=97), end)
        steps += list(engine.advance(moment))
    assert [outcome.at for outcome in steps] == [outcome.at for outcome in whole]
    assert events_of(steps) == events_of(whole)
    leave_out = ("id", "config_hash")
    assert table_rows(flow.store(), evaluations.EVALUATIONS, *leave_out) == table_rows(
        other.store(), evaluations.EVALUATIONS, *leave_out
    )
    other.close()


def test_a_first_start_begins_now(flow: Flow) -> None:
    flow.put(rows(hours=20 * 24, per_hour=6))
    now = START + 20 * DAY + 3 * HOUR
    engine = live(flow, {"m": {"horizons": ["1h", "1d", "7d"]}})
    assert engine.behind(now) == {"m"}
    assert engine.next_due("m", now) == now
    (first,) = engine.advance(now)
    assert sorted((one.window.horizon, one.aspect.value) for one in first.evaluations) == [
        ("1d", "inputs"), ("1d", "performance"), ("1h", "inputs"), ("7d", "inputs"), ("7d", "performance"),
    ]  # fmt: skip
    assert all(one.window.end >= now - DAY - 4 * HOUR for one in first.evaluations)
    assert through(flow) == now
    assert list(engine.advance(now)) == []
    assert engine.next_due("m", now) == START + 20 * DAY + 3 * HOUR + SETTLE


def test_between_two_outcomes_one_may_stop(flow: Flow) -> None:
    flow.put(rows(hours=24))
    engine = flow.engine({"m": {"horizons": ["1h"]}})
    end = START + DAY + HOUR
    got = []
    for _ in range(60):
        outcome = next(engine.advance(end), None)
        if outcome is None:
            break
        got.append(outcome.at)
        assert through(flow) == outcome.at
    assert got == [START + hour * HOUR + SETTLE for hour in range(25)]


def test_a_model_without_a_log_is_not_watched(flow: Flow) -> None:
    flow.put(rows(hours=2), "a")
    engine = flow.engine({"a": {}, "b": {}})
    assert engine.models() == ["a", "b"]
    config = engine.world.config
    settings = config.settings.model_copy(
        update={"log": None, "models": {"b": config.settings.models["b"], "a": config.settings.models["a"]}}
    )
    assert Engine(replace(engine.world, config=replace(config, settings=settings))).models() == []


def test_what_is_due_next_and_who_is_behind(flow: Flow) -> None:
    for model in ("a", "b"):
        flow.put(rows(hours=60), model)
    engine = flow.engine({"a": {"horizons": ["1h"]}, "b": {"horizons": ["1d"]}}, start=START + DAY)
    assert engine.next_due("a", START + DAY) == START + DAY + SETTLE
    assert engine.next_due("b", START + DAY) == START + DAY + SETTLE
    assert engine.behind(START + DAY) == set()
    assert engine.behind(START + DAY + SETTLE) == {"a", "b"}
    list(engine.advance(START + DAY + SETTLE))
    assert engine.behind(START + DAY + SETTLE) == set()
    assert engine.next_due("a", START + DAY + SETTLE) == START + DAY + HOUR + SETTLE
    assert engine.next_due("b", START + DAY + SETTLE) == START + 2 * DAY, "performance, once labels had a day to come"


# After downtime


def test_after_downtime_the_old_is_skipped_and_the_rest_caught_up_oldest_first(flow: Flow) -> None:
    flow.put(rows(hours=20 * 24, per_hour=6))
    engine = flow.engine(start=START + 5 * DAY, catch_up="7d")
    now = START + 20 * DAY + HOUR
    outcomes = list(engine.advance(now))
    assert [outcome.at for outcome in outcomes] == sorted(outcome.at for outcome in outcomes)
    assert min(outcome.at for outcome in outcomes) > now - 7 * DAY
    skipped = [one for one in ledger(flow) if one.status == SKIPPED]
    assert {one.reason for one in skipped} == {"missed during downtime, longer ago than catch_up"}
    settings = engine.world.config.settings.models["m"]
    due = {(one.window, one.aspect) for one in due_between(settings, START + 5 * DAY, now, labelled=True)}
    found = [(one.window, one.aspect) for one in ledger(flow)]
    assert set(found) == due
    assert len(found) == len(due), "every window has one row: judged or skipped"
    assert list(engine.advance(now)) == []


def test_what_was_skipped_can_be_judged_later_and_raises_nothing(flow: Flow) -> None:
    flow.put(rows(hours=6 * 24))
    flow.put(rows(START + 6 * DAY, 24, shift=3.0, seed=1))
    flow.put(rows(START + 7 * DAY, 13 * 24, per_hour=6, seed=2))
    engine = flow.engine(start=START + 5 * DAY, catch_up="7d")
    list(engine.advance(START + 20 * DAY + HOUR))
    cursor = through(flow)
    filled = list(engine.past("m", START + 5 * DAY, START + 13 * DAY))
    assert filled[0].at == START + 5 * DAY + SETTLE
    assert any(finding.status == "breach" for finding in findings_of(filled))
    assert events_of(filled) == []
    assert through(flow) == cursor
    again = list(engine.past("m", START + 5 * DAY, START + 13 * DAY))
    assert again == [], "what has been judged is not judged again"


def test_the_past_before_a_first_start_is_filled_as_it_was(flow: Flow) -> None:
    flow.put(rows(hours=10 * 24))
    engine = flow.engine(start=None)
    outcomes = list(engine.past("m", START, START + 4 * DAY))
    assert {finding.evaluated_at for finding in findings_of(outcomes)} == {outcome.at for outcome in outcomes}
    assert through(flow) == outcomes[-1].at
    assert table_rows(flow.store(), INTENTS) == []
    daemon = live(flow)
    caught_up = list(daemon.advance(START + 10 * DAY + HOUR))
    assert caught_up[0].at > outcomes[-1].at, "the daemon goes on where it ended"


# Logs that cannot be read


def away(flow: Flow) -> None:
    (flow.folder / "log").rename(flow.folder / "log-gone")


def back(flow: Flow) -> None:
    (flow.folder / "log-gone").rename(flow.folder / "log")


def test_an_unreachable_log_is_blindness_and_nothing_else(flow: Flow) -> None:
    flow.put(rows(hours=5 * 24))
    engine = Engine(flow.world())
    engine.start("m", START)
    list(engine.advance(START + 4 * DAY + HOUR))
    cursor, before = through(flow), len(ledger(flow))
    away(flow)
    now = START + 5 * DAY + HOUR
    (outcome,) = engine.advance(now)
    assert outcome.blind is not None
    assert events_of([outcome]) == [(now, "opened", "blind")]
    assert outcome.evaluations == ()
    assert (through(flow), len(ledger(flow))) == (cursor, before), "what is due stays due"

    assert list(engine.advance(now + timedelta(seconds=59))) == [], "it is not tried without pause"
    assert engine.next_due("m", now) == now + timedelta(minutes=1)
    assert engine.behind(now) == set(), "and what there is to say of it does not wait"
    (outcome,) = engine.advance(now + timedelta(minutes=1))
    assert outcome.blind is not None
    assert events_of([outcome]) == [], "it is not told twice"
    assert engine.next_due("m", now) == now + timedelta(minutes=3), "then after twice as long"

    back(flow)
    later = now + timedelta(minutes=3)
    outcomes = list(engine.advance(later))
    assert events_of(outcomes) == [(later, "resolved", "blind")], "resolved with the first look that succeeds"
    settings = engine.world.config.settings.models["m"]
    due = due_between(settings, START, later, labelled=True)
    found = [(one.window, one.aspect) for one in ledger(flow)]
    assert sorted(found) == sorted((one.window, one.aspect) for one in due)


def test_retries_come_no_rarer_than_every_quarter_of_an_hour(flow: Flow) -> None:
    flow.put(rows(hours=24))
    engine = Engine(flow.world())
    engine.start("m", START)
    away(flow)
    moment, waits = START + DAY + HOUR, []
    for _ in range(7):
        list(engine.advance(moment))
        following = engine.next_due("m", moment)
        assert following is not None
        waits.append((following - moment).total_seconds() / 60)
        moment = following
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_a_model_that_never_had_a_log_is_not_asked_for_without_pause(flow: Flow) -> None:
    engine = live(flow)
    now = START + DAY
    (outcome,) = engine.advance(now)
    assert outcome.blind is not None
    assert events_of([outcome]) == [(now, "opened", "blind")]
    assert engine.next_due("m", now) == now + timedelta(minutes=1)
    assert engine.behind(now) == set()
    flow.put(rows(hours=24))
    outcomes = list(engine.advance(now + timedelta(minutes=1)))
    assert [event[1:] for event in events_of(outcomes)] == [("resolved", "blind")]


def test_one_blind_model_leaves_the_others_alone(flow: Flow) -> None:
    flow.put(rows(hours=5 * 24), "a")
    flow.put(rows(hours=5 * 24), "b")
    engine = flow.engine({"a": {}, "b": {}})
    shutil.rmtree(flow.folder / "log" / "a")
    outcomes = list(engine.advance(START + 5 * DAY + HOUR))
    assert [outcome.model for outcome in outcomes if outcome.blind] == ["a"]
    assert len([outcome for outcome in outcomes if outcome.model == "b"]) == 11
    assert through(flow, "a") == START


NAME = "a customer's name"


class Failing:
    """A log whose rows bring out a mistake of ours."""

    def __init__(self, inner: PredictionLog) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def batches(self, start: datetime, end: datetime, columns: object) -> Iterator[pa.RecordBatch]:
        raise ZeroDivisionError(NAME)

    parts = batches


def test_a_mistake_of_ours_blinds_one_model_and_leaves_the_others_alone(
    flow: Flow,
) -> None:
    said_to = io.StringIO()
    logs.configure(said_to, pretty=False)
    for model in ("a", "b"):
        flow.put(rows(hours=3 * 24), model)
    world = flow.world({"a": {}, "b": {}})

    def open_log(model: str) -> PredictionLog:
        log = world.open_log(model)
        return Failing(log) if model == "a" else log  # type: ignore[return-value]  # forwards what it does not fail at

    engine = Engine(replace(world, open_log=open_log))
    for model in ("a", "b"):
        engine.start(model, START)
    now = START + 3 * DAY + HOUR
    outcomes = list(engine.advance(now))
    failed = [outcome for outcome in outcomes if outcome.model == "a"]
    assert [outcome.blind for outcome in failed] == [None, "internal error (ZeroDivisionError)"], "first, no rows"
    assert [event[1:] for event in events_of(failed)] == [("opened", "blind")]
    assert len(outcomes) - len(failed) == 7
    said = said_to.getvalue()
    structlog.reset_defaults()
    assert "ZeroDivisionError" in said
    assert "batches" in said, "where it happened"
    assert "customer" not in said, "but nothing of the data"
    world.store.close()
    repaired = Engine(flow.world({"a": {}, "b": {}}))
    assert [event[1:] for event in events_of(list(repaired.advance(now + HOUR)))] == [("resolved", "blind")]


# Labels


@pytest.mark.parametrize(
    ("columns", "log", "expected"),
    [
        (COLUMNS, {"delta": "x"}, True),
        ({**COLUMNS, "id": None}, {"delta": "x"}, False),
        ({"timestamp": "ts", "id": "id"}, {"delta": "x"}, False),
        (COLUMNS, {"parquet": "x"}, False),
        ({**COLUMNS, "label": "late"}, {"parquet": "x"}, True),
        ({"timestamp": "ts", "id": "id", "prediction": "p", "label": "late"}, {"sql": "sqlite://", "table": "t"}, True),
    ],
)
def test_labels_can_come_where_there_is_a_place_for_them(
    columns: dict[str, Any], log: dict[str, str], expected: bool
) -> None:
    settings = ModelSettings.model_validate({"columns": {k: v for k, v in columns.items() if v is not None}})
    assert has_labels(settings, LogSettings.model_validate(log)) is expected


def test_labels_count_from_when_they_came_though_judged_much_later(flow: Flow) -> None:
    table = flow.put(rows(hours=5 * 24))
    flow.put_labels(labels_for(table.slice(0, 480 * 2), START + 2 * DAY - HOUR))
    flow.put_labels(labels_for(table.slice(480 * 2), START + 30 * DAY))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    labelled = {
        (one.window.end - START) // DAY: one.source.partition(".")[2].partition(":")[0]
        for outcome in outcomes
        for one in outcome.evaluations
        if one.aspect is Aspect.PERFORMANCE
    }
    assert labelled == {0: "", 1: "480", 2: "480", 3: "0", 4: "0", 5: "0"}
