"""Segments are counted in the same pass and add up to the whole; what explains a change is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Grid, Profile, ks, psi
from detectors.columns import Role
from detectors.result import DetectorError
from detectors.segment import OTHER, SegmentColumn, fit_segments, split_change
from detectors.tally import Runs, Tally

PORTS = np.array(["JFK", "LGA", "EWR", "HPN"])


def table(n: int = 6000, seed: int = 0, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    port = PORTS[rng.choice(4, n, p=[0.5, 0.3, 0.195, 0.005])]
    x = rng.normal(size=n) + np.where(port == "LGA", shift, 0.0)
    x[rng.random(n) < 0.02] = np.nan
    return pa.table(
        {
            "x": pa.array(x, mask=rng.random(n) < 0.03),
            "zeros": np.where(rng.random(n) < 0.4, 0.0, rng.exponential(size=n)),
            "colour": pa.array(PORTS[rng.integers(0, 3, n)]),
            "score": rng.random(n),
            "port": pa.array(port, mask=rng.random(n) < 0.01),
            "late": pa.array(rng.random(n) < 0.2),
        }
    )


GRID = Grid.fit(table(), roles={"score": Role.SCORE}, segments=["port", "late"])


def folded(profile: Profile) -> np.ndarray:
    return np.bincount(GRID.folds, profile.counts, GRID.coarse.cells).astype(np.int64)


def test_frequent_values_are_segments_and_the_rest_is_one() -> None:
    assert GRID.segments[0] == SegmentColumn("port", ("JFK", "LGA", "EWR"))
    assert GRID.segment_labels == (
        "port=JFK", "port=LGA", "port=EWR", f"port={OTHER}", "late=false", "late=true", f"late={OTHER}",
    )  # fmt: skip
    assert len(fit_segments("n", pa.array(range(1000))).values) == 0
    assert len(fit_segments("n", pa.array([number % 60 for number in range(6000)])).values) == 20
    with pytest.raises(DetectorError, match="private"):
        Grid.fit(table(), private=["port"], segments=["port"])
    with pytest.raises(DetectorError, match="no column 'gone'"):
        Grid.fit(table(), segments=["gone"])
    with pytest.raises(DetectorError, match="cannot be segments"):
        fit_segments("l", pa.array([[1], [2]]))


@pytest.mark.parametrize("rows", [300, 6000])
def test_segments_of_a_column_add_up_to_the_whole_on_coarse_cells(rows: int) -> None:
    profile = GRID.profile(table(rows, seed=1))
    for first, last in ((0, 4), (4, 7)):
        parts = [profile.segment(index) for index in range(first, last)]
        total = sum(parts[1:], parts[0])
        assert total.rows == profile.rows == rows
        assert total.counts.tolist() == folded(profile).tolist()
        assert total.aux.tolist() == profile.aux.tolist()
        assert total.sums.tolist() == profile.sums.tolist()


def test_a_segment_is_what_counting_its_rows_alone_gives() -> None:
    given_table = table(6000, seed=2)
    profile = GRID.profile(given_table)
    whole = replace(GRID, segments=())
    for index, port in enumerate(PORTS[:3]):
        alone = whole.profile(given_table.filter(pa.compute.equal(given_table.column("port"), port)))
        part = profile.segment(index)
        assert part.rows == alone.rows
        assert part.counts.tolist() == np.bincount(GRID.folds, alone.counts, GRID.coarse.cells).tolist()
        assert part.aux.tolist() == alone.aux.tolist()
        assert part.moments()[0].tolist()[3:4] == alone.moments()[0].tolist()[3:4]


def test_the_coarse_grid_is_small_and_keeps_the_bins_of_psi() -> None:
    assert max(column.cells for column in GRID.coarse.columns) <= 32
    before, after = GRID.profile(table()), GRID.profile(table(seed=3, shift=1.0))
    coarse = [
        Profile(GRID.coarse, p.rows, folded(p), p.aux, p.sums, np.zeros((0, 0), np.int64)) for p in (before, after)
    ]
    np.testing.assert_allclose(psi(*coarse).value, psi(before, after).value, rtol=1e-12)
    exact, rough = ks(before, after), ks(*coarse)
    numbers = GRID.is_number
    assert rough.bound is not None
    assert (rough.value[numbers] <= exact.value[numbers] + 1e-12).all()
    assert (exact.value[numbers] <= rough.value[numbers] + rough.bound[numbers] + 1 / 500).all()


def test_profiles_with_segments_merge_and_go_to_bytes_and_back() -> None:
    whole, first, second = table(5000, seed=4), table(5000, seed=4).slice(0, 1234), table(5000, seed=4).slice(1234)
    profile = GRID.profile(whole)
    assert GRID.profile(first) + GRID.profile(second) == profile
    assert profile - GRID.profile(first) == GRID.profile(second)
    again = Grid.from_bytes(GRID.to_bytes())
    assert again == GRID
    assert again.segments == GRID.segments
    assert Profile.from_bytes(again, profile.to_bytes()) == profile


def test_a_batch_without_the_segment_column_is_all_other() -> None:
    profile = GRID.profile(table(500, seed=5).drop_columns(["port"]))
    assert [profile.segment(index).rows for index in range(4)] == [0, 0, 0, 500]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=300))
def test_rows_in_any_order_land_in_their_slots_and_segments(keys: list[int]) -> None:
    rows, wanted = table(len(keys), seed=len(keys)), np.array(keys)
    tally = Tally(GRID, 4)
    runs = Runs.of(wanted, GRID.segment_codes(rows))
    tally.add_rows(runs)
    for place, column in enumerate(GRID.columns):
        tally.add(place, rows.column(column.name).combine_chunks(), runs)
    for slot in range(4):
        assert tally.profile(slot) == GRID.profile(rows.filter(pa.array(wanted == slot)))


def test_a_change_is_split_exactly() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        w, v = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
        r, p = rng.random(5), rng.random(5)
        change = split_change(w, r, v, p)
        assert change.whole == pytest.approx(v @ p - w @ r)
        assert change.mix.sum() + change.within.sum() == pytest.approx(change.whole)


def test_what_explains_a_change_is_named() -> None:
    labels = ("a", "b", "c")
    w = np.array([0.5, 0.3, 0.2])
    one = split_change(w, np.full(3, 0.1), w, np.array([0.1, 0.6, 0.1]))
    assert one.explanation(labels, "port") == "all of it is b"
    most = split_change(w, np.full(3, 0.1), w, np.array([0.13, 0.6, 0.1]))
    assert most.explanation(labels, "port") == "most of it is b"
    everywhere = split_change(w, np.full(3, 0.1), w, np.full(3, 0.4))
    assert everywhere.explanation(labels, "port") is None
    # Simpson: every segment stays as it was, the whole does not.
    mixed = split_change(w, np.array([0.1, 0.9, 0.1]), np.array([0.1, 0.8, 0.1]), np.array([0.1, 0.9, 0.1]))
    assert mixed.whole == pytest.approx(0.4)
    assert mixed.explanation(labels, "port") == "the mix of port changed, not what is inside its values"
    # Every segment falls and the whole rises all the same.
    simpson = split_change(w, np.array([0.1, 0.9, 0.1]), np.array([0.1, 0.8, 0.1]), np.array([0.05, 0.85, 0.05]))
    assert simpson.whole > 0 > simpson.within.sum()
    assert "mix" in str(simpson.explanation(labels, "port"))
    empty = split_change(w, np.array([0.1, np.nan, 0.1]), w, np.array([0.1, 0.5, np.nan]))
    assert np.isfinite(empty.whole)
    assert split_change(w, w, w, w).explanation(labels, "port") is None
