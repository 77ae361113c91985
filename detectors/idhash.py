"""A 64-bit hash of row ids that never changes: which rows a sample keeps follows from it alone.

In: an Arrow column of ids. Out: one uint64 a row and which ids are there at all. Kept: nothing; the seed and the mixing
are part of the format of stored samples, tests hold them to published and to frozen values.

Integers go through the finaliser of SplitMix64 (Steele, Lea & Flood 2014); bytes are taken eight at a time, each word
mixed in the same way. Every type but integers, text and binary is hashed by its text, so `7` and `"7"` differ.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

HashArray = NDArray[np.uint64]

_SEED = np.uint64(0x44_72_69_66_74_6C_69_6E)  # "Driftlin"
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
# From so many on they are hashed by a compiled loop; a batch of as many rows is counted by one as well.
COMPILED_IDS = 4096


def hash_ids(ids: pa.Array | pa.ChunkedArray) -> tuple[HashArray, NDArray[np.bool_]]:
    """The hash of every id, shape (rows,), and which ids are not null, shape (rows,); a null's hash means nothing."""
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    hashes = [_chunk(chunk) for chunk in chunks]
    present = [chunk.is_valid().to_numpy(zero_copy_only=False) for chunk in chunks]
    if not chunks:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.bool_)
    return np.concatenate(hashes), np.concatenate(present)


def mix(values: HashArray) -> HashArray:
    """SplitMix64's output for the states `values`: every bit of the input moves half the bits of the output."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    mixed: HashArray = values ^ (values >> np.uint64(31))
    return mixed


def _chunk(ids: pa.Array) -> HashArray:
    kind = ids.type
    if pa.types.is_dictionary(kind):
        if not len(ids.dictionary):
            return np.zeros(len(ids), dtype=np.uint64)
        places: NDArray[np.int64] = ids.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return _chunk(ids.dictionary).take(places)
    if pa.types.is_integer(kind):
        plain = (ids.fill_null(0) if ids.null_count else ids).to_numpy(zero_copy_only=False)
        return mix(plain.astype(np.int64, copy=False).view(np.uint64) ^ _SEED)
    if pa.types.is_fixed_size_binary(kind):
        ids = ids.cast(pa.binary())
    elif pa.types.is_binary_view(kind):
        ids = ids.cast(pa.large_binary())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_binary(kind)):
        ids = ids.cast(pa.large_string())
    return _bytes(ids)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _bytes(ids: pa.Array) -> HashArray:
    """Hashes of an array of text or binary, read from Arrow's own offsets and data."""
    rows = len(ids)
    if not rows:
        return np.empty(0, dtype=np.uint64)
    wide = pa.types.is_large_string(ids.type) or pa.types.is_large_binary(ids.type)
    _, where, data = ids.buffers()
    offsets = np.frombuffer(where, dtype=np.int64 if wide else np.int32)[ids.offset : ids.offset + rows + 1]
    if rows >= COMPILED_IDS:
        from detectors.idkernel import hash_bytes

        found = np.empty(rows, dtype=np.uint64)
        hash_bytes(offsets.astype(np.int64), np.frombuffer(data or b"", dtype=np.uint8), _SEED, found)
        return found
    first, last = int(offsets[0]), int(offsets[-1])
    # Eight bytes more, so that the word that begins at the last byte can be read.
    padded = np.zeros(last - first + 8, dtype=np.uint8)
    if last > first:
        padded[:-8] = np.frombuffer(data, dtype=np.uint8)[first:last]
    words = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    starts, lengths = offsets[:-1].astype(np.int64) - first, np.diff(offsets).astype(np.int64)
    return _words(words, starts, lengths)


def _words(words: HashArray, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> HashArray:
    state = mix(lengths.view(np.uint64) ^ _SEED)
    for word in range(-(-int(lengths.max(initial=0)) // 8)):
        left = lengths - 8 * word
        rows = slice(None) if left.min() > 0 else np.flatnonzero(left > 0)
        left = np.minimum(left[rows], 8)
        # Only as many of the eight bytes as the id still has.
        mask = np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> ((8 - left) * 8).view(np.uint64)
        state[rows] = mix(state[rows] ^ (words[starts[rows] + 8 * word] & mask))
    return state
