"""The state machine, in windows: what opens, what is news, what is over, what comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.by_hand import acknowledge, close, reopen
from alerts.errors import IncidentError
from alerts.incident import Change, Incident, IncidentEvent, State, Verdict
from alerts.lifecycle import Policy, Step, step
from detectors.result import Finding, Kind, Severity, Status, Window
from detectors.trouble import Trouble
from tests.support.incidents import DAY, day, finding, only, opened

POLICY = Policy(clean_windows=3, grace=timedelta(days=7), owner="flights", timezone="America/New_York")
OK, BREACH, UNSURE = Status.OK, Status.BREACH, Status.INSUFFICIENT


class Model:
    """One model's incidents, moved on evaluation by evaluation."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.incidents: dict[str, Incident] = {}

    def judge(self, *findings: Finding) -> list[tuple[Change, str]]:
        moved = step(list(self.incidents.values()), findings, findings[0].window.end, self.policy)
        self.incidents |= {incident.id: incident for incident in moved.incidents}
        for event in moved.events:
            assert self.incidents[event.incident.id] == event.incident
        return [(event.event, event.reason) for event in moved.events]

    def say(self, event: IncidentEvent) -> None:
        self.incidents[event.incident.id] = event.incident

    @property
    def last(self) -> Incident:
        return list(self.incidents.values())[-1]


def kinds(events: Sequence[tuple[Change, str]]) -> list[Change]:
    return [change for change, _ in events]


def test_one_incident_for_many_features_detectors_and_horizons() -> None:
    model = Model()
    found = [finding(day(0), f"x{i}", detector=d) for i in range(30) for d in ("ks", "psi")]
    found += [finding(day(0, 7), f"x{i}") for i in range(30)]
    assert kinds(model.judge(*found)) == [Change.OPENED]
    incident = model.last
    assert len(incident.subjects) == 30
    assert incident.horizons == ("1d", "7d")
    assert (incident.trouble, incident.state, incident.owner) == (Trouble.DRIFT, State.OPEN, "flights")
    assert 0 < len(incident.evidence) <= 12


def test_the_same_history_gives_the_same_id_and_another_window_another() -> None:
    assert opened().incident.id == opened(now=day(9).end).incident.id
    assert opened().incident.id != opened(window=day(1)).incident.id
    assert len(opened().incident.id) == 10


def test_more_of_the_same_is_no_news() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for number in range(1, 6):
        assert model.judge(finding(day(number), statistic=0.44)) == []
    assert model.last.breaches == 6
    assert model.last.latest == day(5)
    assert model.last.window == day(0)
    assert model.last.evidence[0]["statistic"] == 0.44


def test_spread_severity_and_worse_are_news_once() -> None:
    model = Model()
    model.judge(finding(day(0), statistic=0.2))
    assert model.judge(finding(day(1), statistic=0.2), finding(day(1), "temp", statistic=0.2)) == [
        (Change.UPDATED, "spread to temp")
    ]
    assert model.judge(finding(day(2), statistic=0.6)) == [(Change.UPDATED, "worse: 4 times the limit, was 1.3 times")]
    assert model.judge(finding(day(3), statistic=0.62)) == []
    broken = {"kind": Kind.QUALITY, "detector": "missing", "subject": "wind_speed"}
    assert kinds(model.judge(finding(day(4), statistic=0.1, **broken))) == [Change.OPENED]
    events = model.judge(finding(day(5), statistic=0.11, effect=0.11, **broken))
    assert events == []
    events = model.judge(finding(day(6), statistic=0.9, effect=0.9, **broken))
    assert events == [(Change.UPDATED, "severity rose from warning to critical")]


def test_the_models_cap_keeps_severity_down() -> None:
    model = Model(Policy(severity_cap=Severity.INFO))
    model.judge(finding(day(0), kind=Kind.QUALITY, detector="missing", statistic=0.9, effect=0.9))
    assert model.last.severity is Severity.INFO


def test_resolved_after_three_clean_windows_of_the_shortest_horizon() -> None:
    model = Model()
    model.judge(finding(day(0)), finding(day(0, 7)))
    assert model.judge(finding(day(1), status=OK), finding(day(1, 7))) == []
    assert model.judge(finding(day(2), status=OK), finding(day(2, 7))) == []
    assert model.judge(finding(day(3), status=OK), finding(day(3, 7))) == [
        (Change.RESOLVED, "3 clean 1d windows in a row")
    ]
    assert model.last.resolved_at == day(3).end


