"""Charts for messages: of what is due, drawn once, and never at the cost of a message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import outbox
from alerts.incident import Change, Incident, IncidentEvent
from monitor.reporting.sketch import sketch
from monitor.service.illustrator import Illustrator
from monitor.settings import Settings
from monitor.store import incidents, pictures
from monitor.web.incident import chart_of
from tests.support.flow import DAY, START, Flow, rows

NOW = START + 6 * DAY
MAIL = {"email": {"smtp": "smtp://127.0.0.1:1?starttls=never", "to": ["ml@corp.example"]}}
SLACK = {"slack": {"token": "xoxb-test", "channel": "C1"}}
PUBLIC = {"listen": "127.0.0.1:1", "metrics": None, "public_url": "https://drift.example/"}


class Artist:
    """Makes bytes of SVGs, as often as it is asked to; or fails."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.broken = False

    def __call__(self, svgs: list[str], _timeout: float) -> list[bytes]:
        self.drawn += svgs
        if self.broken:
            raise OSError("no memory")
        return [svg.encode() for svg in svgs]


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """Five days of which the last two have shifted: one incident, and what is to be said of it."""
    made = Flow(tmp_path_factory.mktemp("flow"))
    made.put(rows(hours=24 * 3, per_hour=20))
    made.put(rows(START + 3 * DAY, hours=24, per_hour=20, seed=1))
    made.put(rows(START + 4 * DAY, hours=48, per_hour=20, seed=2, shift=2.0))
    for _ in made.engine().advance(NOW):
        pass
    yield made
    made.close()


def settings(flow: Flow, channel: dict[str, Any], **server: Any) -> Settings:
    given = server or {"listen": None, "metrics": None}
    return flow.config(alerts={"channels": {"team": channel}}, server=given).settings


def the_incident(flow: Flow) -> Incident:
    with flow.store().read() as connection:
        return next(one for one in incidents.listing(connection) if "x" in one.subjects)


def say(flow: Flow) -> Incident:
    incident = the_incident(flow)
    with flow.store().begin() as connection:
        outbox.add_incident_intents(connection, [IncidentEvent(Change.UPDATED, incident, NOW, "worse")], NOW)
    return incident


def test_what_is_due_has_a_chart_that_is_drawn_once_and_served(flow: Flow) -> None:
    artist, incident = Artist(), say(flow)
    illustrator = Illustrator(flow.store(), artist)
    found = illustrator.pictures(settings(flow, SLACK, **PUBLIC), NOW, ())
    picture = found[incident.id]
    assert "distribution" in picture.alt.lower()
    assert "over 3 windows, daily: last" in picture.alt
    assert picture.png.startswith(b"<svg")
    assert picture.url is not None
    name = picture.url.removeprefix("https://drift.example/charts/").removesuffix(".png")
    assert len(name) >= 32
    assert chart_of(flow.store(), name) == picture.png
    count = len(artist.drawn)
    assert illustrator.pictures(settings(flow, SLACK, **PUBLIC), NOW, ())[incident.id] == picture
    assert len(artist.drawn) == count


@pytest.mark.parametrize(
    ("channel", "server", "drawn"),
    [
        (MAIL, {}, True),
        (SLACK, {}, False),
        (SLACK, PUBLIC, True),
        ({"webhook": {"url": "https://a.example"}}, PUBLIC, False),
        ({"email": {"smtp": "", "to": ["a@b.example"]}, "console": {}}, PUBLIC, False),
    ],
)
def test_nothing_is_drawn_where_nobody_would_see_it(
    flow: Flow, channel: dict[str, Any], server: dict[str, Any], drawn: bool
) -> None:
    say(flow)
    assert bool(Illustrator(flow.store(), Artist()).pictures(settings(flow, channel, **server), NOW, ())) == drawn


def test_a_model_that_is_catching_up_waits(flow: Flow) -> None:
    say(flow)
    assert not Illustrator(flow.store(), Artist()).pictures(settings(flow, MAIL), NOW, {"m"})


def test_what_cannot_be_drawn_is_not_tried_at_every_message(flow: Flow) -> None:
    now = [0.0]
    artist, incident = Artist(), say(flow)
    artist.broken = True
    with flow.store().begin() as connection:
        pictures.forget(connection, NOW + DAY)
    illustrator = Illustrator(flow.store(), artist, lambda: now[0])
    assert illustrator.pictures(settings(flow, MAIL), NOW, ()) == {}
    artist.broken = False
    assert illustrator.pictures(settings(flow, MAIL), NOW, ()) == {}
    now[0] = 301.0
    assert incident.id in illustrator.pictures(settings(flow, MAIL), NOW, ())


def test_what_cannot_be_sketched_costs_no_other_its_chart(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    say(flow)

    def broken(*_: object) -> None:
        raise KeyError("evidence")

    monkeypatch.setattr("monitor.reporting.sketch.sketch", broken)
    assert Illustrator(flow.store(), Artist()).pictures(settings(flow, MAIL), NOW, ()) == {}


def test_an_incident_without_figures_has_no_chart(flow: Flow) -> None:
    model = flow.config().settings.models["m"]
    with flow.store().read() as connection:
        assert sketch(connection, model, replace(the_incident(flow), evidence=())) is None


def test_of_the_pictures_kept_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST", 2)
    flow = Flow(tmp_path)
    with flow.store().begin() as connection:
        for number in range(4):
            pictures.add(connection, {f"digest {number}": b"png"}, NOW + number * timedelta(hours=1))
        pictures.add(connection, {"digest 3": b"another"}, NOW)
        pictures.forget(connection, NOW - DAY)
        left = pictures.of_digests(connection, [f"digest {number}" for number in range(4)])
        assert sorted(left) == ["digest 2", "digest 3"]
        assert left["digest 3"][1] == b"png"
        pictures.forget(connection, NOW + DAY)
        assert pictures.of_digests(connection, ["digest 3"]) == {}
    flow.close()
