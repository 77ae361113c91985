"""Keep secrets out of everything that is shown: config listings, errors, logs.

In: a text and what it is (a `Mark` of the settings). Out: the text fit to show. Kept: nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
# Greedy up to the last @: a password may hold every character, hiding too much is harmless.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@?#]*):\S*@")
_PARAMETER = re.compile(r"([?&;][^=&\s]*(?:password|passwd|pwd|token|secret|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?://)(?:[^\s/@]*@)?([^\s/?#@]+)([/?#]\S+)?", re.IGNORECASE)
_SECRET_NAME = re.compile(r"pass|secret|token|api_?key|private_?key|credential|webhook", re.IGNORECASE)


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Any text with passwords inside URLs, secret-looking URL parameters and the given `secrets` hidden."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, HIDDEN)
    return _PARAMETER.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1:{HIDDEN}@", text))


def mask_address(url: str) -> str:
    """A webhook's URL: only scheme and host are shown, for the rest of it often is the secret."""

    def shown(found: re.Match[str]) -> str:
        rest = found[3] or ""
        return found[1] + found[2] + (rest if rest in ("", "/") else f"/{HIDDEN}")

    return _ADDRESS.sub(shown, url)


def is_secret_name(name: str) -> bool:
    """Whether a variable's name says that its value is a secret: SLACK_TOKEN, DB_PASSWORD."""
    return bool(_SECRET_NAME.search(name))
