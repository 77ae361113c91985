"""Confidence, entropy and close decisions from the cells, against the rows themselves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from detectors import Grid, Role, confidence_shift, entropy_shift, near_threshold
from tests.support.samples import PROBABILITIES


def profiled(first: list[float], second: list[float], resolution: int = 500):
    tables = [pa.table({"score": side, "x": side}) for side in (first, second)]
    grid = Grid.fit(tables[0], resolution, roles={"score": Role.SCORE})
    return [grid.profile(table) for table in tables]


def confidence(scores: list[float]) -> float:
    return float(np.maximum(scores, 1 - np.array(scores)).mean())


def bits(scores: list[float]) -> float:
    return float(entropy([scores, 1 - np.array(scores)], base=2).mean())


def near(scores: list[float], threshold: float) -> float:
    return float(((np.array(scores) >= threshold - 0.05) & (np.array(scores) <= threshold + 0.05)).mean())


@settings(max_examples=60, deadline=None)
@given(PROBABILITIES, PROBABILITIES, st.sampled_from([10, 50, 500]), st.sampled_from([0.2, 0.5, 0.9]))
def test_each_is_within_its_bound_of_the_rows(
    first: list[float], second: list[float], resolution: int, threshold: float
) -> None:
    pair = profiled(first, second, resolution)
    if max(first) == 0.0:
        return  # Nothing says that these are probabilities.
    for detector, function in ((confidence_shift, confidence), (entropy_shift, bits)):
        found = detector(*pair)
        assert abs(found.value[0] - (function(second) - function(first))) <= found.bound[0] + 1e-9
        assert np.isnan(found.value[1])
    found = near_threshold(*pair, decision_threshold=threshold)
    assert abs(found.value[0] - near(second, threshold)) <= found.bound[0] + 1e-9


def test_a_cell_that_stops_where_the_range_begins_may_hold_rows_at_its_end() -> None:
    found = near_threshold(*profiled([0.0] * 9 + [0.45], [0.45], 10), decision_threshold=0.5)
    assert abs(found.value[0] - 1.0) <= found.bound[0], "0.45 is within 0.05 of 0.5"


def test_with_500_cells_the_bounds_are_thousandths() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.beta(2, 5, 50_000), rng.beta(2, 4, 20_000)
    pair = profiled(first, second)
    assert confidence_shift(*pair).bound[0] < 0.003
    assert entropy_shift(*pair).bound[0] < 0.006
    assert near_threshold(*pair).bound[0] < 0.005
    assert confidence_shift(*pair).value[0] == pytest.approx(confidence(second) - confidence(first), abs=5e-4)
    assert entropy_shift(*pair).value[0] == pytest.approx(bits(second) - bits(first), abs=1e-3)


def test_a_model_grown_unsure_is_seen() -> None:
    rng = np.random.default_rng(1)
    pair = profiled(rng.beta(0.3, 0.3, 5000), rng.beta(4, 4, 800))
    assert confidence_shift(*pair).value[0] < -0.1
    assert entropy_shift(*pair).value[0] > 0.3
    assert near_threshold(*pair).effect[0] > 0.1
    for detector in (confidence_shift, entropy_shift, near_threshold):
        assert detector(*pair).pvalue[0] < 1e-10


def test_pvalues_are_uniform_under_no_drift() -> None:
    rng = np.random.default_rng(3)
    pvalues: dict[str, list[float]] = {"confidence": [], "entropy": [], "near": []}
    roles = {f"s{i}": Role.SCORE for i in range(20)}
    for _ in range(20):
        table = pa.table({name: rng.beta(2, 3, 2000) for name in roles})
        grid = Grid.fit(table, roles=roles)
        pair = grid.profile(table), grid.profile(pa.table({name: rng.beta(2, 3, 500) for name in roles}))
        pvalues["confidence"] += confidence_shift(*pair).pvalue.tolist()
        pvalues["entropy"] += entropy_shift(*pair).pvalue.tolist()
        pvalues["near"] += near_threshold(*pair).pvalue.tolist()
    for name, found in pvalues.items():
        for level in (0.01, 0.05, 0.5):
            error = 3.5 * np.sqrt(level * (1 - level) / 400)
            share = (np.array(found) <= level).mean()
            # The continuity correction of two proportions keeps them a little above.
            assert level - error - (0.2 * level if name == "near" else 0.0) <= share <= level + error, (name, level)


def test_only_probabilities_are_scores_of_this_kind() -> None:
    wide, nothing = profiled([1.0, 2.0, 30.0] * 40, [1.0, 2.0] * 40), profiled([0.1, 0.9], [float("nan")])
    for detector in (confidence_shift, entropy_shift, near_threshold):
        assert np.isnan(detector(*wide).value).all()
        assert np.isnan(detector(*nothing).value).all()
        assert np.isnan(detector(*nothing).pvalue).all()
    constant = profiled([0.7] * 200, [0.7] * 200)
    assert confidence_shift(*constant).pvalue[0] == 1.0
    assert confidence_shift(*profiled([0.7] * 200, [0.8] * 200)).pvalue[0] < 1e-10
