"""Numbers, times and hostile text as the pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reports import wording
from reports.context import Period

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0.0, "0"),
        (0.31249, "0.312"),
        (0.04, "0.0400"),
        (5.0, "5"),
        (58.14, "58.1"),
        (1234.5, "1,234"),
        (12340.0, "12,340"),
        (-0.31249, "−0.312"),
        (0.00001234, "1.2×10⁻⁵"),
        (1e9, "1×10⁹"),
        (-2.5e12, "−2.5×10¹²"),
    ],
)
def test_numbers_have_three_digits(value: float | None, written: str) -> None:
    assert wording.number(value) == written


def test_thresholds_lose_the_zeros_numbers_keep() -> None:
    assert [wording.trimmed(value) for value in (0.1, 0.25, 100.0, 0.0, None, 1e9)] == [
        "0.1",
        "0.25",
        "100",
        "0",
        "–",
        "1×10⁹",
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.31, "31%"),
        (0.042, "4.2%"),
        (0.0999, "10%"),
        (0.0042, "0.42%"),
        (0.00001, "<0.01%"),
        (0.99999, "99.99%"),
        (-0.02, "−2.0%"),
    ],
)
def test_shares_never_round_to_none_or_all(value: float | None, written: str) -> None:
    assert wording.share(value) == written


def test_p_values_end_where_digits_say_nothing() -> None:
    assert [wording.pvalue(p) for p in (0.0312, 1e-12, 0.0, 1.0, None)] == ["0.031", "<0.001", "<0.001", "1", "–"]


def test_durations() -> None:
    assert [wording.duration(minutes) for minutes in (14, 59.6, 200, 60, 48 * 60, None)] == [
        "14 min",
        "1 h",
        "3 h 20 min",
        "1 h",
        "2 days",
        "–",
    ]


@pytest.mark.parametrize(
    ("start", "days", "zone", "written"),
    [
        (datetime(2013, 4, 29, 4, tzinfo=UTC), 7, NEW_YORK, "29 Apr – 5 May 2013"),
        (datetime(2013, 5, 6, 4, tzinfo=UTC), 7, NEW_YORK, "6 – 12 May 2013"),
        (datetime(2013, 5, 6, 4, tzinfo=UTC), 1, NEW_YORK, "6 May 2013"),
        (datetime(2013, 12, 29, tzinfo=UTC), 7, ZoneInfo("UTC"), "29 Dec 2013 – 4 Jan 2014"),
        (datetime(2013, 4, 29, 4, tzinfo=UTC), 7, ZoneInfo("UTC"), "29 Apr 04:00 – 6 May 2013 04:00"),
        (datetime(2013, 5, 6, 10, tzinfo=UTC), 1 / 24, ZoneInfo("UTC"), "6 May 2013, 10:00 – 11:00"),
    ],
)
def test_a_period_is_written_in_whole_days_of_the_readers_zone(
    start: datetime, days: float, zone: ZoneInfo, written: str
) -> None:
    assert wording.span(Period(start, start + timedelta(days=days)), zone) == written


def test_a_week_across_the_change_of_clocks_is_still_whole_days() -> None:
    """In New York 10 March 2013 had 23 hours."""
    week = Period(datetime(2013, 3, 4, 5, tzinfo=UTC), datetime(2013, 3, 11, 4, tzinfo=UTC))
    assert wording.span(week, NEW_YORK) == "4 – 10 Mar 2013"


def test_text_from_data_stands_in_one_line_and_shows_that_it_was_cut() -> None:
    assert wording.plain("one\r\n\ttwo\u2028three\x00four") == "one two three four"
    assert wording.plain("\u202egnp.exe") == "gnp.exe"
    assert wording.plain("x" * 300, 20) == "x" * 19 + "…"
    assert wording.plain("") == "(empty)"
    assert wording.plain("\n") == "(blank)"
    assert wording.plain("<b>") == "<b>"


def test_horizons_in_words() -> None:
    assert [wording.horizon(h) for h in ("1h", "1d", "7d", "28d", "run:42")] == [
        "hourly",
        "daily",
        "7-day windows",
        "28-day windows",
        "by run",
    ]


def test_statistics_in_their_units() -> None:
    assert wording.measured(0.312, "number") == "0.312"
    assert wording.measured(0.312, "share") == "31%"
    assert wording.measured(0.312, "deviations") == "+0.312 sd"
    assert wording.measured(-0.312, "deviations") == "−0.312 sd"
    assert wording.measured(0.3, "deviations", limit=True) == "0.3 sd"
    assert wording.measured(None, "deviations") == "–"
    assert [wording.measured(value, "points") for value in (0.083, -0.0017, 0.01, None)] == [
        "+8.3 points",
        "−0.17 points",
        "+1 point",
        "–",
    ]


def test_a_sentence_begins_large_and_ends_once() -> None:
    assert wording.sentence("wind_speed is missing") == "wind_speed is missing.", "a column's name stays as it is"
    assert [wording.sentence(text) for text in ("no labels", "Done.", " why? ", "")] == [
        "No labels.",
        "Done.",
        "Why?",
        "",
    ]
