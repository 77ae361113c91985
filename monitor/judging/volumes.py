"""How many rows a window usually has, from the same hours of earlier weeks.

In: a connection, a window. Out: row counts and the ages of the newest row. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from detectors.clock import HOURS
from detectors.result import Window
from detectors.volume import FEWEST_USUAL
from monitor.reference.left_out import only_event
from monitor.settings import ModelSettings
from monitor.store import profiles
from monitor.windows import earlier

WEEKS = 4


@dataclass(frozen=True, slots=True)
class History:
    """The same window in earlier weeks, newest first: rows, and seconds from its newest row to its end.

    `hours`, of a day of 24 hours: its rows by hour, and those of earlier days.
    """

    rows: tuple[int, ...]
    ages: tuple[float, ...]
    hours: tuple[tuple[int, ...], tuple[tuple[int, ...], ...]] | None = None


def usual(connection: Connection, model: str, settings: ModelSettings, window: Window) -> History:
    """The window shifted back by one to four weeks on the model's own clock; weeks never read are left out.

    While fewer than three weeks are known, windows of a day or an hour are compared with those of the last seven days.
    """
    history = _shifted(connection, model, settings, window, [7 * week for week in range(1, WEEKS + 1)])
    hours = _by_hour(connection, model, settings, window) if window.horizon == "1d" else None
    return replace(_or_days(connection, model, settings, window, history), hours=hours)


def _or_days(connection: Connection, model: str, settings: ModelSettings, window: Window, history: History) -> History:
    if len(history.rows) < FEWEST_USUAL and window.horizon in ("1h", "1d"):
        return _shifted(connection, model, settings, window, list(range(1, 8)))
    return history


def _shifted(
    connection: Connection, model: str, settings: ModelSettings, window: Window, by_days: list[int]
) -> History:
    rows, ages = [], []
    for back in by_days:
        start, end = earlier(window.start, back, settings.zone), earlier(window.end, back, settings.zone)
        if only_event(settings, Window(window.horizon, start, end)) is not None:
            continue  # a holiday's rows are not what is usual
        slots, count, newest = profiles.counted(connection, model, start, end)
        if not slots:
            continue
        rows.append(count)
        if newest is not None:
            ages.append((end - newest).total_seconds())
    return History(tuple(rows), tuple(ages))


def _by_hour(
    connection: Connection, model: str, settings: ModelSettings, window: Window
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]] | None:
    """Rows by hour of a day, and of the last seven days and the same day of earlier weeks that were read."""
    counts = _hours(connection, model, window.start, window.end)
    if counts is None:
        return None
    backs = sorted({*range(1, 8), *(7 * week for week in range(1, WEEKS + 1))})
    days = [
        _hours(connection, model, earlier(window.start, back, settings.zone), earlier(window.end, back, settings.zone))
        for back in backs
    ]
    return counts, tuple(day for day in days if day is not None and any(day))


def _hours(connection: Connection, model: str, start: datetime, end: datetime) -> tuple[int, ...] | None:
    """Rows of each of 24 hours; None for a day of another length."""
    if end - start != timedelta(hours=HOURS):
        return None
    states = profiles.slot_states(connection, model, start, end)
    rows = [0] * HOURS
    for at, state in states.items():
        rows[min(int((at - start) / timedelta(hours=1)), HOURS - 1)] += state.rows
    return tuple(rows)
