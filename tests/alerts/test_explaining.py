"""What `route explain` says."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

from alerts.deliveries import Told
from alerts.explaining import explain
from alerts.hours import Digest, MuteTime
from alerts.incident import Change
from alerts.reminders import Reminder
from alerts.routing import Escalation, Route, Silence, Timing
from detectors.result import Severity
from tests.support.incidents import DAY0, opened

HOUR = timedelta(hours=1)
INCIDENT = replace(opened().incident, severity=Severity.CRITICAL, diagnosis="drift")


def test_every_decision_has_its_reason() -> None:
    routes = [
        Route(("risk",), {"owner": ("risk",)}),
        Route(
            ("oncall",), {"severity": ("critical",)}, True,
            Timing(repeat_interval=4 * HOUR, escalate=(Escalation(HOUR, ("lead",)),)),
        ),
        Route(("team",), timing=Timing(mute=(MuteTime("nights", start=time(20), end=time(7)),))),
        Route(("nobody",)),
    ]  # fmt: skip
    silences = [Silence(1, {"model": ("other",)}, "ada", "storm", DAY0, DAY0 + HOUR)]
    planned = [
        Reminder(1, INCIDENT.id, "lead", Change.ESCALATED, 3600, DAY0 + HOUR),
        Reminder(2, INCIDENT.id, "oncall", Change.REMINDED, 14400, DAY0 + 4 * HOUR),
    ]
    steps = explain(INCIDENT, routes, silences, {"oncall": Told(1, DAY0, True)}, planned, DAY0)
    assert [f"{step.what} | {step.reason} | {step.note}" for step in steps] == [
        "incident | open | model=flight-delay, owner=flights, severity=critical, diagnosis=drift, kind=drift",
        "silence 1 | does not match | model is flight-delay, not other",
        "route 1 | does not match | owner is flights, not risk",
        "route 2 | matches | to oncall, continue",
        "route 3 | matches | to team",
        "route 4 | not looked at | an earlier one matched and does not continue",
        "decision | routed | by route 2 and 3",
        "oncall | told 2013-05-01T04:00:00Z | told lately: the next update not before 2013-05-01T10:00:00Z; "
        "said again at 2013-05-01T08:00:00Z unless acknowledged (repeat_interval)",
        "team | not told | mute time nights until 2013-05-01T07:00:00Z",
        "lead | escalation | told at 2013-05-01T05:00:00Z unless acknowledged",
    ]


def test_silenced_inhibited_and_in_the_digest() -> None:
    silence = Silence(7, {"segment": ("~.*",)}, "ada", "storm", DAY0, DAY0 + HOUR)
    digest = Route(("team",), timing=Timing(digest=Digest(time(8), 0, "Europe/Berlin")))
    mild = replace(INCIDENT, severity=Severity.WARNING)
    said = [(step.what, step.reason, step.note) for step in explain(mild, [digest], [silence], {}, [], DAY0)]
    assert ("silence 7", "matches", "of ada (storm) until 2013-05-01T05:00:00Z") in said
    assert said[-1] == ("decision", "silenced", "by silence 7 of ada (storm)")
    said = [
        (step.what, step.reason, step.note) for step in explain(replace(mild, cause="abc"), [digest], [], {}, [], DAY0)
    ]
    assert ("cause", "inhibited", "incident abc explains it") in said
    assert said[-1] == ("decision", "inhibited", "by incident abc, which explains it")
    last = explain(mild, [digest], [], {}, [], DAY0)[-1]
    assert last.note == "in the digest on mon at 08:00 Europe/Berlin, next 2013-05-06T06:00:00Z"
