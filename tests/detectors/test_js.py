"""Jensen-Shannon distance against scipy, and with PSI against Evidently's own functions on the same bins."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.distance import jensenshannon

from detectors import js, js_exact, psi
from detectors.bins import binned
from tests.support.samples import SAMPLES, profiled

# Evidently has no function of bin counts; of categories it compares the shares of values, so bins go in as names.
EVIDENTLY = """
import json, sys
import pandas as pd
from evidently.legacy.calculations.stattests import jensenshannon_stat_test, psi_stat_test
from evidently.legacy.core import ColumnType
reference, production = (
    pd.Series([f"bin {i}" for i, rows in enumerate(side) for _ in range(rows)]) for side in json.load(sys.stdin)
)
tests = (psi_stat_test, jensenshannon_stat_test)
print(json.dumps([test(reference, production, ColumnType.Categorical, 0.1).drift_score for test in tests]))
"""


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES)
def test_it_is_scipys_on_the_same_bins(first: list[float], second: list[float]) -> None:
    pair = profiled(first, second, 50)
    counts = binned(*pair)
    with np.errstate(all="ignore"):
        expected = jensenshannon(counts.reference, counts.production, base=2)
    # scipy takes the root of what rounding leaves of 0.
    assert js(*pair).value[0] == pytest.approx(np.nan_to_num(expected), abs=3e-8)


def test_it_goes_from_0_to_1() -> None:
    assert js(*profiled([1.0, 2.0] * 100, [1.0, 2.0] * 70)).value[0] == pytest.approx(0.0, abs=1e-9)
    assert js(*profiled([1.0, 2.0] * 100, [3.0] * 70), bins=5).value[0] > 0.5
    assert js_exact([1.0] * 50, [2.0] * 50).value[0] == pytest.approx(1.0)


@pytest.mark.slow
def test_psi_and_jensen_shannon_are_evidentlys_on_identical_bins() -> None:
    rng = np.random.default_rng(2)
    pair = profiled(rng.normal(size=3000), rng.normal(0.4, 1.2, size=1000))
    counts = binned(*pair)
    assert counts.production.min() > 0, "Evidently fills empty bins with a share of its own"
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EVIDENTLY],
        input=json.dumps([counts.reference.tolist(), counts.production.tolist()]),
        env={**os.environ, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(told.stdout.splitlines()[-1])
    assert psi(*pair).value[0] == pytest.approx(theirs[0], rel=1e-9)
    # Theirs is in nats.
    assert js(*pair).value[0] * np.sqrt(np.log(2)) == pytest.approx(theirs[1], rel=1e-9)
