"""How many rows a window usually has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from detectors.result import Window
from monitor.judging.volumes import History, usual
from monitor.settings import ModelSettings
from monitor.store import Store, open_store, profiles
from monitor.store.profiles import SlotState
from monitor.windows import midnight
from tests.support.flow import DAY, HOUR, START

UTC_MODEL = ModelSettings()


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store("sqlite://")
    yield opened
    opened.close()


def put(store: Store, hours: Sequence[tuple[datetime, int, datetime | None]]) -> None:
    states = [SlotState(start, "t" if count else "", count, newest) for start, count, newest in hours]
    with store.begin() as connection:
        profiles.replace(connection, "m", states, [])


def day(start: datetime, rows: int, age: timedelta = HOUR) -> list[tuple[datetime, int, datetime | None]]:
    """A day whose rows all come in its first hour, the newest `age` before the day's end."""
    return [(start, rows, start + DAY - age)]


def history(store: Store, window: Window, settings: ModelSettings = UTC_MODEL) -> History:
    with store.read() as connection:
        return usual(connection, "m", settings, window)


def test_without_a_past_nothing_is_usual(store: Store) -> None:
    assert history(store, Window("1d", START, START + DAY)) == History((), (), ((0,) * 24, ()))
    assert history(store, Window("7d", START - 6 * DAY, START + DAY)) == History((), ())


def test_a_day_is_compared_with_the_same_weekday(store: Store) -> None:
    for back in range(1, 36):
        put(store, day(START - back * DAY, 1000 + back, back * HOUR))
    found = history(store, Window("1d", START, START + DAY))
    assert found.rows == (1007, 1014, 1021, 1028)
    assert found.ages == (7 * 3600.0, 14 * 3600.0, 21 * 3600.0, 28 * 3600.0)


def test_a_day_is_told_by_hour_beside_the_last_days_and_weeks(store: Store) -> None:
    for back in (0, 1, 3, 14, 15):
        put(store, [(START - back * DAY + h * HOUR, 100 * back + h, None) for h in range(24)])
    found = history(store, Window("1d", START, START + DAY)).hours
    assert found is not None
    assert found[0] == tuple(range(24))
    assert [day[5] for day in found[1]] == [105, 305, 1405]
    assert history(store, Window("1h", START, START + HOUR)).hours is None
    longer = Window("1d", START, START + DAY + HOUR)
    assert history(store, longer).hours is None, "a day of 25 hours has another pattern"


def test_while_weeks_are_few_the_last_days_must_do_but_not_for_longer_windows(store: Store) -> None:
    for back in range(1, 15):
        put(store, day(START - back * DAY, 100))
    assert history(store, Window("1d", START, START + DAY)).rows == (100,) * 7
    week = Window("7d", START - 6 * DAY, START + DAY)
    assert history(store, week).rows == (700, 100), "the second week back has been read in part"


def test_an_hour_is_compared_with_the_same_hour(store: Store) -> None:
    for back in range(1, 29):
        put(store, [(START - back * DAY + h * HOUR, h, None if h == 0 else START) for h in range(24)])
    found = history(store, Window("1h", START + 5 * HOUR, START + 6 * HOUR))
    assert found.rows == (5, 5, 5, 5)


def test_days_never_read_are_left_out_and_silent_ones_that_were_are_not(store: Store) -> None:
    put(store, day(START - 7 * DAY, 10))
    put(store, [(START - 14 * DAY, 0, None)])
    put(store, day(START - 21 * DAY, 30))
    put(store, day(START - 1 * DAY, 77))
    found = history(store, Window("1d", START, START + DAY))
    assert found.rows == (10, 0, 30)
    assert len(found.ages) == 2, "a day without rows has no newest"


def test_the_clock_may_change_in_between(store: Store) -> None:
    settings = ModelSettings(timezone="America/New_York")
    # 10 March 2024 has 23 hours: four weeks back lie on the other side of the change.
    first = midnight(datetime.fromisoformat("2024-03-13").date(), settings.zone)
    for back in (7, 14, 21, 28):
        earlier = midnight((datetime.fromisoformat("2024-03-13") - timedelta(days=back)).date(), settings.zone)
        put(store, [(earlier + hour * HOUR, hour, None) for hour in range(24)])
    assert first.hour == 4
    found = history(store, Window("1h", first + 9 * HOUR, first + 10 * HOUR), settings)
    assert found.rows == (9, 9, 9, 9), "nine o'clock is nine o'clock"
    assert history(store, Window("1d", first, first + DAY), settings).rows == (276,) * 4
