"""Days the config names: what is an event's day, what it is left out of, and what still alarms on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from detectors.result import Status
from monitor.reference.left_out import kept, only_event
from monitor.settings import EventSettings, ModelSettings
from monitor.store import baselines
from monitor.windows import Window
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, rows, with_column

SALE = 6
EVENTS = {"sale": "2024-03-10"}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        ("2024-12-25", ["2024-12-25"], ["2025-12-25", "2024-12-24"]),
        ("12-25", ["2024-12-25", "2031-12-25"], ["2024-12-26"]),
        (["12-25", "2024-03-10"], ["2020-12-25", "2024-03-10"], ["2025-03-10"]),
        ({"from": "2024-12-24", "to": "2024-12-27"}, ["2024-12-24", "2024-12-26"], ["2024-12-27", "2025-12-24"]),
        ({"from": "12-30", "to": "01-02"}, ["2024-12-30", "2025-01-01"], ["2025-01-02", "2024-12-29"]),
        ({"on": "02-29", "from": "05-01", "to": "05-02"}, ["2024-02-29", "2025-05-01"], ["2025-02-28"]),
    ],
)
def test_days_of_an_event(given: Any, inside: list[str], outside: list[str]) -> None:
    event = EventSettings.model_validate(given)
    assert all(event.holds(date.fromisoformat(day)) for day in inside)
    assert not any(event.holds(date.fromisoformat(day)) for day in outside)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("christmas", "is no day; write 2026-12-25"),
        ("13-01", "is no day"),
        ({"from": "12-24"}, "needs both from and to"),
        ({"from": "12-24", "to": "2024-12-27"}, "both with a year or both without"),
        ({"from": "2024-12-27", "to": "2024-12-24"}, "must be before to"),
        ({}, "name its days"),
    ],
)
def test_what_is_no_event_is_refused_with_what_is(given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EventSettings.model_validate(given)


def test_days_follow_the_models_clock_and_what_is_left_is_whole() -> None:
    settings = ModelSettings.model_validate({"timezone": "America/New_York", "events": EVENTS})
    midnight = START.replace(hour=5)
    end = midnight + 8 * DAY - HOUR  # the clock goes forward on the day of the sale
    assert kept(settings, midnight, end) == [
        (midnight, midnight + 6 * DAY),
        (midnight + 7 * DAY - HOUR, end),
    ]
    assert only_event(settings, Window("1h", midnight + 6 * DAY, midnight + 6 * DAY + HOUR)) == "sale"
    assert only_event(settings, Window("1h", midnight + 6 * DAY - HOUR, midnight + 6 * DAY)) is None


def test_drift_on_an_events_day_is_noted_and_a_broken_column_alarms(flow: Flow) -> None:
    for number in range(9):
        table = rows(START + number * DAY, seed=number, shift=2.0 if number == SALE else 0.0)
        if number == SALE:
            table = with_column(table, "amount", pa.nulls(table.num_rows, pa.float64()))
        flow.put(table)
    outcomes = list(flow.engine({"m": {"events": EVENTS, "horizons": ["1d", "7d"]}}).advance(START + 9 * DAY + HOUR))
    day = [
        one for one in findings_of(outcomes) if one.window.horizon == "1d" and one.window.start == START + SALE * DAY
    ]
    breaches = {(one.subject, one.detector): one.detail.get("event") for one in day if one.status is Status.BREACH}
    assert breaches["x", "ks"] == "sale"
    assert breaches["amount", "missing"] is None
    assert [event[1:] for event in events_of(outcomes)][:1] == [("opened", "data")]
    assert "drift" not in {event[2] for event in events_of(outcomes)}
    # The week is judged by its other days, and is what it always is.
    assert not [one for one in findings_of(outcomes, status=Status.BREACH) if one.window.horizon == "7d"]


@pytest.mark.parametrize(("events", "count"), [({}, 5), (EVENTS, 4)])
def test_an_events_day_is_in_no_baseline(flow: Flow, events: dict[str, str], count: int) -> None:
    first = START + (SALE - 2) * DAY
    for number in range(SALE - 2, SALE + 4):
        flow.put(rows(START + number * DAY, seed=number))
    spec = {"baseline": {"from": "2024-03-08", "to": "2024-03-13"}, "events": events}
    list(flow.engine({"m": spec}, start=first + 5 * DAY).advance(first + 6 * DAY + HOUR))
    with flow.store().read() as connection:
        current = baselines.current(connection, "m", "1")
    assert current is not None
    assert current.rows == count * 480


def test_an_event_named_later_makes_the_baseline_anew_where_it_lies_in_it(flow: Flow) -> None:
    for number in range(9):
        flow.put(rows(START + number * DAY, seed=number))
    ids = []
    for day, events in enumerate([{}, {"later": "2024-06-01"}, {"first": "2024-03-05"}]):
        list(flow.engine({"m": {"events": events}}, start=START + 5 * DAY).advance(START + (6 + day) * DAY + HOUR))
        with flow.store().read() as connection:
            current = baselines.current(connection, "m", "1")
        assert current is not None
        ids.append((current.id, current.rows))
    assert ids[0] == ids[1]
    assert [rows for _, rows in ids] == [3 * 480, 3 * 480, 2 * 480]
