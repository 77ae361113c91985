"""What a config's values are made of: durations, dates, cron lines, URLs, and the base of every section.

In: a text from a config. Out: the value, or ValueError saying what is accepted. Kept: nothing.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from enum import Enum
from math import floor, log10
from types import NoneType
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: object) -> timedelta:
    """`15m`, `28d`, `1h30m` as a timedelta. Raises ValueError with an example of what is accepted."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    parts = re.findall(r"(\d+)\s*([smhdw])", text)
    if not parts or re.sub(r"\d+\s*[smhdw]\s*", "", text):
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 15m, 1h or 28d")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def format_duration(value: timedelta) -> str:
    """The shortest spelling `parse_duration` reads back: 900 s is `15m`, 28 days are `28d`."""
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]


class Mark(Enum):
    """What a text is beside text: how it is resolved and how much of it may be shown."""

    HIDDEN = "never shown"
    ADDRESS = "URL that may be a secret: only its host is shown"
    URL = "shown without password; the file of an sqlite:/// URL is relative to the config file"
    PATH = "file or folder, relative to the config file; other URLs stay as they are"


def check_rate(value: str) -> str:
    """So many in a second, minute or hour. Raises ValueError with an example."""
    if not re.fullmatch(r"[1-9]\d{0,5}/[smh]", value):
        raise ValueError(f"{value!r} is no rate; write a number in a time, such as 30/m, 1/s or 500/h")
    return value


def parse_moment(value: object) -> object:
    """`2013-01-01` as a date, `2013-01-01T06:00:00Z` as an instant; anything else is refused."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if len(value) == len("2013-01-01") else datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date; write 2013-01-31, or an instant: 2013-01-31T06:00:00Z") from None


def check_cron(value: str) -> str:
    """Five cron fields with weekdays by name. Raises ValueError that says which field is wrong."""
    fields = value.split()
    if len(fields) != 5:
        raise ValueError(f"{value!r} has {len(fields)} fields; cron has five: minute hour day month weekday")
    if re.search(r"\d", fields[4].split("/")[0]):
        # To cron 0 and 7 are Sunday, to the scheduler 0 is Monday: a number would fire a day off.
        raise ValueError(
            f"{value!r}: write weekdays by name (mon, tue-fri), numbers mean different days to different programs"
        )
    from apscheduler.triggers.cron import CronTrigger

    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except ValueError as error:
        raise ValueError(f"{value!r} is no cron line: {error}. Write five fields: `0 8 * * mon`") from None
    return value


def check_timezone(value: str) -> str:
    """A name of the time zone database. Raises ValueError with an example."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder, such as Europe
        near = get_close_matches(value, available_timezones(), 1)
        hint = f"did you mean {near[0]}?" if near else "write one such as Europe/Berlin or UTC"
        raise ValueError(f"{value!r} is no time zone; {hint}") from None
    return value


def check_http(value: str) -> str:
    """An http or https URL. Raises ValueError that never repeats the URL: it may be a secret."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/\S*|[?#]\S*)?", value):
        raise ValueError("write a URL: https://host/path")
    return value


def check_budget(value: str) -> str:
    """How many false alarms are acceptable in how long. Raises ValueError with an example."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) per (\d+)([dhw])", value.strip())
    if match is None or not int(match[2]):
        raise ValueError(f"{value!r} is not a budget; write `1 per 30d`")
    if not float(match[1]):
        raise ValueError(f"{value!r} would allow no alarm at all; write a small budget, such as `0.1 per 30d`")
    return value.strip()


def parse_often(text: str) -> tuple[float, timedelta]:
    """`2 per 4w` as a number and the time it is for."""
    count, length = text.split(" per ")
    return float(count), parse_duration(length)


def parse_budget(text: str) -> float:
    """`2 per 4w` as the number in 30 days."""
    count, length = parse_often(text)
    return count * timedelta(days=30) / length


def format_budget(value: float) -> str:
    """A number in 30 days as `parse_budget` reads it, to four digits."""
    digits = max(0, 3 - floor(log10(value)))
    text = f"{value:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} per 30d"


def check_listen(value: str) -> str:
    """`host:port`. Raises ValueError with an example."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):(\d{1,5})", value)
    if match is None or int(match[2]) > 65535:
        raise ValueError(f"{value!r} is no address to listen on; write host:port, such as 127.0.0.1:8787")
    return value


def check_state(value: str) -> str:
    """The URL of a database Driftline can keep its state in. Raises ValueError that never repeats the URL."""
    if not re.match(r"sqlite(\+\w+)?://|postgres(ql)?(\+\w+)?://", value):
        scheme = value.split("://", 1)[0] if "://" in value else None
        said = f"{scheme} is not supported; " if scheme else ""
        raise ValueError(f"{said}write sqlite:///driftline.db or postgresql://user@host/database")
    return value


Rate = Annotated[str, AfterValidator(check_rate)]
Cron = Annotated[str, AfterValidator(check_cron)]
TimeZone = Annotated[str, AfterValidator(check_timezone)]
Http = Annotated[str, AfterValidator(check_http)]
Listen = Annotated[str, AfterValidator(check_listen)]
Budget = Annotated[str, AfterValidator(check_budget)]
StateUrl = Annotated[str, AfterValidator(check_state)]
Moment = Annotated[date | datetime, BeforeValidator(parse_moment)]


class Section(BaseModel):
    """Base of every section: frozen, and a key that is not a field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        """A key with nothing behind it (null in YAML) is the default, unless null means something of its own there."""
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        keep = {
            name
            for attribute, field in cls.model_fields.items()
            if field.is_required() or NoneType in get_args(field.annotation)
            for name in (attribute, field.alias)
        }
        known = {name for attribute, field in cls.model_fields.items() for name in (attribute, field.alias)}
        return {key: value for key, value in data.items() if value is not None or key in keep or key not in known}
