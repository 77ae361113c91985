"""PSI against plain numpy, a published example and its distribution under no drift."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import DetectorError, Grid, psi, psi_bins, psi_exact

VALUES = st.one_of(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    st.lists(st.integers(0, 12).map(float), min_size=1, max_size=400),
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.0, 2.5]), min_size=1, max_size=400),
)


def plain_psi(first: np.ndarray, second: np.ndarray, edges: np.ndarray) -> float:
    a, b = (np.diff([(np.asarray(side) <= edge).sum() for edge in edges[1:]], prepend=0) for side in (first, second))
    filled = a + b > 0
    r, p = np.maximum(a, 0.5)[filled] / len(first), np.maximum(b, 0.5)[filled] / len(second)
    return float(((p - r) * np.log(p / r)).sum())


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES, st.sampled_from([2, 5, 10, 20]))
def test_numbers_equal_plain_numpy_on_the_shown_bins(first: list[float], second: list[float], bins: int) -> None:
    grid = Grid.fit(pa.table({"x": first}), 50)
    found = psi(grid.profile(pa.table({"x": first})), grid.profile(pa.table({"x": second})), bins)
    edges = psi_bins(grid, "x", bins)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) - 1 <= 2 * bins + 1
    assert found.value[0] == pytest.approx(plain_psi(np.array(first), np.array(second), edges), abs=1e-9)
    assert found.effect[0] <= found.value[0]
    exact = psi_exact(first, second, bins)
    if len(first) < 50:
        assert exact.value[0] == found.value[0]


def test_bins_of_continuous_values_are_their_deciles() -> None:
    values = np.random.default_rng(0).normal(size=5003)
    grid = Grid.fit(pa.table({"x": values}))
    expected = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
    assert psi_bins(grid, "x")[1:-1].tolist() == expected.tolist()


def test_a_value_that_holds_much_gets_a_bin_of_its_own() -> None:
    for spread in ([-1.0] * 5 + [0.0] * 95, [0.0] * 95 + [1.0] * 5, [-1.0] * 3 + [0.0] * 94 + [1.0] * 3):
        grid = Grid.fit(pa.table({"x": spread}))
        reference = grid.profile(pa.table({"x": spread}))
        moved = grid.profile(pa.table({"x": [0.0] * 50 + [spread[0] or spread[-1]] * 50}))
        assert psi(reference, moved).value[0] > 0.5


def test_a_constant_that_changes_is_seen() -> None:
    grid = Grid.fit(pa.table({"x": [7.0] * 200}))
    reference = grid.profile(pa.table({"x": [7.0] * 200}))
    assert psi(reference, reference).value[0] == 0.0
    found = psi(reference, grid.profile(pa.table({"x": [8.0] * 200})))
    assert found.value[0] > 5
    assert found.pvalue[0] < 1e-10


def test_categories_are_their_own_bins() -> None:
    first, second = ["a"] * 60 + ["b"] * 40, ["a"] * 30 + ["b"] * 60 + ["new"] * 10
    grid = Grid.fit(pa.table({"c": first}))
    found = psi(grid.profile(pa.table({"c": first})), grid.profile(pa.table({"c": second})))
    r, p = np.array([0.6, 0.4, 0.005]), np.array([0.3, 0.6, 0.1])
    assert found.value[0] == pytest.approx(((p - r) * np.log(p / r)).sum(), abs=1e-12)


def test_a_scorecard_worked_by_hand() -> None:
    # Ten score bands, shares in percent; terms (a - e) ln(a / e) to six places: 0.001335 + 0.004463 + 0.005026 +
    # 0.014709 + 0 + 0.000953 + 0.001054 + 0.003646 + 0.000870 + 0.033577.
    expected, actual = [8, 10, 9, 13, 11, 10, 9, 10, 12, 8], [7, 8, 7, 9, 11, 11, 10, 12, 11, 14]
    first, second = (np.repeat([f"band {i}" for i in range(10)], np.array(part) * 100) for part in (expected, actual))
    grid = Grid.fit(pa.table({"c": first}))
    found = psi(grid.profile(pa.table({"c": first})), grid.profile(pa.table({"c": second})))
    assert found.value[0] == pytest.approx(0.065633, abs=2e-6)


def null(draw, n: int, m: int):
    parts = []
    for _ in range(8):
        table = pa.table({f"f{i}": draw(n) for i in range(20)})
        grid = Grid.fit(table)
        reference = grid.profile(table)
        parts += [psi(reference, grid.profile(pa.table({f"f{i}": draw(m) for i in range(20)}))) for _ in range(5)]
    return [np.concatenate([getattr(part, field) for part in parts]) for field in ("value", "pvalue", "effect")]


@pytest.mark.parametrize("kind", ["normal", "counts", "destinations"])
@pytest.mark.parametrize(("n", "m"), [(5000, 900), (400, 120), (300, 300)])
def test_under_no_drift_it_breaches_no_more_often_than_it_says(kind: str, n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    weights = rng.dirichlet(np.full(105, 0.5))
    draw = {
        "normal": lambda rows: rng.normal(size=rows),
        "counts": lambda rows: rng.poisson(3.0, rows).astype(float),
        "destinations": lambda rows: pa.array([f"d{i}" for i in rng.choice(105, rows, p=weights)]),
    }[kind]
    _, pvalue, effect = null(draw, n, m)
    for level in (0.01, 0.05):
        assert (pvalue <= level).mean() <= level + 4 * np.sqrt(level * (1 - level) / 800)
    assert ((effect >= 0.2) & (pvalue <= 0.01)).mean() <= 0.01


@pytest.mark.parametrize("absurd", [1e9, float("inf")])
def test_one_absurd_value_moves_nothing_and_hides_nothing(absurd: float) -> None:
    rng = np.random.default_rng(12)
    first, second = rng.normal(size=100_000), rng.normal(0.5, size=100_000)

    def found(a: np.ndarray, b: np.ndarray) -> float:
        grid = Grid.fit(pa.table({"x": a}))
        return float(psi(grid.profile(pa.table({"x": a})), grid.profile(pa.table({"x": b}))).value[0])

    clean = found(first, second)
    assert clean == pytest.approx(0.247, abs=0.02)
    assert found(np.append(first, absurd), second) == pytest.approx(clean, abs=1 / 500)
    assert found(first, np.append(second, absurd)) == pytest.approx(clean, abs=1 / 500)


def test_nothing_to_compare_is_nan_and_bad_requests_are_refused() -> None:
    grid = Grid.fit(pa.table({"x": [1.0, 2.0], "c": ["a", "b"]}))
    reference = grid.profile(pa.table({"x": [1.0, 2.0], "c": ["a", "b"]}))
    found = psi(reference, grid.profile(pa.table({"x": pa.nulls(2, pa.float64())})))
    assert np.isnan(found.value).all()
    assert np.isnan(found.pvalue).all()
    assert found.effect is not None
    assert np.isnan(found.effect).all()
    with pytest.raises(DetectorError, match="2 bins at least"):
        psi(reference, reference, bins=1)
    with pytest.raises(DetectorError, match="categories"):
        psi_bins(grid, "c")
