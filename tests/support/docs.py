"""Parts of the documentation, for tests that hold it to its word."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fenced(path: str, info: str) -> str:
    """The first fenced block of a document whose opening fence says exactly this."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^```{re.escape(info)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{path} has no block {info!r}"
    return found[1]