def test_insufficient_and_missing_windows_count_neither_way() -> None:
    model = Model()
    model.judge(finding(day(0)))
    model.judge(finding(day(1), status=OK))
    assert model.judge(finding(day(2), status=UNSURE)) == []
    assert model.last.tracks["1d"].clean == 1
    # Another feature is fine, the one concerned is not known: not clean.
    assert model.judge(finding(day(3), status=UNSURE), finding(day(3), "temp", status=OK)) == []
    assert model.last.tracks["1d"].clean == 1
    model.judge(finding(day(6), status=OK))
    assert kinds(model.judge(finding(day(7), status=OK))) == [Change.RESOLVED]


def test_a_breach_starts_the_count_again() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for number in (1, 2):
        model.judge(finding(day(number), status=OK))
    model.judge(finding(day(3)))
    assert model.last.tracks["1d"].clean == 0


def test_the_same_window_counts_once() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for _ in range(5):
        assert model.judge(finding(day(1), status=OK)) == []
    assert model.last.tracks["1d"].clean == 1


def test_a_canary_that_breaches_is_not_outvoted_by_the_old_version() -> None:
    model = Model()
    for number in range(8):
        model.judge(finding(day(number), version="3", status=OK))
        model.judge(finding(day(number), version="4"))
    assert not model.last.resolved
    assert model.last.version == "4"


def test_reopened_within_grace_and_opened_anew_after_it() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for number in (1, 2, 3):
        model.judge(finding(day(number), status=OK))
    first = model.last
    assert kinds(model.judge(finding(day(9)))) == [Change.REOPENED]
    assert model.last.id == first.id
    assert model.last.reopened == 1
    assert model.last.resolved_at is None
    for number in (10, 11, 12):
        model.judge(finding(day(number), status=OK))
    assert kinds(model.judge(finding(day(20)))) == [Change.OPENED]
    assert model.last.id != first.id


def test_grace_is_counted_in_windows_however_late_they_are_judged() -> None:
    incident = opened().incident
    now = day(300).end
    for number in (1, 2, 3):
        (incident,) = step([incident], [finding(day(number), status=OK)], now, POLICY).incidents
    assert incident.resolved
    assert only(step([incident], [finding(day(20))], now, POLICY)).event is Change.OPENED


def test_a_longer_window_that_still_holds_the_incident_does_not_reopen_it() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for number in (1, 2, 3):
        model.judge(finding(day(number), status=OK), finding(day(number, 28)))
    assert model.last.resolved
    assert model.judge(finding(day(4), status=OK), finding(day(4, 28))) == []
    # Something the incident never was about is no echo.
    assert kinds(model.judge(finding(day(5, 28), "temp"))) == [Change.REOPENED]


def test_what_a_week_brings_back_is_over_when_the_week_is_clean_however_clean_its_days_are() -> None:
    model = Model()
    model.judge(finding(day(0)))
    for number in range(1, 7):
        model.judge(finding(day(number), status=OK), finding(day(number, 7)))
    # A week that no longer holds the first day breaches by itself, while its single days do not.
    seen = [model.judge(finding(day(number), status=OK), finding(day(number, 7))) for number in range(7, 16)]
    assert [kinds(events) for events in seen if events] == [[Change.REOPENED]]
    assert model.last.state is State.OPEN
    clean = [model.judge(finding(day(n), status=OK), finding(day(n, 7), status=OK)) for n in range(16, 19)]
    assert [kinds(events) for events in clean] == [[], [], [Change.RESOLVED]]


def test_a_slow_drift_seen_first_over_28_days_is_not_over_because_single_days_are_clean() -> None:
    model = Model()
    model.judge(finding(day(0, 28)))
    model.judge(finding(day(1)), finding(day(1, 28)))
    for number in (2, 3, 4, 5):
        assert model.judge(finding(day(number), status=OK), finding(day(number, 28))) == []
    assert not model.last.resolved


def test_a_subject_that_only_a_longer_window_shows_must_come_clean_there() -> None:
    model = Model()
    model.judge(finding(day(0)))
    assert kinds(model.judge(finding(day(1), status=OK), finding(day(1, 7), "temp"))) == [Change.UPDATED]
    for number in (2, 3, 4):
        model.judge(finding(day(number), status=OK), finding(day(number, 7), "temp"))
    assert not model.last.resolved


