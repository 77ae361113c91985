"""Row volume against the usual, and the age of the newest row."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import freshness, volume


def test_rows_are_compared_with_the_median_of_the_usual() -> None:
    usual = [900, 950, 920, 880, 930, 910, 905]
    assert volume(455, usual).value[0] == pytest.approx(-0.5)
    assert volume(0, usual).value[0] == -1.0
    assert volume(0, usual).pvalue[0] < 1e-4
    assert volume(910, usual).pvalue[0] == pytest.approx(1.0)
    assert volume(2000, usual).value[0] > 1


def test_a_wild_history_makes_a_quiet_day_unremarkable() -> None:
    usual = [100, 900, 300, 2000, 50, 1200, 700]
    assert volume(300, usual).pvalue[0] > 0.2


def test_one_absurd_day_in_the_history_changes_little() -> None:
    usual = [900, 950, 920, 880, 930, 910, 905]
    assert volume(455, [*usual, 10**9]).value[0] == pytest.approx(volume(455, usual).value[0], abs=0.01)


@pytest.mark.parametrize("usual", [[], [900], [900, 900], [0, 0, 0, 5]])
def test_too_little_history_is_nan(usual: list[int]) -> None:
    found = volume(100, usual)
    assert np.isnan(found.value[0])
    assert np.isnan(found.pvalue[0])


def test_pvalues_hold_for_poisson_counts() -> None:
    rng = np.random.default_rng(1)
    found = [volume(int(rng.poisson(400)), rng.poisson(400, 20)).pvalue[0] for _ in range(2000)]
    assert np.mean(np.array(found) <= 0.01) < 0.02


def test_freshness_is_held_against_the_largest_usual_age() -> None:
    found = freshness(7200.0, [600.0, 1800.0, 900.0])
    assert found.value[0] == 7200.0
    assert found.effect[0] == 4.0
    assert found.pvalue is None
    assert np.isnan(freshness(10.0, []).effect[0])
    assert freshness(-5.0, [60.0]).value[0] == 0.0
