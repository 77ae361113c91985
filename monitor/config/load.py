"""Read the configuration: files in, one frozen `Config` out, or every mistake in them at once.

In: paths of YAML files or folders, and the environment. Out: `Config`: the settings, and where each value came from.
Kept: nothing; nobody else reads a config file.

The steps, each in its own module: parse (`yaml_source`), lay files and the defaults under `"*"` over each other
(`merge`), resolve references and paths (`resolve`), validate (`settings`), put the complaints into words
(`words`), check what concerns several sections (`checks`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from monitor.config.budgets import shared_out
from monitor.config.checks import check, warn
from monitor.config.errors import ConfigError, Place, Problem
from monitor.config.merge import merge, with_defaults
from monitor.config.resolve import Origin, Resolved, absolute, resolve
from monitor.config.schema import Path as KeyPath
from monitor.config.schema import child, fields, is_section, mark_of, plain
from monitor.config.words import in_words
from monitor.config.yaml_source import Mapping as MappingNode
from monitor.config.yaml_source import parse
from monitor.masking import HIDDEN, mask_address, mask_text
from monitor.settings import EventSettings, LogSettings, Settings
from monitor.settings.types import Mark, Section, format_duration

DEFAULT_FILES = (Path("config.yaml"), Path("driftline.yaml"))


@dataclass(frozen=True, slots=True)
class Value:
    """One resolved value, fit to be shown: secrets are hidden already."""

    path: KeyPath
    value: object
    origin: Origin


@dataclass(frozen=True)
class Config:
    """The settings in force. `settings.models` holds the exact models alone, with `"*"` merged into each.

    A model's `false_alarms` is what it may raise after the budgets of the routes it reaches were shared out.
    """

    settings: Settings
    sources: tuple[Path, ...]
    folder: Path
    origins: Mapping[KeyPath, Origin]
    warnings: tuple[Problem, ...] = ()

    def origin(self, path: KeyPath) -> Origin:
        """Where the value at a path comes from; what is written nowhere is a default."""
        while path:
            if path in self.origins:
                return self.origins[path]
            if not isinstance(path[-1], int):
                break
            path = path[:-1]
        return Origin()

    def hash(self, model: str) -> str:
        """12 hex digits that change when a model's settings do: without secrets, defaults and the config's own folder.

        Defaults are left out so that an upgrade that brings a new key changes nobody's hash.
        """
        log = self.settings.log_of(model)
        parts = [_public(self.settings.models[model], self.folder), _public(log, self.folder) if log else None]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    def values(self, model: str | None = None) -> Iterator[Value]:
        """Every resolved value of one model (its log included), or of everything that belongs to no model."""
        if model is not None:
            own = self.settings.models[model].log is not None
            if not own and self.settings.log is not None:
                yield from self._walk(self.settings.log, ("log",))
            yield from self._walk(self.settings.models[model], ("models", model), () if own else ("log",))
        else:
            yield from self._walk(self.settings, (), ("models",))

    def _walk(self, section: Section, path: KeyPath, leave_out: tuple[str, ...] = ()) -> Iterator[Value]:
        for name, field in type(section).model_fields.items():
            key = field.alias or name
            if key not in leave_out:
                # A value that may stand without its key (an event's day) is written where its section is.
                bare = path in self.origins and isinstance(section, EventSettings) and not section.start
                here = path if bare and (*path, key) not in self.origins and key == "on" else (*path, key)
                yield from self._below(getattr(section, name), here, mark_of(field))

    def _below(self, value: Any, path: KeyPath, mark: Mark | None) -> Iterator[Value]:
        if isinstance(value, Section):
            yield from self._walk(value, path)
        elif isinstance(value, dict) and value:
            for name, item in value.items():
                yield from self._below(item, (*path, name), mark)
        elif isinstance(value, tuple) and value and isinstance(value[0], Section):
            for index, item in enumerate(value):
                yield from self._below(item, (*path, index), mark)
        else:
            origin = self.origin(path)
            plain_value = _plain(value)
            if isinstance(plain_value, list):
                items = [self.origin((*path, index)) for index in range(len(plain_value))]
                through = tuple(dict.fromkeys(source for item in items for source in item.through))
                origin = replace(origin, through=origin.through + through)
                plain_value = [
                    shown(item, mark, origin.secret or item_origin.secret)
                    for item, item_origin in zip(plain_value, items, strict=True)
                ]
            yield Value(path, shown(plain_value, mark, origin.secret), origin)


def load(paths: Sequence[Path] | Path, env: Mapping[str, str]) -> Config:
    """Read the files (a folder stands for its *.yaml and *.yml in the order of their names; later ones win).

    Raises ConfigError with everything that is wrong.
    """
    sources = _files([paths] if isinstance(paths, Path) else list(paths))
    problems: list[Problem] = []
    root: MappingNode | None = None
    for source in sources:
        try:
            tree = parse(_read(source), str(source))
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        merged = tree if root is None else merge(root, tree, ())
        root = merged if isinstance(merged, MappingNode) else root
    if problems or root is None:
        raise ConfigError(problems)
    folder = sources[0].absolute().parent
    resolved = resolve(with_defaults(root), env)
    settings, complaints = _validate(resolved)
    problems = [*resolved.problems, *complaints, *_defaults_alone(root, env), *check(resolved)]
    if problems or settings is None:
        raise ConfigError(sorted(problems, key=lambda problem: problem.place or Place("", 0, 0)))
    settings = _absolute_defaults(settings, resolved.origins, folder)
    warnings = tuple(warn(settings, resolved))
    settings, origins = shared_out(settings, resolved.origins)
    return Config(settings, tuple(sources), folder, origins, warnings)


def find_config(paths: Sequence[Path] | None) -> list[Path]:
    """The paths given, else ./config.yaml, else ./driftline.yaml. Raises ConfigError if there is none."""
    if paths:
        return list(paths)
    for path in DEFAULT_FILES:
        if path.exists():
            return [path]
    names = " nor ".join(f"./{path}" for path in DEFAULT_FILES)
    raise ConfigError(
        [Problem(None, "", f"no config: neither {names} is here. Name one with -c FILE, or write one: driftline init")]
    )


def shown(value: object, mark: Mark | None, secret: bool = False) -> object:
    """A plain value with whatever must not be seen hidden."""
    if isinstance(value, list):
        return [shown(item, mark, secret) for item in value]
    if not isinstance(value, str):
        return HIDDEN if secret and value is not None else value
    if mark is Mark.ADDRESS:
        return mask_address(value)
    if mark is Mark.HIDDEN:
        return HIDDEN
    if mark is Mark.URL and "://" in value:
        return mask_text(value)
    return HIDDEN if secret else mask_text(value)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml") and file.is_file())
            if not inside:
                raise ConfigError([Problem(None, str(path), "the folder holds no *.yaml file")])
            found.extend(inside)
        else:
            found.append(path)
    return found


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        hint = "no such file. `driftline init` writes one; -c FILE names another"
        raise ConfigError([Problem(None, str(path), hint)]) from None
    except OSError as error:
        raise ConfigError([Problem(None, str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(None, str(path), f"is not UTF-8 text (byte {error.start})")]) from error


def _validate(resolved: Resolved) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(resolved.data, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, in_words(error, resolved)


def _defaults_alone(root: MappingNode, env: Mapping[str, str]) -> list[Problem]:
    """Mistakes in the defaults while no model uses them yet; what a model may still complete is none."""
    models = root.entries.get("models")
    if not isinstance(models, MappingNode) or set(models.entries) != {"*"}:
        return []
    alone = MappingNode({"models": models}, root.place, root.places)
    resolved = resolve(alone, env)
    try:
        Settings.model_validate(resolved.data, by_alias=True, by_name=False)
    except ValidationError as error:
        return resolved.problems + in_words(error, resolved, complete=False)
    return resolved.problems


def _absolute_defaults(settings: Settings, origins: Mapping[KeyPath, Origin], folder: Path) -> Settings:
    """Defaults that are relative paths, too, lie beside the config file."""
    update: dict[str, object] = {}
    if ("state",) not in origins:
        update["state"] = absolute(settings.state, Mark.URL, folder)
    reports = tuple(
        report if report.folder.is_absolute() else report.model_copy(update={"folder": folder / report.folder})
        for report in settings.reports
    )
    return settings.model_copy(update={**update, "reports": reports})


def _plain(value: object) -> object:
    """A leaf as JSON would have it, durations as they are written."""
    match value:
        case timedelta():
            return format_duration(value)
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case Path():
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
    return value


def _public(section: LogSettings | Section, folder: Path) -> object:
    """A section as plain data without defaults, secrets and the folder the config happens to lie in."""
    dump = section.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _strip(dump, type(section), str(folder) + "/")


def _strip(value: Any, kind: Any, prefix: str, mark: Mark | None = None) -> Any:
    if isinstance(value, dict):
        section = plain(kind)
        known = fields(section) if is_section(section) else {}
        marks = {name: mark_of(known[name]) if name in known else None for name in value}
        return {
            name: _strip(item, child(kind, name), prefix, marks[name])
            for name, item in value.items()
            if marks[name] is not Mark.HIDDEN
        }
    if isinstance(value, list):
        return [_strip(item, child(kind, index), prefix, mark) for index, item in enumerate(value)]
    if isinstance(value, str):
        text = mask_address(value) if mark is Mark.ADDRESS else mask_text(value)
        return text.replace(prefix, "") if mark in (Mark.PATH, Mark.URL) else text
    return value
