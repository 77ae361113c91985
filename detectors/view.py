"""One column of a profile, in a form to read and draw.

In: a column's counts. Out: `ColumnProfile` with rates, quantiles, mean and labels, and `Histogram` with readable bins.
Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Column, ColumnKind
from detectors.result import DetectorError, FloatArray, IntArray

RARE = "(rare)"
UNSEEN = "(unseen)"
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of a column's usable values in bins `(edges[i], edges[i + 1]]`, of shape (bins,), and outside of them."""

    edges: FloatArray
    shares: FloatArray
    below: float
    above: float


@dataclass(frozen=True, slots=True)
class Category:
    """One bar of a categorical column: its label, its rows and their share of the usable ones."""

    label: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Counts of one column: `counts` of shape (cells,), and the rows that fit no cell.

    `exact_mean` and `exact_spread` are those of a numeric score or prediction, None for other columns.
    """

    column: Column
    rows: int
    counts: IntArray
    null: int
    nan: int
    infinite: int
    mismatch: int
    absent: int
    exact_mean: float | None = None
    exact_spread: float | None = None

    @property
    def private(self) -> bool:
        """Whether its values must not be shown."""
        return self.column.private

    @property
    def valid(self) -> int:
        """Rows with a usable value."""
        return int(self.counts.sum())

    @property
    def missing_rate(self) -> float:
        """Share of null or NaN among the rows that had the column; NaN where none had it."""
        present = self.rows - self.absent
        return (self.null + self.nan) / present if present else float("nan")

    @property
    def shares(self) -> FloatArray:
        """Share of every cell among the usable values, shape (cells,); NaN where there are none."""
        return self.counts / self.valid if self.valid else np.full(len(self.counts), np.nan)

    def labels(self) -> list[str]:
        """A name for every cell: the category, `(rare)`, `(unseen)`; for numbers the interval. Private ones hidden."""
        column = self.column
        if column.private:
            return [f"hidden {cell + 1}" for cell in range(column.cells)]
        if column.kind is ColumnKind.CATEGORY:
            return [*column.values, RARE, UNSEEN]
        first, bounds = column.span[0], [f"{edge:.6g}" for edge in column.edges]
        inner = [
            bounds[cell] if atom else f"({bounds[cell - 1]}, {bounds[cell]}]"
            for cell, atom in enumerate(column.atoms[1:-1].tolist(), start=1)
        ]
        lowest = bounds[1] if first == 0 and column.atoms[1] else bounds[0]
        return [f"< {lowest}", *inner, f"> {bounds[-1]}"]

    def categories(self, most: int = 10) -> list[Category]:
        """The `most` frequent known categories, then rare and unseen where there are any; private labels are hidden."""
        if self.column.kind is not ColumnKind.CATEGORY:
            raise DetectorError(f"{self.column.name!r} holds numbers, not categories")
        labels, counts, shares = self.labels(), self.counts.tolist(), self.shares.tolist()
        known = len(self.column.values)
        if self.column.private:
            labels[known:] = [RARE, UNSEEN]
        ranked = sorted(range(known), key=lambda cell: (-counts[cell], cell))[:most]
        rest = [cell for cell in (known, known + 1) if counts[cell]]
        return [Category(labels[cell], counts[cell], shares[cell]) for cell in ranked + rest]

    def quantile(self, share: float) -> float:
        """The value below which `share` of the usable values lie, interpolated within a cell; NaN without values.

        Values in the outermost cells count as these cells' edges.
        """
        edges = self._edges()
        if not self.valid:
            return float("nan")
        upto = np.cumsum(self.counts[:-1])
        target = min(max(share, 0.0), 1.0) * self.valid
        cell = int(np.searchsorted(upto, target) if target > 0.0 else np.flatnonzero(self.counts)[0])
        if cell == 0 or cell == len(edges):
            return float(edges[0] if cell == 0 else edges[-1])
        if self.column.atoms[cell]:
            return float(edges[cell])
        inside = (target - upto[cell - 1]) / self.counts[cell]
        return float((1.0 - inside) * np.nextafter(edges[cell - 1], np.inf) + inside * edges[cell])

    def mean(self) -> float:
        """Mean of the usable values: exact for scores and predictions, else from the middles of the cells.

        Values in the outermost cells count as these cells' edges. NaN without values.
        """
        if self.exact_mean is not None:
            return self.exact_mean
        edges = self._edges()
        if not self.valid:
            return float("nan")
        middles = np.where(self.column.atoms[1:-1], edges[1:], edges[:-1] / 2 + edges[1:] / 2)
        return float(np.concatenate((edges[:1], middles, edges[-1:])) @ self.shares)

    def bins(self, most: int = 40) -> FloatArray:
        """Edges of at most `most` readable bins, to draw this column and others beside it.

        With few distinct values, one bin around each; else equal widths over the central 99%, widened to minimum and
        maximum unless these are outliers.
        """
        edges = self._edges()
        filled = np.flatnonzero(self.counts[1:-1])
        if 0 < len(filled) <= most and self.column.atoms[1:-1][filled].all():
            places = edges[1:][filled]
            gaps = np.diff(places) if len(places) > 1 else np.array([1.0])
            middles = places[:-1] + np.diff(places) / 2
            return np.concatenate(([places[0] - gaps[0] / 2], middles, [places[-1] + gaps[-1] / 2]))
        minimum, maximum = (float(edges[place]) for place in self.column.span)
        low, high = (self.quantile(0.005), self.quantile(0.995)) if self.valid else (minimum, maximum)
        width = high - low
        if low > minimum >= low - width / 2:
            low = minimum
        if high < maximum <= high + width / 2:
            high = maximum
        if not high > low:
            low, high = low - 0.5, high + 0.5
        return np.linspace(low, high, most + 1)

    def histogram(self, bins: FloatArray | None = None) -> Histogram:
        """Shares in `bins` (default: its own `bins()`), a cell's rows spread evenly over it; all NaN without values."""
        grid_edges = self._edges()
        edges = self.bins() if bins is None else np.asarray(bins, dtype=np.float64)
        if not self.valid:
            return Histogram(edges, np.full(len(edges) - 1, np.nan), float("nan"), float("nan"))
        upto = np.interp(edges, grid_edges, np.cumsum(self.counts[:-1])) / self.valid
        return Histogram(edges, np.diff(upto), float(upto[0]), float(1.0 - upto[-1]))

    def _edges(self) -> FloatArray:
        if self.column.kind is not ColumnKind.NUMBER:
            raise DetectorError(f"{self.column.name!r} holds categories, not numbers")
        # One edge is infinite where the reference's minimum is the smallest float there is.
        return np.maximum(self.column.edges, -_LARGEST)
