"""What the settings allow where: the types behind every path of a config.

In: the pydantic sections of `monitor/settings/`. Out: sections and fields by path, and a list of every key there is.
Kept: nothing. A path's `?` stands for any name in a map, `[]` for any item of a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from monitor.settings import Settings
from monitor.settings.types import Mark, Section

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key a config may have: its pattern path, its section and its field."""

    path: tuple[str, ...]
    section: type[Section]
    field: FieldInfo


@cache
def fields(section: type[Section]) -> dict[str, FieldInfo]:
    """A section's fields under the names they have in a config."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def is_section(kind: object) -> bool:
    """Whether a type is a section rather than a value."""
    return isinstance(kind, type) and issubclass(kind, Section)


def plain(kind: Any) -> Any:
    """A type without Annotated and without `| None`; other unions stay as they are."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not NoneType]
        return plain(members[0]) if len(members) == 1 else kind
    return kind


def child(kind: Any, part: str | int) -> Any:
    """The type of one entry of a map, list or section; None where there is none."""
    kind = plain(kind)
    if is_section(kind):
        field = fields(kind).get(str(part))
        return None if field is None else field.annotation
    arguments = get_args(kind)
    if get_origin(kind) is dict and isinstance(part, str):
        return arguments[1]
    if get_origin(kind) is tuple and isinstance(part, int):
        return arguments[0]
    return None


def mark_of(field: FieldInfo) -> Mark | None:
    """How a field's text is resolved and shown, if it is more than text."""
    return next((mark for mark in field.metadata if isinstance(mark, Mark)), None)


def keys(section: type[Section] = Settings, path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key there is, in the order of the settings, sections before what is in them."""
    for name, field in fields(section).items():
        here = (*path, name)
        yield Key(here, section, field)
        kind = plain(field.annotation)
        if get_origin(kind) is dict:
            here, kind = (*here, "?"), plain(get_args(kind)[1])
        elif get_origin(kind) is tuple:
            here, kind = (*here, "[]"), plain(get_args(kind)[0])
        if is_section(kind):
            yield from keys(kind, here)


def suggest(name: str, section: type[Section], path: Path) -> str:
    """What to do about a key the section does not have: the nearest valid name, where it belongs, or all there are."""
    allowed = list(fields(section))
    folded = name.lower().replace("-", "_")
    near = get_close_matches(folded, allowed, 1, cutoff=0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    pattern = tuple("[]" if isinstance(part, int) else part for part in path)
    homes = {_place_for(key.path, pattern) for key in keys() if key.path[-1] == folded}
    if len(homes) == 1:
        return f"it belongs in `{homes.pop()}`"
    loose = get_close_matches(folded, allowed, 1, cutoff=0.55)
    if loose:
        return f"did you mean `{loose[0]}`?"
    return f"keys allowed here: {', '.join(allowed)}"


def _place_for(home: tuple[str, ...], path: tuple[str, ...]) -> str:
    """A pattern path in words, with the names filled in as far as it runs along the path the mistake is on."""
    words: list[str] = []
    shared = True
    for index, part in enumerate(home[:-1]):
        shared = shared and index < len(path) and part in ("?", path[index])
        words.append((path[index] if shared else "NAME") if part == "?" else part)
    return ".".join(words).replace(".[]", "[]") or "the top level"
