"""Hellinger distance against the textbook formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from detectors import hellinger, hellinger_exact, psi
from detectors.bins import binned
from tests.support.samples import SAMPLES, profiled


@settings(max_examples=60, deadline=None)
@given(SAMPLES, SAMPLES)
def test_it_is_one_less_the_overlap_of_roots(first: list[float], second: list[float]) -> None:
    pair = profiled(first, second, 50)
    counts = binned(*pair)
    overlap = np.sqrt(counts.reference / len(first) * counts.production / len(second)).sum()
    assert hellinger(*pair).value[0] ** 2 == pytest.approx(1.0 - overlap, abs=1e-9)


def test_a_small_change_is_the_root_of_psi_over_eight() -> None:
    rng = np.random.default_rng(0)
    pair = profiled(rng.normal(size=200_000), rng.normal(0.1, size=200_000))
    assert hellinger(*pair).value[0] == pytest.approx(np.sqrt(psi(*pair).value[0] / 8), rel=0.01)


def test_nothing_in_common_is_1() -> None:
    assert hellinger_exact([1.0] * 50, [2.0] * 50).value[0] == pytest.approx(1.0)
