"""The profile: integer counts of rows on a grid. What any horizon is a sum of.

In: counts, from `Grid.profile`, from bytes, or from other profiles. Out: a frozen `Profile` that adds up exactly, in
any order, and goes to a few kilobytes and back. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors import codec
from detectors.cells import SQUARE_STEPS, SUM_STEPS
from detectors.no_cell import ABSENT, AUX, INFINITE, MISMATCH, NAN, NULL
from detectors.result import DetectorError, FloatArray, IntArray

if TYPE_CHECKING:
    from detectors.grid import Grid
    from detectors.view import ColumnProfile


@dataclass(frozen=True, eq=False)
class Profile:
    """Counts of `rows` rows.

    `counts`, shape (cells,): rows in each cell of each column, flat as `grid.offsets` says. `aux`, shape
    (features, 5): null, NaN, infinite, mismatched type, column absent. For each column, cells and aux add up to
    `rows`. `sums`, shape (features, 2): of numeric scores and predictions, the sum of their values in steps of
    (high - low) / 2**20 above low, and of the squares of coarser steps, of (high - low) / 2**15; zero for the rest.
    `parts`, shape (segments, see `parts_shape`): the same of each segment's rows on the coarse grid, flat: rows,
    counts, aux, sums.
    """

    grid: Grid
    rows: int
    counts: IntArray
    aux: IntArray
    sums: IntArray
    parts: IntArray

    def __post_init__(self) -> None:
        features = len(self.grid.columns)
        shapes = (self.counts.shape, self.aux.shape, self.sums.shape, self.parts.shape)
        if shapes != ((self.grid.cells,), (features, len(AUX)), (features, 2), parts_shape(self.grid)):
            raise DetectorError(f"counts of shapes {shapes} do not fit the grid {self.grid.id}")
        for array in (self.counts, self.aux, self.sums, self.parts):
            array.setflags(write=False)

    @classmethod
    def empty(cls, grid: Grid) -> Profile:
        """The profile of no rows: what a sum of profiles starts from."""
        features = len(grid.columns)
        return cls(
            grid,
            0,
            np.zeros(grid.cells, dtype=np.int64),
            np.zeros((features, len(AUX)), dtype=np.int64),
            np.zeros((features, 2), dtype=np.int64),
            np.zeros(parts_shape(grid), dtype=np.int64),
        )

    def __add__(self, other: Profile) -> Profile:
        """The profile of both's rows together, exactly. Raises DetectorError across grids."""
        if not isinstance(other, Profile):
            return NotImplemented
        require_same_grid(self, other)
        return Profile(
            self.grid,
            self.rows + other.rows,
            self.counts + other.counts,
            self.aux + other.aux,
            self.sums + other.sums,
            self.parts + other.parts,
        )

    def __sub__(self, other: Profile) -> Profile:
        """What remains when rows counted in `self` are taken out again. Raises DetectorError if they were not in it."""
        if not isinstance(other, Profile):
            return NotImplemented
        require_same_grid(self, other)
        counts, aux, sums = self.counts - other.counts, self.aux - other.aux, self.sums - other.sums
        parts = self.parts - other.parts
        if min(self.rows - other.rows, *(int(part.min(initial=0)) for part in (counts, aux, sums, parts))) < 0:
            raise DetectorError("rows can only be taken out of a profile that holds them")
        return Profile(self.grid, self.rows - other.rows, counts, aux, sums, parts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Profile)
            and self.grid == other.grid
            and self.rows == other.rows
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.aux, other.aux)
            and np.array_equal(self.sums, other.sums)
            and np.array_equal(self.parts, other.parts)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays; nothing keeps profiles in sets

    @property
    def null(self) -> IntArray:
        """Rows in which each column is null, shape (features,)."""
        return self.aux[:, NULL]

    @property
    def nan(self) -> IntArray:
        """Rows in which each column is NaN, shape (features,)."""
        return self.aux[:, NAN]

    @property
    def infinite(self) -> IntArray:
        """Rows in which each column is infinite, shape (features,)."""
        return self.aux[:, INFINITE]

    @property
    def mismatch(self) -> IntArray:
        """Rows in which each column came in another type, shape (features,)."""
        return self.aux[:, MISMATCH]

    @property
    def absent(self) -> IntArray:
        """Rows whose batch had no such column, shape (features,)."""
        return self.aux[:, ABSENT]

    @property
    def present(self) -> IntArray:
        """Rows whose batch had the column, shape (features,)."""
        return self.rows - self.absent

    @property
    def valid(self) -> IntArray:
        """Rows in which each column has a usable value: the sum of its cells, shape (features,)."""
        return np.add.reduceat(self.counts, self.grid.offsets[:-1])

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of every numeric score and prediction, shape (features,), NaN for the rest.

        Values are clipped to the column's `low` and `high` first. The mean is exact to half a step of
        (high - low) / 2**20; the standard deviation is never said to be smaller than (high - low) / 2**15.
        """
        low, high = self.grid.ranges
        valid = self.valid
        usable = np.where(self.grid.is_output & (valid > 0), valid, np.nan)
        span = high - low
        steps = self.sums[:, 0] / usable / SUM_STEPS
        squares = self.sums[:, 1] / usable / SQUARE_STEPS**2
        spread = np.sqrt(np.maximum(squares - steps * steps, SQUARE_STEPS**-2.0))
        return low + steps * span, spread * span

    def column(self, name: str) -> ColumnProfile:
        """One column's counts in a form to read and draw. Raises DetectorError for an unknown column."""
        from detectors.view import ColumnProfile

        index = self.grid.index(name)
        start, stop = self.grid.offsets[index], self.grid.offsets[index + 1]
        mean, spread = self.moments() if self.grid.columns[index].is_output else (None, None)
        return ColumnProfile(
            self.grid.columns[index],
            self.rows,
            self.counts[start:stop],
            null=int(self.null[index]),
            nan=int(self.nan[index]),
            infinite=int(self.infinite[index]),
            mismatch=int(self.mismatch[index]),
            absent=int(self.absent[index]),
            exact_mean=None if mean is None else float(mean[index]),
            exact_spread=None if spread is None else float(spread[index]),
        )

    def segment(self, index: int) -> Profile:
        """The rows of one segment (its place in `grid.segment_labels`), on the coarse grid."""
        coarse = self.grid.coarse
        features, part = len(coarse), self.parts[index]
        aux, sums = 1 + coarse.cells, 1 + coarse.cells + features * len(AUX)
        return Profile(
            coarse,
            int(part[0]),
            part[1:aux],
            part[aux:sums].reshape(features, len(AUX)),
            part[sums:].reshape(features, 2),
            np.zeros(parts_shape(coarse), dtype=np.int64),
        )

    def to_bytes(self) -> bytes:
        """Compressed bytes, for `from_bytes` with the same grid."""
        return codec.encode_profile(self.grid.id, self.rows, (self.counts, self.aux, self.sums, self.parts))

    @classmethod
    def from_bytes(cls, grid: Grid, data: bytes) -> Profile:
        """The profile of `to_bytes`. Raises DetectorError for damaged bytes or those of another grid."""
        features = len(grid.columns)
        shape = parts_shape(grid)
        sizes = (grid.cells, features * len(AUX), features * 2, shape[0] * shape[1])
        rows, (counts, aux, sums, parts) = codec.decode_profile(data, grid.id, sizes)
        flat = aux.reshape(features, len(AUX)), sums.reshape(features, 2), parts.reshape(shape)
        profile = cls(grid, rows, counts, *flat)
        if (profile.valid + profile.aux.sum(axis=1) != rows).any():
            raise DetectorError("stored profile is damaged: its counts do not add up to its rows")
        return profile


def parts_shape(grid: Grid) -> tuple[int, int]:
    """Shape of `Profile.parts`: one row a segment, none where the grid has no segments."""
    if not grid.segments:
        return 0, 0
    return len(grid.segment_labels), 1 + grid.coarse.cells + len(grid) * (len(AUX) + 2)


def require_same_grid(first: Profile, second: Profile) -> Grid:
    """The grid both profiles are on. Raises DetectorError when they are on two."""
    if first.grid is not second.grid and first.grid.id != second.grid.id:
        raise DetectorError(f"profiles of two grids cannot be combined: {first.grid.id} and {second.grid.id}")
    return first.grid
