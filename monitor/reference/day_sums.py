"""What a calibration makes of a day's counts, as a row of integers that is kept beside the day.

In: what was learned, a day's profile; or the bytes of such a row. Out: the row: `Views.sums` of the whole, then of each
segment that was learned by itself. Kept: nothing; `monitor/store/profiles.py` stores the bytes.

Making it takes a pass over every cell of a day, and a window of 28 days that slides by one has seen 27 of them before.
"""

from __future__ import annotations

import numpy as np

from detectors import codec
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import IntArray


def sums_of(learned: LearnedParts, day: Profile) -> IntArray:
    """The row of a day, shape (width of all parts,)."""
    return np.concatenate(
        [one.views.sums(day if place is None else day.segment(place)) for place, one in learned.each()]
    )


def to_bytes(sums: IntArray) -> bytes:
    """Compressed bytes of a row, for `from_bytes`."""
    return codec.compress(codec.planes(sums, 8))


def from_bytes(learned: LearnedParts, data: bytes) -> IntArray:
    """The row of `to_bytes`. Raises DetectorError for damaged bytes."""
    width = sum(one.views.width for _, one in learned.each())
    return codec.from_planes(codec.decompress(data, 8 * width), width, 8)
