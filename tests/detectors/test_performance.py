"""Realised performance against scikit-learn, and its standard errors against resampling."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from detectors import MEASURES, DetectorError, measure
from detectors.decisions import confusion
from detectors.performance import accuracy, calibration_error, log_loss, mae, r_squared, rmse, roc_auc

NAN = np.nan
NONE = {"zero_division": NAN}


def ece(truth: np.ndarray, score: np.ndarray, sample_weight: object = None) -> float:
    rate, mean = calibration_curve(truth, score, n_bins=10, strategy="quantile")
    edges = np.percentile(score, np.linspace(0, 100, 11))
    count = np.bincount(np.searchsorted(edges[1:-1], score))
    return float((np.abs(rate - mean) * count[count > 0]).sum() / len(truth))


# By name: what scikit-learn says of (label, score or prediction, weight).
ORACLES: dict[str, Callable[..., float]] = {
    "auc": oracle.roc_auc_score,
    "pr_auc": oracle.average_precision_score,
    "log_loss": lambda y, s, sample_weight: oracle.log_loss(y, s, sample_weight=sample_weight, labels=[0, 1]),
    "brier": lambda y, s, sample_weight: oracle.mean_squared_error(y, s, sample_weight=sample_weight),
    "rate_bias": lambda y, s, sample_weight: np.average(s - y, weights=sample_weight),
    "accuracy": oracle.accuracy_score,
    "precision": lambda y, p, sample_weight: oracle.precision_score(y, p, sample_weight=sample_weight, **NONE),
    "recall": lambda y, p, sample_weight: oracle.recall_score(y, p, sample_weight=sample_weight, **NONE),
    "f1": lambda y, p, sample_weight: oracle.f1_score(y, p, sample_weight=sample_weight, **NONE),
    "macro_precision": lambda y, p, sample_weight: oracle.precision_score(
        y, p, sample_weight=sample_weight, average="macro", **NONE
    ),
    "macro_recall": lambda y, p, sample_weight: oracle.recall_score(
        y, p, sample_weight=sample_weight, average="macro", **NONE
    ),
    "macro_f1": lambda y, p, sample_weight: oracle.f1_score(y, p, sample_weight=sample_weight, average="macro", **NONE),
    "mae": oracle.mean_absolute_error,
    "rmse": oracle.root_mean_squared_error,
    "mape": oracle.mean_absolute_percentage_error,
    "r_squared": oracle.r2_score,
    "bias": lambda y, p, sample_weight: np.average(p - y, weights=sample_weight),
    "quantile_loss": lambda y, p, sample_weight: oracle.mean_pinball_loss(y, p, sample_weight=sample_weight, alpha=0.8),
}


def case(name: str, kind: str, seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(seed)
    known = MEASURES[name]
    weight = rng.random(rows) * (rng.random(rows) < 0.9) if kind == "weighted" else None
    if "regression" in known.tasks:
        truth = np.full(rows, 3.0) if kind == "one class" else rng.normal(5.0, 2.0, rows)
        said = truth + rng.normal(0.3, 1.0, rows)
        return (truth, said.round(0) if kind == "tied" else said, weight)
    if known.tasks == ("multiclass",):
        truth = np.array(["a", "b", "c", "d"])[rng.integers(0, 1 if kind == "one class" else 4, rows)]
        return (
            truth,
            np.where(rng.random(rows) < 0.6, truth, np.array(["a", "b", "e"])[rng.integers(0, 3, rows)]),
            weight,
        )
    score = rng.random(rows).round(1 if kind == "tied" else 12)
    truth = np.full(rows, seed % 2) if kind == "one class" else (rng.random(rows) < score).astype(int)
    return truth, (score if known.reads == "score" else (score > 0.6).astype(int)), weight


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["random", "tied", "one class", "weighted"])
@pytest.mark.parametrize("name", sorted(ORACLES))
def test_a_measure_equals_scikit_learns(name: str, kind: str, seed: int) -> None:
    truth, said, weight = case(name, kind, seed)
    more = {"quantile": 0.8} if name == "quantile_loss" else {}
    found = MEASURES[name].function(truth, said, weight, **more).value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where it says NaN or 0
        expected = ORACLES[name](truth, said, sample_weight=weight)
    if name == "pr_auc" and not truth.any():
        expected = NAN  # scikit-learn says 0 of no positives, and warns that it means nothing
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("kind", ["random", "tied", "one class"])
def test_the_calibration_error_is_scikit_learns_curve_summed(kind: str) -> None:
    truth, score, _ = case("brier", kind, 3)
    assert calibration_error(truth, score).value == pytest.approx(ece(truth, score), abs=1e-9)


def test_every_measure_has_an_oracle() -> None:
    assert {*ORACLES, "calibration_error"} == set(MEASURES)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=30))
def test_few_and_tied_rows_are_scikit_learns_too(pairs: list[tuple[int, float]]) -> None:
    truth, score = (np.array(side) for side in zip(*pairs, strict=True))
    assert log_loss(truth, score).value == pytest.approx(oracle.log_loss(truth, score, labels=[0, 1]), abs=1e-9)
    assert MEASURES["brier"].function(truth, score).value == pytest.approx(oracle.brier_score_loss(truth, score))
    if truth.any() and not truth.all():
        assert roc_auc(truth, score).value == pytest.approx(oracle.roc_auc_score(truth, score), abs=1e-9)
    else:
        assert np.isnan(roc_auc(truth, score).value)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_classes_are_the_same_in_any_type(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    expected = oracle.accuracy_score(truth, said)
    assert accuracy(truth, said).value == pytest.approx(expected)
    assert accuracy(truth.astype(float), said.astype(str)).value == pytest.approx(expected)
    found = confusion(truth, said)
    labels = [int(name) for name in found.classes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one class
        matrix = oracle.confusion_matrix(truth, said, labels=labels)
        theirs = oracle.precision_recall_fscore_support(truth, said, labels=labels, zero_division=NAN)
    assert (found.matrix == matrix).all()
    for mine, other in zip((found.precision, found.recall, found.f1, found.support), theirs, strict=True):
        assert mine == pytest.approx(other, abs=1e-9, nan_ok=True)


def test_missing_values_are_left_out() -> None:
    truth, score = [1.0, 0.0, None, 1.0, NAN], [0.9, 0.2, 0.5, NAN, 0.5]
    assert roc_auc(truth, score).n == 2
    assert roc_auc(truth, score).value == 1.0
    assert accuracy(["a", None, "b"], ["a", "b", None]).n == 1
    assert mae(np.array([1.0, NAN]), np.array([2.0, 2.0])).value == 1.0


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_no_rows_is_nan(name: str) -> None:
    found = MEASURES[name].function([], [])
    assert found.n == 0
    assert np.isnan(found.value)
    assert np.isnan(found.stderr)


def test_what_the_rows_do_not_allow_is_nan() -> None:
    assert np.isnan(log_loss([1, 0], [1.5, -2.0]).value)
    assert np.isnan(roc_auc([1, 1, 1], [0.1, 0.2, 0.3]).value)
    assert np.isnan(roc_auc([1, 0], [0.1, 0.2]).stderr)
    assert np.isnan(mae([1.0], [2.0]).stderr)
    assert np.isnan(r_squared([1.0], [1.0]).value)


def test_unusable_arguments_are_refused() -> None:
    with pytest.raises(DetectorError, match="2 labels against 1"):
        mae([1.0, 2.0], [1.0])
    with pytest.raises(DetectorError, match="must be numbers"):
        roc_auc(["late", "on time"], [0.1, 0.2])
    with pytest.raises(DetectorError, match="2 labels against 1"):
        accuracy(["a", "b"], ["a"])


@pytest.mark.parametrize("name", sorted(set(MEASURES) - {"calibration_error", "mape"}))
def test_standard_errors_are_those_of_resampling(name: str) -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(150):
        truth = rng.random(400) < 0.3
        score = np.clip(rng.normal(0.3 + 0.15 * truth, 0.15).round(2), 0.01, 0.99)
        said = score if MEASURES[name].reads == "score" or "regression" in MEASURES[name].tasks else score > 0.4
        found.append(MEASURES[name].function(truth.astype(float), said if said.dtype != bool else said.astype(float)))
    spread = np.std([each.value for each in found])
    assert np.mean([each.stderr for each in found]) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("name", ["auc", "pr_auc", "log_loss", "rate_bias", "f1"])
def test_days_that_differ_make_the_error_by_days_the_true_one(name: str) -> None:
    rng = np.random.default_rng(9)
    found = []
    for _ in range(60):
        day = np.repeat(np.arange(20), 50)
        effect = rng.normal(0.0, 0.8, 20)[day]
        logit = rng.normal(-0.5, 1.0, 1000)
        truth = (rng.random(1000) < 1 / (1 + np.exp(-logit - effect))).astype(int)
        score = 1 / (1 + np.exp(-logit))
        said = score if MEASURES[name].reads == "score" else (score > 0.5).astype(int)
        found.append(MEASURES[name].function(truth, said, None, day))
    spread = np.std([each.value for each in found])
    assert np.mean([each.stderr for each in found]) == pytest.approx(spread, rel=0.3)
    assert found[0].days == 20.0
    if name == "rate_bias":
        assert np.mean([each.rows_stderr for each in found]) < 0.7 * spread


def test_delongs_published_example() -> None:
    # Hanley & McNeil 1982, CT ratings: AUC 0.893, standard error about 0.03 (DeLong's 0.0307).
    normal, abnormal = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2]), np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])
    truth = np.concatenate((np.zeros(len(normal)), np.ones(len(abnormal))))
    found = roc_auc(truth, np.concatenate((normal, abnormal)))
    assert found.value == pytest.approx(0.893, abs=5e-4)
    assert found.stderr == pytest.approx(0.0307, abs=5e-4)


def test_a_task_has_the_measures_its_columns_allow() -> None:
    truth, score = [1, 0, 1], [0.9, 0.1, 0.4]
    by_score = {"auc", "pr_auc", "log_loss", "brier", "calibration_error", "rate_bias"}
    by_class = {"accuracy", "precision", "recall", "f1"}
    assert set(measure("binary", truth, score, [1, 0, 0])) == by_score | by_class
    assert set(measure("binary", truth, prediction=[1, 0, 0])) == by_class
    assert set(measure("multiclass", ["a", "b"], prediction=["a", "a"])) == {
        "accuracy", "macro_precision", "macro_recall", "macro_f1",
    }  # fmt: skip
    assert set(measure("regression", truth, score)) == {"mae", "rmse", "mape", "r_squared", "bias", "quantile_loss"}
    assert set(measure("binary", truth, score, only={"auc"})) == {"auc"}
    assert measure("regression", truth) == {}
    assert rmse(truth, score).value == measure("regression", truth, score)["rmse"].value
