"""Two proportions: never too small a p-value, and near the accepted tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from detectors.rates import rate, two_proportions


def one(first: int, n: int, second: int, m: int) -> float:
    return float(two_proportions(np.array([first]), np.array([n]), np.array([second]), np.array([m]))[0])


def test_large_counts_are_the_corrected_chi_squared_test() -> None:
    for first, n, second, m in ((300, 1000, 350, 1000), (100, 9000, 25, 900), (8000, 9000, 700, 900)):
        exact = chi2_contingency([[first, n - first], [second, m - second]], correction=True).pvalue
        assert one(first, n, second, m) == pytest.approx(exact, rel=1e-6)


def test_rare_outcomes_are_near_fishers_test_and_not_below_half_of_it() -> None:
    for first, n, second, m in (
        (0, 27_000, 2, 900),
        (3, 1000, 9, 1000),
        (0, 500, 0, 500),
        (1, 50, 6, 40),
        (40, 50, 40, 41),
    ):
        exact = fisher_exact([[first, n - first], [second, m - second]]).pvalue
        assert 0.5 * exact <= one(first, n, second, m) <= min(1.0, 4.0 * exact)


def test_everything_lost_is_certain_and_nothing_is_no_evidence() -> None:
    assert one(0, 27_000, 900, 900) < 1e-100
    assert one(0, 27_000, 0, 900) == 1.0
    assert one(900, 900, 100, 100) == 1.0
    assert np.isnan(one(0, 0, 3, 10))


@pytest.mark.parametrize(("p", "n", "m"), [(0.001, 27_000, 900), (0.3, 5000, 900), (0.5, 100, 100), (0.03, 400, 300)])
def test_under_one_rate_it_rejects_no_more_often_than_it_says(p: float, n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    draws = 20_000
    found = two_proportions(rng.binomial(n, p, draws), np.full(draws, n), rng.binomial(m, p, draws), np.full(draws, m))
    for level in (0.001, 0.01, 0.05):
        assert (found <= level).mean() <= level + 3 * np.sqrt(level / draws)


def test_the_rate_of_nothing_is_nan() -> None:
    assert rate(np.array([1, 0]), np.array([4, 0])).tolist()[0] == 0.25
    assert np.isnan(rate(np.array([0]), np.array([0]))[0])
