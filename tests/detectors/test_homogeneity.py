"""Pearson's test against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from detectors.homogeneity import homogeneity


def test_without_sparse_cells_it_is_scipys() -> None:
    first, second = np.array([50, 30, 20, 10, 90]), np.array([20, 25, 30, 30, 70])
    starts = np.array([0, 3])
    found = homogeneity(first, second, starts, np.zeros(5, dtype=bool))
    for feature, part in enumerate((slice(0, 3), slice(3, 5))):
        table = np.stack([first[part], second[part]])
        assert found[feature] == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-12)


def test_sparse_cells_are_compared_as_one() -> None:
    first, second = np.array([500, 300, 3, 2, 4]), np.array([450, 350, 9, 8, 5])
    found = homogeneity(first, second, np.array([0]), np.array([False, False, True, True, True]))
    table = np.array([[500, 300, 9], [450, 350, 22]])
    assert found[0] == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-12)


def test_nothing_to_compare_is_one_and_no_sample_is_nan() -> None:
    counts = np.array([10, 0, 5, 5])
    found = homogeneity(counts, np.array([7, 0, 0, 0]), np.array([0, 2]), np.zeros(4, dtype=bool))
    assert found[0] == 1.0
    assert np.isnan(found[1])
