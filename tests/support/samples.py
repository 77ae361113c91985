"""Samples of numbers as detectors meet them: smooth, tied, lumpy, constant, heavy-tailed, absurd, few and many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from detectors import Grid, Profile, Statistic

_SEEDS, _SIZES = st.integers(0, 2**32 - 1), st.integers(1, 1500)

SAMPLES = st.one_of(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
    st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=200),
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.5, 1e9, -1e-300]), min_size=1, max_size=200),
    st.builds(lambda value, n: [value] * n, st.sampled_from([0.0, 7.0, -1e12]), _SIZES),
    st.builds(lambda seed, n: np.random.default_rng(seed).standard_cauchy(n).tolist(), _SEEDS, _SIZES),
    st.builds(lambda seed, n: np.random.default_rng(seed).normal(size=n).tolist(), _SEEDS, _SIZES),
    st.builds(
        lambda seed, n: np.maximum(np.random.default_rng(seed).normal(size=n), 0.0).round(2).tolist(), _SEEDS, _SIZES
    ),
)

PROBABILITIES = st.one_of(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=200),
    st.lists(st.sampled_from([0.0, 0.25, 0.45, 0.5, 0.55, 1.0]), min_size=1, max_size=200),
    st.builds(lambda seed, n: np.random.default_rng(seed).beta(2, 5, n).tolist(), _SEEDS, _SIZES),
    st.builds(lambda seed, n: np.random.default_rng(seed).beta(0.1, 0.1, n).round(3).tolist(), _SEEDS, _SIZES),
)


def profiled(reference: object, production: object, resolution: int = 500) -> tuple[Profile, Profile]:
    """Profiles of one column on the reference's grid."""
    first, second = pa.table({"x": reference}), pa.table({"x": production})
    grid = Grid.fit(first, resolution)
    return grid.profile(first), grid.profile(second)


def null_windows(
    detectors: dict[str, Callable[[Profile, Profile], Statistic]],
    draw: Callable[[int], object],
    n: int,
    m: int,
    references: int = 8,
    windows: int = 5,
    columns: int = 20,
) -> dict[str, dict[str, np.ndarray]]:
    """Value, p-value and effect of every detector over `references * windows * columns` windows without drift."""
    found: dict[str, list[Statistic]] = {name: [] for name in detectors}
    for _ in range(references):
        table = pa.table({f"f{i}": draw(n) for i in range(columns)})
        grid = Grid.fit(table)
        reference = grid.profile(table)
        for _ in range(windows):
            production = grid.profile(pa.table({f"f{i}": draw(m) for i in range(columns)}))
            for name, detector in detectors.items():
                found[name].append(detector(reference, production))
    return {
        name: {
            "value": np.concatenate([each.value for each in all_of_it]),
            "pvalue": np.concatenate([each.pvalue for each in all_of_it]),
            "effect": np.concatenate([each.value if each.effect is None else each.effect for each in all_of_it]),
        }
        for name, all_of_it in found.items()
    }
