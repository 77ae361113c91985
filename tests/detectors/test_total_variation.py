"""Total variation and L-infinity: by hand, and against each other."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings

from detectors import Grid, l_infinity, total_variation, total_variation_exact
from detectors.bins import binned
from tests.support.samples import SAMPLES, profiled


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES)
def test_it_is_the_rows_to_be_moved_from_bins_that_have_too_many(first: list[float], second: list[float]) -> None:
    pair = profiled(first, second, 50)
    counts = binned(*pair)
    moved = (counts.production / len(second) - counts.reference / len(first)).clip(0).sum()
    found = total_variation(*pair).value[0]
    assert found == pytest.approx(moved, abs=1e-12)
    assert l_infinity(*pair).value[0] <= found + 1e-12


def test_by_hand() -> None:
    first, second = pa.table({"c": ["a"] * 60 + ["b"] * 40}), pa.table({"c": ["a"] * 30 + ["b"] * 60 + ["new"] * 10})
    grid = Grid.fit(first)
    assert total_variation(grid.profile(first), grid.profile(second)).value[0] == pytest.approx(0.3)
    assert total_variation_exact([1.0] * 50, [2.0] * 50).value[0] == 1.0
