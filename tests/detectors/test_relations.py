"""Leave-own-block-out ridge against solving every system on its own, and correlations against numpy's."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge

from detectors.encoding import Encoding
from detectors.relations import FOLDS, PENALTY, Moments, any_relation, coefficients, reliance, same_relation
from tests.support.days import COLUMNS, days, grid_of, sample_of


@pytest.fixture(scope="module")
def windows():
    tables = days(np.random.default_rng(5), 4, 300)
    grid = grid_of(tables)
    samples = [sample_of(grid, table) for table in tables]
    encoding = Encoding.fit(grid, samples)
    return encoding, [encoding.encode(sample.cells) for sample in samples]


def own(encoding, index):
    return slice(*encoding.input_starts[index : index + 2]), slice(*encoding.target_starts[index : index + 2])


def test_coefficients_are_those_of_a_ridge_without_the_columns_own_inputs(windows) -> None:
    encoding, encoded = windows
    found = coefficients(encoding, reduce(add, map(Moments.of, encoded)))
    inputs, targets = (np.vstack([getattr(each, name) for each in encoded]) for name in ("inputs", "targets"))
    for index in range(len(COLUMNS)):
        block, told = own(encoding, index)
        others = np.delete(inputs, np.r_[block], axis=1)
        expected = Ridge(PENALTY, fit_intercept=False).fit(others, targets[:, told]).coef_.T
        assert np.delete(found[:, told], np.r_[block], axis=0) == pytest.approx(expected, abs=1e-8)
        assert not found[block, told].any()


def test_adapting_starts_from_the_reference(windows) -> None:
    encoding, encoded = windows
    start = coefficients(encoding, Moments.of(encoded[0]))
    found = coefficients(encoding, Moments.of(encoded[1]), start)
    block, told = own(encoding, 1)
    others = np.delete(encoded[1].inputs, np.r_[block], axis=1)
    before = np.delete(start[:, told], np.r_[block], axis=0)
    left = Ridge(PENALTY, fit_intercept=False).fit(others, encoded[1].targets[:, told] - others @ before)
    assert np.delete(found[:, told], np.r_[block], axis=0) == pytest.approx(before + left.coef_.T, abs=1e-8)


def test_relations_are_correlations_with_what_the_others_say(windows) -> None:
    encoding, encoded = windows
    reference = coefficients(encoding, reduce(add, map(Moments.of, encoded[1:])))
    rows = encoded[0]
    told = rows.inputs @ reference
    same = same_relation(encoding, rows, reference)
    for index in range(len(COLUMNS)):
        _, block = own(encoding, index)
        a, b = told[:, block].ravel(), rows.targets[:, block].ravel()
        assert same[index] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    fold = np.arange(300) % FOLDS
    for each in range(FOLDS):
        kept = type(rows)(rows.inputs[fold != each], rows.targets[fold != each], rows.variance, rows.missing)
        adapted = coefficients(encoding, Moments.of(kept), reference)
        told[fold == each] = rows.inputs[fold == each] @ adapted
    told -= told.mean(axis=0)
    found = any_relation(encoding, rows, reference)
    for index in range(len(COLUMNS)):
        _, block = own(encoding, index)
        a, b = told[:, block].ravel(), rows.targets[:, block].ravel()
        assert found[index] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)


def test_a_days_own_course_is_a_relation_too() -> None:
    rng = np.random.default_rng(6)
    tables = []
    for number, sign in enumerate((1, -1, 1, -1)):
        x = rng.normal(size=300)
        y = sign * x + 0.2 * rng.normal(size=300)
        tables.append(pa.table({"x": x, "y": y, "noise": rng.normal(size=300), "id": np.arange(300) + 300 * number}))
    grid = grid_of(tables)
    samples = [sample_of(grid, table) for table in tables]
    encoding = Encoding.fit(grid, samples)
    encoded = [encoding.encode(sample.cells) for sample in samples]
    reference = coefficients(encoding, reduce(add, map(Moments.of, encoded[1:])))
    same, adapted = (each(encoding, encoded[0], reference) for each in (same_relation, any_relation))
    assert same[0] < -0.5
    assert adapted[0] > 0.9
    assert abs(adapted[2]) < 0.2


def test_reliance_is_what_taking_a_columns_inputs_out_costs(windows) -> None:
    encoding, encoded = windows
    moments = reduce(add, map(Moments.of, encoded))
    reference = coefficients(encoding, moments)
    found = reliance(encoding, moments, reference)
    inputs, targets = (np.vstack([getattr(each, name) for each in encoded]) for name in ("inputs", "targets"))
    for k, j in ((0, 1), (1, 2), (4, 3), (5, 0)):
        block, (_, told) = own(encoding, k)[0], own(encoding, j)
        without = reference.copy()
        without[block] = 0.0
        full, rest = (
            np.corrcoef((inputs @ each)[:, told].ravel(), targets[:, told].ravel())[0, 1]
            for each in (reference, without)
        )
        assert found[k, j] == pytest.approx(np.clip(1.0 - rest / full, 0.0, 1.0), abs=1e-6)
    assert found[COLUMNS.index("warm"), COLUMNS.index("damp")] > 0.3
    assert found[COLUMNS.index("noise")].max() < 0.05
