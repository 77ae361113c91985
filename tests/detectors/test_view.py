"""What reports read of one column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import DetectorError, Grid


def test_quantiles_follow_numpy_within_a_cell() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    seen = Grid.fit(pa.table({"x": values})).profile(pa.table({"x": values})).column("x")
    for share in (0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0):
        lower, upper = np.quantile(values, [max(share - 1 / 500, 0), min(share + 1 / 500, 1)])
        assert lower <= seen.quantile(share) <= upper
    assert seen.mean() == pytest.approx(values.mean(), abs=0.01)


def test_a_histogram_is_not_stretched_by_an_outlier_and_accounts_for_everything() -> None:
    values = np.append(np.random.default_rng(2).normal(size=10_000), 1e9)
    seen = Grid.fit(pa.table({"x": values})).profile(pa.table({"x": values})).column("x")
    histogram = seen.histogram()
    assert len(histogram.shares) == 40
    assert histogram.edges[-1] < 10
    assert histogram.shares.sum() + histogram.below + histogram.above == pytest.approx(1.0)
    exact = np.diff([(values <= edge).mean() for edge in histogram.edges])
    assert np.abs(histogram.shares - exact).max() < 2 / 500


def test_few_distinct_numbers_get_a_bin_each() -> None:
    grid = Grid.fit(pa.table({"x": [1, 2, 2, 5]}))
    histogram = grid.profile(pa.table({"x": [1, 2, 2, 5]})).column("x").histogram()
    assert histogram.edges.tolist() == [0.5, 1.5, 3.5, 6.5]
    assert histogram.shares.tolist() == [0.25, 0.5, 0.25]


def test_a_constant_can_be_drawn() -> None:
    grid = Grid.fit(pa.table({"x": [7.0] * 5}))
    histogram = grid.profile(pa.table({"x": [7.0] * 5})).column("x").histogram()
    assert histogram.shares.tolist() == [1.0]


def test_what_left_the_range_is_followed() -> None:
    values = np.random.default_rng(3).normal(90.0, 10.0, 20_000)
    celsius = (values - 32.0) / 1.8
    seen = Grid.fit(pa.table({"x": values})).profile(pa.table({"x": celsius})).column("x")
    for share in (0.1, 0.5, 0.9):
        assert seen.quantile(share) == pytest.approx(np.quantile(celsius, share), abs=3.0)
    assert seen.mean() == pytest.approx(celsius.mean(), abs=1.0)
    histogram = seen.histogram()
    assert histogram.edges[0] < 25.0
    assert histogram.shares.sum() + histogram.below + histogram.above == pytest.approx(1.0)


def test_one_absurd_value_moves_no_quantile_and_the_least_is_the_least() -> None:
    grid = Grid.fit(pa.table({"x": [2.0, 3.0, 5.0]}))
    seen = grid.profile(pa.table({"x": [2.0, 3.0, 5.0, 1e308, -1.7976931348623157e308]})).column("x")
    assert seen.quantile(0.5) == 3.0
    assert grid.profile(pa.table({"x": [2.0, 3.0]})).column("x").quantile(0.0) == 2.0
    assert np.isfinite([seen.quantile(0.0), seen.quantile(1.0), seen.mean()]).all()


def test_no_values_is_nan_never_an_error() -> None:
    grid = Grid.fit(pa.table({"x": [1.0, 2.0], "c": ["a", "b"]}))
    seen = grid.profile(pa.table({"x": pa.nulls(3, pa.float64())})).column("x")
    assert np.isnan(seen.quantile(0.5))
    assert np.isnan(seen.mean())
    assert np.isnan(seen.histogram().shares).all()
    assert np.isnan(grid.profile(pa.table({"x": [1.0]})).column("c").missing_rate)


def test_categories_come_by_frequency_with_rare_and_unseen_last() -> None:
    grid = Grid.fit(pa.table({"c": ["a", "b", "b"]}))
    seen = grid.profile(pa.table({"c": ["a", "a", "b", "new"]})).column("c")
    assert [(bar.label, bar.rows) for bar in seen.categories()] == [("a", 2), ("b", 1), ("(unseen)", 1)]
    assert [bar.label for bar in seen.categories(most=1)] == ["a", "(unseen)"]
    with pytest.raises(DetectorError, match="categories, not numbers"):
        seen.histogram()


def test_labels_name_every_cell() -> None:
    grid = Grid.fit(pa.table({"x": [1.0, 2.0], "c": ["a", "b"]}))
    profile = grid.profile(pa.table({"x": [1.0], "c": ["a"]}))
    seen = profile.column("x")
    first, last = seen.column.span
    inside = seen.labels()[first + 1 : last + 1]
    assert (inside[0], inside[-1]) == ("1", "2")
    assert inside[1].startswith("(1, ")
    assert inside[-2].endswith(", 2]")
    assert seen.labels()[0] == f"< {seen.column.edges[0]:.6g}"
    assert seen.labels()[-1] == f"> {seen.column.edges[-1]:.6g}"
    assert seen.labels()[last + 1] == f"(2, {seen.column.edges[last + 1]:.6g}]"
    assert len(seen.labels()) == seen.column.cells
    assert profile.column("c").labels() == ["a", "b", "(rare)", "(unseen)"]