def test_data_is_told_apart_from_drift() -> None:
    model = Model()
    null_storm = [finding(day(0), kind=Kind.QUALITY, detector="missing", statistic=0.6, effect=0.6), finding(day(0))]
    assert kinds(model.judge(*null_storm)) == [Change.OPENED]
    assert model.last.trouble is Trouble.DATA


def test_silence_opens_one_incident_and_inhibits_its_consequences() -> None:
    model = Model()
    silent = finding(day(0), "rows", kind=Kind.VOLUME, detector="volume", statistic=-1.0, threshold=0.5, n=0)
    hour = Window("1h", day(0).start, day(0).start + timedelta(hours=1))
    gone = [
        finding(day(0), f"x{i}", kind=Kind.QUALITY, detector="vanished", statistic=1.0, effect=1.0) for i in range(9)
    ]
    assert kinds(model.judge(silent, *gone, finding(day(0)), finding(hour))) == [Change.OPENED]
    assert model.last.trouble is Trouble.SILENCE
    back = finding(day(1), "rows", OK, kind=Kind.VOLUME, detector="volume", statistic=0.0, threshold=0.5)
    assert model.judge(back) == [(Change.RESOLVED, "a clean 1d window")]


def test_more_rows_than_usual_inhibit_nothing() -> None:
    model = Model()
    busy = finding(day(0), "rows", kind=Kind.VOLUME, detector="volume", statistic=2.0, threshold=0.5)
    assert kinds(model.judge(busy, finding(day(0)))) == [Change.OPENED, Change.OPENED]


def test_blind_is_over_as_soon_as_the_log_is_read() -> None:
    model = Model()
    at = Window("1h", day(0).end, day(0).end)
    log = {"kind": Kind.VOLUME, "detector": "log_reachable", "statistic": 0.0, "threshold": None, "n": 0}
    assert kinds(model.judge(finding(at, "log", **log))) == [Change.OPENED]
    assert model.last.trouble is Trouble.BLIND
    later = Window("1h", day(0).end + DAY, day(0).end + DAY)
    assert kinds(model.judge(finding(later, "log", status=OK, **log))) == [Change.RESOLVED]


def test_batch_runs_share_one_track() -> None:
    model = Model(Policy(clean_windows=2, grace=timedelta(days=30)))
    runs = [Window(f"run:{n}", day(7 * n).start, day(7 * n).end) for n in range(4)]
    model.judge(finding(runs[0]))
    assert model.judge(finding(runs[1])) == []
    assert model.last.breaches == 2
    model.judge(finding(runs[2], status=OK))
    assert kinds(model.judge(finding(runs[3], status=OK))) == [Change.RESOLVED]


def test_revisions_never_open() -> None:
    assert step([], [finding(day(0), revision=1)], day(5).end, POLICY).events == ()


def test_a_revision_ends_a_false_start() -> None:
    incident = opened().incident
    event = only(step([incident], [finding(day(0), status=OK, revision=1)], day(0).end + DAY, POLICY))
    assert event.event is Change.RESOLVED
    assert "came late" in event.reason


def test_a_revision_corrects_figures_without_a_word() -> None:
    incident = opened().incident
    moved = step([incident], [finding(day(0), statistic=0.37, revision=1)], day(0).end + DAY, POLICY)
    assert moved.events == ()
    assert moved.incidents[0].evidence[0]["statistic"] == 0.37


def test_a_revision_of_one_window_does_not_end_an_incident_of_several() -> None:
    model = Model()
    model.judge(finding(day(0)))
    model.judge(finding(day(1)))
    assert model.judge(finding(day(0), status=OK, revision=1)) == []


def test_acknowledging_and_closing() -> None:
    incident = opened().incident
    seen = acknowledge(incident, "ada", day(0).end)
    assert (seen.event, seen.incident.state, seen.incident.actor) == (Change.ACKNOWLEDGED, State.ACKNOWLEDGED, "ada")
    with pytest.raises(IncidentError, match="acknowledged"):
        acknowledge(seen.incident, "bob", day(0).end)
    done = close(seen.incident, Verdict.EXPECTED, "ada", day(0).end)
    assert (done.incident.state, done.incident.verdict) == (State.RESOLVED, Verdict.EXPECTED)
    assert done.reason == "closed by ada as expected"
    with pytest.raises(IncidentError, match="closed as expected already"):
        close(done.incident, Verdict.EXPECTED, "ada", day(0).end)


