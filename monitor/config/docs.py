"""The tables of docs/config.md, written from the settings: every key with type, default and meaning.

In: the settings' sections. Out: Markdown tables. Kept: nothing. `python -m monitor.config.docs docs/config.md`
rewrites the tables between the file's `<!-- keys: … -->` and `<!-- end -->` marks; a test fails while they are old.
"""

from __future__ import annotations

import re
import sys
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from monitor.config.schema import fields, is_section, keys, mark_of, plain
from monitor.settings import Settings
from monitor.settings.events import check_day
from monitor.settings.types import Mark, Section, check_budget, check_cron, check_http, check_listen, check_timezone
from monitor.settings.types import format_duration as duration

_BLOCK = re.compile(r"(<!-- keys: (?P<path>[^ ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CHECKED: dict[Any, str] = {
    check_budget: "budget",
    check_cron: "cron line",
    check_day: "day",
    check_http: "URL",
    check_listen: "host:port",
    check_timezone: "time zone",
}
_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    timedelta: "duration",
    date: "date",
    datetime: "instant",
    time: "time of day",
}


def tables() -> dict[str, str]:
    """Section path (`models.?.columns`, `.` for the top level) -> its table."""
    sections: dict[str, type[Section]] = {".": Settings}
    for key in keys():
        kind, path = plain(key.field.annotation), ".".join(key.path)
        if get_origin(kind) is dict:
            kind, path = plain(get_args(kind)[1]), f"{path}.?"
        elif get_origin(kind) is tuple:
            kind, path = plain(get_args(kind)[0]), f"{path}[]"
        if is_section(kind):
            sections[path.replace(".[]", "[]")] = kind
    return {path: _table(section) for path, section in sections.items()}


def rewrite(text: str) -> str:
    """The document with every table between its marks renewed. Raises KeyError for a section there is not."""
    found = tables()
    return _BLOCK.sub(lambda block: f"{block[1]}{found[block['path']]}{block[3]}", text)


def documented(text: str) -> set[str]:
    """The section paths a document has tables for."""
    return {block["path"] for block in _BLOCK.finditer(text)}


def _table(section: type[Section]) -> str:
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in fields(section).items():
        meaning = (field.description or _summary(field)).replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(field.annotation, field)} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _summary(field: FieldInfo) -> str:
    """A section without a description of its own is told by its class."""
    kind = plain(field.annotation)
    if get_origin(kind) in (dict, tuple):
        kind = plain(get_args(kind)[1 if get_origin(kind) is dict else 0])
    text = (kind.__doc__ or "").split("\n", 1)[0].rstrip(".") if is_section(kind) else ""
    return text[:1].lower() + text[1:]


def _type(kind: Any, field: FieldInfo | None = None) -> str:
    metadata = list(field.metadata) if field is not None else []
    while get_origin(kind) is Annotated:
        metadata += list(get_args(kind)[1:])
        kind = get_args(kind)[0]
    for item in metadata:
        named = _CHECKED.get(getattr(item, "func", None))
        if named is not None:
            return named
    if field is not None and mark_of(field) is Mark.PATH:
        return "path"
    if get_origin(kind) in (Union, UnionType):
        words = [_type(member) for member in get_args(kind) if member is not NoneType]
        return "date or instant" if set(words) == {"date", "instant"} else " or ".join(words)
    if get_origin(kind) is dict:
        return f"map of {_plural(_type(get_args(kind)[1]))} by name"
    if get_origin(kind) is tuple:
        return f"list of {_plural(_type(get_args(kind)[0]))}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(kind))
    if is_section(kind):
        return "section"
    return _leaf(kind)


def _leaf(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(f"`{member.value}`" for member in kind)
    return _NAMES.get(kind) or {timedelta: "duration", date: "date", datetime: "instant", time: "time of day"}.get(
        kind, str(kind)
    )


def _plural(word: str) -> str:
    return word if word.startswith(("one of", "text")) else word.split(" or ")[0] + "s" if " or " not in word else word


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
    match value:
        case None:
            return "none"
        case Section():
            given = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            return "`{" + ", ".join(f"{key}: {item}" for key, item in given.items()) + "}`" if given else "see there"
        case timedelta():
            return f"`{duration(value)}`"
        case time():
            return f"`{value:%H:%M}`"
        case Enum():
            return f"`{value.value}`"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return "`[" + ", ".join(str(item) for item in value) + "]`"
        case dict():
            return "`{}`"
    return f"`{value}`"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(rewrite(document.read_text(encoding="utf-8")), encoding="utf-8")
