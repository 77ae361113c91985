"""Labels out of any timed source: a labels table, the predictions' own table, files of their own.

In: a source whose time column is when a label became known, and its column names. Out: the `LabelSource` protocol.
Kept: nothing.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import LogMismatch, PredictionLog

_EMPTY = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("label", pa.null()),
        pa.field("received_at", TIME),
        pa.field("first_at", TIME),
    ]
)


class RowLabels:
    """Each row of `source` that has an id and a label is a label; its time is when it was received."""

    def __init__(self, source: PredictionLog, *, id: str, label: str, received_at: str) -> None:
        self._source = source
        self._id = id
        self._label = label
        self._received_at = received_at

    def labels(self, since: datetime, until: datetime) -> pa.Table:
        """One row an id: the latest received in `[since, until)`, of several at one time the last read."""
        wanted = [self._id, self._label, self._received_at]
        parts = []
        for batch in self._source.batches(since, until, wanted):
            missing = [name for name in wanted if name not in batch.schema.names]
            if missing:
                raise LogMismatch(f"labels have no column {missing[0]!r}")
            parts.append(self._whole(batch))
        if not parts:
            return self._none()
        table = pa.concat_tables(parts, promote_options="permissive")
        order = pc.sort_indices(table, sort_keys=[("id", "ascending"), ("received_at", "ascending")])
        table = table.take(order)
        received = table.column("received_at").combine_chunks()
        if table.num_rows < 2:
            return table.append_column("first_at", received)
        ids = table.column("id").combine_chunks()
        another = _flat(pc.not_equal(ids[:-1], ids[1:]))
        first, last = pa.concat_arrays([pa.array([True]), another]), pa.concat_arrays([another, pa.array([True])])
        return table.filter(last).append_column("first_at", received.filter(first))

    def _whole(self, batch: pa.RecordBatch) -> pa.Table:
        ids, labels = batch.column(self._id), batch.column(self._label)
        ids = ids if pa.types.is_string(ids.type) else ids.cast(pa.string())
        table = pa.table([ids, labels, batch.column(self._received_at)], names=["id", "label", "received_at"])
        return table.filter(pc.and_(pc.is_valid(ids), pc.is_valid(labels)))

    def _none(self) -> pa.Table:
        schema = self._source.schema()
        if self._label in schema.names:
            kind = schema.field(self._label).type
            return _EMPTY.set(1, pa.field("label", kind)).empty_table()
        return _EMPTY.empty_table()

    def token(self) -> str:
        """The source's own."""
        return self._source.token()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
