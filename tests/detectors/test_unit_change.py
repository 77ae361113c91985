"""A change of unit is named, and neither seasons, shifts, growth nor noise are taken for one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, Role, ks, unit_change
from detectors.unit_change import explain

RNG = np.random.default_rng(11)
N, M = 20_000, 3_000
ROUTES = (80.0 + RNG.lognormal(6.5, 0.6, 150)).round()
SHAPES = {
    "temperature °F": lambda n: RNG.normal(55.0, 18.0, n).round(2),
    "temperature °C": lambda n: RNG.normal(13.0, 10.0, n).round(1),
    "kelvin": lambda n: RNG.normal(286.0, 10.0, n),
    "distance": lambda n: 80.0 + RNG.lognormal(6.5, 0.6, n),
    "routes": lambda n: ROUTES[RNG.integers(0, len(ROUTES), n)],
    "pressure": lambda n: RNG.normal(1013.0, 8.0, n),
    "percent": lambda n: RNG.uniform(0.0, 100.0, n),
    "whole percent": lambda n: np.clip(RNG.normal(60.0, 18.0, n), 20, 100).round(),
    "percent in fives": lambda n: 5.0 * RNG.integers(0, 21, n),
    "latency": lambda n: RNG.lognormal(5.0, 0.8, n) + 5.0,
    "weight": lambda n: RNG.normal(75.0, 12.0, n).round(),
    "with zeros": lambda n: np.where(RNG.random(n) < 0.3, 0.0, RNG.lognormal(3.0, 0.7, n)),
}
CASES = [
    ("temperature °F", 5 / 9, -160 / 9, "°F to °C"),
    ("temperature °C", 1.8, 32.0, "°C to °F"),
    ("temperature °C", 1.0, 273.15, "°C to K"),
    ("kelvin", 1.0, -273.15, "K to °C"),
    ("routes", 1.609344, 0.0, "miles to km"),
    ("distance", 0.001, 0.0, "a thousandth"),
    ("pressure", 100.0, 0.0, "fractions to percent"),
    ("pressure", 0.001, 0.0, "a thousandth"),
    ("percent", 0.01, 0.0, "percent to fractions"),
    ("whole percent", 0.01, 0.0, "percent to fractions"),
    ("percent in fives", 0.01, 0.0, "percent to fractions"),
    ("latency", 0.001, 0.0, "a thousandth"),
    ("latency", 1000.0, 0.0, "a thousand times"),
    ("weight", 2.2046226218, 0.0, "kg to lb"),
    ("weight", 1 / 2.54, 0.0, "cm to inches"),
    ("weight", -1.0, 0.0, "the sign is flipped"),
    ("with zeros", 1000.0, 0.0, "a thousand times"),
]


def pair(first: np.ndarray, second: np.ndarray):
    grid = Grid.fit(pa.table({"x": first}))
    return grid.profile(pa.table({"x": first})), grid.profile(pa.table({"x": second}))


@pytest.mark.parametrize(("shape", "factor", "offset", "words"), CASES)
def test_known_conversions_are_named(shape: str, factor: float, offset: float, words: str) -> None:
    make = SHAPES[shape]
    sides = pair(make(N), factor * make(M) + offset)
    found = explain(*(side.column("x") for side in sides))
    assert found is not None
    assert found.words.startswith(words)
    assert (found.factor, found.offset) == pytest.approx((factor, offset))
    assert unit_change(*sides).value[0] == found.explained > 0.7


def test_a_window_of_another_season_is_still_seen_to_be_in_another_unit() -> None:
    found = pair(SHAPES["pressure"](N), 100.0 * RNG.normal(1015.0, 6.0, 400))
    assert unit_change(*found).value[0] > 0.5
    warm = (RNG.normal(57.0, 17.0, 900) - 32.0) / 1.8
    assert unit_change(*pair(SHAPES["temperature °F"](N), warm)).value[0] > 0.5


def test_an_unnamed_line_is_found_where_it_is_drastic() -> None:
    first, second = (SHAPES["latency"](n) for n in (N, M))
    found = explain(*(side.column("x") for side in pair(first, 37.0 * second)))
    assert found is not None
    assert found.factor == pytest.approx(37.0, rel=0.1)
    assert found.words == ""
    assert "production ≈ 3" in found.sentence()


def test_growth_that_happens_to_be_a_known_factor_and_a_score_that_fell_are_no_change_of_unit() -> None:
    assert unit_change(*pair(SHAPES["distance"](N), 1.609344 * SHAPES["distance"](M))).value[0] == 0.0
    score = RNG.beta(8.0, 30.0, N)
    grid = Grid.fit(pa.table({"x": score}), roles={"x": Role.SCORE})
    before, fell, percent = (grid.profile(pa.table({"x": factor * score})) for factor in (1.0, 0.3048, 100.0))
    assert ks(before, fell).value[0] > 0.8
    assert unit_change(before, fell).value[0] == 0.0
    assert unit_change(before, percent).value[0] > 0.9


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("rows", [120, 1000, M])
def test_no_change_shift_growth_or_spread_is_a_change_of_unit(shape: str, rows: int) -> None:
    first = SHAPES[shape](N)
    width = first.std()
    for factor, shift in [
        (1.0, 0.0), (1.0, 0.25), (1.0, 1.0), (1.0, -1.0), (1.0, 3.0), (1.0, -4.0), (1.2, 0.0), (1.4, 0.0), (0.8, 0.0),
    ]:  # fmt: skip
        sides = pair(first, factor * SHAPES[shape](rows) + shift * width)
        assert unit_change(*sides).value[0] == 0.0, (factor, shift, explain(*(side.column("x") for side in sides)))
    middle = np.median(first)
    for stretch in (1.5**0.5, 1.5, 0.7):
        assert unit_change(*pair(first, middle + stretch * (SHAPES[shape](rows) - middle))).value[0] == 0.0


def test_seasons_are_no_change_of_unit() -> None:
    summer, winter = RNG.normal(75.0, 9.0, N), RNG.normal(36.0, 11.0, M)
    for first, second in [(summer, winter), (winter, summer)]:
        for scale in (lambda x: x, lambda x: (x - 32.0) / 1.8, lambda x: (x - 32.0) / 1.8 + 273.15):
            sides = pair(scale(first), scale(second))
            assert ks(*sides).value[0] > 0.8
            assert unit_change(*sides).value[0] == 0.0


def test_what_lies_in_one_cell_or_is_constant_says_nothing() -> None:
    first = SHAPES["percent"](N)
    for second in (np.full(500, 0.5), np.zeros(500), np.full(500, 1e7), np.full(500, -999.0)):
        assert unit_change(*pair(first, second)).value[0] == 0.0
    assert unit_change(*pair(np.full(500, 100.0), np.full(500, 1.0))).value[0] == 0.0
    grid = Grid.fit(pa.table({"x": first, "c": ["a"] * N}))
    empty = grid.profile(pa.table({"x": pa.nulls(3, pa.float64()), "c": ["a"] * 3}))
    assert np.isnan(unit_change(grid.profile(pa.table({"x": first})), empty).value).all()


def test_a_reference_that_hardly_ever_varies_says_nothing_about_units() -> None:
    rain = np.where(RNG.random(M) < 0.4, RNG.lognormal(-3.0, 0.7, M), 0.0)
    for dry in (np.zeros(900), np.where(RNG.random(900) < 0.05, 0.01, 0.0)):
        assert explain(*(side.column("x") for side in pair(dry, rain))) is None


def test_of_a_private_column_no_figure_is_told() -> None:
    first = SHAPES["weight"](N)
    grid = Grid.fit(pa.table({"x": first}), private=["x"])
    found = explain(*(grid.profile(pa.table({"x": values})).column("x") for values in (first, first * 1000.0)))
    assert found is not None
    assert found.sentence(private=True) == "looks like a unit change"
    assert found.sentence() == (
        "looks like a unit change: production ≈ 1e+03 × reference (a thousand times, such as s to ms)"
    )
