"""Charts: valid Vega-Lite, small pictures fit for both colour schemes, hostile text harmless, any series drawn."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from reports import charts, overviews, theme
from reports.context import (
    CategoryDistribution,
    NumberDistribution,
    PerformanceSeries,
    Period,
    Series,
    SeriesPoint,
    Share,
    State,
    VolumeSeries,
)
from reports.picture import Chart, to_svg
from tests.support.report_context import (
    DAY,
    END,
    HOSTILE,
    WEEK,
    category_distribution,
    flight_delay,
    number_distribution,
    series,
    volume,
)
from tests.support.report_parts import full, heat, why

ZONE = ZoneInfo("America/New_York")


@cache
def all_charts() -> dict[str, Chart]:
    model = flight_delay()
    return {
        "numbers": charts.distribution(number_distribution(10, 2, 0.5, 1), "temp"),
        "categories": charts.distribution(category_distribution(HOSTILE, 0.4, 2), HOSTILE[0]),
        "statistic": charts.statistic(series("KS", 0.03, 40, 0.2, 0.1, 3, holes=(5,)), "temp", ZONE),
        "marked": charts.statistic(model.features[0].series, "temp", ZONE),  # type: ignore[arg-type]
        "performance": charts.performance(model.performance[0], ZONE),
        "volume": charts.volume(volume(fall=50), ZONE),
        "estimated": charts.performance(full().performance[0], ZONE),
        "heat": overviews.heat(heat((*HOSTILE, "temp")), ZONE),
        "timeline": overviews.timeline(model, WEEK, ZONE),
        "contributions": overviews.contributions(why((*HOSTILE, "temp"))),
        "no statistic": charts.statistic(Series("KS", "1d", ()), "temp", ZONE),
        "no performance": charts.performance(PerformanceSeries("AUC", True, None, None, "1d", ()), ZONE),
        "no volume": charts.volume(VolumeSeries("1d", ()), ZONE),
        "no categories": charts.distribution(CategoryDistribution(()), "carrier"),
        "one bin": charts.distribution(NumberDistribution((0.0, 1.0), (1.0,), (1.0,)), "flag"),
        "zeros": charts.distribution(NumberDistribution((0.0, 1e9), (0.0,), (0.0,)), "nothing"),
    }


NAMES = [
    "numbers",
    "categories",
    "statistic",
    "marked",
    "performance",
    "volume",
    "estimated",
    "heat",
    "timeline",
    "contributions",
    "no statistic",
    "no performance",
    "no volume",
    "no categories",
    "one bin",
    "zeros",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_spec_is_valid_vega_lite(name: str) -> None:
    import altair

    altair.LayerChart.from_dict(all_charts()[name].spec)


def test_a_spec_that_is_not_vega_lite_would_be_noticed() -> None:
    import altair
    from jsonschema.exceptions import ValidationError

    spec = all_charts()["numbers"].spec
    with pytest.raises(ValidationError, match="no such mark"):
        altair.LayerChart.from_dict({**spec, "layer": [{"mark": "no such mark"}]})


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_a_small_picture_that_says_what_it_shows(name: str) -> None:
    chart = all_charts()[name]
    svg = to_svg(chart)
    root = ElementTree.fromstring(svg)
    assert len(svg) < 10_000
    assert root.get("role") == "img"
    assert root.get("aria-label") == chart.alt
    assert "NaN" not in svg
    assert "undefined" not in svg
    assert not re.search(r"\bNone\b|\bnull\b", chart.alt)
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not attributes & {"id", "href", "style", "font-family", "onload"}
    assert not {element.tag for element in root.iter()} - {"svg", "g", "path", "line", "text", "rect", "circle"}


@pytest.mark.parametrize("name", NAMES)
def test_every_colour_follows_the_colour_scheme(name: str) -> None:
    root = ElementTree.fromstring(to_svg(all_charts()[name]))
    painted = {element.get(key) for element in root.iter() for key in ("fill", "stroke")} - {None, "none"}
    assert painted <= {colour.css for colour in theme.COLOURS}


def test_a_chart_holds_its_figures() -> None:
    svg = to_svg(charts.distribution(CategoryDistribution((Share("JFK", 0.31, 0.442),)), "origin"))
    texts = {element.text for element in ElementTree.fromstring(svg).iter("text")}
    assert {"JFK", "31% → 44%"} <= texts


def test_a_threshold_is_written_on_its_line() -> None:
    texts = [e.text for e in ElementTree.fromstring(to_svg(all_charts()["statistic"])).iter("text")]
    assert "threshold 0.1" in texts


def test_hostile_text_is_data_in_a_picture() -> None:
    svg = to_svg(all_charts()["categories"])
    assert "<script" not in svg
    assert "<img" not in svg
    assert "&lt;script&gt;documen" in svg


def test_categories_that_look_alike_when_cut_keep_their_own_bars() -> None:
    shares = tuple(Share("a long common beginning " + end, 0.5, 0.5) for end in ("one", "two"))
    svg = to_svg(charts.distribution(CategoryDistribution(shares), "name"))
    assert svg.count("a long common beg") >= 2


def test_densities_are_drawn_so_that_unequal_bins_compare() -> None:
    """A share spread over a bin twice as wide is half as high."""
    spec = charts.numbers(NumberDistribution((0.0, 1.0, 3.0), (0.5, 0.5), (0.2, 0.8)), "x").spec
    rows = spec["data"]["values"][1:-1]
    assert rows[0]["r"] == pytest.approx(2 * rows[1]["r"])
    assert sum(row["r"] * width for row, width in zip(rows, (1, 2), strict=True)) == pytest.approx(1.5)


def test_times_are_wall_clock_times_of_the_reader() -> None:
    spec = charts.statistic(series("KS", 0.03, None, 0, 0.1, 3), "temp", ZONE).spec
    noons = {row["t"] % 86_400_000 / 3_600_000 for row in spec["data"]["values"]}
    assert noons == {12.0}


def test_an_incident_is_laid_over_the_days_it_lasted() -> None:
    def layers(mark_end: timedelta) -> int:
        shown = flight_delay().features[0].series
        assert shown is not None
        mark = replace(shown.marks[0], start=END - 100 * DAY, end=END - mark_end)
        return len(charts.statistic(replace(shown, marks=(mark,)), "temp", ZONE).spec["layer"])

    assert layers(1 * DAY) == layers(90 * DAY) + 2, "one that ended before the axis begins is not drawn"


def test_a_lone_window_is_a_dot() -> None:
    period = Period(END - DAY, END)
    lone = Series("KS", "1d", (SeriesPoint(period, 0.05, 0.1, State.OK),))
    paths = ElementTree.fromstring(to_svg(charts.statistic(lone, "temp", ZONE))).iter("path")
    assert any(path.get("fill") == theme.PRODUCTION.css and "a" in path.get("d", "") for path in paths)


def test_text_colours_are_legible_on_the_page_in_both_schemes() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for colour in (theme.INK, theme.MUTED, theme.BREACH, theme.WATCH, theme.OK, theme.PRODUCTION):
        for text, paper in ((colour.light, theme.PAPER.light), (colour.dark, theme.PAPER.dark)):
            bright, dark = sorted((luminance(text), luminance(paper)), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, f"{colour.name} {text} on {paper}"


def test_one_figure_that_is_not_a_number_does_not_cost_the_chart() -> None:
    good = series("KS", 0.03, None, 0, 0.1, 3)
    nan = float("nan")
    points = tuple(replace(p, value=nan, threshold=nan) if n == 7 else p for n, p in enumerate(good.points))
    assert "NaN" not in to_svg(charts.statistic(replace(good, points=points), "temp", ZONE))
    line = flight_delay().performance[0]
    broken = replace(line, baseline=nan, points=tuple(replace(p, low=nan, high=float("inf")) for p in line.points))
    svg = to_svg(charts.performance(broken, ZONE))
    assert "NaN" not in svg
    assert "Infinity" not in svg


def test_a_share_over_time_has_a_percent_axis() -> None:
    shares = replace(series("missing", 0.03, 40, 0.2, 0.1, 3), unit="share")
    texts = [e.text for e in ElementTree.fromstring(to_svg(charts.statistic(shares, "temp", ZONE))).iter("text")]
    assert "threshold 10%" in texts
    assert "10%" in texts


def test_a_statistic_below_zero_stays_in_the_picture() -> None:
    falling = replace(series("mean shift", 0.03, None, 0, 0.3, 3), unit="deviations")
    points = tuple(replace(point, value=-0.4) for point in falling.points)
    spec = charts.statistic(replace(falling, points=points), "score", ZONE).spec
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line" and "data" not in layer)
    low, high = line["encoding"]["y"]["scale"]["domain"]
    assert low < -0.4 < 0.3 < high
