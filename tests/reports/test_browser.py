"""The pages in a real browser: nothing fetched, nothing complained of, every look, every table, every reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from reports.comparison_pages import render_comparison
from reports.context import PastReport
from reports.links import incident_name
from reports.render import ReportWriter, render_index
from tests.reports.test_comparison import CASES
from tests.support.browser import opened, running
from tests.support.incident_page import incident
from tests.support.report_context import healthy, learning, weekly
from tests.support.report_parts import full

INCIDENT = incident_name(incident().record.id)
DIFFERENT = ["color-contrast", "scrollable-region-focusable", "target-size"]  # what the look decides
KINDS = ["index.html", "report.html", "model-flight-delay.html", INCIDENT, "comparison.html", "past.html"]
LOOKS = [
    ({"color_scheme": "light"}, {}),
    ({"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}, {"runOnly": DIFFERENT}),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    writer = ReportWriter(replace(weekly(), models=()), made)
    writer.add(full(), [incident()])
    for model in (learning(), healthy("fuel-burn")):
        writer.add(model)
    context = writer.finish(alarms=weekly().alarms, changes=weekly().changes, coverage=weekly().coverage)
    past = [PastReport("Weekly", "x/index.html", context.period, context.generated_at, context.counts())]
    (made / "past.html").write_text(render_index("Weekly reports", past, "UTC", "driftline"), encoding="utf-8")
    (made / "comparison.html").write_text(render_comparison(CASES["drifted"]), encoding="utf-8")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_for_nothing_complains_of_nothing_and_is_for_everyone(
    browser: Browser, folder: Path, kind: str
) -> None:
    """On a desk in light and on paper, with all of axe-core's rules; on a phone in the dark, with those that differ."""
    path = folder / kind
    for look, rules in LOOKS:
        with opened(browser, path, **look) as seen:
            seen.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "wider than its window"
            dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
            assert dark == (look["color_scheme"] == "dark")
            if kind != "report.html":  # the body of a model's page, several times over
                found = Axe().run(seen.page, options={"resultTypes": ["violations"], **rules})
                told = [(one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]]
                assert told == []
            assert dark or seen.page.pdf(format="A4").startswith(b"%PDF")
            assert seen.asked == [path.as_uri()]
            assert seen.complaints == []


def test_a_table_sorts_by_its_heads_and_filters_by_words(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "model-flight-delay.html") as seen:
        section = seen.page.locator("#features")

        def names() -> list[str]:
            return section.locator("tbody tr:visible th").all_inner_texts()

        def column(at: int) -> list[str]:
            return section.locator(f"tbody tr:visible td:nth-child({at})").all_inner_texts()

        before = names()
        section.get_by_role("button", name="Feature").click()
        assert names() == sorted(before)
        assert section.locator("thead th").first.get_attribute("aria-sort") == "ascending"
        section.get_by_role("button", name="Feature").click()
        assert names() == sorted(before, reverse=True)
        section.get_by_role("button", name="Value").click()
        values = [float(text) for text in column(3)]
        assert values == sorted(values, reverse=True), "a column of numbers begins with its largest"
        section.get_by_label("Filter features").fill("breach TEMP")
        assert names() == ["temp"]
        assert section.get_by_role("status").inner_text() == f"1 of {len(before)}"
        section.get_by_label("Filter features").fill("")
        assert sorted(names()) == sorted(before)
        assert seen.complaints == []


def test_numbers_sort_by_what_they_say(browser: Browser, folder: Path) -> None:
    """Percentages, thousands, minus signs, powers of ten; what has no value comes last."""
    with opened(browser, folder / "model-flight-delay.html") as seen:
        texts = ["31%", "1.2×10⁻⁵", "−0.57 sd", "12,340", "–", "4.2×10⁹", "<0.001"]
        cells = "".join(f"<tr><th>x</th><td></td><td class=r>{text}</td></tr>" for text in texts)
        seen.page.evaluate("(rows) => (document.querySelector('#features tbody').innerHTML = rows)", cells)
        section = seen.page.locator("#features")
        section.get_by_role("button", name="Value").click()
        shown = section.locator("tbody td.r").all_inner_texts()
        assert shown == ["4.2×10⁹", "12,340", "31%", "<0.001", "1.2×10⁻⁵", "−0.57 sd", "–"]


def test_without_a_script_the_tables_are_there_all_the_same(browser: Browser, folder: Path) -> None:
    with opened(browser, folder / "model-flight-delay.html", java_script_enabled=False) as seen:
        section = seen.page.locator("#features")
        assert section.locator("tbody tr").count() == 16
        assert section.locator("input:visible").count() == 0
        assert section.locator("button").count() == 0


def test_the_policy_stops_a_script_that_is_not_ours(browser: Browser, folder: Path, tmp_path: Path) -> None:
    text = (folder / "model-flight-delay.html").read_text(encoding="utf-8")
    evil = "<script>document.title = 'owned'</script><img src='https://evil.example/x.png'></body>"
    path = tmp_path / "tampered.html"
    path.write_text(text.replace("</body>", evil), encoding="utf-8")
    with opened(browser, path) as seen:
        assert seen.page.title() != "owned"
        assert len([one for one in seen.complaints if "Content Security Policy" in one]) >= 2
