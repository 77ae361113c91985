"""The picture that goes along with a message."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from reports import charts, theme
from reports.errors import ReportError
from reports.sheet import Sheet, pngs_of, sheet
from tests.support.report_context import flight_delay

ZONE = ZoneInfo("America/New_York")


def one(**changes: str) -> Sheet:
    feature = flight_delay().features[0]
    assert feature.distribution is not None
    assert feature.series is not None
    first = charts.distribution(feature.distribution, feature.name)
    return sheet([replace(first, **changes), charts.statistic(feature.series, feature.name, ZONE)])


def test_charts_stand_below_each_other_under_their_titles_and_are_told_in_words() -> None:
    made = one(title='<script> & "quoted"')
    root = ElementTree.fromstring(made.svg)
    assert (root.get("width"), root.get("height")) == (str(made.width), str(made.height))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert '<script> & "quoted"' in texts
    assert "KS of dep_hour, daily" in texts
    assert "median 13.2 in the reference" in made.alt
    assert "KS of dep_hour over 56 windows" in made.alt


def test_outside_a_page_colours_are_plain_and_the_same_figures_give_the_same_bytes() -> None:
    assert "var(" not in one().svg
    assert theme.PRODUCTION.light in one().svg
    assert one().svg == one().svg


def test_pngs_are_made_elsewhere_with_their_text_in_them() -> None:
    first, other = one(), one(title="another title")
    pngs = pngs_of([first.svg, other.svg], timeout=60)
    for png, made in zip(pngs, (first, other), strict=True):
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        size = tuple(int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
        assert size == (2 * made.width, 2 * made.height)
    # Without a font the two would be the same.
    assert pngs[0] != pngs[1]


@pytest.mark.parametrize(("svg", "timeout", "says"), [("<svg", 60.0, "could not be drawn"), ("", 0.01, "longer than")])
def test_what_cannot_be_drawn_is_said(svg: str, timeout: float, says: str) -> None:
    with pytest.raises(ReportError, match=says):
        pngs_of([svg], timeout)
