"""What is known at departure, when that is, and how a flight ended."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.csv
import pytest

from monitor.demo import flights as module
from monitor.demo.errors import DemoDataMissing
from monitor.demo.flights import FEATURES, WEATHER, data_folder, load

# 14:45 in New York in July is 18:45 UTC; due in Los Angeles at 17:50 local, 00:50 UTC.
ON_TIME = "2013,7,4,1440,1445,-5,1755,1750,5,UA,12,N1,JFK,LAX,330,2475,14,45,2013-07-04T18:00:00Z"
LATE = "2013,7,4,1500,1445,15,1806,1750,16,UA,13,N2,JFK,LAX,330,2475,14,45,2013-07-04T18:00:00Z"
CANCELLED = "2013,7,4,NA,1445,NA,NA,1750,NA,UA,14,NA,JFK,LAX,NA,2475,14,45,2013-07-04T18:00:00Z"
DIVERTED = "2013,7,4,1445,1445,0,2300,1750,NA,UA,15,N1,JFK,LAX,NA,2475,14,45,2013-07-04T18:00:00Z"


def weather_row(hour: int, temperature: float) -> str:
    return f"JFK,2013,7,4,{hour - 4},{temperature},60,70,180,9,NA,0.1,1011,9,2013-07-04T{hour:02}:00:00Z"


def test_a_flight_carries_its_plane_its_times_and_its_end(package) -> None:
    frame = load(package([ON_TIME], planes=["N1,1999,x,x,x,2,178,NA,x"]))
    row = frame.iloc[0]
    assert row["prediction_id"] == "2013-07-04-UA12-JFK"
    assert row["ts"] == pd.Timestamp("2013-07-04T18:45Z")
    assert row["landed"] == pd.Timestamp("2013-07-05T00:55Z")
    assert (row["departure_minute"], row["arrival_minute"]) == (14 * 60 + 45, 17 * 60 + 50)
    assert (row["plane_age"], row["seats"], row["engines"]) == (14, 178, 2)
    assert (row["carrier"], row["origin"], row["destination"], row["distance"]) == ("UA", "JFK", "LAX", 2475)


def test_late_means_more_than_fifteen_minutes(package) -> None:
    fifteen = LATE.replace(",16,", ",15,")
    frame = load(package([fifteen.replace(",13,", ",99,"), LATE])).set_index("prediction_id")
    assert frame["late"].to_dict() == {"2013-07-04-UA13-JFK": 1.0, "2013-07-04-UA99-JFK": 0.0}


@pytest.mark.parametrize("flight", [CANCELLED, DIVERTED])
def test_cancelled_and_diverted_flights_have_no_label_and_no_landing(package, flight: str) -> None:
    row = load(package([flight])).iloc[0]
    assert np.isnan(row["late"])
    assert pd.isna(row["landed"])
    assert row["distance"] == 2475


def test_weather_is_what_was_observed_before_the_hour_of_departure(package) -> None:
    weather = [weather_row(16, 70), weather_row(17, 80), weather_row(18, 90), weather_row(19, 95)]
    assert load(package([ON_TIME], weather))["temperature"].tolist() == [80]


def test_nothing_that_is_learned_after_departure_changes_a_feature(package) -> None:
    before = [weather_row(17, 80)]
    known = load(package([ON_TIME], before))[list(FEATURES)]
    storm = [*before, weather_row(18, 40), weather_row(19, 40), weather_row(20, 40)]
    for ending in (ON_TIME, CANCELLED.replace(",14,NA,", ",12,N1,"), LATE.replace(",13,N2,", ",12,N1,")):
        pd.testing.assert_frame_equal(load(package([ending], storm))[list(FEATURES)], known, check_dtype=False)


def test_a_flight_without_weather_or_plane_is_kept_with_gaps(package) -> None:
    frame = load(package([CANCELLED]))
    assert frame[[*WEATHER.values(), "plane_age", "seats", "engines"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("flight", "landed"),
    [
        # The night summer time begins: New York 23:30 EST, Boston 00:40 EST, an hour after midnight is skipped later.
        (
            "2013,3,9,2330,2330,0,40,40,0,B6,1,N1,JFK,BOS,50,187,23,30,2013-03-10T04:00:00Z",
            datetime(2013, 3, 10, 5, 40, tzinfo=UTC),
        ),
        # Phoenix keeps no summer time: three hours behind New York in July.
        (
            "2013,7,4,1445,1445,0,1700,1700,0,US,1,N1,JFK,PHX,300,2153,14,45,2013-07-04T18:00:00Z",
            datetime(2013, 7, 5, 0, 0, tzinfo=UTC),
        ),
        # San Juan is missing from airports.csv and an hour ahead of New York in winter.
        (
            "2013,1,4,700,700,0,1140,1140,0,B6,7,N1,JFK,SJU,200,1598,7,0,2013-01-04T12:00:00Z",
            datetime(2013, 1, 4, 15, 40, tzinfo=UTC),
        ),
        # The night summer time ends: leaves 00:30 EDT, lands 01:30, the first of two.
        (
            "2013,11,3,30,30,0,130,130,0,B6,9,N1,JFK,BOS,40,187,0,30,2013-11-03T04:00:00Z",
            datetime(2013, 11, 3, 5, 30, tzinfo=UTC),
        ),
        # … and one that leaves Los Angeles-bound at 23:00 EDT the evening before lands 02:10 PST.
        (
            "2013,11,2,2300,2300,0,210,210,0,B6,8,N1,JFK,LAX,330,2475,23,0,2013-11-03T03:00:00Z",
            datetime(2013, 11, 3, 10, 10, tzinfo=UTC),
        ),
    ],
)
def test_landing_is_told_by_the_destinations_clock(package, flight: str, landed: datetime) -> None:
    assert load(package([flight]))["landed"].iloc[0] == landed


def test_every_scheduled_departure_of_the_year_reads_right_on_new_yorks_clock(year) -> None:
    zone = ZoneInfo("America/New_York")
    moments = year["ts"].drop_duplicates()
    local = {moment: moment.to_pydatetime().astimezone(zone) for moment in moments}
    minute = year["ts"].map({moment: there.hour * 60 + there.minute for moment, there in local.items()})
    day = year["ts"].map({moment: f"{there:%Y-%m-%d}" for moment, there in local.items()})
    assert (minute == year["departure_minute"]).all()
    assert (day == year["prediction_id"].str[:10]).all()


def test_the_year_is_whole_and_its_times_agree_with_the_minutes_in_the_air(year) -> None:
    assert len(year) == 336_776
    assert year["prediction_id"].is_unique
    ended = year[year["landed"].notna()]
    assert len(ended) == 327_346
    assert (ended["late"].notna()).all()
    assert year.loc[year["landed"].isna(), "late"].isna().all()
    assert (ended["landed"] > ended["ts"]).all()
    # On the ground at both ends together, a plane spends some minutes and never five hours.
    raw = _raw()
    taxi = ended.set_index("prediction_id").join(raw)
    minutes = (taxi["landed"] - taxi["ts"]).dt.total_seconds() / 60 - taxi["dep_delay"] - taxi["air_time"]
    assert minutes.between(5, 300).all()


def _raw() -> pd.DataFrame:
    import io
    import zipfile

    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        raw = pyarrow.csv.read_csv(io.BytesIO(archive.read("flights.csv"))).to_pandas()
    day = [
        f"{year}-{month:02}-{day:02}" for year, month, day in zip(raw["year"], raw["month"], raw["day"], strict=True)
    ]
    raw["prediction_id"] = pd.Series(day) + "-" + raw["carrier"] + raw["flight"].astype(str) + "-" + raw["origin"]
    return raw.set_index("prediction_id")[["dep_delay", "air_time"]]


def test_without_the_package_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DemoDataMissing, match=r"pip install 'driftline\[demo\]'"):
        data_folder()


def test_a_file_that_is_gone_is_named(package) -> None:
    folder = package([ON_TIME])
    (folder / "weather.csv").unlink()
    with pytest.raises(DemoDataMissing, match=r"weather\.csv"):
        load(folder)
