"""The findings of one evaluation as one compressed blob: column by column, for a million of them are kept.

In: findings. Out: bytes, and their columns back. Kept: nothing. docs/decisions/findings-are-blobs.md tells why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import zstandard

from detectors.result import Finding

_COLUMNS = 11
_DECODER = json.JSONDecoder()


def _short(value: float | None) -> float | None:
    # Seven digits are more than any statistic here deserves, and halve the blob.
    return None if value is None or value != value else float(f"{value:.7g}")


def encode(findings: Sequence[Finding]) -> bytes:
    """Findings of one evaluation, without what they share with it."""
    columns = [
        [f.segment for f in findings],
        [f.subject for f in findings],
        [f.kind.value for f in findings],
        [f.detector for f in findings],
        [_short(f.statistic) for f in findings],
        [_short(f.pvalue) for f in findings],
        [_short(f.threshold) for f in findings],
        [_short(f.effect) for f in findings],
        [f.status.value for f in findings],
        [f.n for f in findings],
        [dict(f.detail) for f in findings],
    ]
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return zstandard.ZstdCompressor(level=3).compress(text.encode())


def columns_of(blob: bytes) -> list[list[Any]]:
    """What `encode` wrote: segments, subjects, kinds, detectors, … of all findings, a list each."""
    return list(json.loads(_text(blob)))


def figures_of(blob: bytes) -> list[list[Any]]:
    """The same without the details, the last column and the longest."""
    text = _text(blob).decode()
    columns, at = [], 1
    for _ in range(_COLUMNS - 1):
        column, at = _DECODER.raw_decode(text, at)
        columns.append(column)
        at += 1  # the comma
    return columns


def _text(blob: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(blob, max_output_size=1 << 28)