def test_a_verdict_may_be_given_late_changed_and_taken_back() -> None:
    incident, later = opened().incident, day(3).end
    closed = close(incident, Verdict.FALSE_ALARM, "ada", day(1).end).incident
    changed = close(closed, Verdict.ACCEPTED, "bob", later)
    assert (changed.incident.verdict, changed.incident.resolved_at) == (Verdict.ACCEPTED, day(1).end)
    assert changed.incident.accepted_from == incident.window.start
    assert changed.reason == "bob says it was accepted, not a false alarm"
    back = reopen(changed.incident, "ada", later)
    assert (back.event, back.incident.state, back.incident.verdict) == (Change.REOPENED, State.OPEN, None)
    assert (back.incident.resolved_at, back.incident.judged_at, back.incident.accepted_from) == (None, None, None)

    # One that was over by itself stays over, whatever is said of it afterwards.
    over = replace(incident, state=State.RESOLVED, resolved_at=day(2).end)
    said = close(over, Verdict.FALSE_ALARM, "ada", later)
    assert (said.incident.resolved_at, said.incident.judged_at) == (day(2).end, later)
    assert said.reason == "ada says it was a false alarm"


def test_a_new_normal_begins_in_the_past_and_is_no_blindness() -> None:
    incident = opened().incident
    with pytest.raises(IncidentError, match="in the past"):
        close(incident, Verdict.ACCEPTED, "ada", day(1).end, accepted_from=day(4).end)
    with pytest.raises(IncidentError, match="only where an incident is accepted"):
        close(incident, Verdict.FIXED, "ada", day(1).end, accepted_from=day(0).start)
    with pytest.raises(IncidentError, match="no new normal"):
        close(replace(incident, trouble=Trouble.BLIND), Verdict.ACCEPTED, "ada", day(1).end)


def test_after_acceptance_only_what_the_new_baseline_finds_is_other_news() -> None:
    incident = opened().incident
    accepted = close(incident, Verdict.ACCEPTED, "ada", day(1).end).incident
    old = [finding(day(2), baseline_id=incident.baseline_id)]
    assert step([accepted], old, day(2).end, Policy()).events == (), "the old baseline's window merely goes on"
    new = [finding(day(2), baseline_id="another")]
    assert [event.event for event in step([accepted], new, day(2).end, Policy()).events] == [Change.OPENED]


def test_the_days_of_a_known_event_are_neither_bad_news_nor_good() -> None:
    event = {"detail": {"event": "christmas"}}
    assert step([], [finding(day(0), **event)], day(0).end, Policy()).events == ()
    incident = opened().incident
    clean = [finding(day(number), status=Status.OK, **event) for number in range(1, 5)]
    for one in clean:
        assert step([incident], [one], one.window.end, Policy()) == Step()


@pytest.mark.parametrize("verdict", [Verdict.EXPECTED, Verdict.ACCEPTED, Verdict.FALSE_ALARM])
def test_what_a_person_called_known_stays_closed_while_it_goes_on(verdict: Verdict) -> None:
    model = Model()
    model.judge(finding(day(0)))
    model.say(close(model.last, verdict, "ada", day(0).end))
    for number in range(1, 15):
        assert model.judge(finding(day(number))) == []
    assert kinds(model.judge(finding(day(15)), finding(day(15), "temp"))) == [Change.OPENED]
    assert len(model.incidents) == 2


def test_what_was_called_fixed_comes_back() -> None:
    model = Model()
    model.judge(finding(day(0)))
    model.say(close(model.last, Verdict.FIXED, "ada", day(0).end))
    assert kinds(model.judge(finding(day(1)))) == [Change.REOPENED]
    assert model.last.verdict is None
    assert model.last.breaches == 1


def test_windows_that_began_before_the_fix_do_not_bring_it_back() -> None:
    model = Model()
    model.judge(finding(day(6, 7)))
    model.say(close(model.last, Verdict.FIXED, "ada", day(6).end))
    for number in range(7, 13):
        assert model.judge(finding(day(number, 7))) == [], "most of its days are from before"
    assert kinds(model.judge(finding(day(13, 7)))) == [Change.REOPENED]
    assert kinds(model.judge(finding(day(14, 7)), finding(day(14, 7), "temp"))) == [Change.UPDATED]


