"""The table of silences, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import silences
from alerts.errors import AlertError
from tests.alerts.conftest import Begin
from tests.support.incidents import DAY0

HOUR = timedelta(hours=1)
GIVEN = {"matchers": {"model": ("a", "~b.*")}, "author": "ada", "reason": "deploy"}


def test_a_silence_is_kept_found_and_ended(either: Begin) -> None:
    with either() as conn:
        made = silences.add(conn, **GIVEN, starts_at=DAY0, ends_at=DAY0 + HOUR)
    with either() as conn:
        assert silences.active(conn, DAY0 - HOUR) == []
        assert silences.active(conn, DAY0) == [made]
        assert silences.active(conn, DAY0 + HOUR) == []
        assert silences.listed(conn, DAY0 - HOUR) == [made]
        silences.end(conn, made.id, DAY0 + HOUR / 2)
        assert silences.active(conn, DAY0 + HOUR / 2) == []
        with pytest.raises(AlertError, match="no silence"):
            silences.end(conn, made.id, DAY0 + HOUR / 2)


@pytest.mark.parametrize("wrong", [{"matchers": {}}, {"author": " "}, {"reason": ""}, {"matchers": {"x": ("1",)}}])
def test_a_silence_needs_matchers_author_and_reason(begin: Begin, wrong: dict[str, object]) -> None:
    with begin() as conn, pytest.raises(AlertError):
        silences.add(conn, **(GIVEN | wrong), starts_at=DAY0, ends_at=DAY0 + HOUR)


def test_a_silence_must_end_after_it_starts(begin: Begin) -> None:
    with begin() as conn, pytest.raises(AlertError, match="end after"):
        silences.add(conn, **GIVEN, starts_at=DAY0, ends_at=DAY0)
