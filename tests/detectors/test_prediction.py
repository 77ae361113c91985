"""Prediction shift: rates of predicted classes, means of numeric outputs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ttest_ind

from detectors import Grid, Role, class_rate, mean_shift, spread_shift

ROLES = {"pred": Role.PREDICTION, "score": Role.SCORE}


def test_class_rate_is_the_largest_change_of_any_class() -> None:
    first = pa.table({"pred": ["yes"] * 20 + ["no"] * 70 + ["maybe"] * 10, "score": [0.5] * 100})
    grid = Grid.fit(first, roles=ROLES)
    second = pa.table({"pred": ["yes"] * 45 + ["no"] * 40 + ["new"] * 15, "score": [0.5] * 100})
    found = class_rate(grid.profile(first), grid.profile(second))
    assert found.value[0] == pytest.approx(0.3)
    assert found.pvalue[0] < 0.001
    assert np.isnan(found.value[1])
    assert class_rate(grid.profile(first), grid.profile(first)).pvalue[0] == 1.0


def test_predicted_classes_that_are_integers_are_classes_when_asked() -> None:
    first = pa.table({"pred": [0] * 80 + [1] * 20})
    grid = Grid.fit(first, roles=ROLES, categories=["pred"])
    second = grid.profile(pa.table({"pred": [0.0] * 60 + [1.0] * 40}))
    assert class_rate(grid.profile(first), second).value[0] == pytest.approx(0.2)


def test_class_rate_says_nothing_of_features() -> None:
    table = pa.table({"c": ["a", "b"] * 10})
    grid = Grid.fit(table)
    assert np.isnan(class_rate(grid.profile(table), grid.profile(table)).value[0])


def test_mean_shift_is_in_reference_deviations_with_welchs_pvalue() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(10, 2, 5000), rng.normal(11, 3, 400)
    grid = Grid.fit(pa.table({"pred": first, "x": first}), roles=ROLES)
    found = mean_shift(
        grid.profile(pa.table({"pred": first, "x": first})), grid.profile(pa.table({"pred": second, "x": second}))
    )
    assert found.value[0] == pytest.approx((second.mean() - first.mean()) / first.std(), rel=1e-3)
    welch = ttest_ind(first, second, equal_var=False).pvalue
    assert found.pvalue[0] == pytest.approx(welch, rel=0.02)
    assert np.isnan(found.value[1])


def test_mean_shift_pvalues_are_uniform_under_no_drift() -> None:
    rng = np.random.default_rng(2)
    pvalues = []
    for _ in range(40):
        first = pa.table({f"s{i}": rng.beta(2, 5, 600) for i in range(20)})
        grid = Grid.fit(first, roles={f"s{i}": Role.SCORE for i in range(20)})
        second = grid.profile(pa.table({f"s{i}": rng.beta(2, 5, 200) for i in range(20)}))
        pvalues.append(mean_shift(grid.profile(first), second).pvalue)
    found = np.concatenate(pvalues)
    for level in (0.01, 0.05, 0.5):
        assert (found <= level).mean() == pytest.approx(level, abs=3.5 * np.sqrt(level * (1 - level) / 800))


def test_spread_shift_is_the_change_of_the_deviation_over_the_references() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(10, 2, 5000), rng.normal(11, 3, 2000)
    grid = Grid.fit(pa.table({"pred": first, "x": first}), roles=ROLES)
    usual = grid.profile(pa.table({"pred": first, "x": first}))
    found = spread_shift(usual, grid.profile(pa.table({"pred": second, "x": second})))
    assert found.value[0] == pytest.approx(second.std() / first.std() - 1.0, rel=1e-3)
    assert found.pvalue[0] < 1e-10
    assert np.isnan(found.value[1])
    gone = spread_shift(usual, grid.profile(pa.table({"pred": [10.0] * 50, "x": [10.0] * 50})))
    assert gone.value[0] == pytest.approx(-1.0, abs=2e-3)
    assert gone.pvalue[0] < 1e-10


@pytest.mark.parametrize("kind", ["beta", "normal", "lognormal"])
def test_spread_shift_pvalues_are_uniform_under_no_drift(kind: str) -> None:
    rng = np.random.default_rng(4)
    draw = {
        "beta": lambda rows: rng.beta(2, 5, rows),
        "normal": lambda rows: rng.normal(size=rows),
        "lognormal": lambda rows: rng.lognormal(0.0, 0.7, rows),
    }[kind]
    pvalues = []
    for _ in range(30):
        first = pa.table({f"s{i}": draw(2000) for i in range(20)})
        grid = Grid.fit(first, roles={f"s{i}": Role.PREDICTION for i in range(20)})
        second = grid.profile(pa.table({f"s{i}": draw(400) for i in range(20)}))
        pvalues.append(spread_shift(grid.profile(first), second).pvalue)
    found = np.concatenate(pvalues)
    for level in (0.01, 0.05, 0.5):
        # Heavy tails: the kurtosis of few rows is too small or too large by chance.
        error = 3.5 * np.sqrt(level * (1 - level) / 600) + (0.3 * level if kind == "lognormal" else 0.0)
        assert (found <= level).mean() == pytest.approx(level, abs=error)


def test_a_constant_output_that_moves_is_finite_and_found() -> None:
    table = pa.table({"score": [0.5] * 200})
    grid = Grid.fit(table, roles=ROLES)
    found = mean_shift(grid.profile(table), grid.profile(pa.table({"score": [0.6] * 200})))
    assert np.isfinite(found.value[0])
    assert found.value[0] > 100
    assert found.pvalue[0] < 1e-10
    still = spread_shift(grid.profile(table), grid.profile(table))
    assert (still.value[0], still.pvalue[0]) == (0.0, 1.0)


def test_no_rows_is_nan() -> None:
    table = pa.table({"score": [0.1, 0.2, 0.3]})
    grid = Grid.fit(table, roles=ROLES)
    found = mean_shift(grid.profile(table), grid.profile(table.slice(0, 0)))
    assert np.isnan(found.value[0])
    assert np.isnan(found.pvalue[0])
