"""Samples in the store: replaced with their hour, merged over a span, known by grid and rate."""

from __future__ import annotations

from functools import cache

import pytest

from detectors import Grid
from detectors.sample import Sample, SampleRule, take
from monitor.store import Store, samples
from monitor.store.samples import SAMPLES, HourSample
from tests.support.flow import DAY, HOUR, START, rows, table_rows

FEATURES = ["x", "colour"]
RATE = 0.1 + 0.2  # a rate that a float of fewer bits would not give back


@cache
def grid() -> Grid:
    return Grid.fit(rows(hours=48).select(FEATURES))


def sample(slot: int, seed: int = 0) -> Sample:
    return take(grid(), rows(START + slot * HOUR, 1, 20, seed=seed), "id", SampleRule(1.0))


def hour(slot: int, seed: int = 0, version: str = "1", token: str = "t", rate: float = RATE) -> HourSample:
    return HourSample.of(version, START + slot * HOUR, token, rate, sample(slot, seed))


def put(store: Store, *hours: HourSample, model: str = "m") -> None:
    with store.begin() as connection:
        samples.replace(connection, model, hours)


def total(store: Store, version: str = "1", rate: float = RATE) -> Sample:
    with store.read() as connection:
        return samples.total(connection, "m", version, grid(), rate, START, START + DAY)


def same(found: Sample, *parts: Sample) -> bool:
    return found.to_bytes() == sum(parts, Sample.empty(grid())).to_bytes()


def test_a_days_sample_is_that_of_its_hours(store: Store) -> None:
    put(store, *(hour(slot) for slot in range(26)))
    assert same(total(store), *(sample(slot) for slot in range(24)))


def test_a_replaced_hour_is_there_once_and_alone(store: Store) -> None:
    put(store, hour(0), hour(1))
    for _ in range(2):
        put(store, hour(1, seed=1, token="new"))
    assert same(total(store), sample(0), sample(1, seed=1))
    put(store, hour(1, rate=0.5))
    assert same(total(store), sample(0)), "drawn at another rate, the two do not go together"
    assert same(total(store, rate=0.5), sample(1))


def test_other_models_and_versions_are_others(store: Store) -> None:
    put(store, hour(0), hour(1, version="2"))
    put(store, hour(0, seed=1), model="other")
    assert same(total(store), sample(0))
    assert same(total(store, "2"), sample(1))
    assert same(total(store, "3"))


@pytest.mark.parametrize("rate", [RATE, 0.5])
def test_which_hours_have_been_sampled_from_what(store: Store, rate: float) -> None:
    empty = HourSample.of("1", START + 2 * HOUR, "none", RATE, Sample.empty(grid()))
    put(store, hour(0, token="a"), hour(1, token="b"), empty, hour(0, version="2"), hour(25))
    with store.read() as connection:
        wanted = {"1": (grid().id, rate)}
        tokens = samples.sampled(connection, "m", wanted, START, START + DAY)
        contents = samples.contents(connection, "m", wanted, START, START + HOUR)
    known = {("1", START): "a", ("1", START + HOUR): "b", ("1", START + 2 * HOUR): "none"}
    assert tokens == (known if rate == RATE else {})
    assert contents == ({("1", START): sample(0).to_bytes()} if rate == RATE else {})
    assert same(total(store), sample(0), sample(1))


def test_what_is_discarded_or_past_its_time_is_gone(store: Store) -> None:
    put(store, *(hour(slot) for slot in range(4)))
    put(store, hour(1), model="other")
    with store.begin() as connection:
        samples.discard(connection, "m", [START + HOUR])
        samples.forget(connection, START + HOUR)
    left = [(row[0], row[3]) for row in table_rows(store, SAMPLES)]
    assert left == [("m", START + 2 * HOUR), ("m", START + 3 * HOUR), ("other", START + HOUR)]
