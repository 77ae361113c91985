"""Our own drawing of charts: the same marks at the same places as Vega's, and nothing left out in silence."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import vl_convert

from reports.drawing import draw
from reports.errors import ReportError
from reports.picture import Chart
from reports.theme import BREACH, ESTIMATE, PRODUCTION, REFERENCE
from tests.reports.test_charts import all_charts

DRAWN = [
    "numbers",
    "categories",
    "statistic",
    "marked",
    "performance",
    "volume",
    "estimated",
    "timeline",
    "contributions",
]
Point = tuple[float, float]


@pytest.fixture(scope="module")
def made() -> dict[str, Chart]:
    return all_charts()


def vertices(svg: str, colour: str) -> list[Point]:
    """Every corner of the paths and lines painted in `colour`, in the picture's own pixels."""
    found: list[Point] = []
    number = r"(-?[\d.]+)"

    def walk(element: ElementTree.Element, x: float, y: float) -> None:
        moved = re.match(rf"translate\({number}[ ,]{number}\)", element.get("transform", ""))
        if moved:
            x, y = x + float(moved[1]), y + float(moved[2])
        if colour in (element.get("fill"), element.get("stroke")) and element.get("d"):
            found.extend((x + px, y + py) for px, py in corners(element.get("d", "")))
        for child in element:
            walk(child, x, y)

    walk(ElementTree.fromstring(svg), 0.0, 0.0)
    return found


def corners(d: str) -> list[Point]:
    x = y = 0.0
    found = []
    for command, rest in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", d):
        values = [float(value) for value in re.findall(r"-?[\d.]+(?:e-?\d+)?", rest)]
        steps = {"M": 2, "L": 2, "H": 1, "h": 1, "V": 1, "v": 1}.get(command, 0)
        for at in range(0, len(values), steps or len(values) or 1):
            if command in "ML":
                x, y = values[at : at + 2]
            elif command in "Hh":
                x = values[at] + (x if command == "h" else 0)
            elif command in "Vv":
                y = values[at] + (y if command == "v" else 0)
            found.append((x, y))
    return found


def ours(chart: Chart) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{draw(chart.spec)}</svg>'


@pytest.mark.parametrize("name", DRAWN)
def test_marks_stand_where_vega_puts_them(made: dict[str, Chart], name: str) -> None:
    """Each corner has one of Vega's within the few pixels by which the margins around the two plots differ."""
    theirs, mine = vl_convert.vegalite_to_svg(made[name].spec), ours(made[name])
    for colour in (PRODUCTION, BREACH, ESTIMATE):
        expected, got = vertices(theirs, colour.light), vertices(mine, colour.css)
        assert bool(expected) == bool(got), colour.name
        for these, those in ((expected, got), (got, expected)):
            far = [p for p in these if min(abs(p[0] - q[0]) + abs(p[1] - q[1]) for q in those) > 6]
            assert far == [], f"{colour.name} without its counterpart"


@pytest.mark.parametrize("name", DRAWN)
def test_axes_say_what_vegas_say(made: dict[str, Chart], name: str) -> None:
    def texts(svg: str) -> list[str]:
        return [text for one in ElementTree.fromstring(svg).iter() if (text := (one.text or "").strip())]

    theirs, mine = texts(vl_convert.vegalite_to_svg(made[name].spec)), texts(ours(made[name]))
    assert sorted(set(mine)) == sorted(set(theirs))


def test_a_gap_in_the_data_is_a_gap_in_the_line(made: dict[str, Chart]) -> None:
    line = re.findall(rf'stroke="{re.escape(PRODUCTION.css)}"[^>]* d="([^"]+)"', draw(made["marked"].spec))
    assert [d.count("M") for d in line] == [2]


def test_the_reference_is_drawn_as_an_area(made: dict[str, Chart]) -> None:
    assert f'<path fill="{REFERENCE.css}" opacity="0.55"' in draw(made["numbers"].spec)


def test_what_it_cannot_draw_it_refuses(made: dict[str, Chart]) -> None:
    spec = made["volume"].spec
    with pytest.raises(ReportError, match="mark 'arc'"):
        draw({**spec, "layer": [{**spec["layer"][0], "mark": {"type": "arc"}}]})
    layer = spec["layer"][0]
    y = {**layer["encoding"]["y"], "axis": {"format": ".3e"}}
    with pytest.raises(ReportError, match=r"number format '\.3e'"):
        draw({**spec, "layer": [{**layer, "encoding": {**layer["encoding"], "y": y}}]})
