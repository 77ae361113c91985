"""How a SQLite table writes its times, so that ranges stay comparisons an index serves.

In: one value of the time column. Out: bounds for a range, an expression for its hour, values as times.
Kept: nothing.

SQLite has no time type. Text in ISO form compares as time does, as long as the bound is written the same way; a bound
cut to what the column's form has is right for every suffix (fractions, `Z`), at worst a second too wide, and rows are
cut exactly afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa

from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import LogMismatch
from monitor.prediction_log.text_times import epoch_micros, parse_time, parse_times

_UTC = ZoneInfo("UTC")
# Four digits a year, so that text compares as time does.
EVER = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
EVER_TEXT = ("1000-01-01 00:00:00", "9999-12-31 00:00:00")
EVER_NUMBER = (0, 2**62)


@dataclass(frozen=True, slots=True)
class Style:
    """`pattern` of text (strftime), or epoch numbers with `per_second` units. `slack` widens ranges."""

    pattern: str | None
    per_second: int = 1
    slack: timedelta = timedelta(0)

    def bounds(self, start: datetime, end: datetime) -> tuple[Any, Any]:
        """Values that enclose `[start, end)` in the column's own form."""
        if self.pattern is None:
            low_units, high_units = start.timestamp() * self.per_second, end.timestamp() * self.per_second
            return math.floor(low_units), math.ceil(high_units)
        upper = _moved(end, self.slack)
        text = upper.strftime(self.pattern)
        if parse_time(text, _UTC) < upper:
            text = _moved(upper, timedelta(days=1) if len(text) == 10 else timedelta(minutes=1)).strftime(self.pattern)
        return _moved(start, -self.slack).strftime(self.pattern), text

    def hour(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Hours since 1970 of a time column, as SQL."""
        if self.pattern is None:
            return sa.cast(column, sa.Integer) // sa.literal_column(str(3_600 * self.per_second), sa.Integer)
        return sa.cast(sa.func.strftime("%s", column), sa.Integer) // sa.literal_column("3600", sa.Integer)


def _moved(value: datetime, by: timedelta) -> datetime:
    try:
        return value + by
    except OverflowError:
        return value


def style_of(value: Any, column: str) -> Style:
    """The style of a column from one of its values. Raises LogMismatch when that is no time."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        sizes = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000))
        return Style(None, next((scale for limit, scale in sizes if abs(value) < limit), 1_000_000_000))
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    try:
        parse_time(text, _UTC)
    except ValueError as error:
        raise LogMismatch(f"column {column!r} holds no times: one of its values {error}") from error
    if text.strip().replace(".", "", 1).isdigit():
        raise LogMismatch(f"column {column!r} holds epoch numbers as text; store them as numbers, or use a query")
    if len(text) == 10:
        return Style("%Y-%m-%d")
    separator = "T" if text[10] == "T" else " "
    pattern = f"%Y-%m-%d{separator}%H:%M" + (":%S" if len(text) >= 19 else "")
    moved = datetime.fromisoformat(text).utcoffset()
    # With local offsets text order is not time order; no offset is further from UTC than 14 hours.
    return Style(pattern, slack=timedelta(hours=15) if moved else timedelta(0))


def to_times(values: Sequence[Any], column: str) -> pa.Array:
    """Values as the driver gives them as `timestamp[us, UTC]`; what is no time is null."""
    if any(isinstance(value, str) for value in values):
        times, _ = parse_times(pa.array([None if v is None else str(v) for v in values], pa.string()), _UTC)
        return times
    numbers = [epoch_micros(value) if isinstance(value, int | float) else None for value in values]
    return pa.array(numbers, pa.int64()).cast(TIME)
