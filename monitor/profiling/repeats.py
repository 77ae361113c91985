"""Ids that come more than once within a slot: retries, double writes.

In: the hashes of the ids of a log's parts, slot by slot. Out: how many ids were looked at and how many of them had
come before.
Kept: 64-bit hashes of the ids of the slots being read, a bounded number of each.

Where a slot has more rows than that, only the ids are kept whose hash is below a limit: every copy of an id has the
same hash, so the share of repeated ones stays what it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.idhash import HashArray
from detectors.result import IntArray

MOST = 1 << 17


class Repeats:
    """Counts the ids of `slots` slots."""

    def __init__(self, slots: int, most: int = MOST) -> None:
        self._most = most
        self._kept: list[list[HashArray]] = [[] for _ in range(slots)]
        self._limit = [np.iinfo(np.uint64).max] * slots

    def add(self, hashes: HashArray, present: NDArray[np.bool_], slot: IntArray) -> None:
        """The ids of some rows (`hash_ids`) and each one's slot (below 0: none), all of shape (rows,)."""
        usable = present & (slot >= 0)
        if not usable.all():
            hashes, slot = hashes[usable], slot[usable]
        if np.any(slot[1:] < slot[:-1]):
            order = np.argsort(slot, kind="stable")
            hashes, slot = hashes[order], slot[order]
        bounds = np.flatnonzero(np.diff(slot, prepend=-1))
        for first, last in zip(bounds.tolist(), [*bounds.tolist()[1:], len(slot)], strict=True):
            self._keep(int(slot[first]), hashes[first:last])

    def _keep(self, slot: int, hashes: HashArray) -> None:
        self._kept[slot].append(hashes[hashes <= self._limit[slot]])
        while sum(map(len, self._kept[slot])) > self._most:
            self._limit[slot] //= 2
            limit = np.uint64(self._limit[slot])
            self._kept[slot] = [np.concatenate(self._kept[slot])]
            self._kept[slot] = [self._kept[slot][0][self._kept[slot][0] <= limit]]
            if self._limit[slot] == 0:
                return

    def counts(self, slot: int) -> tuple[int, int]:
        """How many rows of a slot were looked at, and how many of them repeat the id of another."""
        kept = self._kept[slot]
        if not kept:
            return 0, 0
        hashes = np.sort(np.concatenate(kept))
        return len(hashes), int(np.count_nonzero(hashes[1:] == hashes[:-1]))
