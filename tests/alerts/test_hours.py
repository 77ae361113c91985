"""Times of the week on somebody's clock, through changes to and from summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from alerts.hours import Digest, MuteTime, audible

NIGHTS = MuteTime("nights", start=time(20), end=time(7), timezone="Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2013-05-01T17:59:59", None),
        ("2013-05-01T18:00", "2013-05-02T05:00"),
        ("2013-05-02T04:59:59", "2013-05-02T05:00"),
        ("2013-05-02T05:00", None),
        # Clocks go forward on 31 March and back on 27 October 2013.
        ("2013-03-30T19:00", "2013-03-31T05:00"),
        ("2013-10-26T18:00", "2013-10-27T06:00"),
    ],
)
def test_a_night_ends_in_the_morning_of_its_clock(moment: str, end: str | None) -> None:
    assert NIGHTS.until(utc(moment)) == (utc(end) if end else None)


def test_whole_days_that_follow_each_other_are_one_silence() -> None:
    weekend = MuteTime("weekend", days=frozenset({5, 6}))
    assert audible(utc("2013-05-04T10:00"), (weekend, NIGHTS)) == (utc("2013-05-06T05:00"), "nights")
    assert audible(utc("2013-05-03T10:00"), (weekend,)) == (utc("2013-05-03T10:00"), "")


def test_what_is_never_audible_is_looked_at_again_some_day() -> None:
    later, by = audible(utc("2013-05-04T10:00"), (MuteTime("always"),))
    assert by == "always"
    assert later > utc("2014-01-01T00:00")


def test_days_of_the_calendar() -> None:
    holidays = MuteTime("holidays", dates=((date(2013, 12, 24), date(2013, 12, 26)),))
    assert holidays.until(utc("2013-12-25T12:00")) == utc("2013-12-26T00:00")
    assert holidays.until(utc("2013-12-27T00:00")) is None


def test_digests_are_at_the_same_hour_all_year_and_never_now() -> None:
    daily = Digest(time(8), timezone="Europe/Berlin")
    assert daily.after(utc("2013-05-01T06:00")) == utc("2013-05-02T06:00")
    assert daily.after(utc("2013-05-01T05:59")) == utc("2013-05-01T06:00")
    assert daily.after(utc("2013-12-01T06:30")) == utc("2013-12-01T07:00")
    assert Digest(time(9), weekday=0).after(utc("2013-05-01T00:00")) == utc("2013-05-06T09:00")
