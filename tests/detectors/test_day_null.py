"""The predictive test of one more day against scipy and against its own null distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.day_null import p_lower


def test_it_is_students_predictive_distribution() -> None:
    rng = np.random.default_rng(0)
    days, window = rng.normal(5.0, 2.0, size=(20, 3)), np.array([5.0, 1.0, 9.0])
    expected = [
        stats.t(19, loc=each.mean(), scale=each.std(ddof=1) * np.sqrt(1 + 1 / 20)).cdf(x)
        for each, x in zip(days.T, window, strict=True)
    ]
    assert p_lower(days, window) == pytest.approx(expected, abs=1e-12)


def test_days_without_a_value_are_left_out_and_too_few_say_nothing() -> None:
    days = np.random.default_rng(1).normal(size=(12, 3))
    days[8:, 0] = np.nan
    days[7:, 1] = np.nan
    found = p_lower(days, np.array([0.3, 0.3, np.nan]))
    assert found[0] == pytest.approx(p_lower(days[:8, 0], np.array(0.3)))
    assert np.isnan(found[1:]).all()


def test_days_that_all_agree_leave_room_for_a_small_difference() -> None:
    assert p_lower(np.full(20, 0.8), np.array(0.7999)) > 0.3
    assert p_lower(np.full(20, 0.8), np.array(0.7)) < 1e-6


def test_under_the_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(2)
    found = p_lower(rng.normal(size=(10, 4000)), rng.normal(size=4000))
    assert stats.kstest(found, "uniform").pvalue > 1e-3
