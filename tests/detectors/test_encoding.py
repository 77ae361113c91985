"""What an encoded window holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata

from detectors import Grid
from detectors.encoding import Encoding
from detectors.sample import MISSING, SampleRule, take


def window(table: pa.Table, seed: int = 0) -> tuple[Grid, np.ndarray]:
    with_ids = table.append_column("id", pa.array(np.arange(table.num_rows) + seed))
    grid = Grid.fit(table)
    return grid, take(grid, with_ids, "id", SampleRule(1.0)).cells


def test_numbers_are_ranked_within_the_window() -> None:
    rng = np.random.default_rng(0)
    grid = Grid.fit(pa.table({"x": rng.normal(size=5000), "y": rng.normal(size=5000)}))
    rows = pa.table({"x": rng.normal(0.7, 0.5, 400), "y": rng.exponential(size=400), "id": np.arange(400)})
    sample = take(grid, rows, "id", SampleRule(1.0))
    encoding = Encoding.fit(grid, [sample])
    encoded = encoding.encode(sample.cells)
    scores = ndtri((rankdata(sample.cells[:, 0]) - 0.5) / 400)
    assert encoded.targets[:, 0] == pytest.approx(scores - scores.mean())
    assert encoded.inputs[:, 0] == pytest.approx(encoded.targets[:, 0])
    assert encoded.variance[0] == pytest.approx(scores.var())
    assert encoded.inputs.mean(axis=0) == pytest.approx(np.zeros(encoding.input_starts[-1]), abs=1e-12)
    parts = encoded.inputs[:, 1 : 1 + encoding.parts] > 0
    assert parts.sum(axis=0) == pytest.approx(np.full(encoding.parts, 400 / encoding.parts), abs=10)


def test_a_monotone_change_of_a_number_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 60, 500).astype(float)
    grid, cells = window(pa.table({"x": x, "z": x + 1}))
    encoded = Encoding((None, None), 8).encode(cells)
    assert len(grid) == 2
    half = len(encoded.inputs[0]) // 2
    assert encoded.inputs[:, :half].tolist() == encoded.inputs[:, half:].tolist()


def test_categories_have_an_indicator_a_frequent_value_one_for_others_and_one_for_missing() -> None:
    values = ["a"] * 50 + ["b"] * 40 + ["c"] * 30 + [None] * 30
    grid, cells = window(pa.table({"c": values, "d": values}))
    encoding = Encoding(((0, 1), (0, 1)), 8)
    encoded = encoding.encode(cells)
    shares = np.array([50, 40, 30, 30]) / 150
    assert encoded.targets[:, :4].var(axis=0) == pytest.approx(shares * (1 - shares))
    assert encoded.missing == pytest.approx([0.2, 0.2])
    assert encoding.target_starts.tolist() == [0, 4, 8]
    assert (cells == MISSING).sum() == 60
    assert len(grid) == 2


def test_frequent_values_are_chosen_by_the_reference_and_wide_tables_get_fewer() -> None:
    rng = np.random.default_rng(2)
    names = np.array([f"v{i:03}" for i in range(200)])
    tall = pa.table({f"c{i}": rng.choice(names, 3000) for i in range(2)})
    wide = pa.table({f"c{i}": rng.choice(names[:40], 3000) for i in range(60)} | {"x": rng.normal(size=3000)})
    for table, most in ((tall, 30), (wide, 10)):
        grid = Grid.fit(table)
        sample = take(grid, table.append_column("id", pa.array(np.arange(3000))), "id", SampleRule(1.0, 3000))
        encoding = Encoding.fit(grid, [sample])
        assert max(len(levels or ()) for levels in encoding.levels) <= most
        assert encoding.input_starts[-1] <= 700


def test_a_column_that_hardly_varies_has_no_variance() -> None:
    rng = np.random.default_rng(3)
    few = np.zeros(500)
    few[:19] = 1.0
    enough = np.zeros(500)
    enough[:20] = 1.0
    _, cells = window(pa.table({"few": few, "enough": enough, "x": rng.normal(size=500), "gone": pa.nulls(500)}))
    variance = Encoding((None, None, None, ()), 8).encode(cells).variance
    assert (variance == 0.0).tolist() == [True, False, False, True]
