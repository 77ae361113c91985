"""Detectors on raw arrays: as on a grid of the reference, feature by feature, without NaN and infinities."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import (
    DetectorError,
    chi_squared_exact,
    hellinger_exact,
    js_exact,
    ks_exact,
    l_infinity_exact,
    psi_exact,
    total_variation_exact,
    wasserstein_exact,
)

EXACT = [
    chi_squared_exact,
    hellinger_exact,
    js_exact,
    ks_exact,
    l_infinity_exact,
    psi_exact,
    total_variation_exact,
    wasserstein_exact,
]


@pytest.mark.parametrize("detector", EXACT)
def test_nan_and_infinities_are_left_out_feature_by_feature(detector) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(700, 4)), rng.normal(0.3, size=(300, 4))
    clean = detector(first, second)
    spoilt_first, spoilt_second = first.copy(), np.vstack((second, np.full((3, 4), np.nan)))
    spoilt_second[-2:, 1] = [np.inf, -np.inf]
    spoilt_second[:, 2] = np.nan
    spoilt_first[:, 3] = np.inf
    found = detector(spoilt_first, spoilt_second)
    for field in ("value", "pvalue", "effect"):
        ours, theirs = getattr(found, field), getattr(clean, field)
        if ours is not None:
            assert ours.shape == (4,)
            assert ours[:2] == pytest.approx(theirs[:2], rel=1e-12)
            assert np.isnan(ours[2:]).all()
    assert detector(first[:, 0], second[:, 0]).value == pytest.approx(clean.value[:1])


@pytest.mark.parametrize("detector", EXACT)
def test_nothing_is_nan_and_other_shapes_are_refused(detector) -> None:
    assert np.isnan(detector(np.empty((0, 2)), np.ones((3, 2))).value).all()
    assert np.isnan(detector(np.ones((3, 2)), np.empty((0, 2))).value).all()
    with pytest.raises(DetectorError, match="2 features against 3"):
        detector(np.ones((5, 2)), np.ones((5, 3)))
    with pytest.raises(DetectorError, match="shape"):
        detector(np.zeros((2, 2, 2)), np.ones((5, 3)))


def test_bins_can_be_chosen() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=2000), rng.normal(0.5, size=2000)
    # Twenty bins see more than two, which see the shift of the median alone.
    coarse, fine = (psi_exact(first, second, bins=bins).value[0] for bins in (2, 20))
    above = (second > np.quantile(first, 0.5, method="inverted_cdf")).mean()
    assert coarse == pytest.approx(2 * (above - 0.5) * np.log(above / (1 - above)) / 2, rel=1e-9)
    assert fine > coarse
