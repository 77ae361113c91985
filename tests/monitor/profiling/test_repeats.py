"""Repeated ids are counted slot by slot, exactly or, of many rows, by a fair part of the ids."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detectors.idhash import hash_ids
from monitor.profiling.repeats import Repeats


def test_ids_that_come_again_in_their_slot_are_repeats() -> None:
    found = Repeats(3)
    found.add(*hash_ids(pa.array(["a", "b", "a", None, "c", "a"])), np.array([0, 0, 0, 0, 1, 1]))
    found.add(*hash_ids(pa.array(["b", "c", "x"])), np.array([0, 1, -1]))
    assert [found.counts(slot) for slot in range(3)] == [(4, 2), (3, 1), (0, 0)]


def test_integers_and_encoded_texts_are_ids_too() -> None:
    found = Repeats(1)
    found.add(*hash_ids(pa.array([1, 2, 1])), np.zeros(3, np.int64))
    found.add(*hash_ids(pa.array(["p", "q", "p", "p"]).dictionary_encode()), np.zeros(4, np.int64))
    assert found.counts(0) == (7, 3)


def test_of_many_rows_a_part_tells_the_share() -> None:
    found = Repeats(1, most=5_000)
    rng = np.random.default_rng(0)
    for part in range(10):
        ids = np.arange(20_000) + part * 20_000
        ids[rng.random(20_000) < 0.2] = part * 20_000  # a fifth are one and the same
        found.add(*hash_ids(pa.array(np.repeat(ids, 1))), np.zeros(20_000, np.int64))
    looked_at, repeats = found.counts(0)
    assert looked_at < 50_000
    twice = Repeats(1, most=5_000)
    for part in range(10):
        pairs = np.arange(10_000) + part * 10_000
        twice.add(*hash_ids(pa.array(np.concatenate((pairs, pairs)))), np.zeros(20_000, np.int64))
    looked_at, repeats = twice.counts(0)
    assert 2_000 < looked_at <= 5_000
    assert repeats == looked_at // 2, "every copy of an id is in, or none"


def test_a_slot_of_one_single_id_ends() -> None:
    found = Repeats(1, most=10)
    found.add(*hash_ids(pa.array(["same"] * 1_000)), np.zeros(1_000, np.int64))
    looked_at, repeats = found.counts(0)
    assert looked_at in (0, 1_000)
    assert repeats == max(looked_at - 1, 0)
