"""Samples drawn while counting: the same rows and cells that `take` gives, however the rows come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detectors import Grid
from detectors.idhash import hash_ids
from detectors.sample import ABSENT, Sample, SampleRule, take
from monitor.profiling.sampling import Sampling
from tests.support.flow import rows, with_column

GRID = Grid.fit(rows(hours=48, seed=9).select(["x", "amount", "colour"]))
RULE = SampleRule(0.3, 40)


def drawn(sampling: Sampling, table: pa.Table, slot: np.ndarray, version: str = "1", leave_out: str = "") -> None:
    (batch,) = table.combine_chunks().to_batches()
    draw = sampling.draw(version, hash_ids(batch.column("id")), slot, slot >= 0)
    if draw is None:
        return
    for place, column in enumerate(GRID.columns):
        if column.name != leave_out:
            draw.add(place, batch.column(column.name))
    sampling.put(draw)


def test_each_slots_sample_is_what_its_rows_give_directly() -> None:
    table = rows(hours=10, per_hour=50)
    slot = np.repeat([0, 1, -1, 2, 1], 100)
    for order in (np.arange(500), np.random.default_rng(0).permutation(500)):
        sampling = Sampling({"1": GRID}, {"1": RULE}, 4)
        # In two parts, as a log comes.
        for part in (order[:170], order[170:]):
            drawn(sampling, table.take(pa.array(part)), slot[part])
        for number in range(4):
            direct = take(GRID, table.filter(pa.array(slot == number)), "id", RULE)
            assert sampling.sample("1", number).to_bytes() == direct.to_bytes()
    assert sampling.sample("1", 1).rows == RULE.most, "of many rows those with the lowest hashes"
    assert sampling.sample("1", 3).to_bytes() == Sample.empty(GRID).to_bytes()


def test_a_column_that_did_not_come_is_absent_and_a_row_without_id_is_not_kept() -> None:
    table = rows(hours=2, per_hour=50)
    ids = [None if row % 2 else value for row, value in enumerate(table.column("id").to_pylist())]
    table = with_column(table, "id", pa.array(ids, pa.string()))
    sampling = Sampling({"1": GRID}, {"1": SampleRule(1.0)}, 1)
    drawn(sampling, table, np.zeros(100, np.int64), leave_out="amount")
    found = sampling.sample("1", 0)
    assert found.rows == 50
    assert (found.cells[:, GRID.index("amount")] == ABSENT).all()
    assert (found.cells[:, GRID.index("x")] < ABSENT).all()


def test_versions_without_a_rule_are_not_sampled() -> None:
    sampling = Sampling({"1": GRID, "2": GRID}, {"2": RULE}, 1)
    ids = hash_ids(rows(hours=1).column("id"))
    slot = np.zeros(len(ids[0]), np.int64)
    assert sampling.draw("1", ids, slot, slot >= 0) is None
    assert sampling.draw("2", ids, slot, slot >= 0) is not None
    assert sampling.draw("2", None, slot, slot >= 0) is None, "a log without the id column has none to keep"
