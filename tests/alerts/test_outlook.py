"""What a trouble is expected to cost, and what was ruled out."""

from __future__ import annotations

from dataclasses import replace

from alerts.incident import Change, IncidentEvent, State
from alerts.lifecycle import Policy, step
from alerts.message import Link, incident_message
from alerts.outlook import cost_of, ruled_out
from detectors.result import Kind, Status
from tests.support.incidents import HOSTILE, day, finding

OK = Status.OK
LINKS = (Link("Open the incident", "https://d.example/incidents/x"),)
ROWS = finding(day(0), "rows", OK, kind=Kind.VOLUME, detector="volume", statistic=0.0)
MISSING = finding(day(0), "wind_speed", OK, kind=Kind.QUALITY, detector="missing", statistic=0.0)
SCORE = finding(day(0), "score", OK, kind=Kind.PREDICTION)
FELL = {"kind": Kind.PERFORMANCE, "statistic": 0.63, "threshold": 0.05, "effect": 0.07}


def test_what_was_judged_and_is_as_usual_is_ruled_out() -> None:
    auc = finding(day(0), "AUC", OK, detector="auc", **{**FELL, "effect": 0.0})
    assert ruled_out([ROWS, MISSING, SCORE, finding(day(0)), auc]) == (
        "rows come as usual; no column is broken; predictions have not moved; performance is as before"
    )


def test_what_breached_or_could_not_be_judged_is_not() -> None:
    unsure = finding(day(0), "AUC", Status.INSUFFICIENT, detector="auc", **FELL)
    assert ruled_out([finding(day(0)), finding(day(0), "temp", OK), unsure]) == ""
    # A segment that is fine says nothing of the whole.
    assert ruled_out([finding(day(0), "score", OK, kind=Kind.PREDICTION, segment="origin=JFK")]) == ""


def test_the_cost_is_business_before_performance_before_an_estimate() -> None:
    expected = finding(day(0), "AUC", detector="estimated_auc", **FELL)
    fell = finding(day(0), "AUC", detector="auc", **FELL)
    money = finding(
        day(0), "revenue", kind=Kind.BUSINESS, detector="revenue", statistic=310.0, detail={"before": 400.0}
    )
    assert cost_of([expected]) == "AUC is expected to be 0.63, was 0.7; labels have not come yet"
    assert cost_of([expected, fell]) == "AUC fell from 0.7 to 0.63"
    assert cost_of([expected, fell, money]) == "revenue: 310, was 400"
    told = {"statistic": -0.244, "effect": 0.232, "detail": {"before": "0.012", "after": "-0.244"}}
    off = finding(day(0), "predicted minus true rate", kind=Kind.PERFORMANCE, detector="rate_bias", **told)
    assert cost_of([off]) == "predicted minus true rate: -0.244, was 0.012", "what is best at 0 has no direction"
    assert cost_of([finding(day(0)), finding(day(0), "AUC", OK, detector="auc", **FELL)]) == ""


def test_a_full_message_is_ten_lines_in_the_order_asked_for() -> None:
    columns = [finding(day(0), f"x{number}", segment="origin=JFK") for number in range(9)]
    columns += [finding(day(0), f"x{number}") for number in range(9)]
    expected = finding(day(0), "AUC", detector="estimated_auc", **FELL)
    moved = step([], [*columns, ROWS, MISSING, SCORE, expected], day(0).end, Policy(owner="flights"))
    (drift,) = [event for event in moved.events if event.incident.trouble.value == "drift"]
    message = incident_message(drift, links=LINKS)
    assert [line.label for line in (*message.facts, *message.lines)] == [
        "Model", "Since", "Affected", "Cost", "Ruled out", "Look first",
    ]  # fmt: skip
    shown = 2 + len(message.facts) + len(message.figures) + len(message.lines) + len(message.links)
    assert message.figures
    assert message.more_figures == 12 - len(message.figures)
    assert shown == 10
    affected = next(line.text for line in message.lines if line.label == "Affected")
    assert affected == "x0, x1, x2, x3, x4, x5 and 3 more, where origin=JFK"


def test_where_there_is_no_room_the_least_sure_goes_first() -> None:
    moved = step([], [finding(day(0), f"x{n}") for n in range(9)] + [ROWS], day(0).end, Policy())
    (event,) = moved.events
    full = replace(event.incident, also=("y1", "y2"), cost="much", state=State.ACKNOWLEDGED)
    message = incident_message(IncidentEvent(Change.UPDATED, full, event.at), links=LINKS)
    assert [line.label for line in message.lines] == ["Affected", "Cost", "Look first", "Then"]
    assert len(message.figures) == 1


def test_names_from_data_are_one_bounded_line() -> None:
    money = finding(day(0), HOSTILE * 50, kind=Kind.BUSINESS, detector="revenue", detail={"before": HOSTILE * 50})
    assert cost_of([money]).isprintable()
    assert len(cost_of([money])) < 300
