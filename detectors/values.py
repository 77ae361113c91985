"""Arrow values as the two things a grid can count: float64 numbers and texts with their counts.

In: Arrow arrays of any type. Out: the family a type belongs to, numbers in documented units, distinct values as
canonical text. Kept: nothing.

Units: dates and timestamps are seconds since 1970-01-01 (UTC where the type has a zone, the bare clock where it has
none), times of day seconds since midnight, durations seconds. Integers above 2**53 and decimals are rounded to the
nearest float64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.result import DetectorError, FloatArray

LONGEST_TEXT = 200
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that hands its columns over through Arrow's C stream: pyarrow, pandas, Polars, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The columns as an Arrow C stream capsule."""


class Family(StrEnum):
    """What the values of a column mean; a column that changes family has changed type."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    EMPTY = "empty"
    UNUSABLE = "unusable"


def family_of(kind: pa.DataType) -> Family:
    """The family of an Arrow type. A dictionary is text: whoever encodes a column as categories means categories."""
    types = pa.types
    if types.is_null(kind):
        return Family.EMPTY
    if types.is_boolean(kind):
        return Family.BOOLEAN
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Family.NUMBER
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return Family.TEXT
    if types.is_dictionary(kind):
        inner = family_of(kind.value_type)
        return Family.UNUSABLE if inner is Family.UNUSABLE else Family.TEXT
    if types.is_date(kind) or types.is_timestamp(kind):
        return Family.DATE
    if types.is_time(kind):
        return Family.TIME
    if types.is_duration(kind):
        return Family.DURATION
    return Family.UNUSABLE


def as_table(data: object) -> pa.Table | pa.RecordBatch:
    """`data` as Arrow columns: a pyarrow Table or RecordBatch, or anything with `__arrow_c_stream__` (a DataFrame).

    The index a pandas frame carries along is dropped. Raises DetectorError where it is no table, or where a column
    mixes types so that Arrow refuses it.
    """
    if isinstance(data, pa.Table | pa.RecordBatch):
        table = data
    elif isinstance(data, ArrowStream):
        try:
            table = pa.table(data)
        except (pa.ArrowException, TypeError) as error:
            raise DetectorError(f"the data cannot be read as columns of one type each: {error}") from error
    else:
        raise DetectorError(f"expected a table of columns (Arrow or a DataFrame), got {type(data).__name__}")
    index = [str(name) for name in (table.schema.pandas_metadata or {}).get("index_columns", []) if type(name) is str]
    return table.drop_columns([name for name in index if name in table.column_names]) if index else table


def column_of(data: pa.Table | pa.RecordBatch, name: str) -> pa.Array | pa.ChunkedArray | None:
    """The column called `name` in one piece where Arrow can, or None. Raises DetectorError for two of that name."""
    found = data.schema.get_all_field_indices(name)
    if not found:
        return None
    if len(found) > 1:
        raise DetectorError(f"there are {len(found)} columns called {name!r}")
    column = data.column(found[0])
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column, pa.ExtensionArray) or isinstance(column.type, pa.BaseExtensionType):
        storage = column.type.storage_type
        column = column.cast(storage) if isinstance(column, pa.ChunkedArray) else column.storage
    return column


def numbers(array: pa.Array | pa.ChunkedArray, keep_null: bool = False) -> FloatArray:
    """The values as float64 (NaN and infinities stay), in the units of the module's docstring.

    Nulls are left out, or with `keep_null` become NaN. A view of Arrow's own memory where no conversion is needed:
    read-only. Raises DetectorError for other families.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if array.null_count and not keep_null:
        array = array.drop_null()
    scale = 1.0
    if pa.types.is_decimal(kind):
        array = array.cast(pa.float64())
    elif pa.types.is_boolean(kind) and array.null_count:
        array = array.cast(pa.int8())
    elif pa.types.is_date32(kind):
        array, scale = array.cast(pa.int32()), 86400.0
    elif pa.types.is_date64(kind):
        array, scale = array.cast(pa.int64()), 1e-3
    elif pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        array = array.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        scale = _SECONDS[kind.unit]
    elif family_of(kind) not in (Family.NUMBER, Family.BOOLEAN):
        raise DetectorError(f"values of type {kind} are not numbers")
    if array.null_count and pa.types.is_floating(array.type):
        array = array.fill_null(float("nan"))  # twice as fast as leaving it to the conversion
    plain = array.to_numpy() if isinstance(array, pa.ChunkedArray) else array.to_numpy(zero_copy_only=False)
    values: FloatArray = np.asarray(plain, dtype=np.float64)
    return values if scale == 1.0 else values * scale


