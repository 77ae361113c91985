"""A clock that is off is named with its hours; ordinary days, busy ones and flat ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import clock

RNG = np.random.default_rng(41)
HOURS = np.arange(24)
PATTERN = 1.0 + 6.0 * np.exp(-(((HOURS - 9) / 3.0) ** 2)) + 4.0 * np.exp(-(((HOURS - 18) / 2.5) ** 2))


def days(count: int, rows: float, pattern: np.ndarray = PATTERN, wobble: float = 0.1) -> np.ndarray:
    shares = pattern / pattern.sum() * RNG.gamma(1.0 / wobble**2, wobble**2, (count, 24))
    return RNG.poisson(rows * shares)


@pytest.mark.parametrize("lag", [-11, -8, -5, -1, 1, 2, 5, 12])
@pytest.mark.parametrize("rows", [800, 50_000])
def test_a_shifted_day_is_named(lag: int, rows: int) -> None:
    found = clock.clock_shift(np.roll(days(1, rows)[0], lag), days(8, rows))
    assert found.value.tolist() == [float(lag)] or (abs(lag) == 1 and rows == 800 and found.value[0] == 0.0)
    assert found.effect[0] == abs(found.value[0])


@pytest.mark.parametrize("rows", [150, 1000, 100_000])
def test_usual_days_are_not_shifted(rows: int) -> None:
    found = [clock.clock_shift(days(1, rows)[0], days(8, rows)).value[0] for _ in range(200)]
    assert not any(found)


def test_neither_volume_nor_weekends_nor_flat_days_nor_another_pattern_are_a_shift() -> None:
    weekend = 1.0 + 3.0 * np.exp(-(((HOURS - 14) / 4.0) ** 2))
    usual = np.concatenate((days(5, 5000), days(2, 3000, weekend)))
    assert clock.clock_shift(days(1, 15_000)[0], usual).value[0] == 0.0
    assert clock.clock_shift(days(1, 3000, weekend)[0], usual).value[0] == 0.0
    flat = np.ones(24)
    assert not any(clock.clock_shift(days(1, 2000, flat)[0], days(8, 2000, flat)).value[0] for _ in range(50))
    outage = days(1, 5000)[0]
    outage[8:12] = 0
    assert clock.clock_shift(outage, days(8, 5000)).value[0] == 0.0


def test_too_little_to_say() -> None:
    for day, usual in [
        (np.ones(24), days(8, 500)),
        (days(1, 500)[0], days(2, 500)),
        (days(1, 500)[0][:23], days(8, 500)),
        (days(1, 500)[0], np.zeros((8, 24))),
    ]:
        assert np.isnan(clock.clock_shift(day, usual).value[0])
