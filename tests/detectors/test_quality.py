"""Data quality rates: what each check counts, of what, and where it says nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, Profile, missing, non_finite, out_of_range, type_change, unseen, vanished

NAN, INF = float("nan"), float("inf")
REFERENCE = pa.table({"x": [float(i % 50) for i in range(200)], "c": ["a", "b", "c", None] * 50})
GRID = Grid.fit(REFERENCE)
USUAL = GRID.profile(REFERENCE)


def window(x: object, c: object) -> Profile:
    return GRID.profile(pa.table({"x": x, "c": c}))


def test_missing_is_null_or_nan_against_the_usual_rate() -> None:
    found = missing(USUAL, window([1.0, NAN, None, 3.0], ["a", None, None, None]))
    assert found.value.tolist() == [0.5, 0.75]
    assert found.effect.tolist() == [0.5, 0.5]
    assert missing(USUAL, window([1.0], ["a"])).effect[1] == pytest.approx(-0.25)
    assert found.pvalue[0] < 1e-3


def test_non_finite_counts_infinities_alone() -> None:
    found = non_finite(USUAL, window([1.0, INF, -INF, NAN], ["a"] * 4))
    assert found.value.tolist() == [0.5, 0.0]


def test_unseen_is_of_categories_and_out_of_range_of_numbers() -> None:
    production = window([-1.0, 0.0, 49.0, 50.0, INF, None], ["a", "z", None, "y", "b", "c"])
    found = unseen(USUAL, production)
    assert np.isnan(found.value[0])
    assert found.value[1] == pytest.approx(2 / 5)
    found = out_of_range(USUAL, production)
    assert found.value[0] == pytest.approx(2 / 4)
    assert np.isnan(found.value[1])
    assert np.isnan(found.pvalue[1])
    assert out_of_range(USUAL, USUAL).value[0] == 0.0


def test_a_changed_type_and_a_vanished_column_are_facts_without_pvalue() -> None:
    found = type_change(USUAL, window(["1", "2", None, "x"], ["a"] * 4))
    assert found.value.tolist() == [0.75, 0.0]
    assert found.pvalue is None
    production = GRID.profile(pa.table({"c": ["a"] * 3})) + window([1.0], ["a"])
    found = vanished(USUAL, production)
    assert found.value.tolist() == [0.75, 0.0]
    assert found.pvalue is None


def test_what_cannot_be_said_is_nan() -> None:
    gone = GRID.profile(pa.table({"c": ["a"]}))
    assert np.isnan(missing(USUAL, gone).value[0])
    assert np.isnan(out_of_range(USUAL, gone).value[0])
    assert vanished(USUAL, gone).value[0] == 1.0
    assert np.isnan(vanished(USUAL, Profile.empty(GRID)).value).all()
    assert np.isnan(missing(USUAL, Profile.empty(GRID)).pvalue).all()


def test_a_column_empty_in_the_reference_is_held_against_zero() -> None:
    grid = Grid.fit(pa.table({"x": pa.nulls(200, pa.float64())}))
    found = unseen(grid.profile(pa.table({"x": pa.nulls(200)})), grid.profile(pa.table({"x": [1.0, 2.0]})))
    assert found.value[0] == found.effect[0] == 1.0


@pytest.mark.parametrize("check", [missing, non_finite, type_change, vanished, unseen, out_of_range])
def test_no_change_is_no_effect(check) -> None:
    found = check(USUAL, USUAL)
    assert (np.nan_to_num(found.effect) == 0.0).all()
