"""Signs of life."""

from __future__ import annotations

import threading
import time

from monitor.service.pulse import Pulse


def test_a_loop_that_gets_on_is_healthy() -> None:
    pulse = Pulse({"evaluation": 60.0, "delivery": 60.0})
    health = pulse.health()
    assert health.healthy
    assert set(health.loops) == {"evaluation", "delivery"}
    assert health.loops["delivery"]["error"] is None


def test_a_loop_that_stands_still_longer_than_its_limit_is_stalled() -> None:
    pulse = Pulse({"evaluation": 0.05, "delivery": 60.0})
    time.sleep(0.1)
    health = pulse.health()
    assert not health.healthy
    assert health.loops["evaluation"]["stalled"]
    assert not health.loops["delivery"]["stalled"]
    pulse.beat("evaluation")
    assert not pulse.health().loops["evaluation"]["stalled"]


def test_a_failure_is_told_until_a_round_succeeds() -> None:
    pulse = Pulse({"evaluation": 60.0})
    pulse.failed("evaluation", "the state database is away")
    assert not pulse.health().healthy
    assert pulse.health().loops["evaluation"]["error"] == "the state database is away"
    pulse.failed("evaluation", None)
    assert pulse.health().healthy


def test_beats_are_counted_from_any_thread() -> None:
    pulse = Pulse({"evaluation": 60.0, "delivery": 60.0})
    threads = [threading.Thread(target=lambda: [pulse.beat("evaluation") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pulse.rounds() == {"evaluation": 2000, "delivery": 0}
