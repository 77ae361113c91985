"""What several charts have in common: the time axis, incidents behind a series, points, threshold lines.

In: rows and encodings of one chart. Out: layers and encodings of a Vega-Lite spec. Kept: nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from reports.figures import IncidentMark, Period
from reports.picture import Chart, Spec
from reports.theme import BREACH, CONFIG, INK, MUTED, PAPER, PRODUCTION
from reports.wording import measured, plain

WIDTH = 340
WIDE = 720
HEIGHT = 150
LABEL = 18  # characters of a name that fit beside its row
_SEPARATOR = "\u001f"  # never in a name: `plain` takes control characters out

DAY = timedelta(days=1)
_HOUR = 3_600_000
_STEPS = [_HOUR * hours for hours in (1, 3, 6, 12, 24, 48, 168, 336, 672, 1344, 2688)]


def chart(
    layers: Sequence[Spec],
    rows: Sequence[Spec],
    title: str,
    alt: str,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Chart:
    """A chart of `layers` over `rows`, `width` x `height` CSS pixels with its axes."""
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        "data": {"values": list(rows)},
        "layer": list(layers),
    }
    return Chart(spec, title, alt)


def row_name(position: int, name: str) -> str:
    """The key of a row: the same name may stand in two rows."""
    return f"{position}{_SEPARATOR}{plain(name, LABEL)}"


def names_axis(names: Sequence[str]) -> Spec:
    """The encoding of y: the field `y` holds `row_name`s, which are shown without their position, in this order."""
    return {
        "field": "y",
        "type": "nominal",
        "sort": None,
        "scale": {"paddingInner": 0.3, "paddingOuter": 0.1, "domain": list(names)},
        "axis": {
            "labelExpr": "split(datum.value, '\\u001f')[1]",
            "labelLimit": 120,
            "labelColor": INK.light,
            "grid": False,
        },
    }


def known(value: float | None) -> float | None:
    """`value`, or None where it is not finite: one figure that went wrong must not cost the chart."""
    return value if value is not None and math.isfinite(value) else None


def wall(moment: datetime, zone: ZoneInfo) -> int:
    """Milliseconds of the wall-clock time in `zone`, read as if it were UTC: Vega knows no other zones."""
    return int(moment.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000)


def shown_at(period: Period) -> datetime:
    """Where a window stands on the time axis: amid its last day, so that daily points stand above their day."""
    return period.end - min(period.end - period.start, DAY) / 2


def bounds(periods: Sequence[Period]) -> tuple[datetime, datetime]:
    """The stretch of time a series of windows, oldest first, is drawn over."""
    first, last = periods[0], periods[-1]
    return first.end - min(first.end - first.start, DAY), last.end


def time_axis(periods: Sequence[Period], zone: ZoneInfo) -> Spec:
    """The encoding of x: the field `t` in wall-clock time, about four ticks at whole days (or hours)."""
    if not periods:
        return {"field": "t", "type": "temporal", "axis": None}
    start, end = (wall(moment, zone) for moment in bounds(periods))
    step = next((step for step in _STEPS if (end - start) / step <= 4.5), _STEPS[-1])
    ticks = range(start, end - (end - start) // 12, step)
    return {
        "field": "t",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [start, end], "nice": False},
        "axis": {"format": "%-d %b" if step >= 24 * _HOUR else "%H:%M", "values": list(ticks)},
    }


def incident_bands(marks: Sequence[IncidentMark], periods: Sequence[Period], zone: ZoneInfo) -> list[Spec]:
    """Incidents as a faint band from opening to end, with a stronger line where each opened."""
    if not marks or not periods:
        return []
    first, last = bounds(periods)
    rows = [
        {"from": wall(max(mark.start, first), zone), "to": wall(min(mark.end or last, last), zone)}
        for mark in marks
        if mark.start < last and (mark.end or last) > first
    ]
    if not rows:
        return []
    data, x = {"values": rows}, {"field": "from", "type": "temporal"}
    return [
        {
            "data": data,
            "mark": {"type": "rect", "color": BREACH.light, "opacity": 0.1},
            "encoding": {"x": x, "x2": {"field": "to"}},
        },
        {
            "data": data,
            "mark": {"type": "rule", "color": BREACH.light, "opacity": 0.6},
            "encoding": {"x": x},
        },
    ]


def value_line(rows: Sequence[Spec], x: Spec, y: Spec) -> list[Spec]:
    """The field `v` as a line broken where it is null; squares for breaches, dots where no line would show."""
    values = [None, *(row["v"] for row in rows), None]
    lonely = [
        row
        for at, row in enumerate(rows)
        if row["v"] is not None and values[at] is None and values[at + 2] is None  # the neighbours on both sides
    ]
    breaches = [row for row in rows if row["v"] is not None and row["state"] in ("breach", "watch")]
    point = {"type": "point", "filled": True, "opacity": 1}
    return [
        {
            "mark": {"type": "line", "color": PRODUCTION.light, "strokeWidth": 1.75},
            "encoding": {"x": x, "y": {"field": "v", **y}},
        },
        {
            "data": {"values": lonely},
            "mark": {**point, "color": PRODUCTION.light, "size": 14},
            "encoding": {"x": x, "y": {"field": "v", **y}},
        },
        {
            "data": {"values": breaches},
            "mark": {**point, "shape": "square", "color": BREACH.light, "size": 22},
            "encoding": {"x": x, "y": {"field": "v", **y}},
        },
    ]


def threshold_line(
    limits: Sequence[tuple[int, float | None]], x: Spec, y: Spec, unit: str = "number", *, below: bool = False
) -> list[Spec]:
    """The threshold as it was over time (wall time, value), dashed, with its last value written at the left."""
    given = [(t, limit) for t, limit in limits if limit is not None]
    if not given:
        return []
    turns = [
        {"t": t, "limit": limit}
        for position, (t, limit) in enumerate(given)
        if position == 0 or limit != given[position - 1][1]
    ]
    span = x["scale"]["domain"]
    turns[0]["t"] = span[0]
    turns.append({"t": span[1], "limit": given[-1][1]})
    text = f"threshold {measured(given[-1][1], unit, limit=True)}"
    at = {"x": {"value": 2}, "y": {"datum": given[0][1], **y}, "text": {"field": "text", "type": "nominal"}}
    label = {"type": "text", "align": "left", "dy": 9 if below else -7}
    return [
        {
            "data": {"values": turns},
            "mark": {
                "type": "line",
                "color": BREACH.light,
                "strokeDash": [4, 3],
                "strokeWidth": 1,
                "interpolate": "step-after",
            },
            "encoding": {"x": x, "y": {"field": "limit", **y}},
        },
        {
            "data": {"values": [{"text": text}]},
            "mark": {**label, "color": PAPER.light, "stroke": PAPER.light, "strokeWidth": 3},
            "encoding": at,
        },
        {"data": {"values": [{"text": text}]}, "mark": {**label, "color": BREACH.light}, "encoding": at},
    ]


def normal_range(x: Spec, y: Spec) -> list[Spec]:
    """The fields `low` and `high` as two thin steps around what is normal."""
    mark = {"type": "line", "color": MUTED.light, "strokeWidth": 1, "interpolate": "step"}
    return [{"mark": mark, "encoding": {"x": x, "y": {"field": field, **y}}} for field in ("low", "high")]
