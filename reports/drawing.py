"""Our Vega-Lite charts drawn as SVG without an engine: the few marks they use, a millisecond each.

In: a spec that `charts.py` or `overviews.py` made. Out: the inside of an `<svg>` element, every colour of the palette
as a CSS custom property. Kept: nothing.

vl-convert draws any Vega-Lite chart, in 25 to 80 ms and 80 MB; a digest of a hundred models has ten thousand charts.
What stands here draws the same layers at the same places (the tests compare the two), and refuses what it does not
know, so that a new kind of mark cannot be left out silently. PNGs are vl-convert's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from reports.errors import ReportError
from reports.scales import Band, Linear, band, cut_to, labels, linear, moments, text_width, ticks
from reports.theme import COLOURS, INK, LINE, MUTED, REFERENCE

Spec = dict[str, Any]
Point = tuple[float, float]
_CSS = {colour.light: colour.css for colour in COLOURS}
_TOP, _RIGHT, _FOOT = 3.0, 3.0, 21.0
_GAP = 6.0  # between an axis and its labels


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a chart's values stand: its two scales over `width` x `height` pixels."""

    x: Linear
    y: Linear | Band
    width: float
    height: float

    def place(self, channel: str, encoding: Spec, row: Spec) -> float | None:
        """Where `row` stands on "x" or "y" by one channel's encoding; None where it has no value."""
        if "value" in encoding:
            return float(encoding["value"])
        value = encoding["datum"] if "datum" in encoding else row[encoding["field"]]
        if value is None:
            return None
        return self.x(value) if channel[0] == "x" else self.y(value)


def draw(spec: Spec) -> str:
    """The marks and axes of a layered chart. Raises ReportError for what our charts do not use."""
    common = spec["data"]["values"]
    layers = [(layer, layer.get("data", {}).get("values", common)) for layer in spec["layer"]]
    x, y = (_first(layers, channel) for channel in ("x", "y"))
    y_axis: Spec = y.get("axis") or {}
    x_axis = x.get("axis")
    names = _names(y, layers) if y["type"] == "nominal" else None
    if names is None:
        domain = _domain(y, "y", layers)
        values = ticks(*domain, y_axis.get("tickCount", 3)) if y.get("axis") is not None else []
        words = labels(values, y_axis.get("format")) if values else []
    else:
        words = [cut_to(name.split("\u001f")[-1], y_axis["labelLimit"]) for name in names]
    left = max(map(text_width, words), default=-_GAP) + _GAP
    width = spec["width"] - left - _RIGHT
    height = spec["height"] - _TOP - (_FOOT if x_axis is not None else 0.0)
    scale = linear(*_domain(x, "x", layers), 0.0, width)
    if names is None:
        plane = Plane(scale, linear(*domain, height, 0.0), width, height)
        marks = [_y_axis([plane.y(value) for value in values], words, width)] if values else []  # type: ignore[arg-type]
    else:
        plane = Plane(scale, band(names, height, y["scale"]["paddingInner"], y["scale"]["paddingOuter"]), width, height)
        marks = [_texts([(-_GAP, plane.y(name) + 4) for name in names], words, INK.light, "end")]  # type: ignore[arg-type]
    if x_axis is not None:
        marks.append(_x_axis(plane, x, left))
    marks += [_mark(plane, layer, rows) for layer, rows in layers]
    return f'<g font-size="11" fill="none" transform="translate({_n(left)} {_n(_TOP)})">{"".join(marks)}</g>'


def _first(layers: Sequence[tuple[Spec, Any]], channel: str) -> Spec:
    """The encoding that gives a channel its scale."""
    found = [layer["encoding"][channel] for layer, _ in layers if "scale" in layer["encoding"].get(channel, {})]
    any_at_all = (layer["encoding"].get(channel) for layer, _ in layers)
    return found[0] if found else next((one for one in any_at_all if one), {"type": "quantitative", "axis": None})


def _names(encoding: Spec, layers: Iterable[tuple[Spec, Sequence[Spec]]]) -> list[str]:
    return list(encoding["scale"].get("domain") or dict.fromkeys(row["y"] for _, rows in layers for row in rows))


def _domain(encoding: Spec, channel: str, layers: Iterable[tuple[Spec, Sequence[Spec]]]) -> tuple[float, float]:
    given = encoding.get("scale", {}).get("domain")
    if given is not None:
        return float(given[0]), float(given[1])
    fields = [(layer["encoding"].get(channel, {}).get("field"), rows) for layer, rows in layers]
    seen = [row[field] for field, rows in fields if field for row in rows if row.get(field) is not None]
    return (min(0.0, *seen, 0.0), max(seen)) if seen else (0.0, 1.0)


