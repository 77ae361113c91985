"""Samples of rows for the detectors of the joint distribution, drawn while a log is counted.

In: a rule for each version that wants a sample, then the log's parts, column by column. Out: one sample a version and
slot. Kept: the cells of the rows drawn so far, of each version and slot at most as many rows as its rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.grid import Grid
from detectors.idhash import HashArray
from detectors.result import IntArray
from detectors.sample import ABSENT, Sample, SampleRule, cells_of, keep_hashed


class Draw:
    """One version's rows of one part that the sample keeps. Threads may add different columns at the same time."""

    def __init__(self, version: str, grid: Grid, kept: IntArray, hashes: HashArray, slots: IntArray) -> None:
        self.version, self.grid, self.hashes, self.slots = version, grid, hashes, slots
        self._kept = pa.array(kept)
        # A column that is never added did not come with this part.
        self.cells = np.full((len(kept), len(grid)), ABSENT, dtype=np.uint16)

    def add(self, place: int, array: pa.Array | pa.ChunkedArray | None) -> None:
        """Note one column of the part: the grid's column at `place`, None where the part lacks it."""
        if array is not None:
            self.cells[:, place] = cells_of(self.grid.columns[place], array.take(self._kept), len(self._kept))


class Sampling:
    """The samples of `slots` slots, of every version that has a rule (and a grid)."""

    def __init__(self, grids: Mapping[str, Grid], rules: Mapping[str, SampleRule], slots: int) -> None:
        self._grids = grids
        self._rules = rules
        self._samples = {version: [Sample.empty(grids[version])] * slots for version in rules}

    def draw(
        self, version: str, ids: tuple[HashArray, NDArray[np.bool_]] | None, slot: IntArray, mine: NDArray[np.bool_]
    ) -> Draw | None:
        """Which rows of a part are kept of a version: those of `mine`, shape (rows,), by the slot that each is in.

        `ids` as `hash_ids` gives them. None where the version wants no sample or no row is kept. A row without an id
        is never kept.
        """
        if version not in self._rules or ids is None:
            return None
        rule = self._rules[version]
        kept, hashes = keep_hashed(*ids, replace(rule, most=max(1, len(slot))))
        chosen = mine[kept]
        kept, hashes = kept[chosen], hashes[chosen]
        if len(kept) > rule.most:
            lowest = _lowest(hashes, slot[kept], rule.most)
            kept, hashes = kept[lowest], hashes[lowest]
        return Draw(version, self._grids[version], kept, hashes, slot[kept]) if len(kept) else None

    def put(self, draw: Draw) -> None:
        """Add what was drawn, once all of its columns are noted."""
        samples, most = self._samples[draw.version], self._rules[draw.version].most
        for number in np.unique(draw.slots).tolist():
            rows = draw.slots == number
            found = Sample.of(draw.grid, draw.hashes[rows], draw.cells[rows])
            samples[number] = (samples[number] + found).lowest(most)

    def sample(self, version: str, slot: int) -> Sample:
        """What was drawn of a version's slot."""
        return self._samples[version][slot]


def _lowest(hashes: HashArray, slots: IntArray, most: int) -> NDArray[np.bool_]:
    """Which rows may be among the `most` lowest hashes of their slot: a few more where the last hash is shared."""
    kept = np.ones(len(hashes), dtype=np.bool_)
    for number in np.unique(slots).tolist():
        rows = np.flatnonzero(slots == number)
        if len(rows) > most:
            kept[rows] = hashes[rows] <= np.partition(hashes[rows], most - 1)[most - 1]
    return kept
