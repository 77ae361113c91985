"""Text from data, made fit to be shown.

In: text of any kind and length. Out: one line, bounded. Kept: nothing.
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """Text without line breaks and control characters, runs of white space made one space."""
    if text.isprintable() and "  " not in text and not (text.startswith(" ") or text.endswith(" ")):
        return text  # nearly all of what is said, and a tenth of the time
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def said(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    return shortened(one_line(text), limit)
