"""Files of a report, each replaced whole.

In: a path, a text. Out: nothing. Kept: the file.
"""

from __future__ import annotations

from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, and never half of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
