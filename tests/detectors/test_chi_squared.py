"""Chi-squared and Cramér's V against scipy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association

from detectors import Grid, chi_squared, chi_squared_exact

COUNTS = st.lists(st.tuples(st.integers(5, 60), st.integers(5, 60)), min_size=2, max_size=12)


def of_counts(counts: list[tuple[int, int]]):
    tables = [pa.table({"c": [f"c{i}" for i, pair in enumerate(counts) for _ in range(pair[side])]}) for side in (0, 1)]
    grid = Grid.fit(tables[0])
    return chi_squared(*(grid.profile(table) for table in tables))


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_it_is_scipys(counts: list[tuple[int, int]]) -> None:
    found, table = of_counts(counts), np.array(counts).T
    assert found.value[0] == pytest.approx(association(table, method="cramer"), abs=1e-9)
    expected = chi2_contingency(table, correction=False)
    if expected.expected_freq.min() >= 5:
        assert found.pvalue[0] == pytest.approx(expected.pvalue, rel=1e-9)
    # Bergsma's correction, written out for a table of two rows.
    n, k = table.sum(), table.shape[1]
    square = max(expected.statistic / n - (k - 1) / (n - 1), 0.0)
    most = min(k - (k - 1) ** 2 / (n - 1) - 1, 2 - 1 / (n - 1) - 1)
    assert found.effect[0] == pytest.approx(np.sqrt(square / most), abs=1e-9)


def test_it_goes_from_0_to_1_and_a_single_bin_has_none() -> None:
    assert chi_squared_exact([1.0] * 50, [2.0] * 50).value[0] == pytest.approx(1.0)
    assert chi_squared_exact([1.0] * 50, [2.0] * 50).effect[0] == pytest.approx(1.0, abs=0.02)
    alone = chi_squared_exact([1.0] * 50, [1.0] * 50)
    assert (alone.value[0], alone.effect[0], alone.pvalue[0]) == (0.0, 0.0, 1.0)


def test_the_published_example_of_agresti() -> None:
    # Agresti, Categorical Data Analysis (2002), table 3.2's margins of income by belief are 3 x 3; this is the aspirin
    # trial, table 2.3: 189 heart attacks of 11,034 with placebo, 104 of 11,037 with aspirin: chi-squared 25.01.
    found = of_counts([(189, 104), (10_845, 10_933)])
    assert found.value[0] ** 2 * 22_071 == pytest.approx(25.01, abs=0.005)
