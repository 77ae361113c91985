"""Expectations under no drift against Monte Carlo and against summing over every table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import hypergeom

from detectors import Grid, Profile, hellinger, js, psi, total_variation
from detectors.bins import binned
from detectors.null_expectation import expectation
from detectors.psi import _smooth, _terms


def counted(first: list[int], second: list[int]):
    names = [f"c{i}" for i in range(len(first))]
    tables = [pa.table({"c": np.repeat(names, rows)}) for rows in (first, second)]
    grid = Grid.fit(pa.table({"c": names * 3}))
    return [grid.profile(table) for table in tables]


@pytest.mark.parametrize(
    ("first", "second"),
    [([9, 4, 1, 0], [3, 3, 2, 1]), ([3, 3, 2, 1], [9, 4, 1, 0]), ([40, 5, 1, 0], [2, 0, 0, 1]), ([2, 1], [1, 9])],
)
def test_few_rows_are_summed_out_over_every_way_they_can_fall(first: list[int], second: list[int]) -> None:
    reference, production = counted(first, second)
    n, m = sum(first), sum(second)
    expected = 0.0
    for total in (a + b for a, b in zip(first, second, strict=True)):
        if total * min(n, m) / (n + m) < 10:
            ways = np.arange(max(0, total - m), min(total, n) + 1)
            terms = _terms(ways.astype(float), (total - ways).astype(float), float(n), float(m))
            expected += float(hypergeom.pmf(ways, n + m, total, n) @ terms)
    found = expectation(binned(reference, production), _terms, _smooth)
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_well_filled_bins_have_the_closed_form() -> None:
    reference, production = counted([5000, 3000, 2000], [500, 300, 200])
    found = expectation(binned(reference, production), _terms, _smooth)
    assert found[0] == pytest.approx(2 * (1 / 10_000 + 1 / 1000))


@pytest.mark.parametrize("detector", [psi, js, hellinger, total_variation])
@pytest.mark.parametrize(("n", "m"), [(300, 120), (120, 300), (5000, 80)])
def test_it_is_the_mean_over_shuffles_of_the_rows(detector, n: int, m: int) -> None:
    """What a permutation test would see, for any categories, however sparse."""
    rng = np.random.default_rng(m)
    totals = rng.multinomial(n + m, rng.dirichlet(np.full(40, 0.4)))
    grid = Grid.fit(pa.table({"c": [f"c{i}" for i in range(40)] * 2}))
    empty = Profile.empty(grid)

    def holding(counts: np.ndarray) -> Profile:
        return replace(empty, rows=int(counts.sum()), counts=np.append(counts, [0, 0]))

    shuffled = [rng.multivariate_hypergeometric(totals, n) for _ in range(200)]
    found = [detector(holding(first), holding(totals - first)) for first in shuffled]
    value, effect = (np.array([getattr(each, field)[0] for each in found]) for field in ("value", "effect"))
    # The expectation depends on the totals alone, which no shuffle changes.
    assert np.ptp(value - effect) < 1e-12
    bias = 0.0 if detector in (psi, total_variation) else 0.02 * value.mean()
    assert abs(effect.mean()) < 4 * effect.std() / 14 + bias + 0.01 * value.mean()


def test_gaps_in_the_data_change_nothing() -> None:
    """Columns with different numbers of rows are reckoned one by one, and come to the same."""
    rng = np.random.default_rng(8)
    draw = [pa.array(rng.choice(30, 400)).cast(pa.string()) for _ in range(4)]
    holes = pa.array([None if i < 30 else value for i, value in enumerate(draw[3].to_pylist())])
    table, other = pa.table({"a": draw[0], "b": draw[1]}), pa.table({"a": draw[2], "b": holes})
    grid = Grid.fit(table)
    both = psi(grid.profile(table), grid.profile(other)).effect
    for index, name in enumerate(("a", "b")):
        alone = Grid.fit(table.select([name]))
        one = psi(alone.profile(table), alone.profile(other)).effect[0]
        assert both[index] == pytest.approx(one, abs=1e-12)
