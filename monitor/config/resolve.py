"""From a merged tree to plain data: references resolved, paths made absolute, each value's origin remembered.

In: the tree, the environment. Out: plain maps and lists for the settings, origins by path, problems.
Kept: nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from pathlib import Path

from monitor.config.env import InterpolationError, interpolate
from monitor.config.errors import Place, Problem, dotted
from monitor.config.schema import Path as KeyPath
from monitor.config.schema import child, fields, is_section, mark_of, plain
from monitor.config.yaml_source import Mapping, Node, Scalar, Sequence
from monitor.masking import is_secret_name
from monitor.settings import Settings
from monitor.settings.types import Mark

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|file:)([^?]+)(\?.*)?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: a place in a file (None: the built-in default), inherited or not, through what.

    `key` is where the key is written, `through` names variables and files the text drew on, `secret` is set for a
    value that must never be shown, `broken` for one whose references could not be resolved.
    """

    place: Place | None = None
    key: Place | None = None
    star: bool = False
    through: tuple[str, ...] = ()
    secret: bool = False
    broken: bool = False

    def __str__(self) -> str:
        if self.place is None:
            return "default"
        written = f"{self.place.file}:{self.place.line}"
        return ", ".join(([f"`*` at {written}"] if self.star else [written]) + list(self.through))


@dataclass
class Resolved:
    """What resolving a tree gives."""

    data: dict[str, object] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def resolve(root: Mapping, env: MappingType[str, str]) -> Resolved:
    """Plain data of the whole tree, with every missing variable and file among the problems."""
    resolver = _Resolver(env)
    data = resolver.node(root, (), Settings, None, Origin(root.place))
    resolver.out.data = data if isinstance(data, dict) else {}
    return resolver.out


def shown_path(path: KeyPath, star: bool) -> str:
    """A path as the user wrote it: what came from the defaults is told under `"*"`."""
    if star and len(path) > 2 and path[0] == "models":
        path = ("models", "*", *path[2:])
    return dotted(path)


def absolute(text: str, mark: Mark | None, folder: Path) -> str:
    """`text` with a relative file made absolute against `folder`, where its mark says it is a file."""
    if mark is Mark.PATH and not _SCHEME.match(text):
        return str(folder / Path(text).expanduser())
    if mark is Mark.URL and (sqlite := _SQLITE.fullmatch(text)) and sqlite[2] != ":memory:":
        return f"{sqlite[1]}{folder / sqlite[2]}{sqlite[3] or ''}"
    return text


class _Resolver:
    def __init__(self, env: MappingType[str, str]) -> None:
        self.env = env
        self.out = Resolved()

    def node(self, node: Node, path: KeyPath, kind: object, mark: Mark | None, origin: Origin) -> object:
        """The plain value of a node; notes its origin under `path`."""
        self.out.origins[path] = origin
        match node:
            case Scalar():
                return self._scalar(node, path, mark, origin)
            case Sequence():
                return [
                    self.node(item, (*path, i), child(kind, i), mark, Origin(item.place, item.place, item.star))
                    for i, item in enumerate(node.items)
                ]
            case Mapping():
                return {name: self._entry(node, name, path, kind) for name in node.entries}

    def _entry(self, node: Mapping, name: str, path: KeyPath, kind: object) -> object:
        below = node.entries[name]
        section = plain(kind)
        field_info = fields(section).get(name) if is_section(section) else None
        mark = mark_of(field_info) if field_info is not None else None
        star = below.star or name in node.star_keys
        origin = Origin(below.place, node.places.get(name, below.place), star)
        return self.node(below, (*path, name), child(kind, name), mark, origin)

    def _scalar(self, node: Scalar, path: KeyPath, mark: Mark | None, origin: Origin) -> object:
        if not isinstance(node.value, str):
            return node.value
        if mark is None and "$" not in node.value:
            return node.value
        folder = Path(node.place.file).absolute().parent
        try:
            found = interpolate(node.value, self.env, folder)
        except InterpolationError as error:
            self.out.problems.append(Problem(node.place, shown_path(path, origin.star), str(error)))
            self.out.origins[path] = Origin(node.place, origin.key, origin.star, broken=True)
            return node.value
        secret = mark is Mark.HIDDEN or any(is_secret_name(source) for source in found.sources)
        if found.sources:
            self.out.origins[path] = Origin(node.place, origin.key, origin.star, found.sources, secret)
            if not found.text:
                return None  # `${VAR:-}`: nothing given, as if the key had been left empty
        elif secret:
            self.out.origins[path] = Origin(node.place, origin.key, origin.star, secret=True)
        return absolute(found.text, mark, folder)
