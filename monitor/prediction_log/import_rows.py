"""Good rows out of a block of raw ones, and predictions and labels apart.

In: blocks as files hold them, the type of each column, which column plays which part, the time.
Out: Arrow tables, and for each row that was not taken its line and the first thing wrong with it.
Kept: hashes of the file's ids, to know one that comes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log import import_types
from monitor.prediction_log.arrow import TIME, micros
from monitor.prediction_log.import_block import Block
from monitor.settings import Columns

_AHEAD = timedelta(days=1)
_NO_ZONE = "has no time zone"


@dataclass(slots=True)
class RowCheck:
    """The checks of one file's rows, block after block."""

    columns: Columns
    zone: ZoneInfo | None
    now: datetime
    types: dict[str, pa.DataType]
    seen: Seen = field(default_factory=lambda: Seen())

    def good(self, block: Block) -> tuple[pa.Table, list[tuple[int, str]]]:
        """The block's rows that can be taken, and for each other one its line and the first thing wrong with it."""
        count = len(block.lines)
        wrong: dict[int, str] = {}
        arrays: dict[str, pa.Array] = {}
        for name, kind in self.types.items():
            column = block.columns.get(name)
            if column is None:
                arrays[name] = pa.nulls(count, kind)
                continue
            if name in (self.columns.timestamp, self.columns.label_time):
                arrays[name], reasons = import_types.to_times(column, self.zone)
            else:
                arrays[name], reasons = import_types.convert(column, kind)
            for place, reason in reasons.items():
                hint = " (say which with --timezone)" if reason == _NO_ZONE else ""
                wrong.setdefault(place, f"column {name!r} {reason}{hint}")
        self._check_times(arrays, wrong)
        self._check_ids(arrays, wrong)
        keep = np.ones(count, dtype=np.bool_)
        keep[list(wrong)] = False
        table = pa.table(arrays).filter(pa.array(keep))
        return table, [(int(block.lines[place]), reason) for place, reason in wrong.items()]

    def _check_times(self, arrays: dict[str, pa.Array], wrong: dict[int, str]) -> None:
        name = self.columns.timestamp
        if name not in arrays:
            return
        times = arrays[name].cast(pa.int64())
        for place in np.flatnonzero(times.is_null().to_numpy(zero_copy_only=False)).tolist():
            wrong.setdefault(place, f"column {name!r} has no time")
        ahead = pc.fill_null(pc.greater(times, micros(self.now + _AHEAD)), False)
        for place in np.flatnonzero(ahead.to_numpy(zero_copy_only=False)).tolist():
            wrong.setdefault(place, f"column {name!r} lies more than a day in the future")

    def _check_ids(self, arrays: dict[str, pa.Array], wrong: dict[int, str]) -> None:
        name = self.columns.id
        # A file of labels may correct itself: the latest received wins.
        if name is None or name not in arrays or self.columns.timestamp not in arrays:
            return
        for place in self.seen.again(arrays[name], set(wrong)):
            wrong[place] = f"column {name!r} repeats an id of this file"

    def split(self, table: pa.Table) -> tuple[pa.Table | None, pa.Table | None]:
        """Predictions and labels apart."""
        columns = self.columns
        if columns.label not in table.column_names or columns.id is None or columns.label is None:
            return table, None
        label = table.column(columns.label)
        only_labels = columns.timestamp not in table.column_names
        if columns.label_time in table.column_names:
            when = table.column(columns.label_time)
        else:
            when = pa.nulls(table.num_rows, TIME)
        fallback = pa.scalar(self.now, TIME) if only_labels else table.column(columns.timestamp)
        found = pa.table(
            {
                "id": table.column(columns.id),
                "label": label,
                "label_time": when,
                "received_at": pc.coalesce(when, fallback),
            }
        )
        found = found.filter(pc.and_(label.is_valid(), table.column(columns.id).is_valid()))
        rest = [name for name in table.column_names if name not in (columns.label, columns.label_time)]
        return (None if only_labels else table.select(rest)), (found if found.num_rows else None)


def labels_only(columns: Columns, names: Iterable[str]) -> bool:
    """Whether a file with these columns holds labels and no predictions."""
    present = set(names)
    return columns.timestamp not in present and {columns.id, columns.label} <= present


class Seen:
    """The ids of a file so far, as sorted 64-bit hashes: 8 bytes an id where a set of strings takes a hundred."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, dtype=np.int64)

    def again(self, ids: pa.Array, passed_over: set[int]) -> list[int]:
        """Positions of ids seen before, here or in an earlier block; rows already refused do not count."""
        places = [p for p, value in enumerate(ids.is_valid().to_pylist()) if value and p not in passed_over]
        if not places:
            return []
        hashes = np.array([hash(value) for value in ids.take(pa.array(places)).to_pylist()], dtype=np.int64)
        unique, first = np.unique(hashes, return_index=True)
        is_first = np.zeros(len(hashes), dtype=np.bool_)
        is_first[first] = True
        known = np.zeros(len(hashes), dtype=np.bool_)
        if len(self._hashes):
            spots = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            known = self._hashes[spots] == hashes
        self._hashes = np.union1d(self._hashes, unique)
        return [places[index] for index in np.flatnonzero(known | ~is_first).tolist()]
