"""Clocks: what time it is, and how long to wait for another."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import Clock, SetClock, SimulatedClock, WallClock

START = datetime(2013, 2, 1, tzinfo=UTC)
END = START + timedelta(days=10)


@pytest.mark.parametrize("clock", [WallClock(), SimulatedClock(START, END, 3600.0), SetClock(START)])
def test_every_clock_tells_aware_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("clock", [WallClock(), SimulatedClock(START, END, 3600.0), SetClock(START)])
def test_nobody_waits_for_the_past(clock: Clock) -> None:
    assert clock.seconds_until(clock.now() - timedelta(days=1)) == 0.0


def test_the_wall_clock_waits_as_long_as_it_takes() -> None:
    clock = WallClock()
    assert 3500 < clock.seconds_until(clock.now() + timedelta(hours=1)) <= 3600


def test_a_simulated_clock_runs_at_its_speed() -> None:
    # Five real seconds ago it started: at 3600 an hour a second, five hours have passed.
    import time

    clock = SimulatedClock(START, END, 3600.0, time.monotonic() - 5.0)
    assert timedelta(hours=5) <= clock.now() - START < timedelta(hours=10)


def test_a_simulated_clock_waits_in_real_seconds() -> None:
    clock = SimulatedClock(START, END, 3600.0)
    assert 0 < clock.seconds_until(START + timedelta(days=1)) <= 24.0


def test_a_simulated_clock_stands_still_at_its_end_and_what_lies_beyond_never_comes() -> None:
    clock = SimulatedClock(START, END, 1e12)
    assert clock.now() <= END
    while clock.now() < END:
        pass
    assert clock.now() == END
    assert clock.seconds_until(END) == 0.0
    assert clock.seconds_until(END + timedelta(microseconds=1)) == math.inf


def test_a_set_clock_moves_by_hand_alone() -> None:
    clock = SetClock(START)
    assert clock.seconds_until(END) == math.inf
    clock.moment = END
    assert clock.now() == END
    assert clock.seconds_until(END) == 0.0
