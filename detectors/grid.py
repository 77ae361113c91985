"""The grid: where every watched column is cut, fitted once on reference rows and never changed.

In: reference rows as an Arrow table or a DataFrame. Out: an immutable `Grid` with its own id, which profiles batches
and goes to bytes and back bit for bit. Kept: nothing but derived layouts, computed when first asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import codec
from detectors.columns import Column, ColumnKind, Excluded, Role, fit_column
from detectors.places import COMPILED_ROWS
from detectors.profile import Profile
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.segment import SegmentColumn, fit_segments
from detectors.tally import Runs, Tally
from detectors.values import Family, as_table, column_of

# Columns a task: handing over one costs as much as counting a thousand rows.
_SIDE_BY_SIDE = 4


@dataclass(frozen=True, eq=False)
class Grid:
    """Columns with their cells, and the columns left out with their reasons.

    Two grids are equal when their ids are: the id is a digest of everything in them. The cells of all columns lie one
    after another in one flat array; `offsets` says where each column's begin.
    """

    columns: tuple[Column, ...]
    excluded: tuple[Excluded, ...] = ()
    resolution: int = 500
    segments: tuple[SegmentColumn, ...] = ()

    @classmethod
    def fit(
        cls,
        table: object,
        resolution: int = 500,
        *,
        roles: Mapping[str, Role] | None = None,
        private: Collection[str] = (),
        exclude: Collection[str] = (),
        only: Collection[str] | None = None,
        categories: Collection[str] = (),
        segments: Collection[str] = (),
        pool: Executor | None = None,
    ) -> Grid:
        """Cut every column of `table` by its values, columns of a large one side by side where there is a `pool`.

        `resolution` bounds KS's error on the grid to 1/resolution; it is also how many categories get a cell of their
        own. `roles` names scores and predictions (all others are features), `private` the columns whose values are
        hashed, `exclude` those left out, `only` the ones looked at, `categories` those that hold classes though they
        look like numbers (a predicted class 0 or 1), `segments` those whose values are counted apart as well. Raises
        DetectorError for a table without rows, without a column that can be watched, or with two columns of one name,
        and for segments of a private column, whose values would have to be named.
        """
        if resolution < 10:
            raise DetectorError(f"a resolution of {resolution} is too coarse: 10 at least")
        rows = as_table(table)
        if not rows.num_rows:
            raise DetectorError("the reference has no rows")
        hidden = sorted(set(segments) & set(private))
        if hidden:
            raise DetectorError(f"{hidden[0]!r} is private: its values cannot be segments")
        roles = roles or {}
        watched = [name for name in dict.fromkeys(rows.column_names) if only is None or name in only]

        def some(names: Sequence[str]) -> list[Column | Excluded]:
            space = np.empty(rows.num_rows)
            fitted: list[Column | Excluded] = []
            for name in names:
                if name in exclude:
                    fitted.append(Excluded(name, "excluded by the configuration"))
                    continue
                array, role = column_of(rows, name), roles.get(name, Role.FEATURE)
                fitted.append(fit_column(name, array, resolution, role, name in private, name in categories, space))
            return fitted

        if pool is None or rows.num_rows < COMPILED_ROWS:
            found = some(watched)
        else:
            groups = [watched[start : start + _SIDE_BY_SIDE] for start in range(0, len(watched), _SIDE_BY_SIDE)]
            found = [each for part in pool.map(some, groups) for each in part]
        columns = [each for each in found if isinstance(each, Column)]
        excluded = [each for each in found if isinstance(each, Excluded)]
        wanted = sorted((set(only or ()) | set(roles)) - set(rows.column_names))
        excluded.extend(Excluded(name, "not in the reference") for name in wanted)
        if not columns:
            reasons = "; ".join(f"{column.name}: {column.reason}" for column in excluded) or "the table has no columns"
            raise DetectorError(f"no column can be watched ({reasons})")
        parts = tuple(fit_segments(name, column_of(rows, name)) for name in dict.fromkeys(segments))
        return cls(tuple(columns), tuple(excluded), resolution, parts)

    def profile(self, batch: object, pool: Executor | None = None) -> Profile:
        """Count a batch (Table, RecordBatch or DataFrame) on the cells, columns matched by name.

        A column the batch lacks counts as absent in all its rows. With `pool`, columns of a large batch are counted
        side by side: the compiled loop leaves the interpreter lock. Counting a batch in pieces and adding up gives
        the same profile.
        """
        rows = as_table(batch)
        tally = Tally(self, 1)
        runs = Runs.whole(rows.num_rows, self.segment_codes(rows))
        tally.add_rows(runs)

        def some(places: range) -> None:
            for place in places:
                tally.add(place, column_of(rows, self.columns[place].name), runs)

        if pool is None or rows.num_rows < COMPILED_ROWS:
            some(range(len(self)))
        else:
            starts = range(0, len(self), _SIDE_BY_SIDE)
            list(pool.map(some, [range(start, min(start + _SIDE_BY_SIDE, len(self))) for start in starts]))
        return tally.profile(0)

    def segment_codes(self, batch: pa.Table | pa.RecordBatch) -> tuple[IntArray, ...]:
        """For each segment column, the segment of each row of a batch, shape (rows,)."""
        return tuple(part.codes(column_of(batch, part.name), batch.num_rows) for part in self.segments)

    def index(self, name: str) -> int:
        """Position of a column. Raises DetectorError for one the grid does not watch."""
        try:
            return self._positions[name]
        except KeyError:
            raise DetectorError(f"the grid has no column {name!r}") from None

    def place(self, name: str) -> int | None:
        """Position of a column, None for one the grid does not watch."""
        return self._positions.get(name)

    def __len__(self) -> int:
        return len(self.columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits, the same for the same content."""
        return hashlib.sha256(self._plain).hexdigest()[:16]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def offsets(self) -> IntArray:
        """Where each column's cells begin in a flat array, and where the last one's end: shape (features + 1,)."""
        return np.concatenate(([0], np.cumsum([column.cells for column in self.columns]))).astype(np.int64)

    @cached_property
    def cells(self) -> int:
        """Cells of all columns together."""
        return int(self.offsets[-1])

    @cached_property
    def coarse(self) -> Grid:
        """The twin of at most 32 cells a column on which segments are counted; it has no segments itself."""
        return self._coarse[0]

    @cached_property
    def folds(self) -> IntArray:
        """The cell of `coarse` that each cell falls into, shape (cells,)."""
        return self._coarse[1]

    @cached_property
    def _coarse(self) -> tuple[Grid, IntArray]:
        from detectors.coarse import coarse_grid

        return coarse_grid(self)

    @cached_property
    def segment_labels(self) -> tuple[str, ...]:
        """Names of all segments, those of one column after those of another."""
        return tuple(label for part in self.segments for label in part.labels)

    @cached_property
    def segment_starts(self) -> IntArray:
        """Where each segment column's segments begin, and where the last one's end: shape (segment columns + 1,)."""
        return np.concatenate(([0], np.cumsum([len(part.labels) for part in self.segments]))).astype(np.int64)

    @cached_property
    def is_number(self) -> NDArray[np.bool_]:
        """Which columns are cut by numeric edges, shape (features,)."""
        return np.array([column.kind is ColumnKind.NUMBER for column in self.columns], dtype=np.bool_)

    @cached_property
    def is_output(self) -> NDArray[np.bool_]:
        """Which columns are numeric scores or predictions, shape (features,)."""
        return np.array([column.is_output for column in self.columns], dtype=np.bool_)

    @cached_property
    def is_prediction(self) -> NDArray[np.bool_]:
        """Which columns have the role prediction, shape (features,)."""
        return np.array([column.role is Role.PREDICTION for column in self.columns], dtype=np.bool_)

    @cached_property
    def atoms(self) -> NDArray[np.bool_]:
        """Which cells hold one single value, shape (cells,)."""
        return np.concatenate([column.atoms for column in self.columns])

    @cached_property
    def exterior(self) -> NDArray[np.bool_]:
        """Which cells hold numbers outside of the reference's range, shape (cells,)."""
        return np.concatenate([column.exterior for column in self.columns])

    @cached_property
    def ranges(self) -> tuple[FloatArray, FloatArray]:
        """`low` and `high` of every column, each of shape (features,): NaN where no sums are kept."""
        return (
            np.array([column.low for column in self.columns], dtype=np.float64),
            np.array([column.high for column in self.columns], dtype=np.float64),
        )

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {column.name: position for position, column in enumerate(self.columns)}

    @cached_property
    def _plain(self) -> bytes:
        meta = {
            "resolution": self.resolution,
            "columns": [
                {
                    "name": column.name,
                    "role": column.role.value,
                    "kind": column.kind.value,
                    "family": column.family.value,
                    "private": column.private,
                    "edges": len(column.edges),
                    "values": list(column.values),
                    "pooled": list(column.pooled),
                    "range": [column.low.hex(), column.high.hex()],
                    # Grids without it are older, or know no value that came once.
                    **({"novelty": column.novelty.hex()} if column.novelty else {}),
                }
                for column in self.columns
            ],
            "excluded": [[column.name, column.reason] for column in self.excluded],
            "segments": [[part.name, list(part.values)] for part in self.segments],
        }
        edges = np.concatenate([column.edges for column in self.columns])
        return codec.pack_grid(meta, edges, np.concatenate([column.ranks for column in self.columns]))

    def to_bytes(self) -> bytes:
        """Compressed bytes that `from_bytes` turns into an equal grid. Private values are in them as digests only."""
        return codec.encode_grid(self._plain)

    @classmethod
    def from_bytes(cls, data: bytes) -> Grid:
        """The grid of `to_bytes`. Raises DetectorError for damaged bytes or a format of another version."""
        meta, edges, ranks = codec.decode_grid(data)
        try:
            return _restored(meta, edges, ranks)
        except (KeyError, TypeError, ValueError) as error:
            raise DetectorError(f"stored grid is damaged: {error}") from error


