"""pydantic's complaints in words a newcomer can act on, each at the line it is about.

In: a ValidationError, the resolved config it came from. Out: problems. Kept: nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.errors import Problem
from monitor.config.resolve import Origin, Resolved, shown_path
from monitor.config.schema import Path, child, fields, is_section, plain, suggest
from monitor.masking import HIDDEN, mask_text
from monitor.settings import Settings
from monitor.settings.types import Section

_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "model": "a map of settings",
    "dict": "a map of names",
    "tuple": "a list",
    "list": "a list",
    "path": "a path",
    "date": "a date",
    "datetime": "a date",
    "none": "nothing",
}
_UNFINISHED = {"missing", "too_short"}


def in_words(error: ValidationError, resolved: Resolved, *, complete: bool = True) -> list[Problem]:
    """One problem a place; `complete=False` leaves out what a later layer may still supply."""
    grouped: dict[tuple[Path, bool], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        path, missing = _locate(detail, resolved)
        if not complete and (detail["type"] in _UNFINISHED or (detail["type"] == "value_error" and _section(path))):
            continue
        if path == ("alerts",) and detail["type"] == "value_error":
            continue  # a route to no channel: `checks` tells it with the line of the very name
        grouped.setdefault((path, missing), []).append(detail)
    problems: list[Problem] = []
    for (path, missing), details in grouped.items():
        origin = resolved.origins.get(path, Origin())
        if any(resolved.origins.get(path[:depth], Origin()).broken for depth in range(len(path) + 1)):
            continue  # told already: its variable or file is missing
        if missing:
            problems.append(_missing(path, resolved.origins.get(path[:-1], Origin())))
        else:
            problems.append(_wrong(path, details, origin))
    return problems


def _locate(detail: ErrorDetails, resolved: Resolved) -> tuple[Path, bool]:
    """The path of a complaint in the config, without pydantic's own steps (union members, `[key]`)."""
    path: Path = ()
    loc = detail["loc"]
    for index, part in enumerate(loc):
        if (*path, part) in resolved.origins:
            path = (*path, part)
        elif index == len(loc) - 1 and detail["type"] == "missing":
            return (*path, part), True
    return path, False


def _missing(path: Path, section_origin: Origin) -> Problem:
    section = _section(path[:-1])
    name = str(path[-1])
    field = fields(section).get(name) if section is not None else None
    about = f": {field.description}" if field is not None and field.description else ""
    place = section_origin.key or section_origin.place
    return Problem(place, shown_path(path[:-1], section_origin.star), f"`{name}` is required{about}")


def _wrong(path: Path, details: Sequence[ErrorDetails], origin: Origin) -> Problem:
    kind = details[0]["type"]
    shown = shown_path(path, origin.star)
    if kind == "extra_forbidden":
        name = str(path[-1])
        section = _section(path[:-1])
        hint = suggest(name, section, path[:-1]) if section is not None else ""
        return Problem(origin.key or origin.place, shown, f"unknown key `{name}`; {hint}")
    if details[0]["loc"][-1] == "[key]":
        name = str(path[-1])
        return Problem(origin.key or origin.place, shown, f"unknown key `{name}`; {_one_of(details[0], name)}")
    value = details[0]["input"]
    if any(not _mentions_type(detail) for detail in details):
        told = next(detail for detail in details if not _mentions_type(detail))
        message = _rule(told)
    else:
        message = _type(details, value)
    if isinstance(value, str) and value and (origin.secret or origin.through):
        # What came through a variable may be a secret put in the wrong place.
        message = message.replace(repr(value), repr(HIDDEN)).replace(value, HIDDEN)
    return Problem(origin.place, shown, mask_text(message))


def _mentions_type(detail: ErrorDetails) -> bool:
    return detail["type"].rsplit("_", 1)[-1] in ("type", "parsing")


def _rule(detail: ErrorDetails) -> str:
    """A complaint about a value of the right type."""
    context: dict[str, Any] = detail.get("ctx", {})
    value = detail["input"]
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error" | "enum":
            return f"{_quote(value)} is not accepted; {_one_of(detail, str(value))}"
        case "greater_than":
            return f"must be greater than {context['gt']:g}, not {_quote(value)}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}, not {_quote(value)}"
        case "less_than":
            return f"must be less than {context['lt']:g}, not {_quote(value)}"
        case "too_short":
            return "must not be empty"
    return detail["msg"]


def _type(details: Sequence[ErrorDetails], value: object) -> str:
    """A complaint about a value of the wrong type, with what would be right."""
    wanted = list(dict.fromkeys(_WANTED.get(detail["type"].split("_")[0], detail["msg"]) for detail in details))
    message = f"must be {' or '.join(wanted)}, not {_describe(value)}"
    if wanted[0] == "text" and isinstance(value, (int, float)):
        return f'{message}; put it in quotes: "{json.dumps(value)}"'
    if "a list" in wanted and isinstance(value, (str, int, float)):
        return f"{message}; write [{value}]"
    if wanted == ["a map of settings"] or wanted == ["a map of names"]:
        return f"{message}; write `name: value` lines below it, indented"
    return message


def _one_of(detail: ErrorDetails, value: str) -> str:
    expected = str(detail.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
    choices = [choice for choice in expected.split(", ") if choice]
    near = get_close_matches(value.lower(), choices, 1, cutoff=0.6)
    return f"did you mean `{near[0]}`? Accepted: {', '.join(choices)}" if near else f"write one of {', '.join(choices)}"


def _section(path: Path) -> type[Section] | None:
    kind: Any = Settings
    for part in path:
        kind = child(kind, part)
    kind = plain(kind)
    return kind if is_section(kind) else None


def _quote(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value, default=str)


def _describe(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return json.dumps(value)
        case str() | int() | float():
            return _quote(value)
        case dict():
            return "a map"
        case list():
            return "a list"
    return type(value).__name__
