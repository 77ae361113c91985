"""Holidays and known events: days that are like no others, and known beforehand.

In: plain values from a config. Out: frozen settings, and whether a day is one of theirs. Kept: nothing.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.settings.types import Section

# Any leap year: the 29th of February is a day of some years.
_LEAP = 2000


def check_day(value: str) -> str:
    """`2026-12-25`, or `12-25` for every year. Raises ValueError with an example."""
    try:
        yearly = re.fullmatch(r"\d\d-\d\d", value)
        date.fromisoformat(f"{_LEAP}-{value}" if yearly else value)
    except ValueError:
        raise ValueError(f"{value!r} is no day; write 2026-12-25, or 12-25 for every year") from None
    return value


def _days(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,) if isinstance(value, str) else value


Day = Annotated[str, AfterValidator(check_day)]


class EventSettings(Section):
    """A holiday or known event: its days are no reference, and drift on them is noted, not alarmed."""

    on: Annotated[tuple[Day, ...], BeforeValidator(_days)] = Field(
        (), description="a day or several: `2026-12-25`, or `12-25` for every year; may stand without the key `on`"
    )
    start: Day | None = Field(None, alias="from", description="first day, also `12-24` for every year")
    end: Day | None = Field(None, alias="to", description="day after the last")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        """A day, or a list of them, needs no key."""
        return {"on": data} if isinstance(data, str | list | tuple) else data

    @model_validator(mode="after")
    def _whole(self) -> EventSettings:
        if (self.start is None) != (self.end is None):
            raise ValueError("an event that lasts needs both from and to")
        if self.start is None and not self.on:
            raise ValueError("name its days: 2026-12-25, 12-25 for every year, or {from: 2026-12-24, to: 2026-12-27}")
        if self.start is not None and self.end is not None:
            if len(self.start) != len(self.end):
                raise ValueError(f"write from ({self.start}) and to ({self.end}) both with a year or both without")
            if self.start == self.end or (len(self.start) > len("12-25") and self.start > self.end):
                raise ValueError(f"from ({self.start}) must be before to ({self.end}), the day after the last")
        return self

    def holds(self, day: date) -> bool:
        """Whether a local day is one of the event's."""
        full = day.isoformat()
        yearly = full[5:]
        if full in self.on or yearly in self.on:
            return True
        if self.start is None or self.end is None:
            return False
        if len(self.start) == len(full):
            return self.start <= full < self.end
        if self.start < self.end:
            return self.start <= yearly < self.end
        return yearly >= self.start or yearly < self.end  # over the turn of the year