def _y_axis(at: Sequence[float], words: Sequence[str], width: float) -> str:
    lines = "".join(f"M0 {_n(y)}h{_n(width)}" for y in at)
    grid = f'<path stroke="{_css(LINE.light)}" d="{lines}"/>'
    return grid + _texts([(-_GAP, y + 4) for y in at], words, MUTED.light, "end")


def _x_axis(plane: Plane, encoding: Spec, room: float) -> str:
    """The axis below; labels reach at most `room` pixels to the left of it."""
    axis = encoding["axis"]
    if encoding["type"] == "temporal":
        values = axis["values"]
        words = moments(values, axis["format"])
    else:
        values = ticks(plane.x.low, plane.x.high, axis.get("tickCount", 5))
        words = labels(values, axis.get("format"))
    at = [plane.x(value) for value in values]
    marks = "".join(f"M{_n(x)} {_n(plane.height)}v4" for x in at)
    line = f'<path stroke="{_css(REFERENCE.light)}" d="M0 {_n(plane.height)}h{_n(plane.width)}"/>'
    shown = list(zip(at, words, strict=True))

    def inside(x: float, word: str) -> float:
        half = text_width(word) / 2
        return min(max(x, half - room), plane.width + _RIGHT - half)

    while any(b - a < (text_width(v) + text_width(w)) / 2 + 4 for (a, v), (b, w) in pairwise(shown)):
        shown = shown[::2]
    return f'<path stroke="{_css(LINE.light)}" d="{marks}"/>{line}' + _texts(
        [(inside(x, word), plane.height + 18) for x, word in shown], [w for _, w in shown], MUTED.light, "middle"
    )


def _mark(plane: Plane, layer: Spec, rows: Sequence[Spec]) -> str:
    kind = layer["mark"]["type"]
    if kind not in _MARKS:
        raise ReportError(f"charts are not drawn with the mark {kind!r}")
    return _MARKS[kind](plane, layer["mark"], layer["encoding"], rows)