def test_what_comes_back_is_counted_anew_by_the_horizon_that_breaches_most() -> None:
    model = Model(replace(POLICY, clean_windows=1))
    for number in range(7, 10):
        model.judge(finding(day(number)), finding(day(number, 7)))
    model.judge(finding(day(10, 7)))
    assert model.last.breaches == 4
    for number in range(10, 12):
        model.judge(finding(day(number), status=OK), finding(day(number, 7), status=OK))
    assert model.last.resolved
    assert kinds(model.judge(finding(day(13)))) == [Change.REOPENED]
    assert model.last.breaches == 1
    model.judge(finding(day(14)))
    assert model.last.breaches == 2


def test_json_goes_there_and_back() -> None:
    event = opened(statistic=float("nan"), effect=0.5)
    changed = close(acknowledge(event.incident, "ada", day(1).end).incident, Verdict.FALSE_ALARM, "bob", day(2).end)
    for incident in (event.incident, changed.incident):
        assert Incident.from_json(json.loads(json.dumps(incident.to_json(), allow_nan=False))) == incident


def test_events_are_written_as_the_contract_says() -> None:
    event = opened()
    assert event.to_json() == {
        "type": "incident",
        "event": "opened",
        "id": event.incident.id,
        "model": "flight-delay",
        "at": "2013-05-02T04:00:00Z",
        "severity": "warning",
        "diagnosis": "not enough evidence",
        "subjects": ["wind_speed"],
        "summary": event.incident.summary,
    }
    again = IncidentEvent(Change.REOPENED, event.incident, event.at)
    assert again.to_json()["event"] == "opened"
    assert again.to_json()["reopened"] is True


def test_drift_that_lasts_for_14_days_is_standing_told_once_and_its_new_subjects_still_are() -> None:
    model = Model()
    model.judge(finding(day(0)))
    assert [model.judge(finding(day(number))) for number in range(1, 14)] == [[]] * 13
    assert model.judge(finding(day(14))) == [
        (Change.STANDING, "it has lasted for 14 days: from now on it is in the reports and not repeated")
    ]
    assert model.last.state is State.STANDING
    assert [model.judge(finding(day(number))) for number in range(15, 40)] == [[]] * 25
    assert model.judge(finding(day(40)), finding(day(40), "temp")) == [(Change.UPDATED, "spread to temp")]
    assert model.last.state is State.STANDING
    for number in (41, 42, 43):
        events = model.judge(finding(day(number), status=OK), finding(day(number), "temp", status=OK))
    assert kinds(events) == [Change.RESOLVED]
    # Once more within the grace time: it is news again, and its time is counted anew.
    assert kinds(model.judge(finding(day(46)))) == [Change.REOPENED]
    assert [model.judge(finding(day(number))) for number in range(47, 60)] == [[]] * 13
    assert kinds(model.judge(finding(day(60)))) == [Change.STANDING]


def test_a_broken_column_never_becomes_standing() -> None:
    model = Model()
    for number in range(40):
        model.judge(finding(day(number), kind=Kind.QUALITY, detector="missing", statistic=0.3, effect=0.3))
    assert model.last.state is State.OPEN


def test_standing_is_reported_as_an_update() -> None:
    data = IncidentEvent(Change.STANDING, opened().incident, day(0).end).to_json()
    assert (data["event"], data["standing"]) == ("updated", True)


def test_better_is_told_once_when_it_has_stayed_better() -> None:
    model = Model()
    model.judge(finding(day(0), statistic=0.9))
    assert model.judge(finding(day(1), statistic=0.2)) == []
    assert model.judge(finding(day(2), statistic=0.8)) == []
    assert model.judge(finding(day(3), statistic=0.2)) == []
    assert model.judge(finding(day(4), statistic=0.3)) == [(Change.UPDATED, "better: 2 times the limit, was 6 times")]
    assert [model.judge(finding(day(number), statistic=0.3)) for number in (5, 6, 7)] == [[]] * 3
    assert model.judge(finding(day(8), statistic=0.6)) == [(Change.UPDATED, "worse: 4 times the limit, was 2 times")]


