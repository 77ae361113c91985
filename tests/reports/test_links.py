"""File names that are safe and links that stay beside the page."""

from __future__ import annotations

import pytest

from reports.errors import ReportError
from reports.links import deep_dive_name, page_name, relative


def test_a_plain_name_is_kept() -> None:
    assert page_name("flight-delay") == "model-flight-delay.html"
    assert deep_dive_name("flight-delay") == "evidently-flight-delay.html"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "C:\\x", "con", "x" * 400, "日本語", "", "\n", "a\x00b", "\ud800", "index"]
)
def test_any_name_gives_a_file_name_of_harmless_characters(name: str) -> None:
    made = page_name(name)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert made.count(".") == 1
    assert len(made) < 100
    assert made != "index.html"


def test_different_names_give_different_files() -> None:
    names = ["a b", "a-b", "A b", "a_b", "a  b", "x" * 100, "x" * 101, "日本", "日本語"]
    assert len({page_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/x",
        "javascript:alert(1)",
        "/etc/passwd",
        "../up.html",
        "a/../../b",
        "a\\b",
        "",
        "a\nb",
    ],
)
def test_links_out_of_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ReportError):
        relative(path)


def test_links_beside_and_below_are_quoted() -> None:
    assert relative("2013-05-06/index.html") == "2013-05-06/index.html"
    assert relative('a "b"<c>.html') == "a%20%22b%22%3Cc%3E.html"
