"""The domain classifier: joint changes it must find, marginal ones it must leave alone, and healthy days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from detectors.domain_classifier import domain_classifier
from detectors.multivariate import JointModel
from detectors.registry import JOINT
from tests.support.days import day, days, grid_of, sample_of, shuffled

THRESHOLD = JOINT["domain_classifier"].threshold


@pytest.fixture(scope="module", params=[True, False], ids=["weather", "independent"])
def model(request):
    tables = days(np.random.default_rng(21), 20, weather=request.param)
    grid = grid_of(tables)
    return grid, JointModel.fit(grid, [sample_of(grid, table) for table in tables]), request.param


def changed(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.chunked_array([values]))


def test_healthy_days_breach_no_more_often_than_stated(model) -> None:
    grid, fitted, weather = model
    rng = np.random.default_rng(22)
    found = [domain_classifier(fitted, sample_of(grid, day(rng, weather=weather))) for _ in range(100)]
    assert sum(each.status(THRESHOLD) == "breach" for each in found) == 0
    # 100 days at a rate of 0.01, by the p-value alone: more than 5 has a chance of 0.0005.
    assert sum(each.pvalue <= 0.01 for each in found) <= 5


@pytest.mark.parametrize("name", ["warm", "damp", "fare", "zone"])
def test_a_shuffled_column_is_found_in_one_window_and_named(model, name: str) -> None:
    grid, fitted, weather = model
    rng = np.random.default_rng(23)
    partner = {"warm": "damp", "damp": "warm", "fare": "zone", "zone": "fare"}[name]
    for _ in range(5):
        table = day(rng, weather=weather)
        found = domain_classifier(fitted, sample_of(grid, shuffled(table, name, rng)))
        assert found.status(THRESHOLD) == "breach"
        assert {each.column for each in found.contributions[:3]} & {name, partner}
        assert found.contributions[0].share == found.value > 0.7


def test_a_column_nothing_follows_from_is_not_missed(model) -> None:
    grid, fitted, weather = model
    rng = np.random.default_rng(24)
    found = domain_classifier(fitted, sample_of(grid, shuffled(day(rng, weather=weather), "noise", rng)))
    assert found.status(THRESHOLD) == "ok"
    assert "noise" not in {each.column for each in found.contributions}


def test_a_relation_that_turns_round_is_found(model) -> None:
    grid, fitted, _ = model
    rng = np.random.default_rng(25)
    table = day(rng, weather=False)
    warm = table.column("warm").to_numpy()
    found = domain_classifier(fitted, sample_of(grid, changed(table, "warm", 2 * warm.mean() - warm)))
    assert found.status(THRESHOLD) == "breach"
    assert found.contributions[0].column in {"warm", "damp"}  # what is negative has lost more than all


def test_marginal_drift_is_not_counted_again(model) -> None:
    grid, fitted, weather = model
    rng = np.random.default_rng(26)
    for _ in range(5):
        table = day(rng, weather=weather)
        warmer = pc.multiply(pc.add(table.column("warm"), 6.0), 1.3).combine_chunks()
        dearer = pc.power(table.column("fare"), 1.7).combine_chunks()
        table = changed(changed(table, "warm", warmer), "fare", dearer)
        assert domain_classifier(fitted, sample_of(grid, table)).status(THRESHOLD) == "ok"


def test_a_column_that_is_gone_takes_no_other_with_it(model) -> None:
    grid, fitted, weather = model
    rng = np.random.default_rng(27)
    table = day(rng, weather=weather)
    for gone in (
        table.drop_columns("warm"),
        changed(table, "warm", pa.nulls(500, pa.float64())),
        changed(table, "warm", pa.array(np.full(500, 11.0))),
        changed(table, "warm", pa.array(table.column("warm").to_numpy(), mask=rng.random(500) < 0.4)),
    ):
        found = domain_classifier(fitted, sample_of(grid, gone))
        assert found.status(THRESHOLD) == "ok"
        assert not {"warm", "damp"} & {each.column for each in found.contributions}


def test_columns_that_never_hang_together_cannot_be_watched() -> None:
    rng = np.random.default_rng(28)
    tables = [
        pa.table({"x": rng.normal(size=300), "y": rng.normal(size=300), "id": np.arange(300) + 300 * i})
        for i in range(10)
    ]
    grid = grid_of(tables)
    samples = [sample_of(grid, table) for table in tables]
    found = domain_classifier(JointModel.fit(grid, samples), samples[0])
    assert found.status(THRESHOLD) == "insufficient"
    assert "no column follows" in found.reason
