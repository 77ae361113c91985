"""The grid: every kind of column has one stated outcome, and the edges keep their promise."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import ColumnKind, DetectorError, Grid, Role
from detectors.columns import quantile_edges
from detectors.values import Family

FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 5).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1e9]),
)


def one(values: object, **options: object) -> Grid:
    return Grid.fit(pa.table({"x": values}), **options)


def largest(values: object) -> float:
    """The reference's maximum, as its grid knows it."""
    (column,) = one(values).columns
    return float(column.edges[column.span[1]])


@settings(max_examples=150, deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=400), st.sampled_from([10, 20, 50]))
def test_no_open_cell_holds_more_than_its_share_and_deciles_are_edges(values: list[float], resolution: int) -> None:
    ordered = np.sort(np.array(values))
    edges, ranks = quantile_edges(ordered, resolution)
    n = len(ordered)
    assert (edges[1:] > edges[:-1]).all()
    assert edges[-1] == ordered[-1]
    assert edges[0] == math.nextafter(ordered[0], -math.inf)
    assert ranks.tolist() == [int((ordered <= edge).sum()) for edge in edges]
    held = np.diff(ranks)
    open_cell = [a != math.nextafter(b, -math.inf) for a, b in pairwise(edges.tolist())]
    assert (held[open_cell] <= max(n // resolution, 0 if n < resolution else 1)).all()
    if n >= resolution:
        for tenth in range(1, 11):
            assert ordered[-(-tenth * n // 10) - 1] in edges


def test_a_continuous_reference_gets_about_as_many_cells_as_its_resolution() -> None:
    column = one(np.random.default_rng(1).normal(size=50_000)).columns[0]
    assert 500 <= column.cells - column.exterior.sum() <= 520
    assert 34 <= column.exterior.sum() <= 100
    assert column.atoms.sum() <= 1


def test_below_the_resolution_every_value_is_its_own_cell() -> None:
    column = one([3.0, 1.0, 2.0, 2.0]).columns[0]
    assert column.edges[column.atoms[1:-1].nonzero()[0] + 1].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("values", "kind", "family"),
    [
        (pa.array([1, 2, None]), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([1, 2, 3], pa.uint8()), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([1.5, 2.5], pa.float32()), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([np.float16(1.5), np.float16(2)], pa.float16()), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([Decimal("1.10"), None]), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([dt.date(2013, 1, 1), None]), ColumnKind.NUMBER, Family.DATE),
        (pa.array([dt.datetime(2013, 1, 1, tzinfo=dt.UTC)]), ColumnKind.NUMBER, Family.DATE),
        (pa.array([dt.time(7, 30)]), ColumnKind.NUMBER, Family.TIME),
        (pa.array([7], pa.time32("s")), ColumnKind.NUMBER, Family.TIME),
        (pa.array([dt.timedelta(hours=1)]), ColumnKind.NUMBER, Family.DURATION),
        (pa.array([7.0, 7.0, 7.0]), ColumnKind.NUMBER, Family.NUMBER),
        (pa.array([True, False, None]), ColumnKind.CATEGORY, Family.BOOLEAN),
        (pa.array(["a", "b", None]), ColumnKind.CATEGORY, Family.TEXT),
        (pa.array(["a", "b"], pa.large_string()), ColumnKind.CATEGORY, Family.TEXT),
        (pa.array(["a", None, "b"], pa.string_view()), ColumnKind.CATEGORY, Family.TEXT),
        (pa.array(["a", "b", None]).dictionary_encode(), ColumnKind.CATEGORY, Family.TEXT),
        (pa.array([1, 2, 1]).dictionary_encode(), ColumnKind.CATEGORY, Family.TEXT),
        (pa.array([None, None]), ColumnKind.CATEGORY, Family.EMPTY),
        (pa.array([None, None], pa.float64()), ColumnKind.CATEGORY, Family.EMPTY),
        (pa.array([float("nan"), float("inf")]), ColumnKind.CATEGORY, Family.EMPTY),
        (pa.array([None, None], pa.string()), ColumnKind.CATEGORY, Family.EMPTY),
    ],
)
def test_every_kind_of_column_is_kept_in_a_stated_form(values: pa.Array, kind: ColumnKind, family: Family) -> None:
    grid = one(values)
    (column,) = grid.columns
    assert (column.kind, column.family) == (kind, family)
    profile = grid.profile(pa.table({"x": values}))
    seen = profile.column("x")
    assert seen.null == values.null_count
    assert seen.mismatch == seen.absent == 0
    assert seen.counts[-1] == 0
    assert seen.valid + seen.null + seen.nan + seen.infinite == len(values)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array([[1, 2], [3]]), "cannot be compared"),
        (pa.array([{"a": 1}]), "cannot be compared"),
        (pa.array([b"raw"]), "cannot be compared"),
        (pa.array([f"id-{i}" for i in range(200)]), "near-unique: 200 distinct values in 200 rows"),
        (pa.array([f"v{i % 10_001}" for i in range(100_000)]), "10,001 distinct values"),
    ],
)
def test_what_cannot_be_watched_is_excluded_with_its_reason(values: pa.Array, reason: str) -> None:
    grid = Grid.fit(pa.table({"x": values, "keep": range(len(values))}))
    assert [column.name for column in grid.columns] == ["keep"]
    assert [column.name for column in grid.excluded] == ["x"]
    assert reason in grid.excluded[0].reason


