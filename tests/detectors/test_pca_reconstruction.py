"""PCA reconstruction: components against scikit-learn, joint changes found, healthy days left alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.decomposition import PCA

from detectors.encoding import Encoding
from detectors.multivariate import JointModel
from detectors.pca import column_errors, components, target_moments
from detectors.pca_reconstruction import pca_reconstruction
from detectors.registry import JOINT
from tests.support.days import COLUMNS, day, days, grid_of, sample_of, shuffled

THRESHOLD = JOINT["pca_reconstruction"].threshold


@pytest.fixture(scope="module")
def model():
    tables = days(np.random.default_rng(31), 20, weather=False)
    grid = grid_of(tables)
    return grid, JointModel.fit(grid, [sample_of(grid, table) for table in tables])


def test_errors_are_those_of_scikit_learns_pca() -> None:
    tables = days(np.random.default_rng(32), 3, 300)
    grid = grid_of(tables)
    sample = sample_of(grid, tables[0])
    encoding = Encoding.fit(grid, [sample])
    rows = encoding.encode(sample.cells)
    axes = components(target_moments(encoding, rows))
    scaled = rows.targets / np.sqrt(np.repeat(rows.variance, np.diff(encoding.target_starts)))
    pca = PCA(n_components=axes.shape[1], svd_solver="full").fit(scaled)
    assert 0.8 <= pca.explained_variance_ratio_.sum() < 0.8 + pca.explained_variance_ratio_[-1]
    left = (scaled - pca.inverse_transform(pca.transform(scaled))) ** 2
    expected = [left[:, a:b].sum() / 300 for a, b in pairwise(encoding.target_starts)]
    assert column_errors(encoding, rows, axes) == pytest.approx(expected, abs=1e-9)


def test_healthy_days_breach_no_more_often_than_stated(model) -> None:
    grid, fitted = model
    rng = np.random.default_rng(33)
    found = [pca_reconstruction(fitted, sample_of(grid, day(rng, weather=False))) for _ in range(100)]
    assert sum(each.pvalue <= 0.01 for each in found) <= 5
    assert abs(np.mean([each.value for each in found])) < 0.03


@pytest.mark.parametrize("name", ["warm", "damp", "zone"])
def test_a_shuffled_column_raises_the_error(model, name: str) -> None:
    grid, fitted = model
    rng = np.random.default_rng(34)
    for _ in range(5):
        found = pca_reconstruction(fitted, sample_of(grid, shuffled(day(rng, weather=False), name, rng)))
        assert found.status(THRESHOLD) == "breach"
        assert found.contributions[0].column in COLUMNS
        shares = [each.share for each in found.contributions]
        assert shares == sorted(shares, reverse=True)


def test_columns_that_do_not_vary_leave_nothing_to_reconstruct(model) -> None:
    grid, fitted = model
    table = day(np.random.default_rng(35))
    found = pca_reconstruction(fitted, sample_of(grid, table.select(["id", "noise"])))
    assert found.status(THRESHOLD) == "insufficient"
    assert "fewer than two columns" in found.reason


def test_a_column_that_is_gone_takes_no_other_with_it(model) -> None:
    grid, fitted = model
    table = day(np.random.default_rng(36), weather=False)
    found = pca_reconstruction(fitted, sample_of(grid, table.drop_columns("warm")))
    assert found.status(THRESHOLD) == "ok"
    assert "damp" not in {each.column for each in found.contributions}
