"""Replay finds what the engine found when it ran day by day, and touches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from monitor.cycle import Outcome
from monitor.on_demand.replay import replay
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, labels_for, rows, with_column


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def day(number: int, drift: range = range(5, 7)) -> pa.Table:
    table = rows(START + number * DAY, 24, seed=number, shift=2.0 if number in drift else 0.0)
    return with_column(table, "amount", pa.nulls(table.num_rows, pa.float64())) if number == 8 else table


def said(outcomes: list[Outcome]) -> list[object]:
    return [
        (one.model, one.version, one.window, one.subject, one.detector, one.statistic, one.threshold, one.status)
        for one in findings_of(outcomes)
    ]


def ids(outcomes: list[Outcome]) -> list[tuple[datetime, str, str]]:
    return [(event.at, event.event.value, event.incident.id) for outcome in outcomes for event in outcome.events]


@pytest.mark.parametrize("horizons", [["1d"], ["1h", "1d", "7d"]])
def test_a_replay_says_what_was_said_at_the_time(flow: Flow, horizons: list[str]) -> None:
    engine = flow.engine({"m": {"horizons": horizons}})
    lived: list[Outcome] = []
    last, drift = (12, range(5, 7)) if horizons == ["1d"] else (5, range(3, 4))
    for number in range(last):
        table = flow.put(day(number, drift))
        flow.put_labels(labels_for(table, START + (number + 1) * DAY + 6 * HOUR, seed=number))
        lived += list(engine.advance(START + (number + 1) * DAY + HOUR / 2))
    end = START + last * DAY + HOUR / 2
    again = list(replay(engine.world.config, ["m"], START, end))
    assert ids(lived)
    assert ids(again) == ids(lived)
    assert said(again) == said(lived)
    assert {one.evaluated_at for one in findings_of(again)} == {outcome.at for outcome in again}
    assert list(replay(engine.world.config, ["m"], START, end))[-1] == again[-1], "and again"


def test_a_replay_leaves_the_state_alone(flow: Flow) -> None:
    for number in range(8):
        flow.put(day(number))
    config = flow.config()
    outcomes = list(replay(config, ["m"], START, START + 8 * DAY))
    assert events_of(outcomes)
    assert not (flow.folder / "state.db").exists()


def test_models_come_one_after_the_other(flow: Flow) -> None:
    for model in ("a", "b"):
        flow.put(rows(hours=72), model)
    outcomes = list(replay(flow.config({"a": {}, "b": {}}), ["b", "a"], START, START + 3 * DAY + HOUR))
    assert [outcome.model for outcome in outcomes] == ["b"] * 7 + ["a"] * 7


def test_a_replay_may_be_left_early(flow: Flow) -> None:
    flow.put(rows(hours=72))
    outcomes = replay(flow.config(), ["m"], START, START + 3 * DAY + HOUR)
    assert next(outcomes).at == START + timedelta(minutes=15)
    outcomes.close()


def test_a_log_that_is_not_there_is_said_once_a_moment(flow: Flow) -> None:
    outcomes = list(replay(flow.config(), ["m"], START, START + DAY))
    assert all(outcome.blind for outcome in outcomes)
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "blind")]
