"""Every chart of the reports, one function each: figures in, a Vega-Lite spec with its description out.

In: distributions and series (`figures.py`), the reader's time zone. Out: `Chart`, which `picture.py` draws as SVG or
PNG and a dashboard can show as it is. Kept: nothing.

The specs are plain Vega-Lite JSON; the tests hold them against Altair's schema. Text from data appears only as data
values, never as field names or expressions, so none of it is interpreted. Times are given to Vega as wall-clock times
of the reader's zone. A chart is 340 CSS pixels wide, so that it reads at its own size on a phone and three fit a desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from reports import alt_text
from reports.chart_parts import (
    DAY,
    chart,
    incident_bands,
    known,
    names_axis,
    normal_range,
    row_name,
    shown_at,
    threshold_line,
    time_axis,
    value_line,
    wall,
)
from reports.figures import (
    CategoryDistribution,
    Distribution,
    NumberDistribution,
    PerformancePoint,
    PerformanceSeries,
    Series,
    State,
    VolumeSeries,
)
from reports.picture import Chart, Spec
from reports.theme import BREACH, ESTIMATE, MUTED, PRODUCTION, REFERENCE, Colour
from reports.wording import horizon, plain, share, trimmed

_UNJUDGED = (State.INSUFFICIENT, State.MISSING)


def distribution(shown: Distribution, name: str) -> Chart:
    """Reference and production overlaid: bins for numbers, bars for categories. `name` is for the description."""
    if isinstance(shown, NumberDistribution):
        return numbers(shown, name)
    return categories(shown, name)


def numbers(shown: NumberDistribution, name: str) -> Chart:
    """A numeric column: the reference as an area, production as a line over it; heights are densities."""
    widths = [right - left for left, right in zip(shown.edges, shown.edges[1:], strict=False)]
    mean = sum(widths) / len(widths)
    bins = zip(shown.edges[:-1], widths, shown.reference, shown.production, strict=True)
    rows = [
        {"x": shown.edges[0], "r": 0.0, "p": 0.0},
        *({"x": left, "r": r * mean / width, "p": p * mean / width} for left, width, r, p in bins),
        {"x": shown.edges[-1], "r": 0.0, "p": 0.0},
    ]
    largest = max(abs(shown.edges[0]), abs(shown.edges[-1]))
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [shown.edges[0], shown.edges[-1]], "nice": False},
        "axis": {"tickCount": 5, **({"format": "~s"} if largest >= 1e5 or largest < 1e-3 else {})},
    }
    y = {"type": "quantitative", "axis": None, "scale": {"zero": True, "nice": False}}
    step = {"interpolate": "step-after"}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "color": REFERENCE.light, "opacity": 0.55, **step},
            "encoding": {"x": x, "y": {"field": "r", **y}},
        },
        {
            "mark": {"type": "line", "color": PRODUCTION.light, "strokeWidth": 1.75, **step},
            "encoding": {"x": x, "y": {"field": "p", **y}},
        },
    ]
    title = f"{plain(name, 60)}: reference (area), production (line)"
    return chart(layers, rows, title, alt_text.numbers(shown, name))


def categories(shown: CategoryDistribution, name: str) -> Chart:
    """A categorical column: a thick bar for the reference, a thin one for production on it, both shares in figures."""
    rows = [
        {
            "y": row_name(position, part.label),
            "r": part.reference,
            "p": part.production,
            "end": max(part.reference, part.production),
            "text": f"{share(part.reference)} → {share(part.production)}",
        }
        for position, part in enumerate(shown.shares)
    ]
    largest = max((max(part.reference, part.production) for part in shown.shares), default=1.0) or 1.0
    y = names_axis([str(row["y"]) for row in rows])
    # the longest bar leaves room for the figures after it
    x = {"type": "quantitative", "axis": None, "scale": {"domain": [0, largest * 1.6], "nice": False}}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": REFERENCE.light, "opacity": 0.55, "height": {"band": 1}},
            "encoding": {"x": {"field": "r", **x}, "y": y},
        },
        {
            "mark": {"type": "bar", "color": PRODUCTION.light, "height": {"band": 0.4}},
            "encoding": {"x": {"field": "p", **x}, "y": y},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 6, "color": MUTED.light},
            "encoding": {"x": {"field": "end", **x}, "y": y, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    title = f"{plain(name, 60)}: reference (thick), production (thin)"
    return chart(layers, rows, title, alt_text.categories(shown, name), height=max(40, 22 * len(rows)))


def statistic(series: Series, name: str, zone: ZoneInfo) -> Chart:
    """A statistic over time with its threshold; breaches as squares, windows not judged as rings on the axis."""
    periods = [point.period for point in series.points]
    rows: list[Spec] = [
        {
            "t": wall(shown_at(point.period), zone),
            "v": None if point.state in _UNJUDGED else known(point.value),
            "state": point.state.value,
        }
        for point in series.points
    ]
    limits = [(row["t"], known(point.threshold)) for row, point in zip(rows, series.points, strict=True)]
    seen = [value for value in (*(row["v"] for row in rows), *(limit for _, limit in limits)) if value is not None]
    x = time_axis(periods, zone)
    y = {
        "type": "quantitative",
        "scale": {"domain": [min([0.0, *seen]) * 1.15, max([0.0, *seen]) * 1.15 or 1.0], "nice": False},
        "axis": {"format": "~%" if series.unit == "share" else "~g"},
    }
    layers = [
        *incident_bands(series.marks, periods, zone),
        *threshold_line(limits, x, y, series.unit),
        *value_line(rows, x, y),
        {
            "data": {"values": [row for row in rows if row["v"] is None]},
            "mark": {"type": "point", "filled": False, "opacity": 1, "color": MUTED.light, "size": 14},
            "encoding": {"x": x, "y": {"datum": 0, **y}},
        },
    ]
    title = f"{plain(series.statistic, 30)} of {plain(name, 50)}, {horizon(series.horizon)}"
    return chart(layers, rows, title, alt_text.statistic(series, name))


def performance(series: PerformanceSeries, zone: ZoneInfo) -> Chart:
    """A performance metric over time with its 95% interval, the reference's own value (grey) and the limit (dashed).

    What is estimated without labels is a thin line with dots, in a band of its own.
    """
    periods = [point.period for point in series.points or series.estimated]
    rows, guessed = _metric_rows(series.points, zone), _metric_rows(series.estimated, zone)
    seen = [row[field] for row in [*rows, *guessed] for field in ("v", "low", "high") if row[field] is not None]
    baseline, threshold = known(series.baseline), known(series.threshold)
    seen += [value for value in (baseline, threshold) if value is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    pad = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    x = time_axis(periods, zone)
    y = {
        "type": "quantitative",
        "scale": {"domain": [low - pad, high + pad], "nice": False, "zero": False},
        "axis": {"format": "~%" if series.unit == "share" else "~g"},
    }
    layers: list[Spec] = [
        *incident_bands(series.marks, periods, zone),
        *([_band(guessed, ESTIMATE, x, y)] if guessed else []),
        _band(rows, PRODUCTION, x, y),
    ]
    if baseline is not None:
        rule = {"type": "rule", "color": REFERENCE.light, "strokeWidth": 1.5}
        layers.append({"mark": rule, "encoding": {"y": {"datum": baseline, **y}}})
    if rows or guessed:
        limits = [(row["t"], threshold) for row in rows or guessed]
        layers += threshold_line(limits, x, y, below=series.higher_is_better)
    if guessed:
        line = {"type": "line", "color": ESTIMATE.light, "strokeWidth": 1.5, "strokeDash": [1, 2]}
        layers.append({"data": {"values": guessed}, "mark": line, "encoding": {"x": x, "y": {"field": "v", **y}}})
    layers += value_line(rows, x, y)
    reference = f" (reference {trimmed(baseline)})" if baseline is not None else ""
    title = f"{plain(series.metric, 50)}, {horizon(series.horizon)}{reference}"
    return chart(layers, rows, title, alt_text.performance(series))


def _metric_rows(points: Sequence[PerformancePoint], zone: ZoneInfo) -> list[Spec]:
    """One row a window; what was not judged is a gap."""
    return [
        {
            "t": wall(shown_at(point.period), zone),
            "v": None if point.state in _UNJUDGED else known(point.value),
            "low": None if point.state in _UNJUDGED else known(point.low),
            "high": None if point.state in _UNJUDGED else known(point.high),
            "state": point.state.value,
        }
        for point in points
    ]


def _band(rows: Sequence[Spec], colour: Colour, x: Spec, y: Spec) -> Spec:
    return {
        "data": {"values": list(rows)},
        "mark": {"type": "area", "color": colour.light, "opacity": 0.18},
        "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
    }


def volume(series: VolumeSeries, zone: ZoneInfo) -> Chart:
    """Rows per window as bars, with the range that is normal where it is known."""
    periods = [point.period for point in series.points]
    step = min([DAY, *(period.end - period.start for period in periods)])
    inset = step * 0.12
    rows: list[Spec] = [
        {
            "t": wall(point.period.end - step + inset, zone),
            "t2": wall(point.period.end - inset, zone),
            "v": point.rows,
            "low": known(point.low),
            "high": known(point.high),
            "breach": point.state is State.BREACH,
        }
        for point in series.points
    ]
    x = time_axis(periods, zone)
    top = max([1.0, *(float(rows) for point in series.points for rows in (point.rows, known(point.high) or 0))]) * 1.08
    y = {
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"format": "~s" if top >= 10_000 else ",.0f"},
    }
    layers: list[Spec] = [
        *incident_bands(series.marks, periods, zone),
        {
            "mark": {"type": "rect", "opacity": 0.7},
            "encoding": {
                "x": x,
                "x2": {"field": "t2"},
                "y": {"field": "v", **y},
                "y2": {"datum": 0},
                "color": {"condition": {"test": "datum.breach", "value": BREACH.light}, "value": PRODUCTION.light},
            },
        },
        *normal_range(x, y),
    ]
    return chart(layers, rows, f"Rows, {horizon(series.horizon)}", alt_text.volume(series))