def test_a_lost_column_inhibits_what_the_model_makes_of_it_and_not_other_drift() -> None:
    model = Model()
    lost = {"kind": Kind.QUALITY, "detector": "vanished", "statistic": 1.0, "effect": 1.0, "threshold": 0.1}
    score = finding(day(0), "score", kind=Kind.PREDICTION)
    assert kinds(model.judge(finding(day(0), "amount", **lost), score)) == [
        Change.OPENED, Change.UPDATED, Change.OPENED,
    ]  # fmt: skip
    cause, consequence = model.incidents.values()
    assert (cause.trouble, consequence.trouble) == (Trouble.DATA, Trouble.DRIFT)
    assert consequence.cause == cause.id
    # Another column that drifts beside it has another reason.
    other = Model()
    other.judge(finding(day(0), "amount", **lost), finding(day(0), "wind_speed"))
    assert [incident.cause for incident in other.incidents.values()] == [None, None]


def test_a_column_lost_in_few_rows_explains_nothing() -> None:
    model = Model()
    few = finding(day(0), "amount", kind=Kind.QUALITY, detector="missing", statistic=0.2, effect=0.2, threshold=0.1)
    model.judge(few, finding(day(0), "score", kind=Kind.PREDICTION))
    assert [incident.cause for incident in model.incidents.values()] == [None, None]


def test_degradation_whose_labels_come_later_is_explained_by_what_was_lost_then() -> None:
    model = Model()
    lost = {"kind": Kind.QUALITY, "detector": "vanished", "statistic": 1.0, "effect": 1.0, "threshold": 0.1}
    model.judge(finding(day(0), "amount", **lost))
    for number in (1, 2, 3):
        model.judge(finding(day(number), "amount", OK, **{**lost, "statistic": 0.0, "effect": 0.0}))
    assert model.last.resolved
    fell = {"kind": Kind.PERFORMANCE, "detector": "auc", "statistic": 0.6, "effect": 0.1, "threshold": 0.05}
    moved = step(list(model.incidents.values()), [finding(day(0), "AUC", **fell)], day(9).end, POLICY)
    assert only(moved).incident.cause == model.last.id


def test_a_consequence_that_outlives_its_cause_is_told() -> None:
    model = Model()
    lost = {"kind": Kind.QUALITY, "detector": "vanished", "statistic": 1.0, "effect": 1.0, "threshold": 0.1}
    model.judge(finding(day(0), "amount", **lost), finding(day(0), "score", kind=Kind.PREDICTION))
    cause = next(iter(model.incidents.values()))
    fine = {**lost, "statistic": 0.0, "effect": 0.0}
    events = model.judge(finding(day(1), "amount", OK, **fine), finding(day(1), "score", kind=Kind.PREDICTION))
    assert events == [(Change.UPDATED, f"it goes on after incident {cause.id}, which explained it, is over")]
    assert model.last.cause is None


def test_no_rows_explain_what_a_longer_window_says_of_the_same_time() -> None:
    model = Model()
    silent = finding(day(0), "rows", kind=Kind.VOLUME, detector="volume", statistic=-1.0, threshold=0.5, n=0)
    missing = finding(day(0, 7), "amount", kind=Kind.QUALITY, detector="missing", statistic=0.2, effect=0.2)
    model.judge(silent, missing)
    silence, data = model.incidents.values()
    assert data.cause == silence.id


def test_a_verdict_is_taken_back() -> None:
    model = Model()
    model.judge(finding(day(0)))
    with pytest.raises(IncidentError, match="only one that is over"):
        reopen(model.last, "bob", day(0).end)
    model.say(close(model.last, Verdict.EXPECTED, "ada", day(0).end))
    event = reopen(model.last, "bob", day(1).end)
    assert (event.event, event.reason) == (Change.REOPENED, "reopened by bob: it was closed as expected")
    model.say(event)
    assert (model.last.state, model.last.verdict, model.last.resolved_at) == (State.OPEN, None, None)
    assert model.judge(finding(day(1))) == []
    for number in (2, 3, 4):
        events = model.judge(finding(day(number), status=OK))
    assert kinds(events) == [Change.RESOLVED]


def test_what_was_accepted_and_differs_from_the_new_baseline_too_is_new() -> None:
    model = Model()
    model.judge(finding(day(0)))
    model.say(close(model.last, Verdict.ACCEPTED, "ada", day(0).end))
    assert model.judge(finding(day(1))) == []
    assert kinds(model.judge(finding(day(2), baseline_id="base-2"))) == [Change.OPENED]


def test_incidents_of_an_earlier_driftline_are_read() -> None:
    incident = opened().incident
    data = {key: value for key, value in incident.to_json().items() if key not in ("stretch", "easing", "cause")}
    assert Incident.from_json(data) == replace(incident, stretch=None)
