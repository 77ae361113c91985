"""Which of the measures that labels were held against speaks: for the worse first, and better is no bad news."""

from __future__ import annotations

import pytest

from detectors.estimation import Estimate, Estimates
from detectors.surprise import Surprise, unlikely
from monitor.performance.task_estimates import Told, _told


def told(**realised: float) -> Told:
    """Estimates of 0.3, 0.5 and 0.7, each with a standard deviation of 0.02."""
    usual = {"positives": 0.3, "log_loss": 0.5, "roc_auc": 0.7, "mae": 0.5, "accuracy": 0.7}
    of = {}
    for name, value in realised.items():
        estimate = Estimate(usual[name], usual[name] - 0.03, usual[name] + 0.03, 0.02)
        of[name] = Surprise(value, estimate, unlikely(value, estimate))
    return _told(of, "", Estimates({}, 100, 100.0, 0.0, ""), None, False)


def breach(found: Told) -> bool:
    return found.pvalue <= found.alpha and found.size >= found.limit and not found.better


def test_a_better_ranking_or_fit_than_expected_is_no_breach() -> None:
    for better in ({"roc_auc": 0.85}, {"log_loss": 0.35}, {"mae": 0.35}, {"accuracy": 0.85}):
        found = told(**better)
        assert found.better
        assert not breach(found)
    for worse in ({"roc_auc": 0.55}, {"log_loss": 0.65}, {"mae": 0.65}, {"accuracy": 0.55}):
        assert breach(told(**worse))


def test_a_level_is_better_on_neither_side() -> None:
    assert breach(told(positives=0.2))
    assert breach(told(positives=0.4))


@pytest.mark.parametrize("worse", [{"positives": 0.2}, {"log_loss": 0.6}])
def test_what_is_worse_speaks_though_something_else_went_better_by_more(worse: dict[str, float]) -> None:
    found = told(roc_auc=0.9, **worse)
    assert found.measure == next(iter(worse))
    assert breach(found)


def test_where_nothing_is_unlikely_the_least_likely_large_one_is_told() -> None:
    found = told(positives=0.29, roc_auc=0.735, log_loss=0.49)
    assert found.measure == "roc_auc"
    assert not breach(found)
