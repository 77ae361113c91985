"""The machine-readable twin of a report: the same content as JSON, its schema, and the findings as CSV.

In: the values of `context.py`. Out: plain JSON data, a JSON Schema derived from the same classes, CSV lines.
Kept: nothing. Times are ISO 8601 in UTC with Z; figures are as the pages have them before rounding, null where there is
none. Text from data is as it is: JSON needs no other escaping, CSV gets an apostrophe before what a spreadsheet would
run.
"""

from __future__ import annotations

import csv
import io
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from reports.context import ModelPage, ReportContext
from reports.figures import Period
from reports.incident import IncidentPage
from reports.links import data_name, page_name

VERSION = 1
SCHEMA_ID = "driftline-report-1"
COLUMNS = (
    "model", "subject", "kind", "segment", "statistic", "value", "threshold", "effect", "pvalue", "state", "rows",
    "horizon", "start", "end", "revision",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_document(context: ReportContext) -> dict[str, Any]:
    """The digest as JSON: every model's line, with the files of its page; the models' own figures are in those."""
    document = {"type": "report", "schema": SCHEMA_ID, **plain_data(context)}
    for written, model in zip(document["models"], context.models, strict=True):
        written["page"], written["data"] = page_name(model.name), data_name(model.name)
    return document


def model_document(context: ReportContext, model: ModelPage) -> dict[str, Any]:
    """One model's whole page as JSON."""
    head = {name: plain_data(getattr(context, name)) for name in ("title", "period", "generated_at", "program")}
    return {"type": "model", "schema": SCHEMA_ID, "report": head, **plain_data(model)}


def incident_document(page: IncidentPage) -> dict[str, Any]:
    """An incident's page as JSON."""
    return {"type": "incident_page", "schema": SCHEMA_ID, **plain_data(page)}


def plain_data(value: Any) -> Any:
    """A value of `context.py` as JSON data."""
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


_AS_IT_IS = frozenset({str, int, type(None), bool})


@lru_cache(maxsize=256)
def _writer(kind: Any) -> Callable[[Any], Any]:
    """How values of one kind become JSON data: a report holds a hundred thousand, of forty kinds."""
    if kind is float:
        return lambda value: value if math.isfinite(value) else None
    if kind is datetime:
        return _instant
    if kind is tuple:
        return lambda values: [plain_data(one) for one in values]
    if kind is Period:
        return _period
    if issubclass(kind, StrEnum):
        return lambda value: value.value
    names, parts = _names(kind), attrgetter(*_names(kind))
    if len(names) == 1:
        return lambda value: {names[0]: plain_data(parts(value))}
    return lambda value: dict(zip(names, map(plain_data, parts(value)), strict=True))


@lru_cache(maxsize=8192)
def _period(period: Period) -> dict[str, str]:
    """The same one for each of a window's figures: it is only ever written out."""
    return {"start": _instant(period.start), "end": _instant(period.end)}


@lru_cache(maxsize=8192)
def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def findings_lines(model: ModelPage) -> list[str]:
    """A model's findings as CSV lines under `COLUMNS`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in model.findings:
        figure = row.figure
        writer.writerow(
            [
                _inert(model.name),
                _inert(row.subject),
                row.kind,
                _inert(row.segment or ""),
                figure.statistic,
                *(plain_data(one) for one in (figure.value, figure.threshold, figure.effect, figure.pvalue)),
                figure.state.value,
                figure.rows,
                figure.horizon,
                plain_data(figure.period.start),
                plain_data(figure.period.end),
                row.revision,
            ]
        )
    return out.getvalue().splitlines(keepends=True)


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of all three documents, made from the classes they are made from."""
    found: dict[str, Any] = {}
    for kind in (ReportContext, ModelPage, IncidentPage):
        _define(kind, found)
    line = {"page": {"type": "string"}, "data": {"type": "string"}}
    listed = {"allOf": [{"$ref": "#/$defs/ModelPage"}, {"type": "object", "properties": line, "required": list(line)}]}
    whole = found["ReportContext"]
    whole["properties"]["models"] = {"type": "array", "items": listed}
    head = {"title": {"type": "string"}, "period": {"$ref": "#/$defs/Period"}, **_TIMES, "program": {"type": "string"}}
    told = {"type": "object", "properties": head, "required": list(head)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_ID}",
        "title": "Driftline's report.json, model-*.json and incident-*.json",
        "oneOf": [
            _document("report", "ReportContext", {}),
            _document("model", "ModelPage", {"report": told}),
            _document("incident_page", "IncidentPage", {}),
        ],
        "$defs": dict(sorted(found.items())),
    }


_TIMES = {"generated_at": {"type": "string", "format": "date-time"}}


def _document(kind: str, of: str, more: Mapping[str, Any]) -> dict[str, Any]:
    own = {"type": {"const": kind}, "schema": {"const": SCHEMA_ID}, **more}
    return {"allOf": [{"$ref": f"#/$defs/{of}"}, {"type": "object", "properties": own, "required": list(own)}]}


def _define(kind: type, found: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in found:
        found[kind.__name__] = {}
        hints = typing.get_type_hints(kind)
        found[kind.__name__] = {
            "type": "object",
            "description": (kind.__doc__ or "").strip().splitlines()[0],
            "properties": {name: _of(hints[name], found) for name in _names(kind)},
            "required": list(_names(kind)),
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _of(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_of(one, found) for one in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _of(arguments[0], found)}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_of(one, found) for one in arguments], "items": False}
    if hint is datetime:
        return {"type": "string", "format": "date-time"}
    if is_dataclass(hint):
        return _define(typing.cast(type, hint), found)
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [one.value for one in hint]}
    names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": names[hint]}


if __name__ == "__main__":
    import json
    import sys

    json.dump(schema(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
