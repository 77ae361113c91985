"""Hashes of ids: published values, frozen values, every type, and that thinning by them is fair."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from detectors.idhash import COMPILED_IDS, hash_ids, mix

MASK = (1 << 64) - 1


def plain_mix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def plain_hash(text: bytes) -> int:
    seed = int.from_bytes(b"Driftlin", "big")
    state = plain_mix(len(text) ^ seed)
    for start in range(0, len(text), 8):
        state = plain_mix(state ^ int.from_bytes(text[start : start + 8], "little"))
    return state


def test_mixing_is_splitmix64() -> None:
    # The first outputs of SplitMix64 seeded with 1234567, as published with the generator.
    states = np.array([(1234567 + i * 0x9E3779B97F4A7C15) & MASK for i in range(3)], dtype=np.uint64)
    assert mix(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_hashes_never_change() -> None:
    # Stored samples are merged with what later versions keep: a change here would need a new sample format.
    assert hash_ids(pa.array(["", "a", "2013-02-01-UA1545-EWR"]))[0].tolist() == [
        plain_hash(b""),
        plain_hash(b"a"),
        plain_hash(b"2013-02-01-UA1545-EWR"),
    ]
    assert hash_ids(pa.array(["a"]))[0][0] == 16368664050248901192
    assert hash_ids(pa.array([7]))[0][0] == 16102115304801482363


@given(st.lists(st.one_of(st.none(), st.text(max_size=40))))
def test_texts_equal_plain_python_whatever_the_layout(values: list[str | None]) -> None:
    expected = [plain_hash(value.encode()) for value in values if value is not None]
    array = pa.array(values, pa.string())
    padded = pa.concat_arrays([pa.array(["before"]), array, pa.array(["after"])]).slice(1, len(values))
    layouts = [
        array,
        array.cast(pa.large_string()),
        array.cast(pa.string_view()),
        array.cast(pa.binary()),
        array.dictionary_encode(),
        padded,
        pa.chunked_array([array.slice(0, 1), array.slice(1)]),
    ]
    for layout in layouts:
        hashes, present = hash_ids(layout)
        assert present.tolist() == [value is not None for value in values]
        assert hashes[present].tolist() == expected


def test_other_types_are_hashed_by_their_text_and_integers_by_their_value() -> None:
    small, wide = hash_ids(pa.array([1, None, 3], pa.int8())), hash_ids(pa.array([1, 2, 3], pa.uint64()))
    assert small[0][[0, 2]].tolist() == wide[0][[0, 2]].tolist()
    assert small[1].tolist() == [True, False, True]
    assert hash_ids(pa.array([b"0123456789abcdef"], pa.binary(16)))[0][0] == plain_hash(b"0123456789abcdef")
    assert hash_ids(pa.array([1.5]))[0][0] == plain_hash(b"1.5")


@pytest.mark.parametrize("ids", [[f"row-{i}" for i in range(20_000)], list(range(20_000))])
def test_hashes_are_uniform_and_those_of_neighbours_independent(ids: list[object]) -> None:
    places = hash_ids(pa.array(ids))[0] / 2.0**64
    assert kstest(places, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.03
    low_bits = (hash_ids(pa.array(ids))[0] & np.uint64(255)).astype(int)
    assert np.bincount(low_bits, minlength=256).std() < 2 * np.sqrt(20_000 / 256)


def test_nothing_to_hash() -> None:
    for empty in (pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.array([], pa.int64())):
        hashes, present = hash_ids(empty)
        assert (len(hashes), len(present)) == (0, 0)
    assert not hash_ids(pa.nulls(3))[1].any()


def test_many_ids_are_hashed_as_few_are() -> None:
    texts = [None if i % 7 == 0 else "é" * (i % 5) + str(i) * (i % 4) for i in range(COMPILED_IDS)]
    for kind in (pa.string(), pa.large_string(), pa.binary()):
        ids = pa.concat_arrays([pa.array(["before"]), pa.array(texts), pa.array(["after"])]).cast(kind)
        hashes, present = hash_ids(ids.slice(1, len(texts)))
        assert present.tolist() == [text is not None for text in texts]
        assert hashes[present].tolist() == [plain_hash(text.encode()) for text in texts if text is not None]
