"""The public face."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

import driftline
from detectors.result import DetectorError


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    before = pd.DataFrame({"a": rng.normal(size=4000), "b": rng.normal(size=4000), "c": rng.choice(["x", "y"], 4000)})
    after = before.assign(b=before["b"] + 0.7)
    return before, after


def test_compare_names_the_column_that_drifted() -> None:
    before, after = frames()
    assert driftline.compare(before, after).drifted == ("b",)
    assert driftline.compare(before, before).drifted == ()


def test_the_frame_holds_the_exact_figures() -> None:
    before, after = frames()
    frame = driftline.compare(before, after).to_frame().set_index(["column", "check"])
    for name in ("a", "b"):
        exact = ks_2samp(before[name], after[name]).statistic
        assert frame.loc[(name, "ks"), "statistic"] == pytest.approx(exact, abs=1 / 500)
    assert frame.loc[("b", "ks"), "status"] == "breach"


def test_a_column_that_is_not_there_has_vanished() -> None:
    before, after = frames()
    found = driftline.compare(before, after.drop(columns="a")).to_frame().set_index(["column", "check"])
    assert found.loc[("a", "vanished"), "status"] == "breach"


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(DetectorError):
        driftline.compare(pd.DataFrame({"a": []}), pd.DataFrame({"a": [1.0]}))


def test_the_example_holds() -> None:
    assert doctest.testmod(driftline).failed == 0
