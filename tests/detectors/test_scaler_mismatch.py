"""A feature whose scaler does not fit, and what is not that."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid, scaler_mismatch, unit_change
from detectors.scaler_mismatch import explain_scaler

RNG = np.random.default_rng(4)
RAW = RNG.gamma(4.0, 10.0, 8000)
SCALED = (RAW - RAW.mean()) / RAW.std()
NORMAL = RNG.normal(50.0, 12.0, 8000)


def measured(before: np.ndarray, now: np.ndarray) -> tuple[float, object]:
    grid = Grid.fit(pa.table({"x": before}))
    profiles = grid.profile(pa.table({"x": before})), grid.profile(pa.table({"x": now}))
    told = explain_scaler(profiles[0].column("x"), profiles[1].column("x"))
    return float(scaler_mismatch(*profiles).value[0]), told


@pytest.mark.parametrize(
    ("name", "before", "factor", "offset"),
    [
        ("scaled no more", SCALED, 4.0, 9.0),
        ("another scaler", SCALED, 3.0, 7.0),
        ("other rows", NORMAL, 3.0, -10.0),
    ],
)
def test_a_shift_and_a_scale_are_found(name: str, before: np.ndarray, factor: float, offset: float) -> None:
    rng = np.random.default_rng(5)
    value, line = measured(before, factor * rng.choice(before, 3000) + offset)
    assert value > 0.9
    assert line is not None
    assert line.factor == pytest.approx(factor, rel=0.1)  # type: ignore[attr-defined]


def test_scaled_at_last_is_told_as_a_unit_change_and_not_twice() -> None:
    grid = Grid.fit(pa.table({"x": RAW}))
    profiles = grid.profile(pa.table({"x": RAW})), grid.profile(pa.table({"x": SCALED[:3000]}))
    assert scaler_mismatch(*profiles).value[0] == 0.0
    assert unit_change(*profiles).value[0] > 0.9


@pytest.mark.parametrize(
    "now",
    [
        RNG.choice(SCALED, 3000),  # nothing
        RNG.choice(SCALED, 3000) + 0.8,  # a shift
        1.3 * RNG.choice(SCALED, 3000) + 0.5,  # wider and higher, as weather is
        RNG.exponential(4.0, 3000) + 3.0,  # another shape
        np.full(3000, 9.0),  # one value
    ],
)
def test_drift_is_no_scaler(now: np.ndarray) -> None:
    assert measured(SCALED, now)[0] == 0.0
