"""Grids and profiles as bytes for the state database.

In: the values' plain parts. Out: versioned, compressed bytes, and the parts again, bit for bit. Kept: nothing.

Decoding trusts nothing: sizes are known or bounded before anything is decompressed, and whatever does not fit raises
DetectorError. Integers are cut to their smallest width and byte-shuffled, so that 50 features of 500 cells take about
10 KB at 10,000 rows.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.result import DetectorError, FloatArray, IntArray

_GRID = struct.Struct("<4sQQQ")
_PROFILE = struct.Struct("<4s16sQBBBB")
_GRID_MAGIC = b"DLG\x02"
_PROFILE_MAGIC = b"DLP\x02"
_LARGEST_GRID = 1 << 30
_CODEC = "zstd"
_LEVEL = 3


def compress(data: bytes) -> bytes:
    """`data` as zstd, the same bytes for the same data."""
    packed: bytes = pa.Codec(_CODEC, compression_level=_LEVEL).compress(data, asbytes=True)
    return packed


def decompress(data: bytes, size: int) -> bytes:
    """What `compress` was given, `size` bytes. Raises DetectorError for anything else."""
    if size == 0:
        return b""
    try:
        plain: bytes = pa.Codec(_CODEC).decompress(data, decompressed_size=size, asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise DetectorError("stored bytes are damaged: they do not decompress") from error
    if len(plain) != size:
        raise DetectorError("stored bytes are damaged: they are too short")
    return plain


def pack_grid(meta: dict[str, Any], edges: FloatArray, ranks: IntArray) -> bytes:
    """Uncompressed bytes of a grid: what its id is the digest of. `edges` and `ranks` of all columns in a row."""
    text = json.dumps(meta, sort_keys=True, separators=(",", ":")).encode("ascii")
    return b"".join(
        (
            _GRID.pack(_GRID_MAGIC, len(text), len(edges), len(ranks)),
            text,
            edges.astype("<f8").tobytes(),
            ranks.astype("<i8").tobytes(),
        )
    )


def encode_grid(plain: bytes) -> bytes:
    """Compressed bytes of `pack_grid`'s."""
    return _GRID_MAGIC + struct.pack("<Q", len(plain)) + compress(plain)


def decode_grid(data: bytes) -> tuple[dict[str, Any], FloatArray, IntArray]:
    """The parts that went into `pack_grid`. Raises DetectorError for anything else."""
    head = len(_GRID_MAGIC) + 8
    if len(data) < head or data[:4] != _GRID_MAGIC:
        raise DetectorError("these bytes are not a grid this version can read")
    size = struct.unpack("<Q", data[4:head])[0]
    if not _GRID.size <= size <= _LARGEST_GRID:
        raise DetectorError("stored grid is damaged: impossible size")
    plain = decompress(data[head:], size)
    magic, length, edges, ranks = _GRID.unpack_from(plain)
    if magic != _GRID_MAGIC or _GRID.size + length + 8 * (edges + ranks) != size:
        raise DetectorError("stored grid is damaged: sizes do not add up")
    start = _GRID.size
    try:
        meta = json.loads(plain[start : start + length])
    except ValueError as error:
        raise DetectorError("stored grid is damaged: its description is not JSON") from error
    if not isinstance(meta, dict):
        raise DetectorError("stored grid is damaged: its description is no mapping")
    start += length
    return (
        meta,
        np.frombuffer(plain, dtype="<f8", count=edges, offset=start).astype(np.float64),
        np.frombuffer(plain, dtype="<i8", count=ranks, offset=start + 8 * edges).astype(np.int64),
    )


def planes(values: IntArray, width: int) -> bytes:
    """The lowest `width` bytes of each value: all lowest ones, then all next ones, which compress well."""
    each = np.ascontiguousarray(values, dtype="<i8").reshape(-1).view(np.uint8).reshape(-1, 8)[:, :width]
    return np.ascontiguousarray(each.T).tobytes()


