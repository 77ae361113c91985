"""A user's own metric: found, computed, given an error, judged; and whatever goes wrong in it stays there."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from detectors.day_effects import expected
from detectors.performance import accuracy
from detectors.result import Finding, Status, Window
from monitor.evaluate import Context
from monitor.performance.outcomes import Outcomes
from monitor.performance.own_metrics import NoMetric, find, measured
from monitor.performance.realised import judge_performance, reference_performance
from monitor.settings import ModelSettings
from tests.support.flow import DAY, START

HERE = "tests.monitor.performance.test_own_metrics"
CONTEXT = Context("m", "1", Window("1d", START, START + DAY), 0, START + DAY)


def hits(label: np.ndarray, score: np.ndarray, prediction: np.ndarray) -> float:
    return float((label == prediction).mean())


def fails(label: np.ndarray, score: np.ndarray, prediction: np.ndarray) -> float:
    raise ValueError(f"customer 4711 has {label[0]}")


def outcomes(days: int = 12, rows: int = 200, good: float = 0.9, seed: int = 0) -> Outcomes:
    rng = np.random.default_rng(seed)
    times = (int(START.timestamp()) + np.repeat(np.arange(days) * 86400, rows)) * 1_000_000
    label = rng.integers(0, 2, days * rows)
    said = np.where(rng.random(days * rows) < good, label, 1 - label)
    return Outcomes(times, times, label, None, said)


def settings(function: str = f"{HERE}:hits", **more: object) -> ModelSettings:
    return ModelSettings.model_validate({"metrics": {"profit": {"function": function, "tolerance": 0.05, **more}}})


def profit(found: list[Finding]) -> Finding:
    (one,) = [each for each in found if each.detector == "profit"]
    return one


def test_its_value_and_errors_are_those_of_the_same_measure_built_in() -> None:
    found, days = outcomes(), np.repeat(np.arange(12), 200)
    mine, ours = measured(f"{HERE}:hits", found, days), accuracy(found.label, found.prediction, None, days)
    assert (mine.value, mine.n, mine.days) == (ours.value, ours.n, ours.days)
    assert mine.stderr == pytest.approx(ours.stderr, rel=0.05)
    assert mine.rows_stderr == pytest.approx(ours.rows_stderr, rel=0.4)


def test_it_is_judged_against_the_baseline_where_it_has_a_tolerance() -> None:
    usual = reference_performance(settings(), outcomes())
    assert usual["profit"].days == 12
    worse = outcomes(1, 900, good=0.7, seed=3)
    found = profit(judge_performance(CONTEXT, settings(), worse, usual))
    assert (found.status, found.subject) == (Status.BREACH, "profit")
    assert expected(usual["profit"], None).stderr > 0
    free = ModelSettings.model_validate({"metrics": {"profit": {"function": f"{HERE}:hits"}}})
    alone = profit(judge_performance(CONTEXT, free, worse, usual))
    assert (alone.status, alone.detail["judged"]) == (Status.OK, False)
    cost = settings(higher_is_better=False)
    assert profit(judge_performance(CONTEXT, cost, worse, usual)).status is Status.OK


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (f"{HERE}:fails", "failed (ValueError)"),
        (f"{HERE}:nothing_there", "cannot be imported (AttributeError)"),
        ("no.such.module:f", "cannot be imported (ModuleNotFoundError)"),
        (f"{HERE}:HERE", "is no function"),
    ],
)
def test_what_goes_wrong_in_it_is_insufficient_with_a_reason_that_quotes_nothing(function: str, reason: str) -> None:
    found = judge_performance(CONTEXT, settings(function), outcomes(1), {})
    assert profit(found).status is Status.INSUFFICIENT
    assert profit(found).statistic is None
    assert reason in str(profit(found).detail["reason"])
    assert "4711" not in str(profit(found).detail)
    assert {one.status for one in found if one.detector == "recall"} == {Status.OK}
    with pytest.raises(NoMetric):
        measured(function, outcomes(1), None)


def test_names_that_are_taken_or_no_names_are_refused() -> None:
    assert find(f"{HERE}:hits") is not None
    for name in ("auc", "segments", "My Metric"):
        with pytest.raises(ValidationError, match="metric"):
            ModelSettings.model_validate({"metrics": {name: {"function": f"{HERE}:hits"}}})
    with pytest.raises(ValidationError):
        settings("not a reference")
