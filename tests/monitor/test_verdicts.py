"""What each verdict does, from the message that offers it to the days after, and that it can be taken back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.incident import Incident
from detectors.result import Status
from monitor.cli import app
from monitor.clock import SetClock
from monitor.cycle import Outcome
from monitor.promise import Promise, promises
from monitor.reporting.write import write
from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.service.rounds import DeliveryRound, EvaluationRound
from monitor.service.wiring import make_deliverer
from monitor.settings import ReportSettings
from monitor.store import baselines, incidents
from reports.sentences import alarms
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, rows

FIRST = 6  # the day everything moved


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    for number in range(FIRST):
        made.put(rows(START + number * DAY, seed=number))
    yield made
    made.close()


def driftline(flow: Flow, *arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, [*arguments, "-c", str(flow.path), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def only_open(flow: Flow) -> Incident:
    with flow.store().read() as connection:
        (incident,) = incidents.listing(connection, open_only=True)
    return incident


def moved(flow: Flow, first: int, last: int, shift: float = 2.0) -> None:
    for number in range(first, last):
        flow.put(rows(START + number * DAY, seed=number, shift=shift))


def drifted(outcomes: list[Outcome]) -> set[int]:
    found = findings_of(outcomes, subject="x", detector="ks", status=Status.BREACH)
    return {(one.window.start - START).days for one in found}


def compared_with(flow: Flow) -> str:
    with flow.store().read() as connection:
        current = baselines.current(connection, "m", "1")
    assert current is not None
    return current.origin


def test_an_acknowledged_incident_offers_to_be_accepted_and_then_it_is_quiet(flow: Flow) -> None:
    spec = {"m": {"horizons": ["1d", "7d"]}}
    engine = flow.engine(spec)
    moved(flow, FIRST, FIRST + 1)
    assert [event[1:] for event in events_of(list(engine.advance(START + 7 * DAY + HOUR)))] == [("opened", "drift")]
    incident = only_open(flow)

    screen = io.StringIO()
    post = make_deliverer(engine.world.config.settings, flow.store().begin, screen)

    def told() -> str:
        for _ in range(2):
            post.flush(datetime.now(UTC) + DAY)
            post.deliver(datetime.now(UTC) + DAY)
        shown = " ".join(screen.getvalue().split())
        screen.seek(0)
        screen.truncate()
        return shown

    assert "--as accepted" not in told()
    driftline(flow, "incidents", "ack", incident.id, "--by", "ada")
    offer = f"If it is to stay, driftline incidents close {incident.id} --as accepted compares with 10 Mar 2024 on."
    assert offer in told()

    driftline(flow, "incidents", "close", incident.id, "--as", "accepted", "--by", "ada")
    assert "the new normal begins on 10 Mar 2024; drift from it is judged once it has seven days" in told()

    moved(flow, FIRST + 1, FIRST + 12)
    quiet = list(engine.advance(START + (FIRST + 12) * DAY + HOUR))
    assert events_of(quiet) == []
    assert compared_with(flow) == "accepted from 10 March 2024, 7 days"
    # Days are judged again from the seventh on, weeks once they hold nothing of the time before.
    judged = {one.window for one in findings_of(quiet, subject="x", detector="ks", status=Status.OK)}
    assert {(one.start - START).days for one in judged if one.horizon == "1d"} == set(range(FIRST + 6, FIRST + 12))
    assert {(one.start - START).days for one in judged if one.horizon == "7d"} == set(range(FIRST, FIRST + 6))
    reasons = {str(one.detail.get("reason")) for one in findings_of(quiet) if one.window.horizon == "7d"}
    assert "the window begins before the new normal (accepted from 10 March 2024, ready 17 March 2024)" in reasons

    # What moves away from the new normal is news, also within the time in which an old trouble would be back.
    moved(flow, FIRST + 12, FIRST + 13, shift=0.0)
    events = list(engine.advance(START + (FIRST + 13) * DAY + HOUR))
    assert [event[1:] for event in events_of(events)] == [("opened", "drift")]
    assert only_open(flow).id != incident.id

    # Taken back, it is compared with what it was before, and open again.
    driftline(flow, "incidents", "close", only_open(flow).id, "--as", "fixed")
    driftline(flow, "incidents", "reopen", incident.id, "--by", "ada")
    moved(flow, FIRST + 13, FIRST + 14)
    assert drifted(list(engine.advance(START + (FIRST + 14) * DAY + HOUR))) >= {FIRST + 13}
    assert compared_with(flow) == "4 March 2024 to 6 March 2024"
    assert only_open(flow).id == incident.id


def test_a_day_that_was_named_is_the_first_of_the_new_normal(flow: Flow) -> None:
    engine = flow.engine()
    moved(flow, FIRST, FIRST + 10)
    list(engine.advance(START + (FIRST + 8) * DAY + HOUR))
    driftline(flow, "incidents", "close", only_open(flow).id, "--as", "accepted", "--from", "2024-03-11")
    list(engine.advance(START + (FIRST + 10) * DAY + HOUR))
    assert compared_with(flow) == "accepted from 11 March 2024, 7 days"
    # One accepted by hand since then is the newer word.
    driftline(flow, "baseline", "accept", "m", "--from", "2024-03-10", "--to", "2024-03-12")
    moved(flow, FIRST + 10, FIRST + 11)
    list(engine.advance(START + (FIRST + 11) * DAY + HOUR))
    assert compared_with(flow) == "10 March 2024 to 11 March 2024"


@pytest.mark.parametrize(("verdict", "days"), [("expected", {6, 7, 8}), ("false alarm", {6, 7, 8, 9})])
def test_expected_days_are_no_reference_and_those_of_a_false_alarm_are(
    flow: Flow, verdict: str, days: set[int]
) -> None:
    """Days 6 to 8 are moved; day 9, as usual again, breaches only against a reference that holds them."""
    engine = flow.engine({"m": {"baseline": {"rolling": "3d"}}})
    moved(flow, FIRST, FIRST + 3)
    moved(flow, FIRST + 3, FIRST + 4, shift=0.0)
    outcomes = list(engine.advance(START + (FIRST + 3) * DAY + HOUR))
    incident = only_open(flow)
    driftline(flow, "incidents", "close", incident.id, "--as", verdict)
    outcomes += list(engine.advance(START + (FIRST + 4) * DAY + HOUR))
    assert drifted(outcomes) == days


def test_a_verdict_taken_back_gives_the_days_back(flow: Flow) -> None:
    engine = flow.engine({"m": {"baseline": {"rolling": "3d"}}})
    moved(flow, FIRST, FIRST + 3)
    list(engine.advance(START + (FIRST + 3) * DAY + HOUR))
    incident = only_open(flow)
    driftline(flow, "incidents", "close", incident.id, "--as", "expected")
    driftline(flow, "incidents", "close", incident.id, "--as", "false alarm")
    moved(flow, FIRST + 3, FIRST + 4, shift=0.0)
    assert drifted(list(engine.advance(START + (FIRST + 4) * DAY + HOUR))) == {FIRST + 3}


def test_alarms_are_counted_by_what_was_said_of_them_against_what_was_promised(flow: Flow) -> None:
    routes = {"channels": {"a": {"console": {}}}, "routes": [{"to": ["a"], "false_alarms": "0.5 per 30d"}]}
    models = {"m": {}, "n": {"false_alarms": "0.1 per 30d"}}
    engine = flow.engine(models, alerts=routes)
    moved(flow, FIRST, FIRST + 1)
    for number in range(FIRST + 1):
        flow.put(rows(START + number * DAY, seed=number), "n")
    now = START + 7 * DAY + HOUR
    list(engine.advance(now))
    incident = only_open(flow)
    settings = engine.world.config.settings

    def counted(name: str) -> tuple[object, ...]:
        with flow.store().read() as connection:
            found = {one.name: one for one in promises(connection, settings, now - timedelta(days=30), now)}
        one = found[name]
        assert one.promised is not None
        return round(one.promised, 3), one.raised, one.false, one.real, one.expected, one.unjudged, one.standing

    assert counted("m") == (0.059, 1, 0, 0, 0, 1, "kept")
    driftline(flow, "incidents", "close", incident.id, "--as", "false alarm")
    assert counted("m") == (0.059, 1, 1, 0, 0, 0, "over")
    assert counted("n") == (0.023, 0, 0, 0, 0, 0, "kept")
    assert counted("1 to a") == (0.117, 1, 1, 0, 0, 0, "over")
    driftline(flow, "incidents", "close", incident.id, "--as", "expected")
    assert counted("1 to a") == (0.117, 1, 0, 0, 1, 0, "kept")
    driftline(flow, "incidents", "reopen", incident.id)
    assert counted("m")[1:] == (1, 0, 0, 0, 1, "kept"), "what is taken back is no second alarm"

    report = ReportSettings(name="weekly", folder=flow.folder / "out", deep_dive=False)
    written = write(engine.world, report, START + 7 * DAY, START + 7 * DAY)
    # Two models may raise 0.35 false alarms in 30 days, and were watched for the whole week.
    assert "The budget allows 0.0817 false in this time." in alarms(written.context.alarms)
    assert "The budget allows 0.0817 false in this time." in " ".join(written.mail.html.split())

    lines = driftline(flow, "incidents", "budget", "--days", "5000")
    assert [(one["kind"], one["name"], one["budget"], one["unjudged"]) for one in lines] == [
        ("model", "m", 0.25, 1), ("model", "n", 0.1, 0), ("route", "1 to a", 0.5, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("false", "standing"), [(0, "kept"), (1, "kept"), (3, "over"), (4, "broken")])
def test_more_than_promised_may_be_chance_or_not(false: int, standing: str) -> None:
    # Four or more come by chance in 1.9% of months that promise one, three or more in 8%.
    assert Promise("model", "m", 1.0, 30.0, false, false, 0, 0, 0).standing == standing


def test_prometheus_tells_what_was_promised_and_what_was_raised(flow: Flow) -> None:
    world = flow.world({"m": {"false_alarms": "2 per 30d"}})
    clock, metrics = SetClock(START + 4 * DAY), Metrics()
    moved(flow, FIRST, FIRST + 1)
    with ThreadPoolExecutor(1) as pool:
        deliveries = DeliveryRound(flow.store(), world.config, clock, metrics)
        evaluations = EvaluationRound(
            flow.store(), world.config, clock, metrics, Pulse({"evaluation": 60.0}), pool, deliveries
        )
        clock.moment = START + 4 * DAY
        evaluations.run(lambda: False)
        clock.moment = START + 7 * DAY + HOUR
        evaluations.run(lambda: False)
        value = metrics.registry.get_sample_value
        assert value("driftline_false_alarms_promised", {"model": "m"}) == pytest.approx(2 * 4 / 30, rel=0.05)
        assert value("driftline_alarms_30d", {"model": "m", "verdict": "unjudged"}) == 1
        driftline(flow, "incidents", "close", only_open(flow).id, "--as", "false alarm")
        evaluations.run(lambda: False)
        assert value("driftline_alarms_30d", {"model": "m", "verdict": "unjudged"}) == 0
        assert value("driftline_alarms_30d", {"model": "m", "verdict": "false"}) == 1
        deliveries.close()
        evaluations.leave()
