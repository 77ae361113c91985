"""Which type a column of text has, and its values in that type.

In: string columns of files, block by block; typed columns of Parquet files. Out: Arrow types and arrays, and for each
value that does not fit the reason, without the value.
Kept: nothing.

The narrowest type that holds every value of the file: boolean, int64, float64, date, time with zone, else string.
Numbers written with leading zeros are codes, hence strings.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.prediction_log.arrow import TIME, fits, is_time
from monitor.prediction_log.delta_write import storable
from monitor.prediction_log.text_times import parse_times

_NULLS = pa.array(["", "null", "NULL", "Null", "NA", "N/A", "n/a", "#N/A", "None", "none", "\\N"])
_TRUE = pa.array(["true", "t", "yes"])
_FALSE = pa.array(["false", "f", "no"])


def _cleaned(texts: pa.Array) -> pa.Array:
    """Trimmed, the usual spellings of "nothing" as null."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, _NULLS), pa.scalar(None, pa.string()), trimmed)


def _casts(texts: pa.Array, kind: pa.DataType) -> bool:
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def guess(texts: pa.Array) -> pa.DataType:
    """The narrowest type of these values; null when there are none."""
    values = _cleaned(texts).drop_null()
    if len(values) == 0:
        return pa.null()
    if pc.all(pc.is_in(pc.utf8_lower(values), pa.concat_arrays([_TRUE, _FALSE]))).as_py():
        return pa.bool_()
    if pc.any(pc.match_substring_regex(values, r"^[+-]?0[0-9]")).as_py():
        return TIME if _casts(values, TIME) else pa.string()
    for kind in (pa.int64(), pa.float64(), pa.date32(), TIME):
        if _casts(values, kind):
            return kind
    return pa.string()


def from_json(kinds: set[str]) -> pa.DataType:
    """The type of a column whose JSON values were of these kinds."""
    if not kinds:
        return pa.null()
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {"int"}:
        return pa.int64()
    return pa.float64() if kinds <= {"int", "float"} else pa.string()


def merge(known: pa.DataType, found: pa.DataType) -> pa.DataType:
    """The narrowest type for values of both."""
    if known == found or pa.types.is_null(found):
        return known
    if pa.types.is_null(known):
        return found
    if {known, found} == {pa.int64(), pa.float64()}:
        return pa.float64()
    return pa.string()


def to_times(column: pa.Array, zone: ZoneInfo | None) -> tuple[pa.Array, dict[int, str]]:
    """A time column as `timestamp[us, UTC]`, with the reason for each value that is none (nulls have none)."""
    kind = column.type
    if is_time(kind) and getattr(kind, "tz", None) is not None:
        return column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(TIME), {}
    if is_time(kind):
        if zone is None:
            places = pc.indices_nonzero(column.is_valid()).to_pylist()
            return pa.nulls(len(column), TIME), dict.fromkeys(places, "has no time zone")
        naive = column.cast(pa.timestamp("ms") if pa.types.is_date(kind) else kind).cast(pa.timestamp("us"), safe=False)
        return pc.assume_timezone(naive, zone.key, ambiguous="earliest", nonexistent="earliest").cast(TIME), {}
    texts = column if pa.types.is_string(kind) else _as_text(column)
    return parse_times(_cleaned(texts), zone)


def convert(column: pa.Array, wanted: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """The column as `wanted`, null where a value does not fit, with the reason by position."""
    if column.type == wanted:
        return column, {}
    if pa.types.is_null(column.type) or pa.types.is_null(wanted):
        return pa.nulls(len(column), wanted), {}
    if not pa.types.is_string(column.type) and fits(column.type, wanted):
        try:
            return column.cast(wanted), {}
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    texts = column if pa.types.is_string(column.type) else _as_text(column)
    if pa.types.is_string(wanted):
        return texts, {}
    texts = _cleaned(texts)
    if pa.types.is_boolean(wanted):
        return _booleans(texts)
    try:
        return texts.cast(wanted), {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _one_by_one(texts, wanted)


def _as_text(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _booleans(texts: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    lower = pc.utf8_lower(texts)
    yes = pc.is_in(lower, pa.concat_arrays([_TRUE, pa.array(["1", "1.0"])]))
    no = pc.is_in(lower, pa.concat_arrays([_FALSE, pa.array(["0", "0.0"])]))
    known = pc.or_(yes, no)
    wrong = pc.and_(texts.is_valid(), pc.invert(known))
    reasons = dict.fromkeys(np.flatnonzero(wrong.to_numpy(zero_copy_only=False)).tolist(), "does not fit bool")
    return pc.if_else(known, yes, pa.scalar(None, pa.bool_())), reasons


def _one_by_one(texts: pa.Array, wanted: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """For columns with misfits: halves until the bad values are alone, so that a few cost little."""
    reasons: dict[int, str] = {}

    def piece(first: int, count: int) -> pa.Array:
        part = texts.slice(first, count)
        try:
            return part.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
        if count > 1:
            half = count // 2
            return pa.concat_arrays([piece(first, half), piece(first + half, count - half)])
        whole = _whole_number(part[0].as_py()) if pa.types.is_integer(wanted) else None
        if whole is not None:
            try:
                return pa.array([whole], wanted)
            except (pa.ArrowInvalid, OverflowError):
                pass
        reasons[first] = f"does not fit {wanted}"
        return pa.nulls(1, wanted)

    return piece(0, len(texts)), reasons


def _whole_number(text: str) -> int | None:
    """`3.0` as 3: how pandas writes integers beside missing ones."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None


def stored_type(kind: pa.DataType) -> pa.DataType:
    """The type a typed column has once it is in the log."""
    return storable(pa.chunked_array([], kind)).type
