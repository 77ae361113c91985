"""L-infinity: by hand; whether a change is more than chance is Pearson's word."""

from __future__ import annotations

import pyarrow as pa
import pytest

from detectors import Grid, chi_squared, l_infinity, l_infinity_exact


def test_it_is_the_largest_change_of_any_share() -> None:
    first, second = pa.table({"c": ["a"] * 60 + ["b"] * 40}), pa.table({"c": ["a"] * 35 + ["b"] * 55 + ["new"] * 10})
    grid = Grid.fit(first)
    pair = grid.profile(first), grid.profile(second)
    found = l_infinity(*pair)
    assert found.value[0] == pytest.approx(0.25)
    assert found.pvalue[0] == chi_squared(*pair).pvalue[0] < 0.001
    assert found.effect is None


def test_of_raw_arrays_too() -> None:
    assert l_infinity_exact([1.0] * 50 + [3.0] * 50, [1.0] * 90 + [3.0] * 10).value[0] == pytest.approx(0.4)
