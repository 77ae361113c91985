"""What an alert says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.announcement import trial_message, trigger_message
from alerts.by_hand import acknowledge, close
from alerts.incident import Change, Incident, IncidentEvent, State, Verdict
from alerts.lifecycle import Policy, step
from alerts.message import Line, Tone, incident_message
from alerts.site import Site
from alerts.wording import duration_text, moment_text, text_of, window_text
from detectors.result import Kind, Severity, Status, Window
from tests.support.incidents import DAY0, HOSTILE, day, finding, opened

NEW_YORK = ZoneInfo("America/New_York")
POLICY = Policy(owner="flights", timezone="America/New_York")


def test_the_lines_of_an_opened_incident_in_order() -> None:
    event = opened(policy=POLICY)
    message = incident_message(event, links=Site("https://d.example/").links(event.incident, "oncall", DAY0))
    assert message.title == "Warning: drift in flight-delay"
    assert message.summary == event.incident.summary
    assert message.facts == (
        Line("Model", f"flight-delay, version 3, owner flights, incident {event.incident.id}"),
        Line("Since", "1 May 2013 00:00 EDT, seen 2 May 2013 00:00 EDT; latest window 1 May 2013 (1d), 900 rows"),
    )
    assert [line.label for line in message.lines] == ["Look first"]
    assert message.links[0].url == f"https://d.example/incidents/{event.incident.id}"
    assert message.tone is Tone.WARNING
    assert not message.urgent


def test_a_resolved_one_says_what_it_was_how_long_and_why_it_is_over() -> None:
    incident = replace(opened().incident, state=State.RESOLVED, resolved_at=day(0).end + timedelta(days=3, hours=4))
    message = incident_message(IncidentEvent(Change.RESOLVED, incident, DAY0, "3 clean 1d windows in a row"))
    assert message.title == "Resolved: drift in flight-delay"
    assert message.summary.startswith("It was: ")
    assert message.lines == (Line("Over", "after 3 d 4 h: 3 clean 1d windows in a row"),)
    assert message.figures == ()
    assert message.tone is Tone.GOOD


def test_columns_listed_beside_an_alarm_are_named_with_their_certainty_and_are_no_news_later() -> None:
    listed = [finding(day(0), f"c{i}", Status.OK, detail={"listed": True}) for i in range(8)]
    (event,) = step([], [finding(day(0)), *listed], day(0).end, Policy()).events
    said = next(line.text for line in incident_message(event).lines if line.label == "Also changed")
    assert said == "c0, c1, c2, c3, c4, c5 and 2 more (less sure: of all columns named, one in ten may be chance)"
    assert Incident.from_json(event.incident.to_json()) == event.incident
    grown = [finding(day(1)), finding(day(1), "c3")]
    assert step([event.incident], grown, day(1).end, Policy()).events == ()
    # In a window that does not alarm they say nothing.
    assert step([], listed, day(0).end, Policy()).events == ()


def test_one_that_was_taken_on_offers_what_may_become_of_it() -> None:
    incident = opened().incident
    lines = {line.label: line.text for line in incident_message(acknowledge(incident, "ada", day(1).end)).lines}
    assert lines["Then"].startswith(f"If it is to stay, driftline incidents close {incident.id} --as accepted compares")
    assert all(verdict in lines["Then"] for verdict in ("fixed", "expected", "false alarm"))
    assert "Then" not in {line.label for line in incident_message(opened()).lines}


def test_a_false_alarm_is_said_to_count() -> None:
    closed = close(opened().incident, Verdict.FALSE_ALARM, "ada", day(1).end)
    assert "it counts against the budget" in incident_message(closed).lines[-1].text


def test_the_conversation_keeps_its_name_over_an_incidents_life() -> None:
    event = opened()
    later = replace(event.incident, diagnosis="other", severity=Severity.CRITICAL, state=State.RESOLVED)
    names = {
        incident_message(one).conversation for one in (event, IncidentEvent(Change.RESOLVED, later, DAY0, "clean"))
    }
    assert names == {f"flight-delay: drift ({event.incident.id})"}


def test_figures_are_shown_as_people_read_them() -> None:
    missing = opened(
        kind=Kind.QUALITY, detector="missing", statistic=0.624, threshold=0.05, effect=0.6,
        detail={"before": "2.1%", "after": "62%"},
    )  # fmt: skip
    (figure,) = incident_message(missing).figures
    assert (figure.measure, figure.value, figure.limit, figure.before, figure.after) == (
        "missing", "", "5%", "2.1%", "62%",
    )  # fmt: skip
    auc = opened(kind=Kind.PERFORMANCE, detector="auc", statistic=0.63, threshold=0.05, effect=0.07)
    (figure,) = incident_message(auc).figures
    assert (figure.measure, figure.value, figure.limit, figure.before, figure.after) == (
        "AUC", "fell by 0.07", "0.05", "0.700", "0.630",
    )  # fmt: skip
    named = opened(subject="AUC", kind=Kind.PERFORMANCE, detector="auc", statistic=0.63, threshold=0.05, effect=0.07)
    assert incident_message(named).figures[0].measure == ""
    loss = opened(kind=Kind.PERFORMANCE, detector="log_loss", statistic=0.61, threshold=0.15, effect=0.22)
    (figure,) = incident_message(loss).figures
    assert (figure.value, figure.before, figure.after) == ("rose by 22%", "0.500", "0.610")
    volume = opened(subject="rows", kind=Kind.VOLUME, detector="volume", statistic=-0.8, threshold=0.5)
    assert incident_message(volume).figures[0].value == "-80%"
    unknown = opened(detector="my_own", statistic=None, threshold=None)
    assert incident_message(unknown).figures[0].measure == "my own"


def test_changes_told_along_with_the_newest() -> None:
    message = incident_message(replace(opened(), event=Change.UPDATED, reason="worse"), missed=["spread to a"])
    assert message.change == "spread to a; worse"


def test_every_text_is_one_bounded_line() -> None:
    long = HOSTILE * 500
    incident = replace(
        opened(subject=long).incident, model=long, version=long, owner=long, summary=long, action=long, diagnosis=long,
        subjects=tuple(f"{long}{n}" for n in range(300)),
    )  # fmt: skip
    message = incident_message(IncidentEvent(Change.UPDATED, incident, DAY0, long))
    texts = [message.title, message.summary, message.conversation, message.change]
    texts += [line.text for line in (*message.facts, *message.lines)]
    texts += [text for f in message.figures for text in (f.subject, f.before, f.after, f.value)]
    for text in texts:
        assert len(text) <= 1000
        assert text.isprintable()


def test_a_test_message_frightens_nobody() -> None:
    assert "Nothing is wrong" in trial_message("team", DAY0).summary


def test_a_retraining_request_for_people() -> None:
    payload = {"model": "m", "version": "3", "trigger": "retrain", "reasons": ["AUC fell", "twice"]}
    assert trigger_message(payload, DAY0).summary == "AUC fell; twice"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.31234, "0.312"), (1204, "1,204"), (98765.4, "98,765"), (0, "0"), ("x", "x"), (True, "True"),
     (1e30, "1e+30"), (float("nan"), "nan")],
)  # fmt: skip
def test_figures_have_the_digits_that_matter(value: object, text: str) -> None:
    assert text_of(value) == text


def test_windows_in_words() -> None:
    assert window_text(day(0), NEW_YORK) == "1 May 2013 (1d)"
    assert window_text(day(0, 7), NEW_YORK) == "25 Apr to 1 May 2013 (7d)"
    start, end = (datetime(*date, tzinfo=NEW_YORK).astimezone(UTC) for date in ((2012, 12, 15), (2013, 1, 12)))
    assert window_text(Window("28d", start, end), NEW_YORK) == "15 Dec 2012 to 11 Jan 2013 (28d)"
    assert window_text(day(0), ZoneInfo("UTC")) == "1 May 2013 04:00 UTC to 2 May 04:00 (1d)"
    hour = Window("1h", DAY0, DAY0 + timedelta(hours=1))
    assert window_text(hour, NEW_YORK) == "1 May 2013 00:00 EDT to 1 May 01:00 (1h)"
    assert window_text(Window("run:42", DAY0, DAY0 + timedelta(hours=1)), NEW_YORK).endswith("(run 42)")


def test_days_with_25_hours_are_days() -> None:
    start = datetime(2013, 11, 3, tzinfo=NEW_YORK).astimezone(UTC)
    end = datetime(2013, 11, 4, tzinfo=NEW_YORK).astimezone(UTC)
    assert window_text(Window("1d", start, end), NEW_YORK) == "3 Nov 2013 (1d)"


def test_zones_without_a_name_show_their_offset() -> None:
    assert moment_text(DAY0, ZoneInfo("America/Sao_Paulo")) == "1 May 2013 01:00 UTC-03"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=20), "under a minute"),
        (timedelta(minutes=25), "25 min"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=2, minutes=9), "2 d"),
        (-timedelta(days=1), "under a minute"),
    ],
)
def test_durations(span: timedelta, text: str) -> None:
    assert duration_text(span) == text
