"""An incident's page from a running state: its figures, reason, pictures and messages; and reports of a past period."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from alerts.incident import Incident, State, Verdict
from monitor import acting
from monitor.cli import app
from monitor.clock import SetClock
from monitor.reporting import models
from monitor.reporting.incident import page_of
from monitor.reporting.write import write
from monitor.settings import ReportSettings
from monitor.store import incidents
from monitor.web.incident import incident_page
from reports.context import Verdict as Asks
from tests.support.flow import DAY, HOUR, START, Flow, rows
from tests.support.html_page import Page

DAYS = 7
MODELS = {"m": {"segments": ["colour"], "reasons": {"importance": {"x": 1.0, "amount": 3.0}}}}


def moved(number: int) -> pa.Table:
    """A day on which `x` has moved where colour is red, and `amount` a little everywhere from day 5 on."""
    calm = rows(START + number * DAY, seed=number)
    if number < 5:
        return calm
    high = rows(START + number * DAY, seed=number, shift=3.0)
    red = pa.array([colour == "red" for colour in calm.column("colour").to_pylist()])
    return pa.concat_tables([high.filter(red), calm.filter(pa.compute.invert(red))]).sort_by("ts")


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    made = Flow(tmp_path_factory.mktemp("incident"))
    for number in range(DAYS):
        made.put(moved(number))
    list(made.engine(MODELS).advance(START + DAYS * DAY + HOUR))
    yield made
    made.close()


def the_incident(flow: Flow) -> Incident:
    with flow.store().read() as connection:
        (found,) = incidents.listing(connection)
    return found


def test_the_page_tells_what_is_stored_of_it(flow: Flow) -> None:
    incident, now = the_incident(flow), START + DAYS * DAY + 2 * HOUR
    config = flow.config(MODELS)
    with flow.store().read() as connection:
        page = page_of(connection, config.settings, incident.id, now)
        assert page_of(connection, config.settings, "nobody", now) is None
    assert page is not None
    assert (page.record.state, page.record.opened_at) == ("open", incident.opened_at)
    assert page.since == START + 5 * DAY
    first = page.evidence[0]
    assert first.name == "x"
    assert first.distribution is not None
    assert first.series is not None
    assert [mark.incident_id for mark in first.series.marks] == [incident.id]
    assert first.importance == 0.25
    (last,) = [point for point in first.series.points if point.period.end == START + DAYS * DAY]
    assert last.value == pytest.approx(first.figures[0].value), "the figure and the last point of its line are one"
    worst, *others = page.segments
    assert (worst.segment, worst.subject, worst.state) == ("colour=red", "x", "breach")
    assert worst.note.endswith("colour=red")
    assert {row.segment: row.state.value for row in others if row.rows} == {"colour=blue": "ok", "colour=green": "ok"}
    assert page.why is not None
    assert page.why.unit == "points"
    assert page.record.timeline[0].event == "opened"
    assert [(notice.event, notice.outcome) for notice in page.notices if notice.event == "opened"] == [
        ("opened", "waiting")
    ]
    assert page.compared_with.endswith("rows")


def test_the_daemon_serves_it_as_it_stands_now(flow: Flow) -> None:
    incident, config = the_incident(flow), flow.config(MODELS)
    clock = SetClock(START + DAYS * DAY + 2 * HOUR)
    served = incident_page(flow.store(), lambda: config.settings, clock, incident.id)
    assert served is not None
    page = Page(served)
    assert page.headings[0] == ("h1", f"{incident.diagnosis.capitalize()} in m")
    assert "Open for " in page.text
    assert page.count("svg") >= 2
    assert page.count("script") == 0, "the server's own policy lets none run"
    assert incident_page(flow.store(), lambda: config.settings, clock, "<script>") is None


def test_a_model_that_is_no_longer_configured_still_has_a_page(flow: Flow) -> None:
    config = flow.config({"other": {}})
    with flow.store().read() as connection:
        page = page_of(connection, config.settings, the_incident(flow).id, START + DAYS * DAY + 2 * HOUR)
    assert page is not None
    assert page.figures
    assert page.evidence == ()


def test_the_command_writes_it_and_says_where(flow: Flow, tmp_path: Path) -> None:
    flow.write(MODELS)
    incident = the_incident(flow).id
    told = CliRunner().invoke(app, ["report", "--incident", incident, "--out", str(tmp_path), "-c", str(flow.path)])
    assert told.exit_code == 0, told.output
    assert (tmp_path / f"incident-{incident}.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / f"incident-{incident}.json").read_text(encoding="utf-8"))["record"]["id"] == incident
    unknown = CliRunner().invoke(app, ["report", "--incident", "nobody", "-c", str(flow.path)])
    assert (unknown.exit_code, "there is no incident 'nobody'" in unknown.output) == (2, True)
    both = CliRunner().invoke(app, ["report", "--incident", incident, "--to", "2024-03-08", "-c", str(flow.path)])
    assert (both.exit_code, "leave out --from" in both.output) == (2, True)


def test_a_report_of_the_past_shows_incidents_as_they_were(flow: Flow, tmp_path: Path) -> None:
    """Before it opened; while it was open; and once it was closed."""
    incident, world = the_incident(flow), flow.world(MODELS)
    closed = START + DAYS * DAY + 3 * HOUR
    acting.closed(flow.store(), incident.id, Verdict.EXPECTED, "lee", closed)
    settings = ReportSettings(name="daily", period="1d", folder=tmp_path, deep_dive=False)  # type: ignore[arg-type]

    def at(moment: datetime) -> tuple[str, str, str | None, int]:
        made = write(world, settings, moment, closed + 9 * DAY)
        (page,) = made.context.models
        state, verdict = (page.incidents[0].state, page.incidents[0].closing) if page.incidents else ("", None)
        for one in page.incidents:
            assert one.page is not None
            text = (made.index.parent / one.page).read_text(encoding="utf-8")
            assert ("Over · closed as expected" in text) == (one.state == State.RESOLVED)
        return page.verdict, state, verdict, made.context.alarms.sent

    assert at(START + 5 * DAY) == (Asks.HEALTHY, "", None, 0)
    assert at(START + 6 * DAY) == (Asks.WATCH, "open", None, 1)
    assert at(START + 7 * DAY) == (Asks.WATCH, "open", None, 0)
    assert at(START + 8 * DAY)[1:] == ("resolved", "expected", 0)


def test_two_processes_write_what_one_does(flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the models each: the same files, and the same digest of both."""
    world = flow.world({**MODELS, "other": {}})
    written = {}
    for processes, many in ((1, 3), (2, 2)):
        monkeypatch.setattr(models, "_MANY", many)
        folder = tmp_path / str(processes)
        settings = ReportSettings(name="daily", period="1d", folder=folder, deep_dive=False)  # type: ignore[arg-type]
        made = write(world, settings, START + DAYS * DAY, START + DAYS * DAY + HOUR)
        written[processes] = {path.name: path.read_bytes() for path in made.index.parent.iterdir()}
    assert written[2] == written[1]
    assert {"model-m.html", "model-other.html"} < set(written[2])


def test_the_models_page_ranks_by_impact_and_says_so(flow: Flow, tmp_path: Path) -> None:
    settings = ReportSettings(name="daily", period="1d", folder=tmp_path, deep_dive=False)  # type: ignore[arg-type]
    made = write(flow.world(MODELS), settings, START + DAYS * DAY, START + DAYS * DAY + HOUR)
    page = json.loads((made.index.parent / "model-m.json").read_text(encoding="utf-8"))
    assert page["ranked_by"].endswith("(as configured)")
    assert [feature["name"] for feature in page["features"]][:2] == ["x", "amount"], "what breached comes first"
    assert page["segments"][0]["segment"] == "colour=red"
    assert sum(row["share_production"] for row in page["segments"]) == pytest.approx(1.0)
