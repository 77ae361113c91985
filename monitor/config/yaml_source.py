"""YAML with the place of every value kept.

In: the text of a file. Out: a tree of `Scalar`, `Mapping` and `Sequence` nodes, each with file, line and column.
Kept: nothing. Scalars follow YAML 1.2's core schema, so `no`, `12:30`, `007` and `2013-01-01` stay text: the settings
decide what they mean, and a column called `on` is no surprise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field

import yaml

from monitor.config.errors import ConfigError, Place, Problem, dotted

MAX_NODES = 500_000
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `star` is set when it was inherited from the defaults under `"*"`."""

    value: str | int | float | bool | None
    place: Place
    star: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place
    star: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map; `places` holds where each key is written, `star_keys` those inherited from `"*"`."""

    entries: MappingType[str, Node]
    place: Place
    places: MappingType[str, Place] = field(default_factory=dict)
    star: bool = False
    star_keys: frozenset[str] = frozenset()


Node = Scalar | Sequence | Mapping


def parse(text: str, file: str) -> Mapping:
    """The tree of one config file. Raises ConfigError for text that is no YAML, no map, or repeats a key."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        try:
            root = yaml.compose(text, Loader=loader)
        except yaml.YAMLError:
            # The C parser is fast and words its errors differently: they are always told by the Python one.
            root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError([_malformed(error, text, file)]) from error
    if root is None:
        raise ConfigError(
            [Problem(Place(file, 1, 1), "", "the file is empty; `driftline init` writes one to begin with")]
        )
    builder = _Builder(file)
    tree = builder.build(root, ())
    if builder.problems:
        raise ConfigError(builder.problems)
    if not isinstance(tree, Mapping):
        message = "a config is a map of sections (state, log, models, alerts, reports, server), each `name: value`"
        raise ConfigError([Problem(tree.place, "", message)])
    return tree


class _Builder:
    """Turns PyYAML's nodes into ours and gathers what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._count = 0
        self._built: dict[int, tuple[Node, int]] = {}

    def build(self, node: yaml.Node, path: tuple[str | int, ...]) -> Node:
        place = self._place(node)
        if id(node) in self._open:
            raise ConfigError([Problem(place, dotted(path), "an alias that contains itself")])
        before = self._count
        built, size = self._built.get(id(node), (None, 1))
        self._count += size
        if self._count > MAX_NODES:
            raise ConfigError(
                [Problem(place, dotted(path), f"more than {MAX_NODES} values; do aliases repeat aliases?")]
            )
        if built is None:
            self._open.add(id(node))
            built = self._new(node, place, path)
            self._open.discard(id(node))
            # What an alias repeats is counted every time, and built once.
            self._built[id(node)] = built, self._count - before
        return built

    def _new(self, node: yaml.Node, place: Place, path: tuple[str | int, ...]) -> Node:
        if isinstance(node, yaml.ScalarNode):
            return Scalar(self._scalar(node, path), place)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(tuple(self.build(item, (*path, i)) for i, item in enumerate(node.value)), place)
        return self._mapping(node, place, path)

    def _mapping(self, node: yaml.Node, place: Place, path: tuple[str | int, ...]) -> Mapping:
        entries: dict[str, Node] = {}
        places: dict[str, Place] = {}
        merged: list[Mapping] = []
        for key, value in node.value:
            key_place = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(Problem(key_place, dotted(path), "a key must be text; is a quote missing here?"))
                continue
            if key.value == "<<" and not key.style:
                merged.extend(self._merge_key(value, path))
                continue
            name = str(key.value)
            if name in entries:
                message = f"`{name}` is given twice; the first is at line {places[name].line}. Keep one of them"
                self.problems.append(Problem(key_place, dotted((*path, name)), message))
                continue
            places[name] = key_place
            entries[name] = self.build(value, (*path, name))
        for other in merged:
            for name, child in other.entries.items():
                if name not in entries:
                    entries[name], places[name] = child, other.places[name]
        return Mapping(entries, place, places)

    def _merge_key(self, value: yaml.Node, path: tuple[str | int, ...]) -> list[Mapping]:
        built = self.build(value, path)
        parts = built.items if isinstance(built, Sequence) else (built,)
        wrong = [part for part in parts if not isinstance(part, Mapping)]
        self.problems.extend(Problem(part.place, dotted(path), "`<<` takes a map, or a list of maps") for part in wrong)
        return [part for part in parts if isinstance(part, Mapping)]

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str | int, ...]) -> str | int | float | bool | None:
        text = str(node.value)
        if node.style or node.tag == _STRING_TAG:
            return text
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.problems.append(
                Problem(self._place(node), dotted(path), f"YAML tags such as {node.tag} are not used here")
            )
            return None
        if text in _WORDS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _malformed(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """PyYAML's complaint with a hint for the mistakes that people make most."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character YAML does not allow
        position = int(getattr(error, "position", 0))
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        return Problem(Place(file, line, column), "", "a control character that YAML does not allow; remove it")
    lines = text.splitlines()
    line_text = lines[mark.line] if mark.line < len(lines) else ""
    context = getattr(error, "context_mark", None)
    context_text = lines[context.line] if context is not None and context.line < len(lines) else ""
    said = str(getattr(error, "problem", None) or getattr(error, "context", None) or "cannot be read")
    hint = ""
    if "found another document" in said:
        said = "a second document begins here"
        hint = "; one file holds one document: remove the `---`, or give a folder with several files (-c DIR)"
    elif "<stream end>" in said:
        said, hint = "the file ends too early", "; is a bracket left open?"
    elif "<block end>" in said and not re.search(r"[\"'{}\[\]]", line_text[: mark.column]):
        said, hint = "the indentation does not fit the lines above", ""
    elif "'\\t'" in said or line_text[: len(line_text) - len(line_text.lstrip())].count("\t"):
        hint = "; indent with spaces, YAML allows no tabs there"
    elif line_text.lstrip().startswith("*"):
        hint = '; write the defaults\' name in quotes: "*":'
    elif re.search(r"[{\[,][^\"']*\$\{", line_text) or re.search(r"[{\[,][^\"']*\$\{", context_text):
        hint = '; inside { } or [ ] put "${…}" in quotes'
    elif "cannot start any token" in said or "mapping values are not allowed" in said:
        hint = "; put text that holds a colon or begins with a special character in quotes"
    elif "while scanning a quoted scalar" in str(getattr(error, "context", "")):
        hint = f"; a quote is opened at line {context.line + 1} and never closed" if context is not None else ""
    return Problem(Place(file, mark.line + 1, mark.column + 1), "", f"not valid YAML: {said}{hint}")
