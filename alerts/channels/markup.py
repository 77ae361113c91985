"""Slack's mark-up: what comes from data is made harmless, what is too long is visibly cut.

In: text from anywhere. Out: mrkdwn that shows it as it is. Kept: nothing.
Source of the limits and of what is to be escaped: Slack's Block Kit reference and "Formatting message text".
"""

from __future__ import annotations

from alerts.text import one_line, shortened

SECTION = 3000
ALT = 2000
BLOCKS = 50
# Slack knows no escape for these outside code; a look-alike keeps `a*b*c` from turning bold.
_FORMATTING = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ", "_": "_"})
_TICKS = str.maketrans({"`": "ˋ"})


def escape(text: str) -> str:
    """One line of text, with nothing in it that Slack would take for a mention, a link or formatting."""
    return _entities(one_line(text).translate(_FORMATTING))


def code(text: str) -> str:
    """A name as inline code: what Slack neither formats nor links."""
    name = _entities(one_line(text).translate(_TICKS))
    return f"`{name}`" if name else ""


def plain(text: str) -> str:
    """One line for where Slack shows plain text; `&`, `<` and `>` must be escaped there too."""
    return _entities(one_line(text))


def section(markdown: str) -> dict[str, object]:
    """A section block; `verbatim` keeps Slack from making links of bare names."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(markdown, SECTION), "verbatim": True}}


def image(url: str, alt: str) -> dict[str, object]:
    """A picture, which Slack fetches itself."""
    return {"type": "image", "image_url": url, "alt_text": cut(plain(alt), ALT)}


def context(markdown: str) -> dict[str, object]:
    """A small grey line."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(markdown, SECTION), "verbatim": True}]}


def cut(markdown: str, limit: int) -> str:
    """Escaped text cut to `limit` without leaving half an entity behind."""
    if len(markdown) <= limit:
        return markdown
    text = shortened(markdown, limit)
    head, mark, tail = text[-8:-1].rpartition("&")
    if mark and ";" not in tail:
        return text[:-8] + head + "…"
    return text


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
