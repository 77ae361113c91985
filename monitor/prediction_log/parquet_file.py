"""One Parquet file read by time: which hours it holds, and its rows of an interval.

In: an open file and the name of its time column. Out: record batches of bounded size, counts by hour.
Kept: nothing; row groups whose statistics lie outside the interval are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.prediction_log.arrow import HOUR, as_times, conform, count_hours, micros, unit_micros, within
from monitor.prediction_log.base import LogMismatch

# A batch holds an hour of most logs whole, and at most 16 million values: 128 MB of numbers.
BATCH_ROWS = 131_072
BATCH_VALUES = 1 << 24


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group: `first` and `last` are the least and greatest time in microseconds, None where not recorded."""

    index: int
    rows: int
    first: int | None
    last: int | None
    nulls: bool


def open_file(source: Any, *, buffer: int = 0, metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """Open a path or file object; `metadata` is what it is known to say of itself.

    Raises what pyarrow does: FileNotFoundError, OSError, ArrowInvalid.
    """
    return pq.ParquetFile(
        source,
        metadata=metadata,
        buffer_size=buffer,
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",
    )


def row_groups(file: pq.ParquetFile, time: str) -> list[RowGroup]:
    """The file's row groups with the range of `time` each holds."""
    metadata = file.metadata
    schema = file.schema_arrow
    where = next((i for i in range(metadata.num_columns) if metadata.schema.column(i).path == time), None)
    kind = schema.field(time).type if schema.get_field_index(time) >= 0 else None
    groups = []
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        first = last = None
        nulls = True
        if where is not None and kind is not None and (pa.types.is_timestamp(kind) or pa.types.is_date32(kind)):
            statistics = group.column(where).statistics
            # Spark's old INT96 times carry no usable statistics; then the rows tell.
            if statistics is not None and statistics.has_min_max and isinstance(statistics.min_raw, int):
                first, last = unit_micros(kind, statistics.min_raw), unit_micros(kind, statistics.max_raw)
                nulls = not statistics.has_null_count or statistics.null_count > 0
        groups.append(RowGroup(index, group.num_rows, first, last, nulls))
    return groups


def check_columns(file: pq.ParquetFile, name: str) -> None:
    """Raise LogMismatch when the file `name` has two columns of one name."""
    names = file.schema_arrow.names
    if len(set(names)) != len(names):
        double = sorted({column for column in names if names.count(column) > 1})
        raise LogMismatch(f"{name} has several columns named {', '.join(double)}")


def _times(
    file: pq.ParquetFile, time: str, groups: Sequence[int], constants: Mapping[str, Any] | None
) -> Iterator[pa.Array]:
    """The times of some row groups, as `timestamp[us, UTC]`; a time told by the path is the same for every row."""
    if time in file.schema_arrow.names:
        for batch in file.iter_batches(batch_size=1 << 20, row_groups=list(groups), columns=[time]):
            yield as_times(batch.column(batch.schema.get_field_index(time)), time)
    elif constants and constants.get(time) is not None:
        rows = sum(file.metadata.row_group(index).num_rows for index in groups)
        yield as_times(pa.repeat(pa.scalar(constants[time]), rows), time)


def file_hours(file: pq.ParquetFile, time: str, constants: Mapping[str, Any] | None = None) -> dict[int, int]:
    """Rows by hour (hours since 1970).

    Reads only the row groups that span more than one hour, and of them only `time`.
    """
    counts: dict[int, int] = {}
    spread = []
    for group in row_groups(file, time):
        if group.first is None or group.last is None or group.nulls or group.first // HOUR != group.last // HOUR:
            spread.append(group.index)
        else:
            counts[group.first // HOUR] = counts.get(group.first // HOUR, 0) + group.rows
    for times in _times(file, time, spread, constants) if spread else ():
        count_hours(times, counts)
    return counts


def file_span(file: pq.ParquetFile, time: str, constants: Mapping[str, Any] | None = None) -> tuple[int, int] | None:
    """Least and greatest time in microseconds, None for a file without rows that have one."""
    ends: list[int] = []
    unknown = []
    for group in row_groups(file, time):
        if group.first is None or group.last is None:
            unknown.append(group.index)
        else:
            ends += [group.first, group.last]
    for times in _times(file, time, unknown, constants) if unknown else ():
        raw = times.cast(pa.int64()).drop_null().to_numpy()
        ends += [int(raw.min()), int(raw.max())] if len(raw) else []
    return (min(ends), max(ends)) if ends else None


def file_batches(
    file: pq.ParquetFile,
    time: str,
    start: datetime,
    end: datetime,
    columns: Sequence[str],
    schema: pa.Schema,
    constants: Mapping[str, Any] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The file's rows of `[start, end)` with `columns` brought to `schema`.

    A column of `schema` the file lacks is null (or the value `constants` has for it, for a column told by the path);
    a column `schema` lacks is left out.
    """
    low, high = micros(start), micros(end)
    wanted = [
        group.index
        for group in row_groups(file, time)
        if group.first is None or group.last is None or (group.first < high and group.last >= low)
    ]
    if not wanted:
        return
    fixed = dict(constants or {})
    given = set(file.schema_arrow.names)
    if time not in given and fixed.get(time) is None:
        return
    chosen = [name for name in columns if name in schema.names or name == time]
    # A file whose time is told by its path still needs a column that says how many rows a batch has.
    read = sorted({time, *chosen} & given) or file.schema_arrow.names[:1]
    rows = max(1, min(BATCH_ROWS, BATCH_VALUES // max(1, len(read))))
    for whole in file.iter_batches(batch_size=rows, row_groups=wanted, columns=read):
        if time in given:
            times = as_times(whole.column(whole.schema.get_field_index(time)), time)
        else:
            times = as_times(pa.repeat(pa.scalar(fixed[time]), whole.num_rows), time)
        arrays = []
        for name in chosen:
            if name == time:
                arrays.append(times)
            elif name in given:
                arrays.append(conform(whole.column(whole.schema.get_field_index(name)), schema.field(name).type))
            elif name in fixed and fixed[name] is not None:
                arrays.append(pa.repeat(pa.scalar(fixed[name], schema.field(name).type), whole.num_rows))
            else:
                arrays.append(pa.nulls(whole.num_rows, schema.field(name).type))
        batch = pa.RecordBatch.from_arrays(arrays, names=chosen) if arrays else whole.select([])
        cut = within(batch, times, start, end)
        if cut.num_rows:
            yield cut
