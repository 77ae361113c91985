"""How one column is cut into cells.

In: the reference values of a column. Out: a frozen `Column` (numeric edges, or known categories) or an `Excluded`
with its reason. Kept: nothing.

A number's cells are right-closed between consecutive edges: first those below the reference's minimum, then those
that cut its range, then those above its maximum (`exterior.py`); the outermost two are open-ended. A category's cells
are its frequent values, then one cell for the rare known values, then one for unseen ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa

from detectors.exterior import with_exterior
from detectors.locate import Locator, locator
from detectors.result import FloatArray, IntArray
from detectors.values import Family, family_of, hashed, numbers, tally

MOST_VALUES = 10_000
NEAR_UNIQUE_ROWS = 100
NEAR_UNIQUE_SHARE = 0.5
_LARGEST = float(np.finfo(np.float64).max)


class Role(StrEnum):
    """Which part a column plays."""

    FEATURE = "feature"
    SCORE = "score"
    PREDICTION = "prediction"


class ColumnKind(StrEnum):
    """How a column is cut: by numeric edges, or one cell a value."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Excluded:
    """A column that is not watched, and why, in words for its owner."""

    name: str
    reason: str


def _no_floats() -> FloatArray:
    return np.empty(0, dtype=np.float64)


def _no_ints() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Column:
    """One watched column.

    `edges` (numbers): strictly increasing float64; `ranks[i]` is how many finite reference values are <= `edges[i]`.
    The last edge of rank 0 is just below the reference's minimum, the first of the highest rank its maximum (`span`);
    what lies before and after cuts what is outside of that range. `values` (categories): those with a
    cell of their own, most frequent first; `pooled`: the known values that share the rare cell. Of a private column
    both hold digests, never the values; the edges of a private number are kept, and never shown.
    `low` and `high` are the range in which the sums of an output (score or prediction) are kept, NaN for others.
    `novelty` (categories): the share of further rows whose value the reference is expected not to have, which is that
    of its own rows whose value came once (Good 1953).
    """

    name: str
    role: Role
    kind: ColumnKind
    family: Family
    private: bool = False
    edges: FloatArray = field(default_factory=_no_floats)
    ranks: IntArray = field(default_factory=_no_ints)
    values: tuple[str, ...] = ()
    pooled: tuple[str, ...] = ()
    low: float = float("nan")
    high: float = float("nan")
    novelty: float = 0.0

    def __post_init__(self) -> None:
        self.edges.setflags(write=False)
        self.ranks.setflags(write=False)

    @property
    def cells(self) -> int:
        """How many cells the column has: edges + 1, or values + 2 (rare and unseen)."""
        return len(self.edges) + 1 if self.kind is ColumnKind.NUMBER else len(self.values) + 2

    @cached_property
    def span(self) -> tuple[int, int]:
        """Positions of the edge just below the reference's minimum, and of its maximum."""
        ranks = self.ranks
        return int(np.searchsorted(ranks, 1)) - 1, int(np.searchsorted(ranks, ranks[-1]))

    @cached_property
    def exterior(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cells lie outside of the reference's range, shape (cells,); none of a category's."""
        outside = np.zeros(self.cells, dtype=np.bool_)
        if self.kind is ColumnKind.NUMBER:
            first, last = self.span
            outside[: first + 1] = outside[last + 1 :] = True
        return outside

    @property
    def is_output(self) -> bool:
        """Whether sums are kept for it: a numeric score or prediction."""
        return self.kind is ColumnKind.NUMBER and self.role is not Role.FEATURE

    @cached_property
    def locator(self) -> Locator | None:
        """How large batches find their cells, or None where they are sorted."""
        return locator(self.edges, self.ranks)

    @cached_property
    def atoms(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cells hold one single value, shape (cells,): its distribution has no inside."""
        if self.kind is ColumnKind.CATEGORY:
            return np.ones(self.cells, dtype=np.bool_)
        inner = self.edges[:-1] == just_below(self.edges[1:])
        return np.concatenate(([False], inner, [False]))

    @cached_property
    def lookup(self) -> dict[str, int]:
        """Cell of every known value; what is not in it belongs to the last cell."""
        table = dict.fromkeys(self.pooled, len(self.values))
        table.update((value, cell) for cell, value in enumerate(self.values))
        return table


def just_below(values: FloatArray) -> FloatArray:
    """The next smaller float64 of each value; -inf below the smallest of all."""
    with np.errstate(over="ignore", under="ignore"):
        return np.nextafter(values, -np.inf)


def fit_column(
    name: str,
    array: pa.Array | pa.ChunkedArray,
    resolution: int,
    role: Role,
    private: bool,
    category: bool,
    space: FloatArray,
) -> Column | Excluded:
    """Cut one column by its reference values; `category` asks for categories where numbers would be taken.

    `space` has room for as many numbers as there are rows, to sort them in: new memory for every column of a large
    table would cost a third of the sort.

    A column with no usable value at all (all null or NaN) is kept as a category without known values: whatever
    arrives later is unseen, and its missing rate is watched.
    """
    family = family_of(array.type)
    if family is Family.UNUSABLE:
        return Excluded(name, f"values of type {array.type} cannot be compared")
    if family in (Family.BOOLEAN, Family.TEXT) or category:
        return _fit_category(name, array, resolution, role, private, family)
    values = numbers(array) if family is not Family.EMPTY else _no_floats()
    finite = np.isfinite(values)
    values = values if finite.all() else values[finite]
    if not len(values):
        return Column(name, role, ColumnKind.CATEGORY, Family.EMPTY, private)
    ordered = space[: len(values)]
    np.copyto(ordered, values)
    ordered.sort()
    ordered += 0.0  # -0.0 is no other value than 0.0
    edges, ranks = quantile_edges(ordered, resolution)
    low, high = _sum_range(ordered) if role is not Role.FEATURE else (float("nan"), float("nan"))
    edges, ranks = with_exterior(edges, ranks, ordered, convertible=family is Family.NUMBER)
    return Column(name, role, ColumnKind.NUMBER, family, private, edges, ranks, low=low, high=high)


def quantile_edges(ordered: FloatArray, resolution: int) -> tuple[FloatArray, IntArray]:
    """Right-closed cell edges of sorted finite values of shape (n,), n > 0, and the count of values <= each edge.

    With m = max(1, n // resolution) there are K = 10 * ceil(n / (10 m)) cuts at the order statistics ceil(j n / K), so
    deciles are edges and no open cell holds more than m <= n / resolution values (m = 1 below `resolution` rows). A
    cut whose ties straddle it gets a cell of its own, and so does every value when n < resolution.
    """
    n = len(ordered)
    if n < resolution:
        atoms = np.unique(ordered)
        cuts = atoms
    else:
        most = max(1, n // resolution)
        count = 10 * -(-n // (10 * most))
        ranks = -(-np.arange(1, count + 1, dtype=np.int64) * n // count)
        cuts = ordered[ranks - 1]
        atoms = np.unique(cuts[np.searchsorted(ordered, cuts, side="right") > ranks])
    least = just_below(ordered[:1])
    edges = np.unique(np.concatenate((least, cuts, just_below(atoms), atoms))) + 0.0  # -0.0 is no other edge than 0.0
    return edges, np.searchsorted(ordered, edges, side="right").astype(np.int64)


def _sum_range(ordered: FloatArray) -> tuple[float, float]:
    """The range in which an output's sums are kept, from its sorted finite values.

    [0, 1] for probabilities (but for one value in a thousand on either side, which is no probability), else twice the
    central 98% wider to each side: enough for the mean to follow a large shift, so little that one absurd value among
    100,000 moves neither mean nor deviation by 1/500.
    """
    n, few = len(ordered), len(ordered) // 1000
    smallest, largest = float(ordered[0]), float(ordered[-1])
    if ordered[few] >= 0.0 and 0.0 < ordered[n - 1 - few] <= 1.0:
        return 0.0, 1.0
    for share in (0.01, 0.001):
        first, last = float(ordered[int(np.ceil(share * n)) - 1]), float(ordered[int(np.ceil((1.0 - share) * n)) - 1])
        width = last - first
        if width > 0.0 and np.isfinite(5.0 * width):
            return first - 2.0 * width, last + 2.0 * width
    if n < 1000 and largest > smallest and np.isfinite(largest - smallest):
        return smallest, largest
    middle = float(ordered[n // 2])
    reach = min(max(abs(middle), 1.0), _LARGEST / 4)
    return max(middle - reach, -_LARGEST / 4), min(middle + reach, _LARGEST / 4)


def _fit_category(
    name: str, array: pa.Array | pa.ChunkedArray, resolution: int, role: Role, private: bool, family: Family
) -> Column | Excluded:
    counts = tally(array)[0] if family is not Family.EMPTY else {}
    total, distinct = sum(counts.values()), len(counts)
    if not total:
        return Column(name, role, ColumnKind.CATEGORY, Family.EMPTY, private)
    if distinct > MOST_VALUES:
        return Excluded(name, f"{distinct:,} distinct values in {total:,} rows: more than {MOST_VALUES:,}")
    if total >= NEAR_UNIQUE_ROWS and distinct > NEAR_UNIQUE_SHARE * total:
        return Excluded(name, f"near-unique: {distinct:,} distinct values in {total:,} rows")
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    if private:
        ranked = [hashed(name, value) for value in ranked]
    own, pooled = tuple(ranked[:resolution]), tuple(sorted(ranked[resolution:]))
    novelty = sum(count == 1 for count in counts.values()) / total
    return Column(name, role, ColumnKind.CATEGORY, family, private, values=own, pooled=pooled, novelty=novelty)