def text_counts(array: pa.Array | pa.ChunkedArray) -> tuple[list[str | float | None], NDArray[np.int64]]:
    """Distinct values as canonical text, and how often each occurs; a text may come more than once.

    Null is None; NaN and infinities stay floats, so that their reader can count them apart.
    """
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    pairs = pc.value_counts(array)
    distinct, counts = pairs.field("values"), pairs.field("counts").to_numpy(zero_copy_only=False)
    if pa.types.is_dictionary(distinct.type):
        distinct = distinct.cast(distinct.type.value_type)
    return texts(distinct), counts.astype(np.int64)


def texts(distinct: pa.Array) -> list[str | float | None]:
    """Every value as canonical text; null is None, NaN and infinities stay floats."""
    return [canonical(value) for value in _plain(distinct)]


def _plain(distinct: pa.Array) -> list[object]:
    """Python values; texts that are no valid UTF-8 keep a replacement character, times become ISO text."""
    if family_of(distinct.type) in (Family.DATE, Family.TIME):
        distinct = distinct.cast(pa.string())
    elif pa.types.is_duration(distinct.type):
        return [
            None if value is None else value * _SECONDS[distinct.type.unit]
            for value in distinct.cast(pa.int64()).to_pylist()
        ]
    try:
        return list(distinct.to_pylist())
    except UnicodeDecodeError:
        raw = distinct.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]


def canonical(value: object) -> str | float | None:
    """One text for what is the same category: `1`, `1.0` and `"1"` are "1", `True` is "true".

    Text longer than 200 characters is shortened and ends in a digest of the whole. NaN and infinities stay floats.
    """
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        number = float(value)
        if not np.isfinite(number):
            return number
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")
    text = str(value)
    if len(text) > LONGEST_TEXT:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        return f"{text[: LONGEST_TEXT - 20]}…{digest}"
    return text


def coded(array: pa.Array | pa.ChunkedArray) -> tuple[list[str | float | None], NDArray[np.int64]]:
    """Canonical texts, and for each row the place of its own, shape (rows,); nulls have the last place, which is None.

    A text may come more than once. NaN and infinities stay floats.
    """
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        whole = array.unify_dictionaries().combine_chunks()
        array = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    names = texts(array.dictionary)
    codes = array.indices.cast(pa.int64()).fill_null(len(names)).to_numpy(zero_copy_only=False)
    return [*names, None], codes


def tally(array: pa.Array | pa.ChunkedArray) -> tuple[Mapping[str, int], int, int, int]:
    """How often each canonical text occurs, then the counts of nulls, NaN and infinities."""
    known: dict[str, int] = {}
    null = nan = infinite = 0
    for text, count in zip(*text_counts(array), strict=True):
        if text is None:
            null += int(count)
        elif isinstance(text, float):
            nan, infinite = (nan + int(count), infinite) if np.isnan(text) else (nan, infinite + int(count))
        else:
            known[text] = known.get(text, 0) + int(count)
    return known, null, nan, infinite


def hashed(column: str, text: str) -> str:
    """What is stored in place of a private value: 16 hex digits of SHA-256 over column and value.

    Stable, so that profiles stay comparable, and different for the same value in another column. A short list of
    possible values can still be tried out against it: it hides values from readers, it does not make them anonymous.
    """
    return hashlib.sha256(f"driftline\x1f{column}\x1f{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
