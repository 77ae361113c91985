"""Samples: which rows are kept, that merging is exact, that cells are the grid's, and that bytes come back."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import ColumnKind, DetectorError, Grid, Profile
from detectors.idhash import hash_ids
from detectors.sample import ABSENT, INFINITE, MISMATCH, MISSING, OUTSIDE, Sample, SampleRule, cells_of, take
from tests.support.days import day, grid_of, sample_of

MIXED = pa.table(
    {
        "x": pa.array([1.0, 2.0, 2.0, 5.0, None, float("nan"), float("inf"), -float("inf")] * 20),
        "c": pa.array(["a", "b", None, "a", "c", "a", "b", "a"] * 20),
        "flag": pa.array([True, False, None, True, True, False, True, True] * 20),
        "when": pa.array([dt.date(2013, 2, 1 + i % 5) for i in range(160)]),
        "secret": pa.array([f"zip-{i % 3}" for i in range(160)]),
        "kind": pa.array(["u", "v"] * 80).dictionary_encode(),
    }
)
IDS = pa.array([f"id-{i}" for i in range(160)])


def counts_of(sample: Sample, grid: Grid) -> list[int]:
    """Rows in each cell, those of numbers outside of the reference's range together at either end."""
    counts = []
    for codes, column in zip(sample.cells.T, grid.columns, strict=True):
        cells = codes[codes < ABSENT].astype(int)
        if column.kind is ColumnKind.NUMBER:
            first, last = column.span
            cells = np.clip(cells - OUTSIDE, first, last + 1) - first
            counts.append(np.bincount(cells, minlength=last - first + 2))
        else:
            counts.append(np.bincount(cells, minlength=column.cells))
    return np.concatenate(counts).tolist()


def counts_in(profile: Profile) -> list[int]:
    counts = []
    for index, column in enumerate(profile.grid.columns):
        held = profile.counts[profile.grid.offsets[index] : profile.grid.offsets[index + 1]]
        if column.kind is ColumnKind.NUMBER:
            first, last = column.span
            held = np.concatenate(([held[: first + 1].sum()], held[first + 1 : last + 1], [held[last + 1 :].sum()]))
        counts.append(held)
    return np.concatenate(counts).tolist()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 159), st.integers(1, 160), st.booleans())
def test_cells_are_those_that_profiles_count(start: int, length: int, chunked: bool) -> None:
    grid = Grid.fit(MIXED.slice(0, 120).filter(pc.less(MIXED.slice(0, 120)["x"], 5.0)), private=["secret"])
    batch = MIXED.append_column("id", IDS).slice(start, length)
    if chunked:
        batch = pa.concat_tables([batch.slice(0, 2), batch.slice(2)])
    sample, profile = take(grid, batch, "id", SampleRule(1.0)), grid.profile(batch)
    assert counts_of(sample, grid) == counts_in(profile)
    assert (sample.cells == MISSING).sum(axis=0).tolist() == (profile.null + profile.nan).tolist()
    assert (sample.cells == INFINITE).sum(axis=0).tolist() == profile.infinite.tolist()


def test_what_has_no_cell_has_a_code() -> None:
    grid = Grid.fit(MIXED, private=["secret"])
    batch = pa.table(
        {"x": ["text", None], "c": [[1], None], "flag": [3, 4], "when": [1.0, 2.0], "kind": pa.nulls(2), "id": [1, 2]}
    )
    sample, profile = take(grid, batch, "id", SampleRule(1.0)), grid.profile(batch)
    assert (sample.cells == MISMATCH).sum(axis=0).tolist() == profile.mismatch.tolist()
    assert (sample.cells == MISSING).sum(axis=0).tolist() == profile.null.tolist()
    assert (sample.cells == ABSENT).sum(axis=0).tolist() == profile.absent.tolist()


def test_rows_are_kept_by_their_hash_alone() -> None:
    rng = np.random.default_rng(0)
    table = day(rng, 4000)
    grid = grid_of([table])
    rule = SampleRule(0.25, 100_000)
    sample = take(grid, table, "id", rule)
    hashes, _ = hash_ids(table.column("id"))
    assert sample.hashes.tolist() == sorted(h for h in hashes.tolist() if h <= 2**62)
    assert sample.rows == pytest.approx(1000, abs=4 * np.sqrt(750))
    again = take(grid, table.take(pa.array(rng.permutation(4000))), "id", rule)
    assert again.to_bytes() == sample.to_bytes()


