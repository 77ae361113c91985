"""Times written as text or as numbers: ISO 8601, with or without zone, and seconds since 1970.

In: strings from files and databases. Out: `timestamp[us, UTC]`, and for each value that is none the reason.
Kept: nothing.

A bare number is an epoch time; its size tells the unit (up to 1e11 seconds, then milliseconds, microseconds,
nanoseconds), which is unambiguous from 1973 to 5138.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log.arrow import TIME, micros, moment

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+]?\d+)?")
_UNITS = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))


def epoch_micros(value: float) -> int:
    """A number of seconds, milliseconds, microseconds or nanoseconds since 1970 as microseconds."""
    for limit, factor in _UNITS:
        if abs(value) < limit:
            return int(value * factor) if isinstance(value, int) else round(value * factor)
    return int(value) // 1_000


def parse_time(text: str, zone: ZoneInfo | None) -> datetime:
    """One time as aware UTC; without zone it is local to `zone`, of two meanings the earlier.

    Raises ValueError with the reason, without the value.
    """
    text = text.strip()
    if re.fullmatch(r"\d{8}", text):  # ISO's short form of a date, not 1970
        raise ValueError("is not a time; write 2024-05-01 for a date")
    if _NUMBER.fullmatch(text):
        number = int(text) if text.lstrip("+-").isdigit() else float(text)
        try:
            return moment(epoch_micros(number))
        except OverflowError as error:
            raise ValueError("is no time of this age") from error
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not a time (ISO 8601 or seconds since 1970)") from error
    if parsed.tzinfo is None:
        if zone is None:
            raise ValueError("has no time zone")
        parsed = parsed.replace(tzinfo=zone)
    try:
        return parsed.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is no time of this age") from error


def parse_times(texts: pa.Array, zone: ZoneInfo | None) -> tuple[pa.Array, dict[int, str]]:
    """A string array as `timestamp[us, UTC]`, null where there is no time, and the reason by position."""
    try:
        return texts.cast(TIME), {}
    except pa.ArrowInvalid:
        pass
    if zone is not None:
        try:
            naive = texts.cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            pass
        else:
            local = pc.assume_timezone(naive, zone.key, ambiguous="earliest", nonexistent="earliest")
            return local.cast(TIME), {}
    reasons: dict[int, str] = {}
    values: list[int | None] = []
    for position, text in enumerate(texts.to_pylist()):
        value = None
        if text is not None and text.strip():
            try:
                value = micros(parse_time(text, zone))
            except ValueError as error:
                reasons[position] = str(error)
        values.append(value)
    return pa.array(values, pa.int64()).cast(TIME), reasons
