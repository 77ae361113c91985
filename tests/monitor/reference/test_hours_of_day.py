"""What an hour does every day is no news: it is held against the same hours of the baseline's days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from detectors.result import Finding, Status
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, rows, with_column

DAYS = 8
READY = START + DAYS * DAY
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def day(number: int, lost_at: int | None = None) -> pa.Table:
    """A day whose `amount` is not measured at night and whose `x` is zero then; at `lost_at`, by day, it is as well."""
    table = rows(START + number * DAY, 24, 40, seed=number)
    clock = np.array([moment.astimezone(ZONE).hour for moment in table.column("ts").to_pylist()])
    dark = (clock < 6) | (clock == lost_at)
    amount = pa.array(table.column("amount").to_numpy(), mask=dark)
    x = np.where(dark, 0.0, np.abs(table.column("x").to_numpy()) + 1.0)
    return with_column(with_column(table, "amount", amount), "x", pa.array(x))


def spec() -> dict[str, Any]:
    first, last = (moment.strftime("%Y-%m-%d") for moment in (START, READY))
    return {
        "m": {
            "horizons": ["1h", "1d"],
            "timezone": "Europe/Berlin",
            "baseline": {"from": first, "to": last},
            "false_alarms": "1 per 30d",
            "minimum_rows": 20,
        }
    }


def breaches(outcomes: list[Any]) -> dict[tuple[datetime, str, str], Finding]:
    found = (one for one in findings_of(outcomes) if one.status is Status.BREACH and one.window.horizon == "1h")
    return {(one.window.start.astimezone(ZONE), one.subject, one.detector): one for one in found}


def test_nights_are_nights(flow: Flow) -> None:
    for number in range(DAYS):
        flow.put(day(number))
    flow.put(day(DAYS, lost_at=14))
    outcomes = list(flow.engine(spec(), start=READY).advance(READY + DAY + HOUR))
    assert sum(one.window.horizon == "1h" and one.detector == "missing" for one in findings_of(outcomes)) > 4 * 20
    found = breaches(outcomes)
    assert {(start.hour, subject, detector) for start, subject, detector in found} == {
        (14, "amount", "missing"),
        (14, "x", "spike"),
        (14, "x", "stuck"),
    }
    # Beside that hour the two before and after count, in which nothing is missing.
    assert found[READY.astimezone(ZONE).replace(hour=14), "amount", "missing"].detail["before"] == "0%"
