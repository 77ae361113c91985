"""Finding cells by table gives exactly what searching gives, whatever the values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid
from detectors.columns import quantile_edges
from detectors.exterior import with_exterior
from detectors.locate import locator
from detectors.places import COMPILED_ROWS

RNG = np.random.default_rng(0)
N = 20_000
SHAPES = {
    "normal": RNG.normal(size=N),
    "far from zero": RNG.normal(1.7e9, 1.0, N),
    "Pareto": RNG.pareto(1.0, N) + 1.0,
    "Cauchy": RNG.standard_cauchy(N),
    "zeros and exponential": np.where(RNG.random(N) < 0.6, 0.0, RNG.exponential(size=N)),
    "integers": RNG.integers(0, 30, N).astype(float),
    "many integers": RNG.poisson(1e6, N).astype(float),
    "two clusters": np.where(RNG.random(N) < 0.5, RNG.normal(size=N), 1e9 + RNG.normal(size=N)),
    "constant": np.full(N, 7.0),
    "denormal": RNG.integers(0, 1000, N) * 5e-324,
    "huge": RNG.uniform(-1.0, 1.0, N) * 1.7e308,
    "log-uniform": 10.0 ** RNG.uniform(-300, 300, N),
    "negative": -RNG.lognormal(0, 3, N),
}
AWKWARD = np.array([0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1e9, -999.0, 7.0])


def cut(values: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    ordered = np.sort(values)
    return with_exterior(*quantile_edges(ordered, resolution), ordered)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_counted_as_a_search_counts_it(name: str) -> None:
    edges, _ = cut(SHAPES[name], 500)
    own = np.concatenate(
        (SHAPES[name], edges[np.isfinite(edges)], AWKWARD, *(shape[:200] for shape in SHAPES.values()))
    )
    expected = np.bincount(np.searchsorted(edges, own, side="left"), minlength=len(edges) + 1)
    table = pa.table({"x": np.concatenate((own, [np.nan, np.inf, -np.inf, np.inf]))})
    assert table.num_rows >= COMPILED_ROWS
    profile = Grid.fit(pa.table({"x": SHAPES[name]})).profile(table)
    assert profile.counts.tolist() == expected.tolist()
    assert profile.aux[0].tolist() == [0, 1, 3, 0, 0]


@pytest.mark.parametrize("name", ["normal", "far from zero", "Pareto", "Cauchy", "zeros and exponential", "integers"])
def test_usual_shapes_need_no_sort(name: str) -> None:
    assert locator(*cut(SHAPES[name], 500)) is not None


def test_rows_in_pieces_of_any_size_count_the_same() -> None:
    grid = Grid.fit(pa.table({"x": SHAPES["normal"]}))
    whole = pa.table({"x": SHAPES["Cauchy"]})
    pieces = [whole.slice(0, 17), whole.slice(17, 3000), whole.slice(3017)]
    assert sum((grid.profile(piece) for piece in pieces[1:]), grid.profile(pieces[0])) == grid.profile(whole)