def test_a_few_strings_that_are_all_different_are_still_categories() -> None:
    assert one([f"id-{i}" for i in range(99)]).columns[0].kind is ColumnKind.CATEGORY


def test_units_are_seconds() -> None:
    moment = dt.datetime(2013, 5, 1, 4, tzinfo=dt.UTC)
    for unit in ("s", "ms", "us", "ns"):
        assert largest(pa.array([moment], pa.timestamp(unit, "UTC"))) == moment.timestamp()
        assert largest(pa.array([dt.timedelta(minutes=2)], pa.duration(unit))) == pytest.approx(120.0)
    assert largest(pa.array([dt.date(2013, 5, 1)], pa.date32())) == 1367366400.0
    assert largest(pa.array([dt.date(2013, 5, 1)], pa.date64())) == 1367366400.0
    assert largest(pa.array([dt.time(1, 0)], pa.time64("us"))) == pytest.approx(3600.0)


def test_selection_names_what_it_leaves_out() -> None:
    table = pa.table({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    grid = Grid.fit(table, only=["a", "b", "gone"], exclude=["b"], roles={"a": Role.SCORE})
    assert grid.names == ("a",)
    assert grid.columns[0].role is Role.SCORE
    assert {entry.name: entry.reason for entry in grid.excluded} == {
        "b": "excluded by the configuration",
        "gone": "not in the reference",
    }


def test_a_pandas_frame_comes_without_its_index() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.0, np.nan, 3.0],
            "s": ["a", None, "b"],
            "c": pd.Categorical(["u", "v", "u"]),
            "b": [True, False, True],
        },
        index=["p", "q", "r"],
    )
    grid = Grid.fit(frame)
    assert grid.names == ("n", "s", "c", "b")
    assert grid.profile(frame).null.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"x": pa.array([], pa.float64())}), "no rows"),
        (pa.table({"x": [[1]]}), "no column can be watched"),
        (pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]), "2 columns called 'x'"),
        ([1, 2, 3], "expected a table"),
        (pd.DataFrame({"x": [1, "a", object()]}), "one type each"),
    ],
)
def test_an_unusable_reference_is_refused_in_words(table: object, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        Grid.fit(table)


def test_a_coarse_resolution_is_refused() -> None:
    with pytest.raises(DetectorError, match="too coarse"):
        one([1.0], resolution=5)


def test_frequent_categories_get_a_cell_each_and_the_rest_share_one() -> None:
    values = ["a"] * 50 + ["b"] * 40 + [f"r{i}" for i in range(20)]
    grid = one(values, resolution=10)
    (column,) = grid.columns
    assert column.values[:2] == ("a", "b")
    assert len(column.values) == 10
    assert len(column.pooled) == 12
    seen = grid.profile(pa.table({"x": ["a", column.pooled[0], "new", None]})).column("x")
    assert seen.counts[0] == 1
    assert seen.counts[-2:].tolist() == [1, 1]
    assert seen.null == 1


@pytest.mark.parametrize("same", [["1", "2"], [1, 2], [1.0, 2.0], [Decimal("1.0"), Decimal("2.00")]])
def test_a_category_is_the_same_in_any_type(same: list[object]) -> None:
    for reference in (["1", "2"], [1, 2], [1.0, 2.0]):
        grid = one(reference, categories=["x"])
        assert grid.columns[0].values == ("1", "2")
        assert grid.profile(pa.table({"x": same})).counts.tolist() == [1, 1, 0, 0]


def test_long_texts_are_shortened_and_stay_apart() -> None:
    grid = one(["<b>" + "x" * 10_000, "<b>" + "x" * 10_001])
    assert all(len(value) < 200 for value in grid.columns[0].values)
    assert len(set(grid.columns[0].values)) == 2


def test_text_that_is_no_utf8_is_counted() -> None:
    broken = pa.array([b"ok", b"\xff\xfe"], pa.binary()).view(pa.string())
    grid = one(broken)
    assert grid.profile(pa.table({"x": broken})).counts.tolist() == [1, 1, 0, 0]


def test_private_values_are_nowhere_in_the_clear() -> None:
    table = pa.table({"zip": ["94110", "10001"] * 60, "other": ["94110"] * 120})
    grid = Grid.fit(table, private=["zip"], only=["zip"])
    assert not any("94110" in value or "10001" in value for value in grid.columns[0].values)
    assert b"94110" not in grid._plain
    assert "94110" not in repr(grid)
    assert all(label.startswith("hidden") for label in grid.profile(table).column("zip").labels())
    assert grid.profile(pa.table({"zip": ["94110", "99999"]})).counts.tolist()[-1] == 1
    both = Grid.fit(table, private=["zip", "other"])
    assert set(both.columns[0].values).isdisjoint(both.columns[1].values)


def test_the_id_follows_the_content_and_bytes_come_back_bit_for_bit() -> None:
    rng = np.random.default_rng(2)
    table = pa.table(
        {"x": rng.normal(size=1000), "s": rng.choice(["a", "é\n<b>", "\x00"], 1000), "e": pa.nulls(1000, pa.int64())}
    )
    grid, again = Grid.fit(table), Grid.fit(table)
    assert grid == again
    assert hash(grid) == hash(again)
    assert grid != Grid.fit(table, private=["s"])
    restored = Grid.from_bytes(grid.to_bytes())
    assert restored == grid
    assert restored.columns[0].edges.tobytes() == grid.columns[0].edges.tobytes()
    assert restored.columns[1].values == grid.columns[1].values
    assert restored.profile(table) == grid.profile(table)


def test_edges_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        one([1.0, 2.0]).columns[0].edges[0] = 5.0


def test_damaged_grid_bytes_are_refused() -> None:
    data = one([1.0, 2.0, 3.0]).to_bytes()
    for damaged in (b"", b"DLG\x01", data[:-3], data[:4] + b"\xff" * 8 + data[12:], b"XXXX" + data[4:], data + b"y"):
        with pytest.raises(DetectorError):
            Grid.from_bytes(damaged)


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(DetectorError, match="'nope'"):
        one([1.0]).index("nope")


def test_values_that_came_once_tell_how_much_new_there_will_be() -> None:
    table = pa.table({"c": ["a"] * 6 + ["b", "b", "c", "d"], "n": range(10)})
    column = Grid.fit(table).columns[0]
    assert column.novelty == 0.2
    grid = Grid.fit(table)
    assert Grid.from_bytes(grid.to_bytes()).columns[0].novelty == 0.2
    # Zipf's law: what ten thousand rows expect of the next ten thousand is what those bring.
    rng = np.random.default_rng(4)
    share = 1.0 / np.arange(1, 5001)
    first, second = rng.choice(5000, (2, 10_000), p=share / share.sum()).astype(str)
    grid = Grid.fit(pa.table({"c": first}))
    counts = grid.profile(pa.table({"c": second})).counts
    assert counts[-1] / 10_000 == pytest.approx(grid.columns[0].novelty, rel=0.1)


def test_zeros_of_either_sign_are_one_edge() -> None:
    edges, _ = quantile_edges(np.array([-2.0, -1.0, -0.0, 0.0, 1.0]), 10)
    assert not np.signbit(edges[edges == 0.0]).any()
