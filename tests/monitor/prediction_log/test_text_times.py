"""Times as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from monitor.prediction_log.text_times import parse_time, parse_times

MAY = datetime(2024, 5, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T00:00:00Z",
        "2024-05-01 00:00:00+00:00",
        "2024-05-01T02:00+02:00",
        " 2024-04-30T20:00:00.000000000-04:00 ",
        "20240501T000000Z",
        "1714521600",
        "1714521600.0",
        "1714521600000",
        "1714521600000000",
        "1714521600000000000",
        "1.7145216e9",
    ],
)
def test_each_of_these_is_the_first_of_may(text: str) -> None:
    assert parse_time(text, None) == MAY
    assert parse_times(pa.array([text, None, "x"]), None)[0].to_pylist()[:2] == [MAY, None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-05-01", "has no time zone"),
        ("2024-05-01T00:00:00", "has no time zone"),
        ("20240501", "write 2024-05-01 for a date"),
        ("", "is not a time"),
        ("soon", "is not a time"),
        ("2024-13-01T00:00:00Z", "is not a time"),
        ("2023-02-29T00:00:00Z", "is not a time"),
        ("1e30", "of this age"),
        ("0001-01-01T00:00:00+14:00", "of this age"),
        ("nan", "is not a time"),
    ],
)
def test_each_of_these_is_none(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_time(text, None)


def test_a_zone_is_taken_for_times_that_have_none_and_for_those_alone() -> None:
    texts = ["2024-05-01T02:00:00", "2024-05-01T00:00:00Z", "2024-05-01", "1714521600"]
    times, reasons = parse_times(pa.array(texts), BERLIN)
    assert times.to_pylist() == [MAY, MAY, datetime(2024, 4, 30, 22, tzinfo=UTC), MAY]
    assert reasons == {}


@pytest.mark.parametrize("texts", [["2024-10-27 02:30:00"], ["2024-10-27 02:30:00", "2024-05-01T00:00:00Z"]])
def test_of_an_hour_that_comes_twice_the_first_is_meant(texts: list[str]) -> None:
    assert parse_times(pa.array(texts), BERLIN)[0][0].as_py() == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("texts", [["2024-03-31 02:30:00"], ["2024-03-31 02:30:00", "2024-05-01T00:00:00Z"]])
def test_an_hour_that_never_was_is_some_time_next_to_it(texts: list[str]) -> None:
    moment = parse_times(pa.array(texts), BERLIN)[0][0].as_py()
    assert datetime(2024, 3, 31, 0, 30, tzinfo=UTC) <= moment <= datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
