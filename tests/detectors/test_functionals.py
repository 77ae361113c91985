"""Series out of counts: exact under merging, and of the values they are said to be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid
from detectors.functionals import Series, Views, rate_of


def _table(rng: np.random.Generator, rows: int) -> pa.Table:
    return pa.table(
        {
            "x": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "zeros": np.where(rng.random(rows) < 0.7, 0.0, rng.exponential(size=rows)),
            "c": rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]),
        }
    )


@pytest.fixture(scope="module")
def learned() -> tuple[Grid, Views, list[pa.Table]]:
    rng = np.random.default_rng(0)
    tables = [_table(rng, 1000) for _ in range(10)]
    grid = Grid.fit(pa.concat_tables(tables))
    return grid, Views.of(grid, [grid.profile(table) for table in tables]), tables


def _value(views: Views, grid: Grid, table: pa.Table, kind: Series, column: str) -> float:
    place = np.flatnonzero((views.series == kind) & (views.column == grid.index(column)))[0]
    return float(views.values(views.sums(grid.profile(table)))[0][place])


def test_sums_of_days_are_the_sums_of_the_window(learned: tuple[Grid, Views, list[pa.Table]]) -> None:
    grid, views, tables = learned
    profiles = [grid.profile(table) for table in tables]
    merged = profiles[0]
    for profile in profiles[1:]:
        merged = merged + profile
    apart = np.sum([views.sums(profile) for profile in profiles], axis=0)
    whole = views.sums(merged)
    assert np.array_equal(apart, whole)
    assert np.array_equal(whole, views.sums(grid.profile(pa.concat_tables(tables))))
    assert len(whole) == views.width


def test_a_shift_and_a_spread_are_read_in_standard_deviations(learned: tuple[Grid, Views, list[pa.Table]]) -> None:
    grid, views, _ = learned
    values = np.random.default_rng(1).normal(size=50_000)
    assert _value(views, grid, pa.table({"x": values}), Series.LOCATION, "x") == pytest.approx(0.0, abs=0.03)
    assert _value(views, grid, pa.table({"x": values + 0.3}), Series.LOCATION, "x") == pytest.approx(0.3, abs=0.04)
    wide = _value(views, grid, pa.table({"x": values * 1.2}), Series.SCALE, "x")
    assert wide - _value(views, grid, pa.table({"x": values}), Series.SCALE, "x") == pytest.approx(
        np.log(1.2), abs=0.05
    )


def test_rates_are_rates(learned: tuple[Grid, Views, list[pa.Table]]) -> None:
    grid, views, _ = learned
    table = pa.table({"x": [None] * 30 + [0.0] * 60 + [-999.0] * 10, "c": ["a"] * 90 + ["new"] * 10})
    for kind, column, rate in (
        (Series.MISSING, "x", 0.3),
        (Series.FAR, "x", 10 / 70),
        (Series.UNSEEN, "c", 0.1),
        (Series.SHARE, "c", 0.9),
    ):
        assert rate_of(np.array(_value(views, grid, table, kind, column))) == pytest.approx(rate, abs=0.01)


def test_sampling_variances_are_those_of_drawn_days(learned: tuple[Grid, Views, list[pa.Table]]) -> None:
    grid, views, _ = learned
    rng = np.random.default_rng(2)
    sums = np.array([views.sums(grid.profile(_table(rng, 400))) for _ in range(300)])
    values, variances = views.values(sums)
    drawn = values.var(axis=0, ddof=1) / variances.mean(axis=0)
    told = ~np.isin(views.series, (Series.VOLUME, Series.UNSEEN, Series.FAR)) & (variances.mean(axis=0) > 0)
    told &= ~((views.series == Series.MISSING) & (views.usual == 0.0))
    assert np.all((drawn[told] > 0.7) & (drawn[told] < 1.35)), dict(zip(views.series[told], drawn[told], strict=True))


def test_nothing_to_see_is_nan(learned: tuple[Grid, Views, list[pa.Table]]) -> None:
    grid, views, _ = learned
    assert np.isnan(_value(views, grid, pa.table({"x": pa.nulls(5, pa.float64())}), Series.LOCATION, "x"))
    assert np.isnan(_value(views, grid, pa.table({"c": ["a"]}), Series.MISSING, "x"))
