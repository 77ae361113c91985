"""Links by which a message lets its reader act: signed, for one incident, for a time.

In: a secret, an incident's id, whom the link was sent to, until when. Out: a token that fits into a URL, and back what
it permits. Kept: nothing.

A token permits; it does nothing by being fetched: scanners of mail and chat open every link they see. It is
HMAC-SHA256 (RFC 2104) over the claims, with a purpose of its own so that no other signature can stand for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.errors import AlertError

_PURPOSE = b"driftline respond v1\0"
_LONGEST = 4_000


class NoPermit(AlertError):
    """A link that permits nothing: changed, of another secret, or past its time."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What a link allows: to act on one incident until a time; `sent_to` is the channel it went to."""

    incident: str
    sent_to: str
    until: datetime


def signed(permit: Permit, secret: str) -> str:
    """The token of a permit: letters, digits, `-`, `_` and one dot."""
    claims = json.dumps(
        [permit.incident, permit.sent_to, int(permit.until.timestamp())], separators=(",", ":"), ensure_ascii=False
    )
    body = claims.encode()
    return f"{_text(body)}.{_text(_digest(body, secret))}"


def permit_of(token: str, secret: str, now: datetime) -> Permit:
    """What a token permits at `now`. Raises NoPermit."""
    body, _, seal = token[:_LONGEST].partition(".")
    try:
        claims, digest = _bytes(body), _bytes(seal)
    except (binascii.Error, ValueError) as error:
        raise NoPermit("this link is not whole") from error
    if not hmac.compare_digest(digest, _digest(claims, secret)):
        raise NoPermit("this link is not one of ours, or the secret has been replaced since it was sent")
    incident, sent_to, until = json.loads(claims)
    permit = Permit(incident, sent_to, datetime.fromtimestamp(until, UTC))
    if permit.until <= now:
        raise NoPermit("this link is past its time; a newer message has a newer one")
    return permit


def _digest(claims: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + claims, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("not base64")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
