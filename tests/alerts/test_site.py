"""What messages link to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.incident import State
from alerts.permits import NoPermit, Permit, permit_of
from alerts.site import Site
from tests.support.incidents import DAY, DAY0, opened

SECRET = "sixteen or more characters"


def test_without_an_address_there_are_no_links() -> None:
    assert Site(secret=SECRET).links(opened().incident, "oncall", DAY0) == ()


def test_without_a_secret_there_is_the_page_alone() -> None:
    (page,) = Site("https://d.example/").links(opened().incident, "oncall", DAY0)
    assert page.url == f"https://d.example/incidents/{opened().incident.id}"


def test_with_a_secret_its_reader_may_act_for_a_time() -> None:
    incident = opened().incident
    _, act = Site("https://d.example", SECRET, timedelta(days=2)).links(incident, "oncall", DAY0)
    prefix, token = act.url.rsplit("/", 1)
    assert prefix == "https://d.example/respond"
    assert permit_of(token, SECRET, DAY0 + DAY) == Permit(incident.id, "oncall", DAY0 + 2 * DAY)
    with pytest.raises(NoPermit):
        permit_of(token, SECRET, DAY0 + 2 * DAY)


def test_there_is_nothing_to_do_about_what_is_over() -> None:
    over = replace(opened().incident, state=State.RESOLVED, resolved_at=DAY0)
    assert len(Site("https://d.example", SECRET).links(over, "oncall", DAY0)) == 1
