"""KS against scipy: within its bound on the grid, equal on raw arrays, p-values that hold."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from detectors import DetectorError, Grid, ks, ks_exact

SAMPLES = st.one_of(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=300),
    st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=300),
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.5, 1e9, -1e-300]), min_size=1, max_size=300),
    st.builds(
        lambda seed, n: (np.random.default_rng(seed).standard_cauchy(n)).tolist(),
        st.integers(0, 2**32 - 1),
        st.integers(1, 2000),
    ),
    st.builds(
        lambda seed, n: np.maximum(np.random.default_rng(seed).normal(size=n), 0.0).round(2).tolist(),
        st.integers(0, 2**32 - 1),
        st.integers(1, 2000),
    ),
)


def scipys(first: list[float], second: list[float]) -> float:
    """scipy's statistic; its p-value of a handful of rows divides by zero on the way and is not asked for."""
    with np.errstate(all="ignore"):
        return float(ks_2samp(first, second, method="asymp").statistic)


def on_grid(reference: object, production: object, resolution: int = 500):
    grid = Grid.fit(pa.table({"x": reference}), resolution)
    return ks(grid.profile(pa.table({"x": reference})), grid.profile(pa.table({"x": production})))


@settings(max_examples=200, deadline=None)
@given(SAMPLES, SAMPLES, st.sampled_from([10, 50, 500]))
def test_on_the_grid_ks_is_within_its_bound_of_scipys(first: list[float], second: list[float], resolution: int) -> None:
    found = on_grid(first, second, resolution)
    exact = scipys(first, second)
    assert found.value[0] <= exact + 1e-12
    assert exact - found.value[0] <= found.bound[0] + 1e-12
    assert found.bound[0] <= 1 / resolution + 1e-12
    if len(first) < resolution:
        assert found.value[0] == pytest.approx(exact, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, SAMPLES, SAMPLES)
def test_against_another_reference_than_the_grids_own_the_bound_still_holds(
    own: list[float], first: list[float], second: list[float]
) -> None:
    grid = Grid.fit(pa.table({"x": own}), 20)
    found = ks(grid.profile(pa.table({"x": first})), grid.profile(pa.table({"x": second})))
    exact = scipys(first, second)
    assert found.value[0] - 1e-12 <= exact <= found.value[0] + found.bound[0] + 1e-12


@settings(max_examples=50, deadline=None)
@given(SAMPLES, SAMPLES)
def test_on_raw_arrays_ks_equals_scipys(first: list[float], second: list[float]) -> None:
    found = ks_exact(first, second)
    assert found.value[0] == pytest.approx(scipys(first, second), abs=1e-12)


def test_raw_arrays_are_taken_feature_by_feature_without_nan_and_infinities() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(500, 3)), rng.normal(0.3, size=(200, 3))
    spoilt = second.copy()
    spoilt[:3, 1] = [np.nan, np.inf, -np.inf]
    spoilt[:, 2] = np.nan
    found = ks_exact(first, spoilt)
    assert found.value[0] == pytest.approx(ks_2samp(first[:, 0], second[:, 0]).statistic)
    assert found.value[1] == pytest.approx(ks_2samp(first[:, 1], second[3:, 1]).statistic)
    assert np.isnan(found.value[2])
    assert np.isnan(found.pvalue[2])
    with pytest.raises(DetectorError, match="3 features against 2"):
        ks_exact(first, second[:, :2])
    with pytest.raises(DetectorError, match="shape"):
        ks_exact(np.zeros((2, 2, 2)), second)


@pytest.mark.parametrize(("n", "m"), [(50, 1000), (100, 100), (200, 301), (900, 9000), (997, 1009)])
def test_pvalues_are_near_the_exact_ones_and_never_much_below(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.1, 0.2, 0.3, 0.5):
        first, second = rng.normal(size=n), rng.normal(shift, size=m)
        exact = ks_2samp(first, second, method="exact").pvalue
        if exact > 1e-6:
            assert 0.95 * exact <= ks_exact(first, second).pvalue[0] <= 2.0 * exact + 1e-12


def test_pvalues_are_scipys_asymptotic_ones_for_large_samples() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=20_000), rng.normal(0.03, size=15_000)
    assert ks_exact(first, second).pvalue[0] == pytest.approx(ks_2samp(first, second, method="asymp").pvalue, rel=0.02)


def test_under_no_drift_pvalues_are_uniform_and_with_ties_only_larger() -> None:
    rng = np.random.default_rng(9)
    smooth, tied = (
        ks_exact(draw(2000), draw(900)).pvalue
        for draw in (lambda rows: rng.normal(size=(rows, 800)), lambda rows: rng.poisson(2, size=(rows, 800)))
    )
    # 800 draws: three standard errors around each level.
    for level in (0.01, 0.05, 0.5):
        error = 3 * np.sqrt(level * (1 - level) / 800)
        assert level - error - 0.1 * level <= (smooth <= level).mean() <= level + error
        assert (tied <= level).mean() <= level + error


def test_ks_says_nothing_of_categories_and_of_nothing() -> None:
    grid = Grid.fit(pa.table({"c": ["a", "b"], "x": [1.0, 2.0]}))
    reference = grid.profile(pa.table({"c": ["a", "b"], "x": [1.0, 2.0]}))
    found = ks(reference, grid.profile(pa.table({"c": ["a"], "x": pa.nulls(1, pa.float64())})))
    assert np.isnan(found.value).all()
    assert np.isnan(found.pvalue).all()
    assert np.isnan(found.bound).all()


@pytest.mark.parametrize("absurd", [1e9, -999.0, float("inf"), float("-inf"), float("nan")])
def test_one_absurd_value_moves_nothing_and_hides_nothing(absurd: float) -> None:
    rng = np.random.default_rng(12)
    first, second = rng.normal(size=100_000), rng.normal(0.5, size=100_000)
    clean = on_grid(first, second).value[0]
    assert clean == pytest.approx(0.197, abs=0.01)
    assert on_grid(np.append(first, absurd), second).value[0] == pytest.approx(clean, abs=1 / 500)
    assert on_grid(first, np.append(second, absurd)).value[0] == pytest.approx(clean, abs=1 / 500)


def test_profiles_of_two_grids_are_refused() -> None:
    one, two = (Grid.fit(pa.table({"x": values})) for values in ([1.0, 2.0], [1.0, 3.0]))
    with pytest.raises(DetectorError, match="two grids"):
        ks(one.profile(pa.table({"x": [1.0]})), two.profile(pa.table({"x": [1.0]})))


@pytest.mark.parametrize("module", ["detectors", "detectors.ks"])
def test_examples_in_docstrings_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
