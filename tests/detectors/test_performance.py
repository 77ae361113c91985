"""Realised performance against scikit-learn, and its standard errors against resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.metrics import log_loss as sklearn_log_loss

from detectors import DetectorError, measure
from detectors.performance import accuracy, log_loss, mae, rmse, roc_auc

LABELS = st.lists(st.booleans(), min_size=2, max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.data(), LABELS)
def test_auc_and_log_loss_equal_scikit_learns(data: st.DataObject, labels: list[bool]) -> None:
    chance = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    scores = np.array(data.draw(st.lists(chance, min_size=len(labels), max_size=len(labels))))
    truth = np.array(labels)
    expected = sklearn_log_loss(truth, scores, labels=[False, True])
    assert log_loss(truth, scores).value == pytest.approx(expected, abs=1e-9)
    if truth.any() and not truth.all():
        assert roc_auc(truth, scores).value == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
    else:
        assert np.isnan(roc_auc(truth, scores).value)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_accuracy_equals_scikit_learns_in_any_type(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    expected = accuracy_score(truth, said)
    assert accuracy(truth, said).value == pytest.approx(expected)
    assert accuracy(truth.astype(float), said.astype(str)).value == pytest.approx(expected)
    assert accuracy([f"class {i}" for i in truth], [f"class {i}" for i in said]).value == pytest.approx(expected)


def test_errors_equal_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.normal(size=500), rng.normal(size=500)
    assert mae(truth, said).value == pytest.approx(mean_absolute_error(truth, said), abs=1e-9)
    assert rmse(truth, said).value == pytest.approx(root_mean_squared_error(truth, said), abs=1e-9)


def test_missing_values_are_left_out() -> None:
    truth, score = [1.0, 0.0, None, 1.0, np.nan], [0.9, 0.2, 0.5, np.nan, 0.5]
    assert roc_auc(truth, score).n == 2
    assert roc_auc(truth, score).value == 1.0
    assert accuracy(["a", None, "b"], ["a", "b", None]).n == 1
    assert mae(np.array([1.0, np.nan]), np.array([2.0, 2.0])).value == 1.0


@pytest.mark.parametrize("function", [roc_auc, log_loss, accuracy, mae, rmse])
def test_no_rows_is_nan(function) -> None:
    found = function([], [])
    assert found.n == 0
    assert np.isnan(found.value)
    assert np.isnan(found.stderr)


def test_what_the_rows_do_not_allow_is_nan() -> None:
    assert np.isnan(log_loss([1, 0], [1.5, -2.0]).value)
    assert np.isnan(roc_auc([1, 1, 1], [0.1, 0.2, 0.3]).value)
    assert np.isnan(roc_auc([1, 0], [0.1, 0.2]).stderr)
    assert np.isnan(mae([1.0], [2.0]).stderr)


def test_unusable_arguments_are_refused() -> None:
    with pytest.raises(DetectorError, match="2 labels against 1"):
        mae([1.0, 2.0], [1.0])
    with pytest.raises(DetectorError, match="must be numbers"):
        roc_auc(["late", "on time"], [0.1, 0.2])
    with pytest.raises(DetectorError, match="2 labels against 1"):
        accuracy(["a", "b"], ["a"])


def test_standard_errors_are_those_of_resampling() -> None:
    rng = np.random.default_rng(5)
    rows, draws = 400, 400

    def sample() -> tuple[np.ndarray, np.ndarray]:
        truth = rng.random(rows) < 0.3
        return truth, np.clip(rng.normal(0.3 + 0.15 * truth, 0.15).round(2), 0.01, 0.99)

    samples = [sample() for _ in range(draws)]
    for function in (roc_auc, log_loss, mae, rmse):
        found = [function(truth.astype(float), score) for truth, score in samples]
        spread = np.std([each.value for each in found])
        assert np.mean([each.stderr for each in found]) == pytest.approx(spread, rel=0.12)


def test_delongs_published_example() -> None:
    # Hanley & McNeil 1982, CT ratings: AUC 0.893, standard error about 0.03 (DeLong's 0.0307).
    normal, abnormal = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2]), np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])
    truth = np.concatenate((np.zeros(len(normal)), np.ones(len(abnormal))))
    found = roc_auc(truth, np.concatenate((normal, abnormal)))
    assert found.value == pytest.approx(0.893, abs=5e-4)
    assert found.stderr == pytest.approx(0.0307, abs=5e-4)


def test_a_task_has_the_measures_its_columns_allow() -> None:
    truth, score = [1, 0, 1], [0.9, 0.1, 0.4]
    assert set(measure("binary", truth, score, [1, 0, 0])) == {"auc", "log_loss", "accuracy"}
    assert set(measure("binary", truth, prediction=[1, 0, 0])) == {"accuracy"}
    assert set(measure("multiclass", ["a", "b"], prediction=["a", "a"])) == {"accuracy"}
    assert set(measure("regression", truth, score)) == {"mae", "rmse"}
    assert measure("regression", truth) == {}
