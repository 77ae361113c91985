"""How figures, times and hostile text are written on a page: one place, so that every page writes them alike.

In: numbers, aware UTC times, text from data. Out: short strings, not yet escaped for HTML. Kept: nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.figures import Period

NOTHING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 3) -> str:
    """`value` to `digits` significant digits, in positional notation where that stays short: 0.312, 12,340, 1.2×10⁹."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e7 or size < 1e-4:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}×10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−", 1)
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{places}f}"
    if float(value).is_integer():
        text = f"{value:,.0f}"
    return text.replace("-", "−")


def trimmed(value: float | None) -> str:
    """As `number`, without zeros at the end: a threshold is written as its owner wrote it, 0.2."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def measured(value: float | None, unit: str, *, limit: bool = False) -> str:
    """A statistic in its unit: "number" 0.312, "share" 31%, "deviations" +0.31 sd, and of a share's change "points"
    (of a hundred) +3.1 points. `limit`: as a threshold."""
    if unit == "share":
        return share(value)
    if unit == "points" and value is not None and math.isfinite(value):
        points = number(100.0 * value, 2)
        return f"{'+' if value > 0 else ''}{points} {'point' if points in ('1', '−1') else 'points'}"
    written = trimmed(value) if limit else number(value)
    if unit != "deviations" or value is None or not math.isfinite(value):
        return written
    return f"{'' if limit or value < 0 else '+'}{written} sd"


def share(value: float | None) -> str:
    """A fraction of 1 as a percentage with the digits that matter: 31%, 4.2%, 0.42%, <0.01%, 99.96%."""
    if value is None or not math.isfinite(value):
        return NOTHING
    percent = 100 * value
    if percent == 0 or percent == 100:
        return f"{percent:.0f}%"
    if abs(percent) < 0.01:
        return "<0.01%"
    if 99 < percent < 100:
        return f"{math.floor(percent * 100) / 100:.2f}%"
    if abs(percent) < 1:
        return f"{percent:.2f}%".replace("-", "−")
    if abs(percent) < 9.95:
        return f"{percent:.1f}%".replace("-", "−")
    return f"{percent:.0f}%".replace("-", "−")


def count(value: int | None) -> str:
    """A whole number with thousands separated: 12,345."""
    return NOTHING if value is None else f"{value:,}"


def pvalue(value: float | None) -> str:
    """A p-value: 0.031, or <0.001, beyond which digits say nothing."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def horizon(value: str) -> str:
    """A window's horizon in words: `1d` is daily, `7d` 7-day windows, `run:42` one run."""
    if value.startswith("run"):
        return "by run"
    return {"1h": "hourly", "1d": "daily"}.get(value, f"{value.removesuffix('d')}-day windows")


def window(value: str) -> str:
    """One window of a horizon in words: `1d` is a day, `7d` a 7-day window, `run` one run."""
    if value.startswith("run"):
        return "one run"
    return {"1h": "an hour", "1d": "a day"}.get(value, f"{value.removesuffix('d')}-day window")


def plural(n: int, one: str, many: str = "") -> str:
    """`1 model`, `2 models`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def duration(minutes: float | None) -> str:
    """Minutes as people say them: 14 min, 3 h 20 min, 2 days."""
    if minutes is None or not math.isfinite(minutes):
        return NOTHING
    whole = round(minutes)
    if whole < 60:
        return f"{whole} min"
    if whole < 48 * 60:
        hours, rest = divmod(whole, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(whole / 1440)} days"


def day(moment: datetime, zone: ZoneInfo, *, year: bool = True, weekday: bool = False) -> str:
    """`6 May 2013`, `Mon 6 May`: the day `moment` falls on in `zone`."""
    local = moment.astimezone(zone)
    return f"{local:%a }" * weekday + f"{local.day} {local:%b}" + f" {local:%Y}" * year


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`6 May, 08:00` in `zone`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b}, {local:%H:%M}"


def dated_clock(moment: datetime, zone: ZoneInfo) -> str:
    """`6 May 2013, 08:00` in `zone`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}, {local:%H:%M}"


def utc(moment: datetime) -> str:
    """`2013-05-06 12:00 UTC`, the same everywhere."""
    return f"{moment.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M} UTC"


def span(period: Period, zone: ZoneInfo) -> str:
    """A period as days where it is whole days in `zone` (`29 Apr – 5 May 2013`), else with clock times."""
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    if start.time() == end.time() == datetime.min.time() and end > start:
        last = end - timedelta(days=1)
        if last.date() == start.date():
            return day(start, zone)
        if start.year != last.year:
            return f"{day(start, zone)} – {day(last, zone)}"
        if start.month != last.month:
            return f"{day(start, zone, year=False)} – {day(last, zone)}"
        return f"{start.day} – {day(last, zone)}"
    if start.date() == end.date():
        return f"{day(start, zone)}, {start:%H:%M} – {end:%H:%M}"
    return f"{day(start, zone, year=start.year != end.year)} {start:%H:%M} – {day(end, zone)} {end:%H:%M}"


def sentence(text: str) -> str:
    """`text` with a capital first and a full stop at the end; a name such as `wind_speed` stays as it is."""
    whole = text.strip()
    if not whole:
        return ""
    first = whole.split(maxsplit=1)[0]
    begun = whole if re.search(r"[_\d]", first) else whole[:1].upper() + whole[1:]
    return begun + ("" if whole.endswith((".", "!", "?", "…")) else ".")


def plain(text: str, limit: int = 120) -> str:
    """Text from data, fit to stand in a line: no line breaks, control or direction characters, at most `limit` long.

    What was cut is shown to be cut, by an ellipsis. It is not escaped: that is the template's part.
    """
    if text.isprintable() and "  " not in text:  # nearly every text: nothing to take out
        line = text.strip()
    else:
        kept = "".join(character if unicodedata.category(character) not in _UNSEEN else " " for character in text)
        line = re.sub(r"\s+", " ", kept).strip()
    if not line:
        return "(blank)" if text else "(empty)"
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, format (direction marks), surrogate, private, line separators
