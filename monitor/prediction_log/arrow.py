"""Times and types of Arrow columns, as every prediction log hands them out.

In: arrays and batches as a source has them. Out: the same with UTC microseconds, plain types, cut to an interval.
Kept: nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log.base import LogMismatch

TIME = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000  # microseconds
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """Microseconds since 1970 as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=value)


def whole_hours(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The interval widened to full UTC hours."""
    return moment(micros(start) // HOUR * HOUR), moment(-(-micros(end) // HOUR) * HOUR)


def is_time(kind: pa.DataType) -> bool:
    """Whether a column of this type can be the timestamp column."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def unit_micros(kind: pa.DataType, raw: int) -> int:
    """A raw value of a time column (days, s, ms, us, ns since 1970) as microseconds, rounded down."""
    if pa.types.is_date32(kind):
        return raw * 24 * HOUR
    return raw * 1_000_000 // _PER_SECOND[kind.unit if pa.types.is_timestamp(kind) else "ms"]


def as_times(column: pa.Array, name: str) -> pa.Array:
    """A time column as `timestamp[us, UTC]`: without zone is UTC, a date is its midnight. Raises LogMismatch."""
    if column.type == TIME:
        return column
    if not is_time(column.type):
        raise LogMismatch(f"column {name!r} is {column.type}, not a time")
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    zone = column.type.tz
    return column.cast(pa.timestamp("us", tz=zone), safe=False).cast(TIME)


def within(batch: pa.RecordBatch, times: pa.Array, start: datetime, end: datetime) -> pa.RecordBatch:
    """The rows of `batch` whose `times` (timestamp[us, UTC], same length) lie in `[start, end)`."""
    values = times.cast(pa.int64())
    if times.null_count:
        keep = pc.and_(pc.greater_equal(values, micros(start)), pc.less(values, micros(end)))
        return batch.filter(keep)
    raw = values.to_numpy()
    keep = (raw >= micros(start)) & (raw < micros(end))
    count = int(np.count_nonzero(keep))
    if count == len(raw):
        return batch
    first = int(np.argmax(keep)) if count else 0
    # Rows sorted by time, as our own files are, need no copy.
    if keep[first : first + count].all():
        return batch.slice(first, count)
    return batch.filter(pa.array(keep))


def count_hours(times: pa.Array, into: dict[int, int]) -> None:
    """Add the rows of `times` (timestamp[us, UTC]) to `into`, keyed by hours since 1970. Nulls are left out."""
    raw = times.cast(pa.int64()).drop_null().to_numpy()
    hours, counts = np.unique(raw // HOUR, return_counts=True)
    for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
        into[hour] = into.get(hour, 0) + count


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without its encoding: dictionaries as their values, large and view variants as the common ones."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


def _number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type may become another without changing what they mean.

    Numbers may become wider numbers, booleans 0 and 1, dates their midnight; text never becomes a number.
    """
    if given == wanted or pa.types.is_null(given):
        return True
    if pa.types.is_boolean(wanted):
        return False
    if _number(given) and _number(wanted):
        return True
    return is_time(given) and is_time(wanted)


def conform(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The column as `wanted`, where that loses nothing; else as it is, without its encoding."""
    kind = plain(column.type)
    if kind != column.type:
        column = column.cast(kind)
    if kind == wanted or not fits(kind, wanted):
        return column
    try:
        return column.cast(wanted, safe=not pa.types.is_floating(wanted))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column


def union(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """One schema of several files: columns in order of first appearance, the wider number type.

    Where types cannot meet (text in one file, numbers in another) the first given schema has its way.
    """
    fields: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            kind = plain(field.type)
            known = fields.get(field.name)
            fields[field.name] = kind if known is None else _wider(known, kind)
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


def _wider(known: pa.DataType, kind: pa.DataType) -> pa.DataType:
    if known == kind or pa.types.is_null(kind):
        return known
    if pa.types.is_null(known):
        return kind
    if not (_number(known) and _number(kind)):
        return known
    pair = [pa.schema([pa.field("x", known)]), pa.schema([pa.field("x", kind)])]
    try:
        return pa.unify_schemas(pair, promote_options="permissive").field("x").type
    except pa.ArrowTypeError:  # a boolean and a number, a decimal and a float
        return pa.float64()


def select(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    """Exactly `columns` in that order, those the batch lacks left out."""
    names = set(batch.schema.names)
    return batch.select([name for name in columns if name in names])


def digest(*parts: Any) -> str:
    """A short, stable token of plain values."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
