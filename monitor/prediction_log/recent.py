"""Batches of small files that were read a while ago: the next window of a sliding horizon has nearly the same files.

In: what identifies a file and the columns read of it, its batches. Out: the same batches. Kept: in memory, those used
last, at most so many bytes over all logs of the process. Only files that never change may be kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

import pyarrow as pa


class Recent:
    """Holds at most `most` bytes; what is larger than an eighth of that is not held, it would push out all the rest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, tuple[tuple[pa.RecordBatch, ...], int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> tuple[pa.RecordBatch, ...] | None:
        """The batches kept under `key`; None where there are none, or no longer."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def keep(self, key: Hashable, batches: Sequence[pa.RecordBatch]) -> None:
        """Keep batches under `key`, and let go of those that were not asked for the longest."""
        size = sum(batch.nbytes for batch in batches)
        if size * 8 > self._most:
            return
        with self._lock:
            if key in self._held:
                return
            self._held[key] = tuple(batches), size
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._held.popitem(last=False)[1][1]
