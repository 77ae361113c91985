"""A sample of rows as cells of the grid: what the multivariate detectors read.

In: batches with their ids. Out: a frozen `Sample` of the rows whose ids hash low, which merges in any order to the
same bytes, and goes to bytes and back. Kept: nothing.

A row is a small integer a column, the cell its value falls into: no raw value is in a sample, a private one no more
than another. For numbers cells are ranks in the reference, so nothing is lost that a rank needs; outside the
reference's range, where the grid has few cells, a finer ruler goes on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import codec
from detectors.cells import is_countable
from detectors.columns import Column, ColumnKind
from detectors.grid import Grid
from detectors.idhash import HashArray, hash_ids
from detectors.places import places
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.values import as_table, column_of, numbers

CellArray = NDArray[np.uint16]

MISSING, INFINITE, MISMATCH, ABSENT = 65_535, 65_534, 65_533, 65_532
"""Codes of what has no cell: null or NaN, an infinity, a value of another type, a column that did not come."""
_ODD = np.array([MISSING, MISSING, INFINITE, MISMATCH, ABSENT])  # by the place in `cells.AUX`
OUTSIDE = 4_096
"""How many codes numbers below the reference's minimum have, and as many those above its maximum."""
MOST_CELLS = ABSENT - 2 * OUTSIDE
ROWS_A_DAY = 2_000

_HEAD = struct.Struct("<4s16sQH")
_MAGIC = b"DLS\x01"
_MOST_ROWS = 1 << 24


@dataclass(frozen=True, slots=True)
class SampleRule:
    """Which rows are kept: those whose hash is below `rate` x 2**64, and of an hour at most the `most` lowest.

    Fixed with the baseline, so that every hour is thinned in the same way.
    """

    rate: float
    most: int = ROWS_A_DAY

    def __post_init__(self) -> None:
        if not 0.0 < self.rate <= 1.0 or self.most < 1:
            raise DetectorError(f"a sample of rate {self.rate} and at most {self.most} rows keeps nothing")

    @classmethod
    def for_rows(cls, rows_a_day: float, wanted: int = ROWS_A_DAY) -> SampleRule:
        """The rule that keeps about `wanted` of `rows_a_day` rows, all where there are fewer."""
        return cls(min(1.0, wanted / rows_a_day) if rows_a_day > 0 else 1.0, wanted)

    @property
    def below(self) -> int:
        """The largest hash that is kept."""
        return min((1 << 64) - 1, int(self.rate * 2.0**64))


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a sample, ordered by hash: `hashes` of shape (rows,), `cells` of shape (rows, features).

    Of a category it is the cell's place in the column, of a number that place and `OUTSIDE` (less where it is below the
    reference's minimum, more where above its maximum: further out, further away), or a code above for what has none.
    """

    grid_id: str
    hashes: HashArray
    cells: CellArray

    def __post_init__(self) -> None:
        if self.cells.ndim != 2 or len(self.cells) != len(self.hashes):
            raise DetectorError(f"{len(self.hashes)} hashes do not fit cells of shape {self.cells.shape}")
        for array in (self.hashes, self.cells):
            array.setflags(write=False)

    @classmethod
    def empty(cls, grid: Grid) -> Sample:
        """The sample of no rows: what a sum of samples starts from."""
        return cls(grid.id, np.empty(0, dtype=np.uint64), np.empty((0, len(grid)), dtype=np.uint16))

    @classmethod
    def of(cls, grid: Grid, hashes: HashArray, cells: CellArray) -> Sample:
        """The sample of these rows, in whatever order they come."""
        return _ordered(grid.id, hashes, cells)

    @property
    def rows(self) -> int:
        """How many rows were kept."""
        return len(self.hashes)

    def __add__(self, other: Sample) -> Sample:
        """Both's rows. Any order of adding gives the same sample. Raises DetectorError across grids."""
        if not isinstance(other, Sample):
            return NotImplemented
        if self.grid_id != other.grid_id:
            raise DetectorError(f"samples of two grids cannot be merged: {self.grid_id} and {other.grid_id}")
        return _ordered(
            self.grid_id, np.concatenate((self.hashes, other.hashes)), np.concatenate((self.cells, other.cells))
        )

    def lowest(self, most: int) -> Sample:
        """The `most` rows with the lowest hashes: a fair draw of the sample, and the same one every time."""
        return self if self.rows <= most else Sample(self.grid_id, self.hashes[:most], self.cells[:most])

    def to_bytes(self) -> bytes:
        """Compressed bytes: the same for the same rows. About 1.3 bytes a value."""
        head = _HEAD.pack(_MAGIC, self.grid_id.encode("ascii"), self.rows, self.cells.shape[1])
        columns = np.ascontiguousarray(self.cells.astype("<u2").T).reshape(-1)
        planes = np.ascontiguousarray(columns.view(np.uint8).reshape(-1, 2).T)
        return head + codec.compress(self.hashes.astype("<u8").tobytes() + planes.tobytes())

    @classmethod
    def from_bytes(cls, grid: Grid, data: bytes) -> Sample:
        """The sample of `to_bytes`. Raises DetectorError for damaged bytes or those of another grid."""
        if len(data) < _HEAD.size or data[:4] != _MAGIC:
            raise DetectorError("these bytes are not a sample this version can read")
        _, stored, rows, features = _HEAD.unpack_from(data)
        if stored != grid.id.encode("ascii") or features != len(grid):
            raise DetectorError(f"the sample belongs to another grid than {grid.id}")
        if rows > _MOST_ROWS:
            raise DetectorError("stored sample is damaged: impossible size")
        plain = codec.decompress(data[_HEAD.size :], rows * (8 + 2 * features))
        hashes = np.frombuffer(plain, dtype="<u8", count=rows).astype(np.uint64)
        planes = np.frombuffer(plain, dtype=np.uint8, offset=8 * rows).reshape(2, rows * features)
        cells = np.ascontiguousarray(planes.T).view("<u2").reshape(features, rows).T.astype(np.uint16)
        limits = np.array([_codes(column) for column in grid.columns])
        if (np.diff(hashes.astype(object)) < 0).any() or ((cells >= limits) & (cells < ABSENT)).any():
            raise DetectorError("stored sample is damaged: rows out of order or cells the grid does not have")
        return cls(grid.id, hashes, cells)


