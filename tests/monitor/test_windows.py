"""Which windows are due, over every kind of clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.result import Window
from monitor.settings import Cadence, ModelSettings
from monitor.windows import (
    Aspect,
    Due,
    RunDue,
    days,
    due_between,
    ending_at,
    latest_due,
    local_day,
    midnight,
    runs_between,
    slots,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW_YORK, KOLKATA, LORD_HOWE = "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"
# Half-hour changes, half-hour offsets, a midnight that is skipped, one that comes twice, a whole day that is skipped.
ZONES = ("UTC", NEW_YORK, KOLKATA, LORD_HOWE, "America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Pacific/Apia")
ALL = ("1h", "1d", "7d", "28d")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def model(zone: str = "UTC", horizons: tuple[str, ...] = ALL, **more: object) -> ModelSettings:
    return ModelSettings.model_validate({"timezone": zone, "horizons": horizons, **more})


@pytest.mark.parametrize(
    ("zone", "day", "first", "hours"),
    [
        ("UTC", "2024-05-01", "2024-05-01T00:00", 24.0),
        (NEW_YORK, "2024-03-10", "2024-03-10T05:00", 23.0),
        (NEW_YORK, "2024-11-03", "2024-11-03T04:00", 25.0),
        (KOLKATA, "2024-03-10", "2024-03-09T18:30", 24.0),
        (LORD_HOWE, "2024-04-07", "2024-04-06T13:00", 24.5),
        (LORD_HOWE, "2024-10-06", "2024-10-05T13:30", 23.5),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23.0),  # its midnight does not exist
        ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25.0),  # its midnight comes twice
    ],
)
def test_a_local_day_is_as_long_as_its_clock_says(zone: str, day: str, first: str, hours: float) -> None:
    here = ZoneInfo(zone)
    start = midnight(date.fromisoformat(day), here)
    assert start == at(first)
    (found,) = days(start, start + HOUR, here)
    assert found == (start, start + timedelta(hours=hours))
    cells = list(slots(*found, here))
    assert cells[0][0] == start
    assert cells[-1][1] == found[1]
    assert all(before[1] == after[0] for before, after in pairwise(cells))
    assert all(end - begin == HOUR for begin, end in cells[:-1])
    assert len(cells) == -(-hours // 1)


def test_a_day_that_was_skipped_is_no_day() -> None:
    samoa = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    found = list(days(at("2011-12-29T12:00"), at("2012-01-01T12:00"), samoa))
    assert [local_day(start, samoa).day for start, _ in found] == [29, 31, 1, 2]
    assert all(start < end for start, end in found)
    dues = due_between(model("Pacific/Apia", ("1d",)), at("2011-12-29T00:00"), at("2012-01-02T00:00"), False)
    assert len({due.window.start for due in dues}) == len(dues)


moments = st.integers(0, 14 * 365 * 86400 * 1000).map(lambda ms: at("2011-01-01T00:00") + timedelta(milliseconds=ms))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), moments, st.floats(0.5, 20))
def test_days_and_slots_leave_no_gap_and_never_overlap(zone: str, start: datetime, length: float) -> None:
    here, end = ZoneInfo(zone), start + timedelta(days=length)
    found = list(days(start, end, here))
    assert found[0][0] <= start < found[0][1]
    assert found[-1][0] < end <= found[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(found))
    cells = list(slots(found[0][0], found[-1][1], here))
    assert cells[0][0] == found[0][0]
    assert cells[-1][1] == found[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(cells))
    inside = list(slots(start, end, here))
    assert inside == [(s, e) for s, e in cells if s >= start and e <= end]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), moments, st.lists(st.floats(0, 3), min_size=1, max_size=4), st.booleans())
def test_an_interval_split_anywhere_gives_the_same_dues(
    zone: str, start: datetime, steps: list[float], labelled: bool
) -> None:
    chosen = model(zone, settle="15m", label_wait="36h")
    cuts = [start]
    for step in steps:
        cuts.append(cuts[-1] + timedelta(days=step))
    whole = due_between(chosen, cuts[0], cuts[-1], labelled)
    assert whole == [due for a, b in pairwise(cuts) for due in due_between(chosen, a, b, labelled)]
    assert len({(due.window, due.aspect) for due in whole}) == len(whole)
    assert all(cuts[0] < due.at <= cuts[-1] for due in whole)


@pytest.mark.parametrize("zone", ZONES)
def test_every_local_day_has_one_window_of_each_horizon(zone: str) -> None:
    here, chosen = ZoneInfo(zone), model(zone, settle="15m", label_wait="36h")
    start, end = midnight(date(2024, 1, 1), here), midnight(date(2025, 1, 1), here)
    dues = due_between(chosen, start, end + timedelta(days=2), True)
    year = list(days(start, end, here))
    for aspect, wait in ((Aspect.INPUTS, timedelta(minutes=15)), (Aspect.PERFORMANCE, timedelta(hours=36))):
        for horizon, length in (("1d", 1), ("7d", 7), ("28d", 28)):
            mine = [d for d in dues if d.aspect is aspect and d.window.horizon == horizon]
            ends = {due.window.end: due for due in mine}
            for index, (_, finish) in enumerate(year[length:], length):
                assert ends[finish].at == finish + wait
                assert ends[finish].window.start == year[index - length + 1][0]
    hourly = [d.window for d in dues if d.window.horizon == "1h" and start <= d.window.start and d.window.end <= end]
    assert [(window.start, window.end) for window in hourly] == list(slots(start, end, here))
    assert not [d for d in dues if d.window.horizon == "1h" and d.aspect is Aspect.PERFORMANCE]


def test_an_interval_is_open_at_its_start_and_closed_at_its_end() -> None:
    chosen = model(horizons=("1d",), settle="15m")
    due_at = at("2024-05-02T00:15")
    window = Window("1d", at("2024-05-01T00:00"), at("2024-05-02T00:00"))
    tick = timedelta(microseconds=1)
    assert due_between(chosen, due_at - tick, due_at, False) == [Due(due_at, window, Aspect.INPUTS)]
    assert due_between(chosen, due_at, due_at + tick, False) == []
    assert due_between(chosen, due_at - tick, due_at - tick, False) == []


def test_performance_waits_for_labels_and_is_due_only_where_they_can_come() -> None:
    chosen = model(horizons=("1h", "1d"), settle="15m", label_wait="3d")
    span = at("2024-05-01T00:00"), at("2024-05-09T00:00")
    assert {due.aspect for due in due_between(chosen, *span, False)} == {Aspect.INPUTS}
    labelled = [due for due in due_between(chosen, *span, True) if due.aspect is Aspect.PERFORMANCE]
    assert {due.at - due.window.end for due in labelled} == {timedelta(days=3)}
    assert {due.window.horizon for due in labelled} == {"1d"}
    hasty = model(horizons=("1d",), settle="2h", label_wait="1h")
    labelled = [due for due in due_between(hasty, *span, True) if due.aspect is Aspect.PERFORMANCE]
    assert {due.at - due.window.end for due in labelled} == {timedelta(hours=2)}, "never before the rows have settled"


def test_a_batch_model_has_no_windows_of_time() -> None:
    chosen = model(cadence={"run": "run_id", "due": "07:00"})
    assert due_between(chosen, at("2024-05-01T00:00"), at("2024-06-01T00:00"), True) == []
    assert latest_due(chosen, at("2024-05-01T00:00"), True) == []


@pytest.mark.parametrize("zone", ZONES)
def test_a_first_start_looks_at_the_newest_window_of_each_horizon_and_aspect(zone: str) -> None:
    chosen = model(zone, settle="15m", label_wait="5d")
    now = at("2024-04-07T09:40")
    found = latest_due(chosen, now, True)
    assert sorted((due.window.horizon, due.aspect) for due in found) == sorted(
        [(h, Aspect.INPUTS) for h in ALL] + [(h, Aspect.PERFORMANCE) for h in ("1d", "7d", "28d")]
    )
    everything = due_between(chosen, now - timedelta(days=30), now, True)
    for due in found:
        same = [d.at for d in everything if (d.window.horizon, d.aspect) == (due.window.horizon, due.aspect)]
        assert due.at == max(same)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", ["2024-04-07T00:00", "2024-04-07T13:30", "2024-10-05T13:45", "2024-11-03T05:10"])
def test_windows_that_end_at_a_time_are_the_newest_that_do(zone: str, moment: str) -> None:
    chosen, now = model(zone, settle="0s", label_wait="0s"), at(moment)
    found = ending_at(chosen, now, True)
    assert {(due.window, due.aspect) for due in found} == {
        (due.window, due.aspect) for due in latest_due(chosen, now, True)
    }
    assert all(due.at == due.window.end <= now for due in found)


# Batch runs


def cadence(due: str, grace: str = "2h") -> Cadence:
    return Cadence.model_validate({"run": "run_id", "due": due, "grace": grace})


SETTLE = timedelta(minutes=15)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["07:00", "02:30", "00:00", "mon 07:00", "sun 23:59"]),
    st.sampled_from(["10m", "2h", "13h", "3d", "9d"]),
    moments,
    st.lists(st.floats(0, 8), min_size=1, max_size=4),
)
def test_looks_for_runs_are_the_same_wherever_an_interval_is_split(
    zone: str, due: str, grace: str, start: datetime, steps: list[float]
) -> None:
    chosen, here = cadence(due, grace), ZoneInfo(zone)
    cuts = [start]
    for step in steps:
        cuts.append(cuts[-1] + timedelta(days=step))
    whole = runs_between(chosen, SETTLE, here, cuts[0], cuts[-1])
    assert whole == [look for a, b in pairwise(cuts) for look in runs_between(chosen, SETTLE, here, a, b)]
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("due", "step"), [("07:00", 1), ("mon 07:00", 7)])
@pytest.mark.parametrize("grace", ["0s", "2h", "20h", "3d"])
def test_every_run_has_one_deadline_and_every_instant_belongs_to_one_run(
    zone: str, due: str, step: int, grace: str
) -> None:
    here, chosen = ZoneInfo(zone), cadence(due, grace)
    looks = runs_between(chosen, SETTLE, here, at("2024-03-01T00:00"), at("2024-05-01T00:00"))
    deadlines = [look for look in looks if look.deadline]
    assert [look.at.astimezone(here) for look in deadlines] == sorted(look.at.astimezone(here) for look in deadlines)
    for before, after in pairwise(deadlines):
        assert before.by == after.after, "intervals join without gap"
        assert step * DAY - HOUR <= after.due - before.due <= step * DAY + HOUR
        assert after.due.astimezone(here).strftime("%H:%M") == "07:00"
        assert after.due <= after.at <= after.due + chosen.grace
    for look in looks:
        assert look.after <= look.due <= look.by
        assert look.due <= look.at <= look.by + SETTLE
        assert look.at <= look.by or not look.deadline


def test_a_run_is_looked_for_when_due_at_the_deadline_and_while_it_may_still_come_late() -> None:
    looks = runs_between(cadence("07:00"), SETTLE, ZoneInfo("UTC"), at("2024-05-02T06:00"), at("2024-05-03T06:00"))
    mine = [look for look in looks if look.due == at("2024-05-02T07:00")]
    assert mine[0] == RunDue(
        at("2024-05-02T07:15"), at("2024-05-01T19:00"), at("2024-05-02T07:00"), at("2024-05-02T19:00"), deadline=False
    )
    assert [look.at for look in mine if look.deadline] == [at("2024-05-02T09:00")]
    late = [look.at for look in mine if look.at > at("2024-05-02T09:00")]
    assert late, "a late run is not left unseen until the next one is due"
    assert late[-1] == at("2024-05-02T19:15"), "the last look is when the last rows have settled"


def test_a_weekly_run_is_due_on_its_own_weekday() -> None:
    looks = runs_between(
        cadence("mon 07:00"), SETTLE, ZoneInfo(NEW_YORK), at("2024-03-01T00:00"), at("2024-03-20T00:00")
    )
    # The clock goes forward on 10 March: seven o'clock moves from 12:00 to 11:00 UTC.
    assert [look.due for look in looks if look.deadline] == [
        at("2024-03-04T12:00"),
        at("2024-03-11T11:00"),
        at("2024-03-18T11:00"),
    ]