def _restored(meta: dict[str, Any], edges: FloatArray, ranks: IntArray) -> Grid:
    columns, start = [], 0
    for entry in meta["columns"]:
        stop = start + int(entry["edges"])
        own_edges, own_ranks = edges[start:stop].copy(), ranks[start:stop].copy()
        number = ColumnKind(entry["kind"]) is ColumnKind.NUMBER
        if start > stop or stop > len(edges) or number != (stop - start >= 2):
            raise DetectorError("edges and kind disagree")
        if not (own_edges[1:] > own_edges[:-1]).all() or (np.diff(own_ranks) < 0).any():
            raise DetectorError("edges are not increasing")
        low, high = (float.fromhex(value) for value in entry["range"])
        columns.append(
            Column(
                str(entry["name"]),
                Role(entry["role"]),
                ColumnKind(entry["kind"]),
                Family(entry["family"]),
                bool(entry["private"]),
                own_edges,
                own_ranks,
                tuple(map(str, entry["values"])),
                tuple(map(str, entry["pooled"])),
                low,
                high,
                float.fromhex(entry.get("novelty", "0x0p+0")),
            )
        )
        start = stop
    if start != len(edges) or len(edges) != len(ranks) or not columns:
        raise DetectorError("columns and edges disagree")
    excluded = tuple(Excluded(str(name), str(reason)) for name, reason in meta["excluded"])
    segments = tuple(SegmentColumn(str(name), tuple(map(str, values))) for name, values in meta["segments"])
    return Grid(tuple(columns), excluded, int(meta["resolution"]), segments)
