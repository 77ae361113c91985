"""Charts over a whole model: features by day, versions and incidents on one time axis, what a change is made of.

In: `HeatMap`, `ModelPage`, `Why`, the reader's time zone. Out: `Chart`, as `charts.py` makes them. Kept: nothing.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from reports import alt_text
from reports.chart_parts import DAY, WIDE, chart, known, names_axis, row_name, time_axis, wall
from reports.context import ModelPage
from reports.figures import Period
from reports.parts import HeatMap, Why
from reports.picture import Chart, Spec
from reports.theme import BREACH, MUTED, PRODUCTION, REFERENCE, WATCH
from reports.wording import measured, plain

HEAT_ROWS = 40
_ROW = 16
# From half a threshold on, larger and darker with every level, so that size alone tells them apart.
_LEVELS = ((0.5, 10, REFERENCE), (0.8, 30, WATCH), (1.0, 60, BREACH), (2.0, 110, BREACH))
_WEEKS = timedelta(weeks=8)


def heat(shown: HeatMap, zone: ZoneInfo) -> Chart:
    """Features by days: a square a day from half the threshold on, larger the further over it."""
    shown = HeatMap(shown.days, shown.rows[:HEAT_ROWS])
    x = time_axis(shown.days, zone)
    rows = [row_name(position, row.name) for position, row in enumerate(shown.rows)]
    y = names_axis(rows)
    found: list[list[Spec]] = [[] for _ in _LEVELS]
    for name, row in zip(rows, shown.rows, strict=True):
        for day, ratio in zip(shown.days, row.ratios, strict=True):
            level = _level(known(ratio))
            if level is not None:
                found[level].append({"t": wall(day.end - DAY / 2, zone), "y": name})
    layers: list[Spec] = [
        {
            "data": {"values": cells},
            "mark": {
                "type": "point",
                "shape": "square",
                "filled": True,
                "opacity": 1,
                "color": colour.light,
                "size": size,
            },
            "encoding": {"x": x, "y": y},
        }
        for cells, (_, size, colour) in zip(found, _LEVELS, strict=True)
    ]
    return chart(layers, [], "Features by day", alt_text.heat(shown), width=WIDE, height=_ROW * len(rows) + 24)


def _level(ratio: float | None) -> int | None:
    if ratio is None:
        return None
    return next((level for level in reversed(range(len(_LEVELS))) if ratio >= _LEVELS[level][0]), None)


def timeline(page: ModelPage, period: Period, zone: ZoneInfo) -> Chart:
    """The versions that served, and the incidents, over the eight weeks to the report's end."""
    start = period.end - _WEEKS
    spans = [(span.version, span.start, span.end) for span in page.versions]
    troubles = [(one.id, one.opened_at, one.resolved_at) for one in page.incidents]
    names = [row_name(at, name) for at, (name, _, _) in enumerate([*spans, *troubles])]
    x = time_axis([Period(start, start + DAY), Period(period.end - DAY, period.end)], zone)
    y = names_axis(names)

    rows = []
    for name, (_, first, last), trouble in zip(
        names, [*spans, *troubles], [False] * len(spans) + [True] * len(troubles), strict=True
    ):
        begin, end = max(first, start), min(last or period.end, period.end)
        if begin < end:
            rows.append({"t": wall(begin, zone), "t2": wall(end, zone), "y": name, "trouble": trouble})
    layers: list[Spec] = [
        {
            "data": {"values": [row for row in rows if row["trouble"] is trouble]},
            "mark": {"type": "bar", "color": colour.light, "height": {"band": height}},
            "encoding": {"x": x, "x2": {"field": "t2"}, "y": y},
        }
        for trouble, colour, height in ((False, PRODUCTION, 0.7), (True, BREACH, 0.35))
    ]
    return chart(
        layers, [], "Versions and incidents", alt_text.timeline(page), width=WIDE, height=_ROW * len(names) + 28
    )


def contributions(why: Why) -> Chart:
    """What a change is made of: a bar to the left or right of nothing for each part, the largest first."""
    parts = sorted(why.contributions, key=lambda one: -abs(one.value))[:12]
    rows = [
        {"y": row_name(at, one.subject), "v": known(one.value) or 0.0, "text": _short(one.value, why.unit)}
        for at, one in enumerate(parts)
    ]
    largest = max((abs(float(str(row["v"]))) for row in rows), default=1.0) or 1.0
    x = {"type": "quantitative", "axis": None, "scale": {"domain": [-largest * 1.5, largest * 1.5], "nice": False}}
    y = names_axis([str(row["y"]) for row in rows])
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": PRODUCTION.light, "height": {"band": 0.6}},
            "encoding": {"x": {"field": "v", **x}, "x2": {"datum": 0}, "y": y},
        },
        *(
            {
                "data": {"values": [row for row in rows if (float(str(row["v"])) >= 0) is up]},
                "mark": {
                    "type": "text",
                    "align": "left" if up else "right",
                    "dx": 6 if up else -6,
                    "color": MUTED.light,
                },
                "encoding": {"x": {"field": "v", **x}, "y": y, "text": {"field": "text", "type": "nominal"}},
            }
            for up, side in ((True, {"align": "left", "dx": 6}), (False, {"align": "right", "dx": -6}))
        ),
    ]
    title = f"What the change of {plain(why.measure, 40)} is made of" if why.measure else "What the change is made of"
    return chart(layers, rows, title, alt_text.contributions(why), height=max(40, 22 * len(rows)))


def _short(value: float, unit: str) -> str:
    """A part beside its bar; what points are is said above the picture."""
    return measured(value, unit).removesuffix(" points").removesuffix(" point")
