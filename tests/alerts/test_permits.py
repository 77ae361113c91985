"""Signed links: what comes back is what was signed, and nothing else is let through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.permits import NoPermit, Permit, permit_of, signed

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = "sixteen or more characters"


@given(st.text(min_size=1, max_size=64), st.text(max_size=64), st.integers(1, 10**9))
def test_a_permit_comes_back_as_it_was_signed(incident: str, channel: str, seconds: int) -> None:
    permit = Permit(incident, channel, NOW + timedelta(seconds=seconds))
    token = signed(permit, SECRET)
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert permit_of(token, SECRET, NOW) == permit


@given(st.data())
def test_a_token_with_another_letter_permits_nothing(data: st.DataObject) -> None:
    token = signed(Permit("one", "oncall", NOW + timedelta(days=1)), SECRET)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_.=ä"))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        # The last letter of each half holds bits that no byte uses.
        unused = place in (len(token) - 1, token.index(".") - 1)
        try:
            assert permit_of(changed, SECRET, NOW) == Permit("one", "oncall", NOW + timedelta(days=1))
            assert unused
        except NoPermit:
            pass


def test_time_and_secret_end_a_permit() -> None:
    token = signed(Permit("one", "oncall", NOW), SECRET)
    with pytest.raises(NoPermit, match="past its time"):
        permit_of(token, SECRET, NOW)
    with pytest.raises(NoPermit, match="not one of ours"):
        permit_of(token, SECRET + "x", NOW - timedelta(days=1))
