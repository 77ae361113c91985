"""What is wrong with a config, every problem at once.

In: problems, each with the place it was written at. Out: `ConfigError`, whose text is fit to show a newcomer.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: file as the user named it, line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (None: nowhere in a file), under which key, and what is accepted instead."""

    place: Place | None
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place or ""), self.path, self.message) if part)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds all that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: Sequence[str | int]) -> str:
    """A YAML path as people write it: `models."*".detectors.psi`, `alerts.routes[0].to`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if plain else '"' + part + '"')
    return text
