"""Few bins a column, cut from a reference's rows: what the surrogate and the search for segments work on.

In: codes of rows on a grid (`sample.cells_of`). Out: frozen `Cuts`, and for any rows a small bin a column.
Kept: nothing.

A number has up to 32 bins of about equally many reference rows, and values outside of the reference's range fall into
the outermost of them, as they do in a tree. A category has a bin for each of its frequent values and one for the rest.
What has no cell (missing, infinite, of another type, absent) has the last bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, ColumnKind
from detectors.result import IntArray
from detectors.sample import ABSENT, OUTSIDE, CellArray

BINS = 32
PAIR_BINS = 16
_LEAST_SHARE = 0.002

BinArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Cuts:
    """One column's bins. Of a number `places` are the highest codes of all bins but the last, rising; of a category
    the cells that have a bin of their own, most frequent first."""

    name: str
    number: bool
    places: tuple[int, ...]

    @classmethod
    def of(cls, column: Column, codes: CellArray) -> Cuts:
        """Cut a column by the codes of the reference's rows, shape (rows,)."""
        usable = codes[codes < ABSENT]
        if column.kind is not ColumnKind.NUMBER:
            held = np.bincount(usable, minlength=1)
            ranked = np.argsort(-held, kind="stable")[: BINS - 2]
            least = max(1.0, _LEAST_SHARE * len(codes))
            return cls(column.name, False, tuple(int(cell) for cell in ranked if held[cell] >= least))
        if not len(usable):
            return cls(column.name, True, ())
        levels = np.quantile(usable, np.linspace(0.0, 1.0, BINS)[1:-1], method="inverted_cdf")
        return cls(column.name, True, tuple(int(cut) for cut in np.unique(levels) if cut < usable.max()))

    @property
    def bins(self) -> int:
        """How many bins there are, the one for what is missing included."""
        return len(self.places) + 2

    def bins_of(self, codes: CellArray) -> BinArray:
        """The bin of every code, shape (rows,)."""
        # Looked up by code: there are 65,536 of them, and often more rows.
        table = np.full(1 << 16, self.bins - 1, dtype=np.uint8)
        if self.number:
            edges = np.array([0, *(place + 1 for place in self.places), ABSENT])
            table[:ABSENT] = np.repeat(np.arange(len(edges) - 1, dtype=np.uint8), np.diff(edges))
        else:
            table[:ABSENT] = len(self.places)
            table[list(self.places)] = np.arange(len(self.places))
        found: BinArray = table[codes]
        return found

    def folded(self, most: int) -> IntArray:
        """Which of at most `most` wider bins each bin is in, shape (bins,); the last one stays by itself."""
        inner = self.bins - 1
        if inner <= most - 1:
            return np.arange(self.bins)
        places = np.arange(inner)
        wide = places * (most - 1) // inner if self.number else np.minimum(places, most - 2)
        return np.append(wide, wide[-1] + 1)

    def label(self, column: Column, first: int, last: int) -> str:
        """What bins `first` to `last` hold, in words: `wind_speed above 20.7`, `carrier = EV`, `x missing`.

        Of a private column no value is told.
        """
        if first == self.bins - 1:
            return f"{self.name} missing"
        if column.private:
            return f"some of {self.name}"
        if not self.number:
            cell = self.places[first] if first < len(self.places) else column.cells
            value = column.values[cell] if cell < len(column.values) else "(rare or new)"
            return f"{self.name} = {value[:60]}"
        low = None if first == 0 else self._edge(column, self.places[first - 1])
        high = None if last >= len(self.places) else self._edge(column, self.places[last])
        if low is None:
            return self.name if high is None else f"{self.name} up to {high:.4g}"
        return f"{self.name} above {low:.4g}" if high is None else f"{self.name} from {low:.4g} to {high:.4g}"

    @staticmethod
    def _edge(column: Column, code: int) -> float:
        return float(column.edges[min(max(code - OUTSIDE, 0), len(column.edges) - 1)])
