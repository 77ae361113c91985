"""Figures, times and windows in words.

In: values, and the clock their reader follows. Out: short text. Kept: nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from detectors.result import Window


def text_of(value: object) -> str:
    """A figure with the digits that matter (`0.312`, `1,204`), text as it is, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (1000 <= abs(value) < 1e15):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """An instant on a reader's clock: `3 May 2013 00:00 EDT`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y %H:%M} {_zone_name(local)}"


def day_text(moment: datetime, zone: ZoneInfo) -> str:
    """The day an instant falls on: `3 May 2013`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def window_text(window: Window, zone: ZoneInfo) -> str:
    """A window in words: `3 May 2013 (1d)`, `27 Apr to 3 May 2013 (7d)`, hours where it does not follow days."""
    first, end = window.start.astimezone(zone), window.end.astimezone(zone)
    name = f"run {window.horizon[4:]}" if window.horizon.startswith("run:") else window.horizon
    whole_days = not (first.hour or first.minute or end.hour or end.minute) and first.date() != end.date()
    if not whole_days:
        return f"{moment_text(window.start, zone)} to {end.day} {end:%b %H:%M} ({name})"
    last = end - timedelta(days=1)
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y} ({name})"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y} ({name})"


def duration_text(span: timedelta) -> str:
    """`3 d 4 h`, `25 min`: two units at most."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")] if not days else [(days, "d"), (hours, "h")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "under a minute"


def _zone_name(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return name if name.isalpha() else f"UTC{name}"
