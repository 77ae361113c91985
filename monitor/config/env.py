"""`${VAR}`, `${VAR:-default}` and `${file:/path}` in a value; `$$` is a plain dollar sign.

In: one scalar's text, the environment, the folder relative files are looked for in. Out: the text, and what it drew on.
Kept: nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(r"\$\$|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class InterpolationError(ValueError):
    """A reference that cannot be resolved; the message names the variable or file."""


@dataclass(frozen=True, slots=True)
class Interpolated:
    """`text` after interpolation; `sources` such as `env SMTP` or `file /run/secrets/x`."""

    text: str
    sources: tuple[str, ...] = ()


def interpolate(text: str, env: Mapping[str, str], folder: Path) -> Interpolated:
    """Resolve every reference in `text`.

    Raises InterpolationError naming all variables that are not set and all files that cannot be read.
    """
    sources: list[str] = []
    wrong: list[str] = []

    def resolve(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        body = match.group(1)
        if body is None:
            wrong.append("`${` without its `}`; write $$ for a plain dollar sign")
            return ""
        if body.startswith("file:"):
            return _read(body.removeprefix("file:"))
        name, separator, default = body.partition(":-")
        if not _NAME.fullmatch(name):
            wrong.append(f"`${{{body}}}` is no reference; write ${{VAR}}, ${{VAR:-default}} or ${{file:/path}}")
            return ""
        # As in a shell, `:-` also covers a variable that is set and empty.
        if env.get(name) or (name in env and not separator):
            sources.append(f"env {name}")
            return env[name]
        if separator:
            sources.append(f"default of ${{{name}}}")
            return default
        wrong.append(f"environment variable {name} is not set; set it, or give a default: ${{{name}:-…}}")
        return ""

    def _read(path: str) -> str:
        file = folder / Path(path).expanduser()
        try:
            content = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            wrong.append(f"file {file} cannot be read: {reason}")
            return ""
        sources.append(f"file {path}")
        return content.rstrip("\r\n")

    result = _TOKEN.sub(resolve, text)
    if wrong:
        raise InterpolationError("; ".join(wrong))
    return Interpolated(result, tuple(sources))
