"""New rounding is seen; neither chance, nor clumps, nor shifts, nor rounding that was always there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, rounding

RNG = np.random.default_rng(31)
N = 20_000
SHAPES = {
    "normal": lambda n: RNG.normal(50.0, 10.0, n),
    "lognormal": lambda n: RNG.lognormal(3.0, 1.0, n),
    "hundredths": lambda n: RNG.normal(50.0, 10.0, n).round(2),
    "integers": lambda n: RNG.normal(300.0, 60.0, n).round(),
}


def pair(first: np.ndarray, second: np.ndarray):
    grid = Grid.fit(pa.table({"x": first, "c": ["a"] * len(first)}))
    return tuple(grid.profile(pa.table({"x": side, "c": ["a"] * len(side)})) for side in (first, second))


@pytest.mark.parametrize(
    ("shape", "step"), [("normal", 1.0), ("normal", 5.0), ("lognormal", 5.0), ("hundredths", 2.0), ("integers", 10.0)]
)
@pytest.mark.parametrize("rows", [300, 5000])
def test_new_rounding_is_seen(shape: str, step: float, rows: int) -> None:
    second = (SHAPES[shape](rows) / step).round() * step
    found = rounding(*pair(SHAPES[shape](N), second))
    assert found.value[0] > 0.95
    assert found.pvalue[0] < 1e-4
    assert np.isnan(found.value[1])


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("rows", [100, 1000, 10_000])
def test_neither_chance_nor_shifts_nor_scales_are_rounding(shape: str, rows: int) -> None:
    first = SHAPES[shape](N)
    for shift, scale in [(0.0, 1.0), (0.25, 1.0), (-1.0, 1.0), (2.0, 1.0), (0.0, 1.5), (0.0, 0.6)]:
        second = first.mean() + scale * (SHAPES[shape](rows) - first.mean()) + shift * first.std()
        found = rounding(*pair(first, second))
        assert found.value[0] < 0.9 or found.pvalue[0] > 0.01, (shift, scale)


def test_clumps_of_a_few_readings_are_not_rounding() -> None:
    first = SHAPES["normal"](N)
    for _ in range(100):
        found = rounding(*pair(first, RNG.choice(SHAPES["normal"](24), 900)))
        assert found.value[0] < 0.9 or found.pvalue[0] > 1e-3


def test_what_was_rounded_before_is_no_news() -> None:
    first = SHAPES["integers"](N)
    assert rounding(*pair(first, SHAPES["integers"](3000))).value[0] < 0.5
    tens = (first / 10.0).round() * 10.0
    assert rounding(*pair(tens, tens[:3000])).value[0] == 0.0
