"""The usual hour: what the same hours of a baseline's days look like.

In: the profiles of a baseline's hours, one after another; later, a window of one hour. Out: the profile it is held
against. Kept: the sums by local hour, in the store, beside the calibration that was learned in the same pass.

A column that nobody measures at night and a lamp that is off by day are no news at the hour at which they always are.
The hours beside it count as well: dusk moves, and a clock is set forward.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from detectors.profile import Profile
from detectors.result import Window
from monitor.store import hours_of_day
from monitor.store.baselines import Baseline

_BESIDE = (-1, 0, 1)


class HoursOfDay:
    """Adds up hours by the local time they begin at."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._sums: dict[int, Profile] = {}

    def add(self, start: datetime, profile: Profile) -> None:
        """One more hour of the baseline."""
        hour = start.astimezone(self._zone).hour
        self._sums[hour] = self._sums[hour] + profile if hour in self._sums else profile

    def save(self, connection: Connection, baseline: str) -> None:
        """Keep what was added, in place of what was there."""
        hours_of_day.save(connection, baseline, {hour: held.to_bytes() for hour, held in self._sums.items()})


def usual_hour(
    connection: Connection, baseline: Baseline, window: Window, zone: ZoneInfo, minimum_rows: int
) -> Profile | None:
    """The baseline at a window's local hour and those beside it; None where they hold fewer than `minimum_rows`."""
    hour = window.start.astimezone(zone).hour
    held = hours_of_day.get(connection, baseline.id, [(hour + beside) % 24 for beside in _BESIDE])
    usual = sum((Profile.from_bytes(baseline.grid, data) for data in held), Profile.empty(baseline.grid))
    return usual if usual.rows >= minimum_rows else None
