"""What holds for every detector and every pair of profiles. (That profiles add up exactly: test_profile.py.)"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import DETECTORS, Grid, Role
from tests.support.samples import PROBABILITIES, SAMPLES


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Rows of a number, a category and a score; any of them may be null."""
    numbers, scores = draw(SAMPLES), draw(PROBABILITIES)
    rows = min(len(numbers), len(scores))
    holes = np.array(draw(st.lists(st.booleans(), min_size=1, max_size=7)))
    mask = np.resize(holes, rows)
    return pa.table(
        {
            "x": pa.array(numbers[:rows], pa.float64(), mask=mask),
            "c": pa.array([f"v{int(abs(value)) % 7}" for value in numbers[:rows]]),
            "score": pa.array(scores[:rows], pa.float64()),
        }
    )


def grid_of(table: pa.Table) -> Grid:
    return Grid.fit(table, 50, roles={"score": Role.SCORE})


@settings(max_examples=40, deadline=None)
@given(tables(), tables())
def test_every_statistic_is_in_range_and_the_same_for_equal_counts(first: pa.Table, second: pa.Table) -> None:
    grid = grid_of(first)
    reference, production = grid.profile(first), grid.profile(second)
    half = len(second) // 2
    again = grid.profile(second.slice(half)) + grid.profile(second.slice(0, half))
    for name, detector in DETECTORS.items():
        found, twin = detector.function(reference, production), detector.function(reference, again)
        itself = detector.function(reference, reference)
        for field in ("value", "pvalue", "effect", "bound"):
            one, other = getattr(found, field), getattr(twin, field)
            assert one is None or np.array_equal(one, other, equal_nan=True), (name, field)
        known = ~np.isnan(found.value)
        assert np.isfinite(found.value[known]).all(), name
        if found.pvalue is not None:
            assert ((found.pvalue >= 0) & (found.pvalue <= 1) | np.isnan(found.pvalue)).all(), name
        if detector.direction == "up":
            assert (found.value[known] >= 0).all(), name
        if found.bound is not None:
            assert (found.bound[known] >= -1e-12).all(), name
        if name in ("ks", "js", "hellinger", "total_variation", "l_infinity", "chi_squared", "near_threshold"):
            assert (found.value[known] <= 1 + 1e-12).all(), name
        if detector.kind is None:
            assert (itself.value[~np.isnan(itself.value)] < 1e-7).all(), name
