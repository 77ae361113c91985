"""Frozen columns and defaults are seen; shifts, scales, clumps and discrete columns are not taken for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, spike, stuck

RNG = np.random.default_rng(21)
N = 20_000
SHAPES = {
    "normal": lambda n: RNG.normal(50.0, 10.0, n),
    "lognormal": lambda n: RNG.lognormal(3.0, 1.0, n),
    "uniform": lambda n: RNG.uniform(0.0, 1.0, n),
    "integers": lambda n: RNG.integers(0, 30, n).astype(float),
    "Poisson": lambda n: RNG.poisson(4.0, n).astype(float),
    "with zeros": lambda n: np.where(RNG.random(n) < 0.6, 0.0, RNG.exponential(2.0, n)),
    "tenths": lambda n: RNG.normal(20.0, 2.0, n).round(1),
    "two humps": lambda n: np.where(RNG.random(n) < 0.5, RNG.normal(0.0, 1.0, n), RNG.normal(9.0, 1.0, n)),
}


def pair(first: np.ndarray, second: np.ndarray):
    grid = Grid.fit(pa.table({"x": first}))
    return grid.profile(pa.table({"x": first})), grid.profile(pa.table({"x": second}))


@pytest.mark.parametrize("shape", ["normal", "lognormal", "uniform", "tenths"])
def test_a_frozen_column_is_stuck(shape: str) -> None:
    first = SHAPES[shape](N)
    frozen = np.full(1000, float(first[3]))
    frozen[:20] = SHAPES[shape](20)
    value = stuck(*pair(first, frozen)).value[0]
    assert 0.97 < value < 1.0


@pytest.mark.parametrize("shape", ["normal", "lognormal", "uniform", "tenths"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_default_in_some_of_the_rows_is_a_spike(shape: str, share: float) -> None:
    first = SHAPES[shape](N)
    second = np.where(RNG.random(2000) < share, first.mean(), SHAPES[shape](2000))
    found = spike(*pair(first, second))
    assert found.value[0] == pytest.approx(share, abs=0.15)
    assert found.value[0] > 0.1
    assert found.pvalue[0] < 1e-9
    assert stuck(*pair(first, second)).value[0] < 0.95


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("rows", [100, 1000, 10_000])
def test_neither_chance_nor_shifts_nor_scales_are_a_spike_or_stuck(shape: str, rows: int) -> None:
    first = SHAPES[shape](N)
    for shift in (0.0, 0.25, -0.5, 1.0, -2.0, 4.0):
        for scale in (1.0, 0.7, 1.5):
            second = first.mean() + scale * (SHAPES[shape](rows) - first.mean()) + shift * first.std()
            if shape in ("integers", "Poisson"):
                second = second.round()
            if shape == "with zeros":
                # Moved zeros are a default that has changed: only the rest may move.
                second = np.where(RNG.random(rows) < 0.6, 0.0, abs(shift) + scale * RNG.exponential(2.0, rows))
            sides = pair(first, second)
            assert spike(*sides).value[0] < 0.1, (shift, scale)
            assert stuck(*sides).value[0] < 0.95, (shift, scale)


def test_the_pvalue_of_a_spike_is_never_too_small() -> None:
    first = SHAPES["normal"](N)
    small = [spike(*pair(first, SHAPES["normal"](150))).pvalue[0] <= 0.05 for _ in range(60)]
    assert sum(small) <= 5


def test_rows_that_come_in_clumps_are_no_spike() -> None:
    # The weather of 24 hours at three places: each reading is shared by many rows.
    first = SHAPES["normal"](N)
    for _ in range(30):
        second = RNG.choice(SHAPES["normal"](72), 900)
        assert spike(*pair(first, second)).value[0] < 0.1


def test_categories_and_usual_values() -> None:
    grid = Grid.fit(pa.table({"c": ["a", "b", "c"] * 100 + ["d"], "x": [0.0] * 290 + [1.0] * 11}))
    usual = grid.profile(pa.table({"c": ["a", "b", "c"] * 100 + ["d"], "x": [0.0] * 290 + [1.0] * 11}))
    found = stuck(usual, grid.profile(pa.table({"c": ["d"] * 200, "x": [0.0] * 200})))
    assert found.value.tolist() == [1.0, 0.0]
    assert stuck(usual, grid.profile(pa.table({"c": ["new"] * 200, "x": [5.0] * 200}))).value.tolist() == [0.0, 0.0]
    assert np.isnan(spike(usual, usual).value[0])
    assert np.isnan(stuck(usual, grid.profile(pa.table({"y": [1]}))).value).all()
