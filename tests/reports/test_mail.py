"""The digest as a mail: one-line subject, light HTML without a style sheet, plain text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reports.errors import ReportError
from reports.mail import LISTED, render_mail
from tests.support.report_context import HOSTILE, empty, taxi_out, weekly


def test_the_subject_is_the_verdict() -> None:
    mail = render_mail(weekly())
    assert mail.subject == (
        "Weekly report: 2 need you · 2 to watch · 8 healthy · 1 not monitored (29 Apr – 5 May 2013)"
    )


def test_a_hostile_title_cannot_add_a_header() -> None:
    subject = render_mail(replace(weekly(), title="Report\r\nBcc: all@example.org")).subject
    assert "\n" not in subject
    assert "\r" not in subject


def test_both_parts_say_what_needs_someone_and_who() -> None:
    mail = render_mail(weekly(), link="https://driftline.example/reports/weekly/")
    for part in (mail.html, mail.text):
        for words in ("flight-delay", "ml-platform", "AUC 0.68 → 0.61", "Retrain on data since April", "gate-change"):
            assert words in part
        assert "https://driftline.example/reports/weekly/" in part
        assert "5 alarms were sent" in part
        assert "None" not in part
        assert "fuel-burn" not in part, "healthy models are counted, not listed"


def test_the_html_is_small_and_fetches_nothing() -> None:
    html = render_mail(weekly()).html
    assert len(html) < 30_000
    assert not re.search(r"<(script|link|style|img|svg|form)\b|url\(", html)
    assert re.findall(r'href="([^"]*)"', html) == []


def test_hostile_text_is_escaped_in_html_and_one_line_in_text() -> None:
    mail = render_mail(weekly())
    assert "<script>" not in mail.html
    assert "&lt;script&gt;document.title=" in mail.html
    assert HOSTILE[0] in mail.text
    assert "line one line two line three" in mail.text


def test_a_report_without_models_is_a_mail_too() -> None:
    mail = render_mail(empty())
    assert "no models" in mail.subject
    assert "No models yet" in mail.html


def test_a_long_list_ends_with_how_many_more() -> None:
    model = taxi_out()
    models = tuple(replace(model, name=f"model-{n:03d}") for n in range(100))
    mail = render_mail(replace(weekly(), models=models))
    for part in (mail.html, mail.text):
        assert part.count("model-0") == LISTED
        assert f"and {100 - LISTED} more" in part


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "reports/index.html", ""])
def test_only_web_addresses_are_linked(link: str) -> None:
    with pytest.raises(ReportError):
        render_mail(weekly(), link=link)
