"""Secrets stay out of what is shown."""

from __future__ import annotations

import pytest

from monitor.masking import is_secret_name, mask_address, mask_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@db/x", "postgresql://me:***@db/x"),
        ("postgresql+psycopg://me:p@w/:?#x@db/x", "postgresql+psycopg://me:***@db/x"),
        ("smtp://:pw@mail:587", "smtp://:***@mail:587"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("https://h/p?a=1&api_key=pw&token=pw", "https://h/p?a=1&api_key=***&token=***"),
        ("mail to ml@corp.example at 10:30", "mail to ml@corp.example at 10:30"),
        ("http://localhost:8787/x", "http://localhost:8787/x"),
    ],
)
def test_text(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_given_secrets_go_longest_first() -> None:
    assert mask_text("abc and abcdef", ["abc", "abcdef", ""]) == "*** and ***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.slack.com/services/T/B/x", "https://hooks.slack.com/***"),
        ("https://u:pw@h.example:8443?x=1", "https://h.example:8443/***"),
        ("https://h.example", "https://h.example"),
        ("https://h.example/", "https://h.example/"),
    ],
)
def test_address(url: str, shown: str) -> None:
    assert mask_address(url) == shown


def test_names_that_say_secret() -> None:
    assert [is_secret_name(name) for name in ("SLACK_TOKEN", "DB_PASSWORD", "API_KEY", "/run/secrets/x")] == [True] * 4
    assert [is_secret_name(name) for name in ("TEAM", "KEYBOARD", "ROWS")] == [False] * 3
