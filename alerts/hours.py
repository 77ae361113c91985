"""Hours of the week on somebody's clock: when a route is mute, and when a digest goes out.

In: an instant. Out: the instant at which something ends or is due. Kept: nothing. Days follow the named time zone,
through changes to and from summer time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_FURTHEST = 400


@dataclass(frozen=True, slots=True)
class MuteTime:
    """Times of the week in which a route is silent.

    `days` are weekdays (0 is Monday) on which it begins, all when empty; with `dates`, only on those. `start` to `end`
    is past midnight where `end` is not after `start`; both midnight is the whole day.
    """

    name: str
    days: frozenset[int] = frozenset()
    dates: tuple[tuple[date, date], ...] = ()
    start: time = time(0)
    end: time = time(0)
    timezone: str = "UTC"

    def until(self, moment: datetime) -> datetime | None:
        """The end of the mute time that `moment` is in; None outside of it."""
        zone = ZoneInfo(self.timezone)
        today = moment.astimezone(zone).date()
        for day in (today - _DAY, today):
            if not self._on(day):
                continue
            begins = _at(day, self.start, zone)
            ends = _at(day if self.end > self.start else day + _DAY, self.end, zone)
            if begins <= moment < ends:
                return ends
        return None

    def _on(self, day: date) -> bool:
        return (not self.days or day.weekday() in self.days) and (
            not self.dates or any(first <= day <= last for first, last in self.dates)
        )


def audible(moment: datetime, muted: Sequence[MuteTime]) -> tuple[datetime, str]:
    """The first instant from `moment` on that none of these mutes, and the last of them that did (none: "")."""
    by = ""
    for _ in range(_FURTHEST):
        found = next(((end, one.name) for one in muted if (end := one.until(moment)) is not None), None)
        if found is None:
            break
        moment, by = found
    return moment, by


@dataclass(frozen=True, slots=True)
class Digest:
    """When a digest goes out: every day, or on one weekday (0 is Monday), at a time of somebody's clock."""

    at: time
    weekday: int | None = None
    timezone: str = "UTC"

    def after(self, moment: datetime) -> datetime:
        """The first digest strictly after `moment`."""
        zone = ZoneInfo(self.timezone)
        day = moment.astimezone(zone).date()
        while True:
            due = _at(day, self.at, zone)
            if due > moment and self.weekday in (None, day.weekday()):
                return due
            day += _DAY

    def __str__(self) -> str:
        every = "daily" if self.weekday is None else f"on {WEEKDAYS[self.weekday]}"
        return f"{every} at {self.at:%H:%M} {self.timezone}"


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """That time of that day; one that a change of the clock leaves out is the instant it would have been."""
    return datetime.combine(day, clock, zone).astimezone(UTC)
