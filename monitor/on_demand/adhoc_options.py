"""What a comparison without a config may be asked for, checked with an eye on typing mistakes.

In: options as people type them in a notebook. Out: settings, or a DetectorError that says what to write instead.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from detectors.registry import DETECTOR_NAMES, DETECTORS
from detectors.result import DetectorError
from monitor.settings import DetectorSettings


@dataclass(frozen=True, slots=True)
class Options:
    """How two tables are compared: each detector's settings, the columns left out or hidden, the grid's cells."""

    detectors: Mapping[str, DetectorSettings] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    resolution: int = 500


def read_options(detectors: Any, exclude: Any, private: Any, resolution: Any, columns: Collection[str]) -> Options:
    """`Options` from what was typed; `columns` are those of both tables. Raises DetectorError."""
    if isinstance(resolution, bool) or not isinstance(resolution, int):
        raise DetectorError(f"resolution is how many cells a column is cut into, a whole number, not {resolution!r}")
    return Options(
        detectors=_detectors(detectors),
        exclude=_columns("exclude", exclude, columns),
        private=_columns("private", private, columns),
        resolution=resolution,
    )


def _detectors(given: Any) -> dict[str, DetectorSettings]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {_detector(name): _settings(name, value) for name, value in given.items()}
    chosen = {_detector(name) for name in _names("detectors", given)}
    if not chosen:
        raise DetectorError("detectors is empty: name at least one, or leave it out for all")
    return {name: DetectorSettings(enabled=name in chosen) for name in DETECTORS}


def _detector(name: Any) -> str:
    if name in DETECTORS:
        return str(name)
    if name in DETECTOR_NAMES:
        raise DetectorError(f"{name} needs labels or time, which two tables do not have; {_near(name, DETECTORS)}")
    raise DetectorError(f"unknown detector {name!r}; {_near(name, DETECTORS)}")


def _settings(name: str, value: Any) -> DetectorSettings:
    if isinstance(value, DetectorSettings):
        return value
    if isinstance(value, bool):
        return DetectorSettings(enabled=value)
    if value is not None and not isinstance(value, Mapping):
        value = {"threshold": value}
    try:
        return DetectorSettings.model_validate(None if value is None else dict(value))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "value"
        raise DetectorError(
            f"detectors: {name}: {key}: {first['msg'][:1].lower()}{first['msg'][1:]}, not {first['input']!r} "
            '(write {"threshold": 0.2}, 0.2, or False to switch it off)'
        ) from None


def _columns(option: str, given: Any, known: Collection[str]) -> tuple[str, ...]:
    names = tuple(_names(option, given))
    for name in names:
        if name not in known:
            raise DetectorError(f"{option}: neither table has a column {name!r}; {_near(name, known)}")
    return names


def _names(option: str, given: Any) -> list[str]:
    """Names as a list; a single one need not be put into one."""
    if isinstance(given, str):
        return [given]
    if given is None:
        return []
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise DetectorError(f"{option} is a list of names, not {given!r}")
    # A pandas frame may have columns named by numbers; Arrow knows them as text.
    return [str(name) for name in given]


def _near(name: Any, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(str(name), names, 1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"there are {', '.join(names[:12])}{more}"