def _line(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    runs = _runs(plane, encoding, rows, ("x", "y"))
    path = "".join(
        _through([(x, y) for x, y in run], mark.get("interpolate", "linear")) for run in runs if len(run) > 1
    )
    return _path(path, _stroke(mark)) if path else ""


def _area(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    floor = plane.y(0.0) if "y2" not in encoding else 0.0  # type: ignore[arg-type]
    channels = ("x", "y", "y2") if "y2" in encoding else ("x", "y")
    path = ""
    for run in _runs(plane, encoding, rows, channels):
        over = [(place[0], place[1]) for place in run]
        under = [(place[0], place[2] if len(place) > 2 else floor) for place in reversed(run)]
        if len(channels) == 2:
            under = [under[0], under[-1]]
        path += _through(over, mark.get("interpolate", "linear")) + _through(under, "linear").replace("M", "L", 1) + "Z"
    return _path(path, _fill(mark)) if path else ""


def _runs(plane: Plane, encoding: Spec, rows: Sequence[Spec], channels: Sequence[str]) -> list[list[tuple[float, ...]]]:
    """The rows' places, broken where a row has none."""
    runs: list[list[tuple[float, ...]]] = [[]]
    for row in rows:
        places = tuple(plane.place(channel, encoding[channel], row) for channel in channels)
        if None in places:
            runs.append([])
        else:
            runs[-1].append(places)  # type: ignore[arg-type]
    return [run for run in runs if run]


def _through(points: Sequence[Point], how: str) -> str:
    """A path through `points`: straight, in steps after each, or in steps half way between them."""
    if how == "linear":
        return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    if how == "step-after":
        return path + "".join(f"H{_n(x)}V{_n(y)}" for x, y in points[1:])
    if how == "step":
        halves = "".join(f"H{_n((before[0] + after[0]) / 2)}V{_n(after[1])}" for before, after in pairwise(points))
        return f"{path}{halves}H{_n(points[-1][0])}"
    raise ReportError(f"charts are not drawn with lines that run {how!r}")


def _bar(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    """Horizontal bars, from zero (or x2) to the value."""
    assert isinstance(plane.y, Band)
    height = plane.y.width * mark["height"]["band"]
    path = ""
    for row in rows:
        start = plane.place("x", encoding["x2"], row) if "x2" in encoding else plane.x(0.0)
        end = plane.place("x", encoding["x"], row)
        if start is not None and end is not None and start != end:
            path += _box(min(start, end), plane.y(row["y"]) - height / 2, abs(end - start), height)
    return _path(path, _fill(mark)) if path else ""


def _rect(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    """Boxes from x to x2 and from y to y2 (the whole height without them), each colour together."""
    paths: dict[str, str] = {}
    for row in rows:
        x, x2 = (plane.place("x", encoding[channel], row) for channel in ("x", "x2"))
        y = plane.place("y", encoding["y"], row) if "y" in encoding else 0.0
        y2 = plane.place("y", encoding["y2"], row) if "y2" in encoding else plane.height
        if x is None or x2 is None or y is None or y2 is None:
            continue
        left, right = max(0.0, min(x, x2)), min(plane.width, max(x, x2))
        colour = _colour(mark, encoding, row)
        paths[colour] = paths.get(colour, "") + _box(left, min(y, y2), max(0.0, right - left), abs(y2 - y))
    return "".join(_path(path, _fill({**mark, "color": colour})) for colour, path in paths.items())


def _colour(mark: Spec, encoding: Spec, row: Spec) -> str:
    if "color" not in encoding:
        return str(mark["color"])
    condition = encoding["color"]["condition"]
    return str(condition["value"] if row[condition["test"].removeprefix("datum.")] else encoding["color"]["value"])


def _rule(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    if "x" in encoding:
        found = (plane.place("x", encoding["x"], row) for row in rows)
        path = "".join(f"M{_n(x)} 0V{_n(plane.height)}" for x in found if x is not None)
    else:
        y = plane.place("y", encoding["y"], {})
        path = f"M0 {_n(y or 0.0)}H{_n(plane.width)}"
    return _path(path, _stroke({"strokeWidth": 1, **mark})) if path else ""


def _point(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    """Squares or discs of the area `size`, as Vega has it; all in one path."""
    reach = math.sqrt(mark["size"]) / 2
    path = ""
    for row in rows:
        x, y = plane.place("x", encoding["x"], row), plane.place("y", encoding["y"], row)
        if x is None or y is None:
            continue
        if mark.get("shape") == "square":
            path += _box(x - reach, y - reach, 2 * reach, 2 * reach)
        else:
            arc, way = f"a{_n(reach)} {_n(reach)} 0 1 1", _n(2 * reach)
            path += f"M{_n(x - reach)} {_n(y)}{arc} {way} 0{arc} -{way} 0"
    if not path:
        return ""
    return _path(path, _fill(mark) if mark.get("filled") else _stroke({"strokeWidth": 2, **mark}))


def _text(plane: Plane, mark: Spec, encoding: Spec, rows: Sequence[Spec]) -> str:
    places, words = [], []
    for row in rows:
        x, y = plane.place("x", encoding["x"], row), plane.place("y", encoding["y"], row)
        if x is not None and y is not None:
            places.append((x + mark.get("dx", 0), y + mark.get("dy", 0) + 4))
            words.append(str(row[encoding["text"]["field"]]))
    halo = f' stroke="{_css(mark["stroke"])}" stroke-width="{mark["strokeWidth"]}"' if "stroke" in mark else ""
    return _texts(places, words, mark["color"], {"left": "start", "right": "end"}[mark["align"]], halo)


_MARKS: dict[str, Callable[[Plane, Spec, Spec, Sequence[Spec]], str]] = {
    "area": _area,
    "bar": _bar,
    "line": _line,
    "point": _point,
    "rect": _rect,
    "rule": _rule,
    "text": _text,
}


def _texts(places: Sequence[Point], words: Sequence[str], colour: str, anchor: str, more: str = "") -> str:
    if not words:
        return ""
    written = "".join(
        f'<text x="{_n(x)}" y="{_n(y)}">{escape(word)}</text>' for (x, y), word in zip(places, words, strict=True)
    )
    return f'<g fill="{_css(colour)}" text-anchor="{anchor}"{more}>{written}</g>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}z"


def _path(d: str, look: str) -> str:
    return f'<path{look} d="{d}"/>'


def _fill(mark: Spec) -> str:
    return f' fill="{_css(mark["color"])}"{_opacity(mark)}'


def _stroke(mark: Spec) -> str:
    dash = f' stroke-dasharray="{" ".join(map(str, mark["strokeDash"]))}"' if "strokeDash" in mark else ""
    width = mark["strokeWidth"]
    thick = f' stroke-width="{width}"' if width != 1 else ""
    return f' stroke="{_css(mark["color"])}"{thick}{dash}{_opacity(mark)}'


def _opacity(mark: Spec) -> str:
    opacity = mark.get("opacity", 1)
    return f' opacity="{opacity}"' if opacity != 1 else ""


def _css(colour: str) -> str:
    return _CSS.get(colour, quoteattr(colour)[1:-1])


def _n(value: float) -> str:
    """A tenth of a pixel is fine enough."""
    text = f"{value:.1f}"
    if text.endswith(".0"):
        text = text[:-2]
    return "0" if text == "-0" else text
