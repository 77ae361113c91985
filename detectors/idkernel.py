"""The hash of `idhash.py` for many ids of text or bytes: one pass over them, compiled.

In: Arrow's own offsets and data. Out: one uint64 an id. Kept: nothing; tests hold it to `idhash.py`'s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.idhash import mix

_mix = compiled(mix)


@compiled
def hash_bytes(offsets: NDArray[np.int64], data: NDArray[np.uint8], seed: np.uint64, out: NDArray[np.uint64]) -> None:
    """Hash `data[offsets[i] : offsets[i + 1]]` into `out[i]`, eight bytes at a time, the first one lowest."""
    for row in range(len(out)):
        start, stop = np.uint64(offsets[row]), np.uint64(offsets[row + 1])
        state = _mix((stop - start) ^ seed)
        while start < stop:
            word, shift = np.uint64(0), np.uint64(0)
            end = min(start + np.uint64(8), stop)
            while start < end:
                word |= np.uint64(data[start]) << shift
                shift += np.uint64(8)
                start += np.uint64(1)
            state = _mix(state ^ word)
        out[row] = state
