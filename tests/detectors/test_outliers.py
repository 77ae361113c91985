"""One absurd value among 100,000 rows: no default statistic may follow it, and a shift is found beside it.

The rows and what is measured of them are those of `make bench`, so that its table cannot tell anything else.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm

from benchmarks import outliers
from benchmarks.outliers import Measured
from detectors import DETECTORS

KINDS = ("normal", "lognormal", "probability")


@cache
def sides(kind: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(31)
    both = {"reference": outliers.rows(rng, 0.0), "production": outliers.rows(rng, outliers.SHIFT)}
    match kind:
        case "lognormal":
            return {side: np.exp(values) for side, values in both.items()}
        case "probability":
            return {side: norm.cdf(values) for side, values in both.items()}
    return both


@cache
def plain(kind: str) -> Measured:
    return outliers.own(sides(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shift_of_half_a_deviation_is_found_by_what_is_made_for_it(kind: str) -> None:
    wanted = {"ks", "psi"} if kind == "lognormal" else set(outliers.SHIFTED)
    assert wanted <= outliers.found(plain(kind))
    exact = ks_2samp(sides(kind)["reference"][1], sides(kind)["production"][1]).statistic
    assert plain(kind).values["ks"][1, 0] == pytest.approx(exact, abs=outliers.MOST)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("one", ["1e9", "-1e9", "inf", "-inf"])
@pytest.mark.parametrize("where", ["reference", "production"])
def test_one_absurd_value_changes_no_statistic_and_no_breach(kind: str, one: str, where: str) -> None:
    spoilt = outliers.own(outliers.spoilt(sides(kind), one, where))
    changes = outliers.changes(plain(kind), spoilt)
    assert set(changes) == set(DETECTORS)
    assert all(change <= outliers.most(name) for name, change in changes.items() if not np.isnan(change)), changes
    assert outliers.same_breaches(plain(kind), spoilt)


def test_the_value_is_there_and_is_counted_as_what_it_is() -> None:
    spoilt = outliers.own(outliers.spoilt(sides("normal"), "inf", "production"))
    assert spoilt.values["non_finite"][0, 0] == 1 / outliers.ROWS
    spoilt = outliers.own(outliers.spoilt(sides("normal"), "1e9", "production"))
    assert spoilt.values["out_of_range"][0, 0] == plain("normal").values["out_of_range"][0, 0] + 1 / outliers.ROWS
