"""A package of flights small enough to reckon by hand, and the real year, read once."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FLIGHT = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
WEATHER = "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour"
PLANES = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine"
AIRPORTS = "faa,name,lat,lon,alt,tz,dst,tzone"


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Write the four files from rows of CSV text; returns their folder."""

    def write(flights: list[str], weather: list[str] | None = None, planes: list[str] | None = None) -> Path:
        with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
            archive.writestr("flights.csv", "\n".join([FLIGHT, *flights]) + "\n")
        still = ["JFK,2013,1,1,0,30,20,50,NA,5,NA,0,1010,10,2012-01-01T00:00:00Z"]
        (tmp_path / "weather.csv").write_text("\n".join([WEATHER, *(weather or still)]) + "\n")
        grounded = ["N0,1999,x,x,x,2,100,NA,x"]
        (tmp_path / "planes.csv").write_text("\n".join([PLANES, *(planes or grounded)]) + "\n")
        places = [
            "LAX,Los Angeles,33.9,-118.4,126,-8,A,America/Los_Angeles",
            "PHX,Phoenix,33.4,-112.0,1135,-7,N,America/Phoenix",
            "BOS,Boston,42.3,-71.0,19,-5,A,America/New_York",
        ]
        (tmp_path / "airports.csv").write_text("\n".join([AIRPORTS, *places]) + "\n")
        return tmp_path

    return write


@pytest.fixture(scope="session")
def year() -> Any:
    """Every flight of 2013, joined."""
    from monitor.demo.flights import data_folder, load

    return load(data_folder())
