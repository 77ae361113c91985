"""Values of a database as Arrow columns.

In: declared types, type names of PostgreSQL, Python values as drivers give them. Out: Arrow types and arrays.
Kept: nothing.

Decimals become float64: what is watched are distributions, and NUMERIC without a scale fits no fixed Arrow type.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.text_times import parse_times

_UTC = "UTC"
_POSTGRES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "money": pa.string(),
    "date": pa.date32(),
    "timestamptz": TIME,
    "timestamp": pa.timestamp("us"),
}


def postgres_type(oid: Any) -> pa.DataType:
    """Arrow type of a PostgreSQL type; whatever is no number, boolean or time is text."""
    from psycopg import adapters

    info = adapters.types.get(oid)
    if info is None or info.oid != oid:  # unknown to the driver, or an array of what it knows
        return pa.string()
    return _POSTGRES.get(info.name, pa.string())


def declared_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """Arrow type of a column as the database declares it, None where that says nothing."""
    if isinstance(kind, sa.types.Boolean):
        return pa.bool_()
    if isinstance(kind, sa.types.Integer):
        return pa.int64()
    if isinstance(kind, sa.types.Numeric | sa.types.Float):
        return pa.float64()
    if isinstance(kind, sa.types.DateTime):
        return TIME if kind.timezone else pa.timestamp("us")
    if isinstance(kind, sa.types.Date):
        return pa.date32()
    if isinstance(kind, sa.types.String | sa.types.Enum | sa.types.Uuid):
        return pa.string()
    return None


def to_array(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    """The values as `kind`; as the type they have where they do not fit it."""
    if kind is not None:
        try:
            return _as(values, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass
    return _by_values(values)


def _as(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([None if value is None else _text(value) for value in values], kind)
    if pa.types.is_boolean(kind):
        return pa.array([_flag(value) for value in values], kind)
    if pa.types.is_floating(kind):
        return pa.array([float(value) if isinstance(value, Decimal) else value for value in values], kind)
    if any(isinstance(value, str) for value in values):
        texts = pa.array(values, pa.string())
        if pa.types.is_timestamp(kind):
            return _text_times(texts).cast(kind)
        return texts.cast(kind) if pa.types.is_date(kind) else pa.array(values, kind)
    return pa.array(values, kind)


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):  # databases without booleans
        return bool(value)
    raise ValueError("not a boolean")


def _text_times(texts: pa.Array) -> pa.Array:
    from zoneinfo import ZoneInfo

    times, reasons = parse_times(texts, ZoneInfo(_UTC))
    if reasons:
        raise ValueError("not all of them are times")
    return times


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _by_values(values: Sequence[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        try:
            return pa.array(values, pa.int64())
        except OverflowError:
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds <= {int, float, Decimal}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds == {datetime}:
        zoned = all(value is None or value.tzinfo is not None for value in values)
        return pa.array(values, TIME) if zoned else pa.array(values, pa.timestamp("us"))
    if kinds == {date}:
        return pa.array(values, pa.date32())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())
