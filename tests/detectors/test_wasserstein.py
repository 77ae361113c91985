"""Wasserstein against scipy on winsorised values: equal on raw arrays, within its bound on the grid."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from detectors import Grid, wasserstein, wasserstein_exact
from detectors.wasserstein import winsorised_at
from tests.support.samples import SAMPLES, profiled


def scipys(first: np.ndarray, second: np.ndarray, low: float, high: float) -> float:
    # On a scale of its own, as the deviation of values around 1e-300 is 0 to numpy.
    a, b = ((np.clip(side, low, high) - low) / (high - low) for side in (first, second))
    return float(wasserstein_distance(a, b) / a.std())


@settings(max_examples=80, deadline=None)
@given(SAMPLES, SAMPLES, st.sampled_from([10, 50, 500]))
def test_on_the_grid_it_is_within_its_bound_of_scipys(first: list[float], second: list[float], resolution: int) -> None:
    pair = profiled(first, second, resolution)
    found, (low, high) = wasserstein(*pair), winsorised_at(pair[0].grid.columns[0])
    if np.isnan(found.value[0]):
        assert high == low or np.clip(first, low, high).std() <= 1e-8 * (high - low)
    else:
        exact = scipys(np.array(first), np.array(second), low, high)
        assert abs(found.value[0] - exact) <= found.bound[0] + 1e-6 * (1.0 + exact)


@settings(max_examples=40, deadline=None)
@given(SAMPLES, SAMPLES)
def test_on_raw_arrays_it_is_scipys(first: list[float], second: list[float]) -> None:
    found = wasserstein_exact(first, second)
    low, high = winsorised_at(Grid.fit(pa.table({"x": first})).columns[0])
    if np.isnan(found.value[0]):
        assert high == low or np.clip(first, low, high).std() <= 1e-8 * (high - low)
    else:
        assert found.value[0] == pytest.approx(scipys(np.array(first), np.array(second), low, high), rel=1e-6, abs=1e-9)


def test_the_bound_is_small_for_ordinary_columns() -> None:
    rng = np.random.default_rng(1)
    for draw in (rng.normal, rng.exponential, rng.uniform):
        found = wasserstein(*profiled(draw(size=50_000), draw(size=5000)))
        assert found.bound[0] < 0.03


def test_a_shift_reads_in_deviations_and_the_tails_are_cut() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(100.0, 4.0, 20_000), rng.normal(102.0, 4.0, 20_000)
    found = wasserstein(*profiled(first, second))
    assert found.value[0] == pytest.approx(0.5, abs=0.03)
    assert found.effect[0] == pytest.approx(found.value[0], abs=0.02)
    assert found.pvalue[0] < 1e-10
    low, high = winsorised_at(Grid.fit(pa.table({"x": first})).columns[0])
    # The first and last cell, of 0.2% each, are cut further where a change of units would bring the column.
    assert 0.001 <= (first < low).mean() <= 0.0022
    assert 0.001 <= (first > high).mean() <= 0.0022
    for absurd in (1e9, -999.0, float("inf"), float("nan")):
        for a, b in ((np.append(first, absurd), second), (first, np.append(second, absurd))):
            assert wasserstein(*profiled(a, b)).value[0] == pytest.approx(found.value[0], abs=0.01)
            assert wasserstein_exact(a, b).value[0] == pytest.approx(found.value[0], abs=0.02)


def test_what_does_not_vary_has_no_distance() -> None:
    assert np.isnan(wasserstein(*profiled([7.0] * 200, [8.0] * 200)).value[0])
    assert np.isnan(wasserstein_exact([7.0] * 200, [8.0] * 200).value[0])
    grid = Grid.fit(pa.table({"c": ["a", "b"], "x": [1.0, 2.0]}))
    found = wasserstein(
        grid.profile(pa.table({"c": ["a"], "x": [1.0]})), grid.profile(pa.table({"x": pa.nulls(2, pa.float64())}))
    )
    for part in (found.value, found.pvalue, found.effect, found.bound):
        assert np.isnan(part).all()
