"""An incident's page: what it says first, and that each part is there when there is something to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reports import incident_words as words
from reports.incident_pages import render_incident
from tests.support.html_page import Page
from tests.support.incident_page import bare, incident
from tests.support.report_context import END


def test_its_parts_stand_in_the_order_of_questions() -> None:
    page = Page(render_incident(incident(), data=True))
    assert [text for level, text in page.headings if level in ("h1", "h2")] == [
        "Degradation in flight-delay",
        "How much",
        "Why",
        "Evidence",
        "Where",
        "What else",
        "What was said to whom",
        "Timeline",
        "How to answer",
    ]
    links = page.values("href")
    assert {"model-flight-delay.html", "incident-k3.html", "#f-temp"} <= set(links)
    assert set(page.values("id")) >= {link[1:] for link in links if link.startswith("#")}
    assert page.count("svg") == 10, "two a column, the parts of the reason, AUC, revenue, rows"
    assert page.count("script") == 0


def test_one_of_which_nothing_more_is_known_says_that() -> None:
    page = Page(render_incident(bare()))
    assert [text for level, text in page.headings if level == "h2"] == ["What was said to whom", "Timeline"]
    assert "Nothing has been said of it to anyone." in page.text
    assert page.count("svg") == 0


@pytest.mark.parametrize(
    ("changes", "chip", "said"),
    [
        ({"state": "open"}, "Critical · open", "Open for 4 days. Nobody has acknowledged it yet."),
        ({"state": "acknowledged"}, "Critical · acknowledged", "Open for 4 days. Acknowledged by dana after 14 min."),
        ({"state": "resolved"}, "Over", "Over after 24 h. Nobody has said yet what it was."),
        (
            {"state": "resolved", "closing": "fixed"},
            "Over · closed as fixed",
            "Over after 24 h. Closed by dana as fixed: its days are left out.",
        ),
    ],
)
def test_it_says_how_it_stands(changes: dict[str, str], chip: str, said: str) -> None:
    one = incident()
    opened = one.record.opened_at
    over = opened + timedelta(days=1) if changes["state"] == "resolved" else None
    page = replace(
        one,
        record=replace(one.record, resolved_at=over, **changes),  # type: ignore[arg-type]
        acknowledged_at=one.acknowledged_at if changes["state"] == "acknowledged" else None,
        reopened=0,
        follows="its days are left out",
        generated_at=END,
    )
    assert (words.chip(page), words.standing(page)) == (chip, said)


def test_what_was_said_is_counted_by_what_became_of_it() -> None:
    assert words.sent(incident()) == "1 message to oncall; 1 could not be delivered; 1 not sent by itself."


def test_a_figure_is_told_as_a_multiple_of_what_it_is_held_against() -> None:
    first = incident().figures[0]
    assert words.times_limit(first) == pytest.approx(abs(first.figure.value or 0) / 0.1)
    assert words.times_limit(replace(first, tolerance=None)) is None
