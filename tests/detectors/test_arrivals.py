"""Repeated ids and late rows: shares of what, and a p-value that holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from detectors.arrivals import MOST_DUPLICATES, duplicates, late_rows


@pytest.mark.parametrize(("distinct", "rows"), [(1000, 1000), (990, 1000), (900, 1000), (1, 50_000), (99, 100)])
def test_duplicates_are_a_share_of_rows_with_a_binomial_pvalue(distinct: int, rows: int) -> None:
    found = duplicates(distinct, rows)
    assert found.value[0] == pytest.approx((rows - distinct) / rows)
    assert found.pvalue[0] == pytest.approx(binom.sf(rows - distinct - 1, rows, MOST_DUPLICATES), rel=1e-9)


def test_an_estimate_above_the_rows_is_no_duplicate_and_no_rows_say_nothing() -> None:
    assert duplicates(1010, 1000).value[0] == 0.0
    assert duplicates(1010, 1000).pvalue[0] == 1.0
    assert np.isnan(duplicates(0, 0).value[0])


def test_late_rows() -> None:
    assert late_rows(900, 1000).value[0] == pytest.approx(0.1)
    assert late_rows(1000, 900).value[0] == 0.0
    assert np.isnan(late_rows(0, 0).value[0])