@pytest.mark.parametrize("most", [10, 333, 5000])
def test_merging_is_exact_in_any_order_and_bounded(most: int) -> None:
    rng = np.random.default_rng(1)
    table = day(rng, 1500)
    # Ids that come twice, and some that never came.
    ids = [None if i % 50 == 0 else f"row-{i // 2}" for i in range(1500)]
    table = table.set_column(0, "id", pa.array(ids))
    grid, rule = grid_of([table]), SampleRule(0.5, most)
    whole = take(grid, table, "id", rule)
    for cuts in ([0, 700, 1500], [0, 1, 400, 401, 1500]):
        pieces = [take(grid, table.slice(a, b - a), "id", rule) for a, b in pairwise(cuts)]
        merged = Sample.empty(grid)
        for index in rng.permutation(len(pieces)):
            merged = (merged + pieces[index]).lowest(most)
        assert merged.to_bytes() == whole.to_bytes()
    assert whole.rows <= most


def test_bytes_come_back_and_damage_is_refused() -> None:
    table = day(np.random.default_rng(2), 300)
    grid = grid_of([table])
    sample = sample_of(grid, table)
    back = Sample.from_bytes(grid, sample.to_bytes())
    assert back.hashes.tolist() == sample.hashes.tolist()
    assert back.cells.tolist() == sample.cells.tolist()
    assert len(sample.to_bytes()) < 300 * (8 + 2 * len(grid))
    assert Sample.from_bytes(grid, Sample.empty(grid).to_bytes()).rows == 0
    with pytest.raises(DetectorError, match="another grid"):
        Sample.from_bytes(grid_of([day(np.random.default_rng(3), 300)]), sample.to_bytes())
    for broken in (b"", b"DLS\x01", sample.to_bytes()[:-9], b"DLP\x01" + sample.to_bytes()[4:]):
        with pytest.raises(DetectorError):
            Sample.from_bytes(grid, broken)
    unordered = Sample(grid.id, sample.hashes[::-1].copy(), sample.cells)
    with pytest.raises(DetectorError, match="out of order"):
        Sample.from_bytes(grid, unordered.to_bytes())


def test_private_values_are_cells_like_any_other() -> None:
    grid = Grid.fit(MIXED, private=["secret"])
    sample = take(grid, MIXED.append_column("id", IDS), "id", SampleRule(1.0))
    assert set(np.unique(sample.cells[:, grid.index("secret")])) == {0, 1, 2}


def test_rules_and_samples_that_make_no_sense_are_refused() -> None:
    assert SampleRule.for_rows(1_000_000).rate == 0.002
    assert SampleRule.for_rows(900).rate == SampleRule.for_rows(0).rate == 1.0
    for rate, most in ((0.0, 10), (1.5, 10), (0.5, 0)):
        with pytest.raises(DetectorError):
            SampleRule(rate, most)
    table = day(np.random.default_rng(4), 50)
    grid = grid_of([table])
    assert take(grid, table.drop_columns("id"), "id", SampleRule(1.0)).rows == 0
    other = Sample("0" * 16, np.empty(0, dtype=np.uint64), np.empty((0, len(grid)), dtype=np.uint16))
    with pytest.raises(DetectorError, match="two grids"):
        sample_of(grid, table) + other


@pytest.mark.parametrize("reference", [[10.0, 20.0, 35.0], [0.0] * 5, [-1.7e308, 1.7e308], [5e-324, 1.0]])
def test_order_is_kept_outside_the_references_range_too(reference: list[float]) -> None:
    column = Grid.fit(pa.table({"x": reference})).columns[0]
    reach = min(max(1.0, abs(max(reference))), 1e307)
    ordered = np.sort(np.concatenate([reference, np.linspace(-3, 3, 200) * reach, [-1.79e308, 1.79e308]]))
    codes = cells_of(column, pa.array(ordered), len(ordered)).astype(int)
    assert (np.diff(codes) >= 0).all()
    assert codes.max() < column.cells + 2 * OUTSIDE <= ABSENT
    inside = (ordered >= min(reference)) & (ordered <= max(reference))
    first, last = column.span
    assert ((codes[inside] > OUTSIDE + first) & (codes[inside] <= OUTSIDE + last)).all()
    assert ((codes[~inside] <= OUTSIDE + first) | (codes[~inside] > OUTSIDE + last)).all()


def test_a_summer_by_a_winters_grid_has_ranks_left() -> None:
    rng = np.random.default_rng(5)
    column = Grid.fit(pa.table({"x": rng.normal(0, 5, 3000)})).columns[0]
    summer = np.sort(rng.normal(60, 5, 900).round(1))
    codes = cells_of(column, pa.array(summer), 900).astype(int)
    # The grid has two cells for them.
    assert len(np.unique(codes)) > 50
