"""The compiled loop counts as a search of the edges, one by one, does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import kernel
from detectors.columns import quantile_edges
from detectors.exterior import with_exterior
from detectors.locate import INFINITIES, Locator, locator
from detectors.no_cell import INFINITE, NAN

NASTY = [0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, 1e-300, np.nan, np.inf, -np.inf]


def counted(found: Locator, values: np.ndarray) -> tuple[np.ndarray, int, int]:
    """What the loop says of values in three runs, the first and the last of one slot."""
    n, cells = len(values), len(found.edges) - INFINITIES + 1
    bounds, slots = np.array([0, n // 3, n // 2, n]), np.array([1, 0, 1])
    total, odd, place = np.zeros(2 * (cells + 5), np.int64), np.zeros((2, 2), np.int64), np.zeros(n, np.uint16)
    kernel.count(
        values, values.view(np.int64), bounds, slots, found.bits, found.passes, found.edges, found.table,
        found.low, found.scale, float(found.bins), total, cells + 5, 3, odd, place,
    )  # fmt: skip
    both = total.reshape(2, cells + 5)
    assert not both[:, :3].any()
    assert not both[:, 3 + cells :].any(), "nothing beside the column's own cells"
    finite = np.isfinite(values)
    assert np.bincount(place[finite], minlength=cells).tolist() == both.sum(axis=0)[3 : 3 + cells].tolist()
    assert (place[np.isnan(values)] == cells + NAN).all()
    assert (place[np.isinf(values)] == cells + INFINITE).all()
    assert both[0].sum() + odd[0].sum() == n // 2 - n // 3
    return both.sum(axis=0)[3 : 3 + cells], int(odd[:, 0].sum()), int(odd[:, 1].sum())


def searched(edges: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, int, int]:
    finite = values[np.isfinite(values)]
    cells = np.bincount(np.searchsorted(edges, finite, side="left"), minlength=len(edges) + 1)
    return cells, int(np.isnan(values).sum()), int(np.isinf(values).sum())


def table(reference: np.ndarray) -> Locator | None:
    ordered = np.sort(reference)
    return locator(*with_exterior(*quantile_edges(ordered, 500), ordered))


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "zeros": lambda rng, n: np.where(rng.random(n) < 0.4, 0.0, rng.exponential(3.0, n)),
    "integers": lambda rng, n: rng.integers(0, 60, n).astype(float),
    "yes or no": lambda rng, n: (rng.random(n) < 0.3).astype(float),
    "pareto": lambda rng, n: rng.pareto(1.5, n),
    "shifted": lambda rng, n: 1e9 + rng.normal(size=n),
    "a far tail": lambda rng, n: np.where(rng.random(n) < 0.001, 1e6, rng.normal(size=n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_cell_is_counted_as_a_search_would(shape: str) -> None:
    rng = np.random.default_rng(5)
    reference = SHAPES[shape](rng, 50_000)
    found = table(reference)
    assert found is not None
    values = np.concatenate([SHAPES[shape](rng, 30_000) * 1.1, reference[:5_000], found.edges, NASTY])
    cells, nan, infinite = counted(found, values)
    wanted = searched(found.edges[:-INFINITIES], values)
    assert cells.tolist() == wanted[0].tolist()
    assert (nan, infinite) == wanted[1:]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=200), st.integers(0, 3))
def test_whatever_the_values(values: list[float], seed: int) -> None:
    found = table(np.random.default_rng(seed).normal(size=5_000) * 10.0 ** (3 * seed))
    assert found is not None
    array = np.array(values)
    cells, nan, infinite = counted(found, array)
    wanted = searched(found.edges[:-INFINITIES], array)
    assert cells.tolist() == wanted[0].tolist()
    assert (nan, infinite) == wanted[1:]