def take(grid: Grid, batch: object, ids: str, rule: SampleRule) -> Sample:
    """The sample of one hour's (or one piece of an hour's) rows: `batch` as for `Grid.profile`, `ids` its id column.

    Pieces are merged by `(a + b).lowest(rule.most)`. A row without id is never kept, nor any where the column is not
    there. Raises DetectorError for a grid too fine for 16 bits.
    """
    rows = as_table(batch)
    column = column_of(rows, ids)
    if column is None or not rows.num_rows:
        return Sample.empty(grid)
    kept, hashes = keep(column, rule)
    few = rows.select([column.name for column in grid.columns if column.name in rows.schema.names]).take(pa.array(kept))
    cells = np.empty((len(kept), len(grid)), dtype=np.uint16)
    for index, each in enumerate(grid.columns):
        cells[:, index] = cells_of(each, column_of(few, each.name), len(kept))
    return Sample.of(grid, hashes, cells).lowest(rule.most)


def _codes(column: Column) -> int:
    """How many codes a column has."""
    return column.cells + (2 * OUTSIDE if column.kind is ColumnKind.NUMBER else 0)


def keep(ids: pa.Array | pa.ChunkedArray, rule: SampleRule) -> tuple[IntArray, HashArray]:
    """Which rows of one hour (or of a piece of it) are kept, and their hashes, both of shape (kept,).

    A few more than `rule.most` where the last hash is shared: which of them goes is decided by their cells.
    """
    return keep_hashed(*hash_ids(ids), rule)


def keep_hashed(hashes: HashArray, present: NDArray[np.bool_], rule: SampleRule) -> tuple[IntArray, HashArray]:
    """`keep` of ids that are hashed already (`hash_ids`)."""
    kept = np.flatnonzero(present & (hashes <= np.uint64(rule.below)))
    if len(kept) > rule.most:
        last = np.partition(hashes[kept], rule.most - 1)[rule.most - 1]
        kept = kept[hashes[kept] <= last]
    return kept, hashes[kept]


def cells_of(column: Column, array: pa.Array | pa.ChunkedArray | None, rows: int) -> CellArray:
    """The code of every value, shape (rows,), by the rules `places.places` counts by."""
    if column.cells > MOST_CELLS:
        raise DetectorError(f"{column.name!r} has {column.cells:,} cells: a sample holds {MOST_CELLS:,}")
    found = places(column, array, rows)
    odd = found >= column.cells
    codes = found.copy()
    if column.kind is ColumnKind.NUMBER:
        codes += OUTSIDE
        if array is not None and is_countable(column, array):
            _beyond(column, numbers(array, keep_null=True), codes)
    codes[odd] = _ODD[found[odd] - column.cells]
    return codes.astype(np.uint16)


def _beyond(column: Column, values: FloatArray, codes: IntArray) -> None:
    """Put codes that are finer than the grid's, and keep the order, where values are outside of the reference's range.

    Without them a column that has left that range (summer, by a winter's grid) would have hardly any ranks left.
    The ruler is logarithmic, in units of a thousandth of the reference's range.
    """
    first, last = column.span
    low, high = float(column.edges[first]), float(column.edges[last])
    above, below = values > high, values <= low
    with np.errstate(over="ignore", invalid="ignore"):
        unit = (high - low) / 1000.0
        if not 1e-300 < unit < np.inf:
            unit = max(abs(high) / 1000.0, 1e-3)
        codes[above] = OUTSIDE + last + 1 + _ruler((values[above] - high) / unit)
        codes[below] = OUTSIDE + first - _ruler((low - values[below]) / unit)


def _ruler(distance: FloatArray) -> IntArray:
    steps = np.minimum(np.log1p(distance) * 100.0, OUTSIDE - 1.0)
    return np.nan_to_num(steps, nan=OUTSIDE - 1.0).astype(np.int64)


def _ordered(grid_id: str, hashes: HashArray, cells: CellArray) -> Sample:
    """In order of hash, rows of one hash (an id that came twice) in order of their cells."""
    order = np.argsort(hashes, kind="stable")
    if len(hashes) > 1 and (np.diff(hashes[order]) == 0).any():
        order = np.lexsort((*cells.T[::-1], hashes))
    return Sample(grid_id, hashes[order], cells[order])
