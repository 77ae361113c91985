"""When a model is to be retrained."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.incident import Incident, State, Track
from alerts.triggers.policy import Decision, Fired, Mode, Trigger, held_back, on_incidents, on_schedule, target_name
from detectors.result import Kind
from tests.support.incidents import DAY, DAY0, day, opened

TRIGGER = Trigger("retrain", "flight-delay", confirm=2, cooldown=timedelta(days=7))


def degraded(breaches: int = 2, **changes: object) -> Incident:
    incident = opened(kind=Kind.PERFORMANCE, detector="auc", statistic=0.6, threshold=0.05, effect=0.1).incident
    track = Track(day(0).end, day(breaches).end, day(breaches).end, breaches=breaches)
    return replace(incident, tracks={"1d": track}, **changes)  # type: ignore[arg-type]


def one(decisions: list[Decision]) -> Decision:
    assert len(decisions) == 1
    return decisions[0]


def test_a_confirmed_degradation_fires_once() -> None:
    decision = one(on_incidents([TRIGGER], [degraded()], [], DAY0))
    firing = decision.firing
    assert firing is not None
    assert firing.payload() == {
        "type": "retrain",
        "trigger": "retrain",
        "model": "flight-delay",
        "version": "3",
        "baseline": "base-1",
        "window": {"horizon": "1d", "start": "2013-05-01T04:00:00Z", "end": "2013-05-02T04:00:00Z"},
        "incident": degraded().id,
        "diagnosis": "concept drift or unobserved cause",
        "reasons": [degraded().summary],
        "at": "2013-05-01T04:00:00Z",
        "key": firing.key,
    }
    again = one(on_incidents([TRIGGER], [degraded(5)], [Fired("retrain", firing.key, DAY0)], DAY0 + 30 * DAY))
    assert (again.firing, again.reason) == (None, "fired already for this")


def test_not_confirmed_yet() -> None:
    decision = one(on_incidents([TRIGGER], [degraded(1)], [], DAY0))
    assert (decision.firing, decision.reason) == (None, "breached in 1 of 2 windows it takes")


def test_broken_data_or_labels_are_mended_before_anything_is_trained_on_them() -> None:
    for diagnosis, told in (("label problem", "fix the labels"), ("data bug", "fix the data")):
        decision = one(on_incidents([TRIGGER], [degraded(diagnosis=diagnosis)], [], DAY0))
        assert (decision.firing, decision.reason) == (None, f"{diagnosis}: {told} first")
    assert one(on_incidents([TRIGGER], [degraded(diagnosis="prior shift")], [], DAY0)).firing is not None


def test_drift_alone_does_not_retrain_unless_asked_to() -> None:
    drift = replace(opened().incident, tracks=degraded().tracks)
    assert on_incidents([TRIGGER], [drift], [], DAY0) == []
    assert one(on_incidents([replace(TRIGGER, when="drift")], [drift], [], DAY0)).firing is not None
    assert one(on_incidents([replace(TRIGGER, when="drift")], [degraded()], [], DAY0)).firing is not None


def test_what_is_over_or_another_models_fires_nothing() -> None:
    assert on_incidents([TRIGGER], [degraded(state=State.RESOLVED), degraded(model="other")], [], DAY0) == []
    assert on_incidents([replace(TRIGGER, when="schedule")], [degraded()], [], DAY0) == []


def test_the_cooldown_holds_back_and_lets_go_while_the_trouble_lasts() -> None:
    past = [Fired("retrain", "retrain_other", DAY0)]
    held = one(on_incidents([TRIGGER], [degraded()], past, DAY0 + 6 * DAY))
    assert (held.firing, held.reason) == (None, "cooling down until 2013-05-08T04:00:00Z")
    assert one(on_incidents([TRIGGER], [degraded()], past, DAY0 + 7 * DAY)).firing is not None
    assert one(on_incidents([TRIGGER], [degraded()], [Fired("other", "x", DAY0)], DAY0)).firing is not None


def test_two_incidents_at_once_fire_one_retraining() -> None:
    decisions = on_incidents([TRIGGER], [degraded(), degraded(id="second")], [], DAY0)
    assert [decision.firing is not None for decision in decisions] == [True, False]


def test_an_incident_that_came_back_may_fire_again() -> None:
    first = one(on_incidents([TRIGGER], [degraded()], [], DAY0)).firing
    second = one(on_incidents([TRIGGER], [degraded(reopened=1)], [], DAY0)).firing
    assert first is not None
    assert second is not None
    assert first.key != second.key


def test_a_scheduled_trigger_fires_once_for_its_time() -> None:
    trigger = replace(TRIGGER, when="schedule", cooldown=timedelta(0))
    first = on_schedule(trigger, DAY0, "3", "base-1", [], DAY0 + timedelta(minutes=3)).firing
    assert first is not None
    assert first.reasons == ("scheduled for 2013-05-01T04:00:00Z",)
    assert on_schedule(trigger, DAY0, "3", "base-1", [Fired("retrain", first.key, DAY0)], DAY0).firing is None
    assert on_schedule(trigger, DAY0 + DAY, "3", "base-1", [Fired("retrain", first.key, DAY0)], DAY0 + DAY).firing


def test_never_more_than_so_many_in_a_period() -> None:
    trigger = replace(TRIGGER, cooldown=timedelta(days=1), most=2, period=timedelta(days=30))
    past = [Fired("retrain", f"k{number}", DAY0 + number * 5 * DAY) for number in range(2)]
    held = one(on_incidents([trigger], [degraded()], past, DAY0 + 29 * DAY))
    assert (held.firing, held.reason) == (None, "fired 2 times lately, as often as it may until 2013-05-31T04:00:00Z")
    assert one(on_incidents([trigger], [degraded()], past, DAY0 + 30 * DAY)).firing is not None


def test_what_somebody_refused_counts_no_more_but_is_not_asked_again() -> None:
    refused = [Fired("retrain", "retrain_other", DAY0, counted=False)]
    firing = one(on_incidents([TRIGGER], [degraded()], refused, DAY0)).firing
    assert firing is not None
    again = one(on_incidents([TRIGGER], [degraded()], [Fired("retrain", firing.key, DAY0, counted=False)], DAY0))
    assert (again.firing, again.reason) == (None, "fired already for this")


def test_a_firing_says_whether_its_target_is_called() -> None:
    for mode in Mode:
        firing = one(on_incidents([replace(TRIGGER, mode=mode)], [degraded()], [], DAY0)).firing
        assert firing is not None
        assert firing.mode is mode


def test_targets_have_names_no_channel_has() -> None:
    assert target_name("flight-delay", "retrain") == "trigger:flight-delay/retrain"


def test_a_message_says_why_nothing_was_triggered() -> None:
    trigger, now = Trigger("retrain", "flight-delay"), DAY0 + 3 * DAY
    scheduled = replace(trigger, name="monthly", when="schedule")
    drift = opened().incident
    before = "retraining not triggered: "
    assert held_back([trigger, scheduled], drift, [], now) == f"{before}drift alone does not"
    assert held_back([trigger], degraded(1), [], now) == f"{before}breached in 1 of 2 windows it takes"
    assert held_back([trigger], degraded(), [], now) == ""
    held = held_back([trigger], degraded(), [Fired("retrain", "of another", now - DAY)], now)
    assert held == f"{before}cooling down until 2013-05-10T04:00:00Z"
    key = one(on_incidents([trigger], [degraded()], [], now)).firing
    assert key is not None
    assert held_back([trigger], degraded(), [Fired("retrain", key.key, now - DAY)], now) == ""
    assert held_back([scheduled], drift, [], now) == ""
