"""Blocks cover every column once, and what is computed by blocks does not depend on them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, blocks, ks, wasserstein


def test_blocks_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {f"f{i}": rng.normal(size=700) if i % 3 else rng.poisson(2, 700).astype(float) for i in range(40)}
        | {"c": pa.array(rng.choice(900, 700) % 300).cast(pa.string())}
    )
    grid = Grid.fit(table)
    pair = grid.profile(table), grid.profile(table.slice(100, 400))
    usual = ks(*pair), wasserstein(*pair)
    for cells in (1, 600, 10**9):
        monkeypatch.setattr(blocks, "_CELLS", cells)
        found = list(blocks.blocks(grid))
        assert [columns.start for columns, _ in found] == [0, *(columns.stop for columns, _ in found[:-1])]
        assert found[-1][0].stop == len(grid)
        assert all(part == slice(*grid.offsets[[columns.start, columns.stop]]) for columns, part in found)
        for before, after in zip(usual, (ks(*pair), wasserstein(*pair)), strict=True):
            assert np.array_equal(before.value, after.value, equal_nan=True)
            assert np.array_equal(before.bound, after.bound, equal_nan=True)


def test_counts_beyond_any_table_do_not_overflow() -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0, 4.0]})
    grid = Grid.fit(table)
    reference, production = grid.profile(table), grid.profile(table.slice(2))
    for _ in range(32):
        reference, production = reference + reference, production + production
    assert reference.rows * production.rows > 2**62
    assert ks(reference, production).value[0] == pytest.approx(0.5, abs=1e-12)