def from_planes(plain: bytes, size: int, width: int, start: int = 0) -> IntArray:
    """The values of `planes`, shape (size,), from byte `start` on."""
    found = np.frombuffer(plain, dtype=np.uint8, count=size * width, offset=start).reshape(width, size)
    # A plane at a time, as each lies in memory: putting the bytes of each number side by side takes ten times that.
    part: IntArray = found[0].astype(np.int64)
    for shift in range(1, width):
        part |= found[shift].astype(np.int64) << (8 * shift)
    return part


def encode_profile(grid_id: str, rows: int, parts: tuple[IntArray, IntArray, IntArray, IntArray]) -> bytes:
    """Compressed bytes of non-negative int64 arrays, each at the smallest width that holds its largest value."""
    widths, blocks = [], []
    for part in parts:
        largest = int(part.max(initial=0))
        width = max(1, (largest.bit_length() + 7) // 8)
        widths.append(width)
        blocks.append(planes(part, width))
    return _PROFILE.pack(_PROFILE_MAGIC, grid_id.encode("ascii"), rows, *widths) + compress(b"".join(blocks))


def decode_profile(data: bytes, grid_id: str, sizes: tuple[int, int, int, int]) -> tuple[int, list[IntArray]]:
    """Rows and flat int64 arrays of the given sizes. Raises DetectorError for damage or another grid."""
    if len(data) < _PROFILE.size or data[:4] != _PROFILE_MAGIC:
        raise DetectorError("these bytes are not a profile this version can read")
    _, stored, rows, *widths = _PROFILE.unpack_from(data)
    if stored != grid_id.encode("ascii"):
        raise DetectorError(f"the profile belongs to another grid than {grid_id}")
    if rows >= 1 << 63 or not all(1 <= width <= 8 for width in widths):
        raise DetectorError("stored profile is damaged: impossible widths")
    plain = decompress(data[_PROFILE.size :], sum(size * width for size, width in zip(sizes, widths, strict=True)))
    parts, start = [], 0
    for size, width in zip(sizes, widths, strict=True):
        part = from_planes(plain, size, width, start)
        if part.min(initial=0) < 0:
            raise DetectorError("stored profile is damaged: negative counts")
        parts.append(part)
        start += size * width
    return rows, parts


def encode_arrays(magic: bytes, meta: dict[str, Any], arrays: Sequence[NDArray[np.float32]]) -> bytes:
    """Compressed bytes of a description and float32 arrays of any shapes; `magic` is four bytes, kept in front."""
    flat = [np.ascontiguousarray(array, dtype="<f4") for array in arrays]
    shapes = [list(array.shape) for array in flat]
    text = json.dumps({"meta": meta, "shapes": shapes}, sort_keys=True, separators=(",", ":")).encode("ascii")
    plain = struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in flat)
    return magic + struct.pack("<Q", len(plain)) + compress(plain)


def decode_arrays(magic: bytes, data: bytes) -> tuple[dict[str, Any], list[NDArray[np.float32]]]:
    """What went into `encode_arrays`. Raises DetectorError for anything else."""
    if len(data) < 12 or data[:4] != magic:
        raise DetectorError("these bytes are not a model this version can read")
    size = struct.unpack("<Q", data[4:12])[0]
    if not 8 <= size <= _LARGEST_GRID:
        raise DetectorError("stored model is damaged: impossible size")
    plain = decompress(data[12:], size)
    start = 8 + struct.unpack("<Q", plain[:8])[0]
    try:
        head = json.loads(plain[8:start])
        meta, shapes = dict(head["meta"]), [tuple(int(side) for side in shape) for shape in head["shapes"]]
        if any(side < 0 for shape in shapes for side in shape):
            raise DetectorError("stored model is damaged: impossible shapes")
        if start + 4 * sum(math.prod(shape) for shape in shapes) != size:
            raise DetectorError("stored model is damaged: sizes do not add up")
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError("stored model is damaged: its description cannot be read") from error
    arrays = []
    for shape in shapes:
        count = math.prod(shape)
        arrays.append(np.frombuffer(plain, dtype="<f4", count=count, offset=start).astype(np.float32).reshape(shape))
        start += 4 * count
    return meta, arrays
