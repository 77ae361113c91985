"""Exterior edges: always in order and finite, and no statistic but those of what is outside knows of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Grid, ks, out_of_range, psi, psi_bins
from detectors.columns import quantile_edges
from detectors.exterior import spread, with_exterior
from detectors.units import CONVERSIONS

LARGEST = float(np.finfo(np.float64).max)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 5).map(float),
    st.sampled_from([0.0, 5e-324, -5e-324, LARGEST, -LARGEST, 1e9, 1e308]),
)
SAMPLES = st.lists(FLOATS, min_size=1, max_size=200)


def one_cell_a_side(grid: Grid, table: pa.Table) -> Grid:
    """The grid as it was before there were exterior edges: a stored one still is."""
    columns = []
    for column in grid.columns:
        edges, ranks = quantile_edges(np.sort(table.column(column.name).to_numpy()), grid.resolution)
        columns.append(replace(column, edges=edges, ranks=ranks))
    return Grid.from_bytes(Grid(tuple(columns), grid.excluded, grid.resolution).to_bytes())


@settings(max_examples=200, deadline=None)
@given(SAMPLES, st.sampled_from([10, 50]))
def test_edges_are_finite_and_strictly_increasing_whatever_the_reference(values: list[float], resolution: int) -> None:
    ordered = np.sort(np.array(values))
    inner, inner_ranks = quantile_edges(ordered, resolution)
    edges, ranks = with_exterior(inner, inner_ranks, ordered)
    assert (edges[1:] > edges[:-1]).all()
    assert (np.diff(ranks) >= 0).all()
    assert np.isin(inner, edges).all()
    assert ranks.tolist() == [int((ordered <= edge).sum()) for edge in edges]
    added = np.setdiff1d(edges, inner)
    assert (np.abs(added) < LARGEST).all()
    assert 0.0 < spread(inner, inner_ranks) < np.inf


@settings(max_examples=150, deadline=None)
@given(SAMPLES, SAMPLES, st.sampled_from([10, 500]))
def test_psi_and_out_of_range_are_bit_for_bit_what_one_cell_a_side_gives_and_ks_is_more_exact(
    first: list[float], second: list[float], resolution: int
) -> None:
    new = Grid.fit(pa.table({"x": first}), resolution)
    old = one_cell_a_side(new, pa.table({"x": first}))
    tables = pa.table({"x": first}), pa.table({"x": second})
    fine, plain = ([grid.profile(table) for table in tables] for grid in (new, old))
    for detector in (psi, out_of_range):
        found, wanted = detector(*fine), detector(*plain)
        assert found.value.tobytes() == wanted.value.tobytes()
        assert np.array_equal(found.pvalue, wanted.pvalue, equal_nan=True)
    found, wanted = ks(*fine), ks(*plain)
    assert wanted.value[0] <= found.value[0] <= wanted.value[0] + wanted.bound[0] + 1e-12
    assert found.bound[0] <= wanted.bound[0]
    assert psi(*fine).effect.tobytes() == psi(*plain).effect.tobytes()
    assert psi_bins(new, "x").tobytes() == psi_bins(old, "x").tobytes()


@pytest.mark.parametrize("absurd", [1e9, -1e9, 1e308, -LARGEST, float("inf"), 5e-324])
@pytest.mark.parametrize("side", ["reference", "production"])
def test_one_absurd_value_changes_no_statistic_by_more_than_a_500th(absurd: float, side: str) -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(20.0, 3.0, 5000), rng.normal(21.0, 3.0, 5000)
    clean = [first, second]
    spoilt = [np.append(first, absurd), second] if side == "reference" else [first, np.append(second, absurd)]

    def figures(pair: list[np.ndarray]) -> np.ndarray:
        tables = [pa.table({"x": values}) for values in pair]
        grid = Grid.fit(tables[0])
        profiles = [grid.profile(table) for table in tables]
        return np.array([detector(*profiles).value[0] for detector in (ks, psi, out_of_range)])

    assert (np.abs(figures(spoilt) - figures(clean)) <= 1 / 500).all()


def test_a_narrow_column_is_told_apart_wherever_a_known_conversion_brings_it() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(1013.0, 8.0, 20_000)
    grid = Grid.fit(pa.table({"x": values}))
    for each in CONVERSIONS:
        counts = grid.profile(pa.table({"x": each.factor * values + each.offset})).counts
        assert counts.max() < 0.55 * len(values), each.words


def test_with_one_outlier_in_the_reference_the_rest_is_still_told_apart() -> None:
    rng = np.random.default_rng(7)
    for outlier in (0.0, 1e9, -1e308):
        values = np.append(rng.normal(1013.0, 8.0, 20_000), outlier)
        grid = Grid.fit(pa.table({"x": values}))
        for each in CONVERSIONS:
            counts = grid.profile(pa.table({"x": each.factor * values[:-1] + each.offset})).counts
            assert counts.max() < 0.55 * len(values), each.words
        assert grid.profile(pa.table({"x": values[:-1] + 40.0})).counts.max() < 0.9 * len(values)


def test_dates_and_constants_have_no_cells_for_conversions() -> None:
    days = pa.array(np.datetime64("2013-01-01") + np.arange(300).astype("timedelta64[D]"))
    grid = Grid.fit(pa.table({"day": days, "one": [7.0] * 300}))
    assert [int(column.exterior.sum()) for column in grid.columns] == [34, 34]


def test_empty_exterior_cells_cost_next_to_nothing_in_store() -> None:
    rng = np.random.default_rng(6)
    table = pa.table({f"x{i}": rng.normal(size=10_000) for i in range(20)})
    new = Grid.fit(table)
    old = one_cell_a_side(new, table)
    table = pa.table({f"x{i}": rng.normal(size=10_000) for i in range(20)})
    assert len(new.profile(table).to_bytes()) < 1.05 * len(old.profile(table).to_bytes())
