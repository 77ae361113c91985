"""Which incidents of several models are one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.fleet import lead_of
from alerts.incident import Incident
from alerts.lifecycle import Policy
from detectors.result import Kind
from tests.support.incidents import DAY, day, opened

LOST = {"kind": Kind.QUALITY, "detector": "vanished", "statistic": 1.0, "effect": 1.0, "threshold": 0.1}
BLIND = {
    "subject": "log",
    "kind": Kind.VOLUME,
    "detector": "log_reachable",
    "statistic": 0.0,
    "threshold": None,
    "n": 0,
}


def of(model: str, source: str = "", **changes: object) -> Incident:
    return opened(policy=Policy(source=source), model=model, **changes).incident


def test_the_same_column_lost_in_two_models_is_one() -> None:
    first = of("a", subject="zip", **LOST)
    assert lead_of(of("b", subject="zip", **LOST), [of("c", subject="age", **LOST), first]) is first


def test_other_columns_other_faults_and_the_same_model_are_not() -> None:
    first = of("a", subject="zip", **LOST)
    missing = {**LOST, "detector": "missing"}
    for other in (of("b", subject="age", **LOST), of("b", subject="zip", **missing), of("a", subject="zip", **LOST)):
        assert lead_of(other, [first]) is None


def test_a_day_apart_is_together_and_longer_is_not() -> None:
    first = of("a", subject="zip", **LOST)
    later = of("b", subject="zip", window=day(1), **LOST)
    assert lead_of(later, [first]) is first
    assert lead_of(replace(later, opened_at=later.opened_at + timedelta(hours=1)), [first]) is None
    assert lead_of(of("b", subject="zip", window=day(2), **LOST), [first]) is None
    assert day(2).end - day(0).end == 2 * DAY


def test_a_log_that_both_read_is_one_and_another_is_not() -> None:
    first = of("a", source="log-1", **BLIND)
    assert lead_of(of("b", source="log-1", **BLIND), [first]) is first
    assert lead_of(of("b", source="log-2", **BLIND), [first]) is None
    assert lead_of(of("b", **BLIND), [of("a", **BLIND)]) is None


def test_predictions_and_performance_are_each_models_own() -> None:
    for own in (
        {"subject": "score", "kind": Kind.PREDICTION},
        {"subject": "AUC", "kind": Kind.PERFORMANCE, "detector": "auc", "statistic": 0.6, "effect": 0.1},
    ):
        assert lead_of(of("b", **own), [of("a", **own)]) is None


def test_a_fleet_has_one_lead_and_consequences_lead_nothing() -> None:
    first = of("a", subject="zip", **LOST)
    second = replace(of("b", subject="zip", **LOST), lead=first.id)
    third = of("c", subject="zip", **LOST)
    assert lead_of(third, [second]) is None
    assert lead_of(third, [replace(first, cause="x")]) is None
