"""How many rows a window usually has, from the same hours of earlier weeks.

In: a connection, a window. Out: row counts and the ages of the newest row. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from detectors.result import Window
from detectors.volume import FEWEST_USUAL
from monitor.settings import ModelSettings
from monitor.store import profiles
from monitor.windows import earlier

WEEKS = 4


@dataclass(frozen=True, slots=True)
class History:
    """The same window in earlier weeks, newest first: rows, and seconds from its newest row to its end."""

    rows: tuple[int, ...]
    ages: tuple[float, ...]


def usual(connection: Connection, model: str, settings: ModelSettings, window: Window) -> History:
    """The window shifted back by one to four weeks on the model's own clock; weeks never read are left out.

    While fewer than three weeks are known, windows of a day or an hour are compared with those of the last seven days.
    """
    history = _shifted(connection, model, settings, window, [7 * week for week in range(1, WEEKS + 1)])
    if len(history.rows) < FEWEST_USUAL and window.horizon in ("1h", "1d"):
        return _shifted(connection, model, settings, window, list(range(1, 8)))
    return history


def _shifted(
    connection: Connection, model: str, settings: ModelSettings, window: Window, by_days: list[int]
) -> History:
    rows, ages = [], []
    for back in by_days:
        start, end = earlier(window.start, back, settings.zone), earlier(window.end, back, settings.zone)
        slots, count, newest = profiles.counted(connection, model, start, end)
        if not slots:
            continue
        rows.append(count)
        if newest is not None:
            ages.append((end - newest).total_seconds())
    return History(tuple(rows), tuple(ages))
