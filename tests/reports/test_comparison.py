"""One comparison: its verdict in words, its page and a notebook's table, which hold nothing but themselves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from reports import comparison_words as words
from reports.comparison import ComparisonReport, Side
from reports.comparison_pages import render_comparison, render_notebook
from reports.context import (
    CategoryDistribution,
    FeatureDrift,
    Figure,
    FindingRow,
    NumberDistribution,
    Period,
    QualityRow,
    Share,
    State,
)
from reports.errors import ReportError
from reports.sparkline import HEIGHT, WIDTH, sparkline
from reports.templating import SCRIPT
from tests.support.html_page import Page
from tests.support.report_context import HOSTILE

AT = datetime(2024, 3, 6, 12, tzinfo=UTC)
NUMBERS = NumberDistribution((0.0, 1.0, 3.0), (0.5, 0.5), (0.1, 0.8), (Share("above 3", 0.0, 0.1),))


def figure(value: float | None, state: State, statistic: str = "KS") -> Figure:
    return Figure(statistic, value, 0.15, state, "file", Period(AT, AT), 5000, pvalue=0.0004)


def feature(name: str, value: float | None, state: State = State.BREACH, **more: Any) -> FeatureDrift:
    more = {"summary": "median 1 → 2", "distribution": NUMBERS} | more
    return FeatureDrift(name, (figure(value, state), figure(value, state, "PSI")), **more)


def quality(name: str, state: State = State.BREACH) -> QualityRow:
    return QualityRow(name, "missing", 0.02, 0.4, 0.05, state)


def report(*features: FeatureDrift, checks: tuple[QualityRow, ...] = (), **more: Any) -> ComparisonReport:
    rows = [FindingRow(one.name, "feature", each) for one in features for each in one.figures]
    given: dict[str, Any] = {
        "title": "june.csv against may.csv",
        "reference": Side(4000, "may.csv"),
        "production": Side(5000, "june.csv"),
        "generated_at": AT,
        "program": "driftline 0.1.0",
        "minimum_rows": 100,
        "columns": len(features),
        "quality": checks,
        "features": features,
        "findings": tuple(rows),
    }
    return ComparisonReport(**(given | more))


QUIET = feature("calm", 0.01, State.OK)
THIN = feature("thin", 0.3, State.INSUFFICIENT)


def hostile() -> ComparisonReport:
    shares = CategoryDistribution(tuple(Share(text, 0.3, 0.4) for text in HOSTILE))
    features = [feature(text, 0.5, distribution=shares, summary=f"{text}: 30% → 40%") for text in HOSTILE]
    names = {"title": HOSTILE[0], "reference": Side(500, HOSTILE[0]), "production": Side(500, HOSTILE[-1])}
    left_out = tuple((text, text) for text in HOSTILE)
    return report(*features, checks=tuple(quality(text) for text in HOSTILE), left_out=left_out, **names)


def many(n: int) -> ComparisonReport:
    edges = tuple(float(edge) for edge in range(41))
    shown = NumberDistribution(edges, (0.025,) * 40, tuple(0.0125 + edge * 0.000625 for edge in range(40)))
    return report(*(feature(f"feature_{number}", 0.9 - number / 1000, distribution=shown) for number in range(n)))


CASES = {
    "broken": report(feature("temp", 0.6), QUIET, checks=(quality("visib"), quality("wind", State.OK))),
    "drifted": report(feature("temp", 0.6), QUIET, THIN, left_out=(("id", "near-unique"),)),
    "fine": report(QUIET),
    "thin": report(THIN, production=Side(40)),
    "nothing": report(),
    "hostile": hostile(),
    "many": many(60),
}


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ("broken", "Data quality fails in 1 of 2 columns: visib (missing 2.0% → 40%). "
                   "1 column drifted: temp (KS 0.600, median 1 → 2)."),
        ("drifted", "1 of 3 columns drifted: temp (KS 0.600, median 1 → 2). 1 column had too little data to judge."),
        ("fine", "The one column did not drift; closest to its limit is calm (KS 0.0100 of 0.15)."),
        ("thin", "Too little data to judge: 40 rows in production, 4,000 in the reference; "
                 "100 are needed on both sides."),
    ],
)  # fmt: skip
def test_the_verdict_is_a_sentence_with_data_quality_first(shown: str, says: str) -> None:
    assert words.verdict(CASES[shown]) == says
    assert says in render_comparison(CASES[shown])
    assert says in render_notebook(CASES[shown])
    assert words.text(CASES[shown]).startswith(says)


def test_of_many_columns_the_one_that_moved_most_is_named() -> None:
    assert words.verdict(report(feature("a", 0.9), feature("b", 0.3), QUIET)).startswith(
        "2 of 3 columns drifted, most of all a (KS 0.900"
    )
    failed = report(QUIET, checks=(quality("a"), quality("b")))
    assert words.verdict(failed).startswith("Data quality fails in 2 of 1 column: first of all a")
    assert words.verdict(failed).endswith("No column drifted.")


def test_what_was_not_judged_is_never_said_to_be_fine() -> None:
    vanished_is_certain = FindingRow("thin", "quality", figure(0.0, State.OK, "vanished"))
    thin = report(THIN, findings=(vanished_is_certain,))
    assert thin.state is State.INSUFFICIENT
    assert "drifted" not in words.verdict(report(THIN, checks=(quality("visib"),)))
    assert words.folded([THIN], first=True) == "1 column, not judged"
    assert words.folded([QUIET, QUIET], first=False) == "2 more columns, not drifted"


def test_the_text_for_a_terminal_is_aligned_and_bounded() -> None:
    said = words.text(many(60)).splitlines()
    assert said[-1] == "and 40 more"
    table = said[3:-1]
    assert len(table) == 1 + words.MOST_LINES
    starts = {line.index("median") for line in table[1:]}
    assert starts == {table[0].index("reference →")}
    assert all(len(line.splitlines()) <= 1 and "\x1b" not in line for line in words.text(hostile()).split("\n"))


def test_failed_data_quality_leaves_room_for_drift() -> None:
    checks = tuple(quality(f"c{number}") for number in range(30))
    found, more = words.lines(report(feature("a", 0.9), feature("b", 0.8), checks=checks))
    assert [line.column for line in found[-2:]] == ["a", "b"]
    assert (len(found), more) == (20, 12)


@pytest.mark.parametrize("name", CASES)
def test_the_page_is_well_formed_and_reads_in_order(name: str) -> None:
    page = Page(render_comparison(CASES[name]))
    levels = [int(level[1]) for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = page.values("id")
    assert ids == [name for name in ("quality", "drift", "figures", "left-out") if name in ids]
    assert {link[1:] for link in page.values("href")} <= set(ids)


@pytest.mark.parametrize("name", CASES)
def test_nothing_reaches_out_of_page_or_notebook(name: str) -> None:
    whole, part = render_comparison(CASES[name]), render_notebook(CASES[name])
    policy = Page(whole).values("content")[0]
    assert "default-src 'none'" in policy
    for text in (whole, part):
        page = Page(text)
        tags = {tag for tag, _ in page.elements}
        assert text.count("<script") == (text is whole), "the tables' own, which the policy names by its hash"
        assert not tags & {"link", "img", "iframe", "object", "embed", "form", "base", "video", "use"}
        for attribute in ("src", "srcset", "action", "background", "poster", "ping", "style", "xlink:href"):
            assert page.values(attribute) == []
        assert all(link.startswith("#") for link in page.values("href"))
        assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)
        assert not re.search(r"url\(|@import|expression\(|https?:", text.split("</style>")[0])


def test_hostile_text_is_shown_and_never_interpreted() -> None:
    for text in (render_comparison(hostile()), render_notebook(hostile())):
        page = Page(text)
        assert not re.search(r"<script[^>]", text.lower().replace(f"<script>{SCRIPT.lower()}</script>", ""))
        assert "<img" not in text.lower()
        assert "script>" in page.text.lower()
        assert "\u202e" not in text


def test_the_notebook_brings_no_colour_scheme_no_ids_and_no_rule_for_others() -> None:
    text = render_notebook(CASES["broken"])
    page = Page(text)
    assert page.values("id") == []
    style = text.split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme" not in style
    selectors = [part.strip() for rule in style.split("}") if rule.strip() for part in rule.split("{")[0].split(",")]
    assert selectors
    assert all(re.match(r"(div)?\.driftline-comparison\b", selector) for selector in selectors)
    assert page.elements[0] == ("div", {"class": "driftline-comparison"})
    assert page.count("svg") == 1


def test_without_its_style_the_notebook_still_says_everything() -> None:
    cells_apart = render_notebook(CASES["broken"]).replace("</t", " </t")
    said = " ".join(Page(cells_apart).text.split())
    for part in ("visib missing 40% 5.0% 2.0% → 40%", "temp KS 0.600 0.15 median 1 → 2", "may.csv 4,000 rows"):
        assert part in said


def test_data_quality_comes_before_drift_and_drift_by_effect() -> None:
    shown = report(feature("first", 0.9), feature("second", 0.3), QUIET, checks=(quality("visib"),))
    page = Page(render_comparison(shown))
    assert [text for _, text in page.headings[1:]] == [
        "Data quality", "Drifted columns", "first", "second", "calm", "Every figure",
    ]  # fmt: skip
    assert page.count("svg") == 3
    assert page.text.index("visib") < page.text.index("Drifted columns")


def test_a_column_without_a_picture_says_why() -> None:
    shown = report(feature("zip", 0.9, distribution=None, summary="private: values are not shown"))
    page = Page(render_comparison(shown))
    assert page.count("svg") == 0
    assert "private: values are not shown" in page.text
    assert "private" not in words.verdict(shown)


def test_a_page_of_fifty_columns_stays_below_a_megabyte_and_more_are_not_drawn() -> None:
    text = render_comparison(CASES["many"])
    page = Page(text)
    assert page.count("svg") == 50
    assert "10 columns are not drawn" in " ".join(page.text.split())
    assert len(text.encode()) < 1_000_000
    assert len(render_notebook(CASES["many"])) < 40_000


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ReportError, match="zone"):
        report(generated_at=datetime(2024, 3, 6))  # noqa: DTZ001


def test_a_sparkline_of_numbers_has_equal_areas_for_equal_rows() -> None:
    """Bins of one and two units with half the rows each: the second is half as high."""
    drawn = sparkline(NumberDistribution((0.0, 1.0, 3.0), (0.5, 0.5), (0.5, 0.5)), "x")
    area = re.search(r'd="M0\.0 (\d+)V([\d.]+)H([\d.]+)V([\d.]+)H([\d.]+)V', drawn)
    assert area is not None
    floor, high, middle, low, end = (float(part) for part in area.groups())
    assert (middle, end) == (WIDTH / 3, WIDTH)
    assert floor - low == pytest.approx((floor - high) / 2, abs=0.06)
    assert 0 < high < HEIGHT


def test_a_sparkline_of_categories_has_a_pair_of_bars_each_and_is_described() -> None:
    drawn = sparkline(CategoryDistribution((Share('"<b>', 0.5, 0.25), Share("b", 0.5, 0.75))), "colour & tone")
    page = Page(drawn)
    heights = [float(height) for tag, attrs in page.elements if tag == "rect" and (height := attrs["height"])]
    assert [height / heights[3] * 0.75 for height in heights] == pytest.approx([0.5, 0.25, 0.5, 0.75], abs=0.01)
    assert page.values("aria-label")[0].startswith("Shares of colour & tone: ")
    assert sparkline(CategoryDistribution(()), "x").count("<rect") == 0
