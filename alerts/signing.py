"""Sign webhooks, and verify them, as Standard Webhooks 1.0 says.

In: secrets (`whsec_` and base64; several, comma-separated, while one is being replaced), id, timestamp, body.
Out: the three headers. Kept: nothing. Source: https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.errors import SigningError

_PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)


def secrets_of(text: str) -> tuple[bytes, ...]:
    """The keys in `whsec_…` or `whsec_new,whsec_old`. Raises SigningError without repeating the secret."""
    keys = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            key = base64.b64decode(part.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise SigningError("a webhook secret is `whsec_` followed by base64") from error
        if not 24 <= len(key) <= 64:
            raise SigningError(f"a webhook secret holds 24 to 64 bytes; this one holds {len(key)}")
        keys.append(key)
    if not keys:
        raise SigningError("a webhook secret may not be empty")
    return tuple(keys)


def sign(keys: Sequence[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt: the id is the same over retries, the timestamp is the attempt's."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_digest(key, message_id, timestamp, body)}" for key in keys),
    }


def verify(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime, tolerance: timedelta = TOLERANCE
) -> None:
    """Raise SigningError unless one key signed this body and the timestamp is within `tolerance` of `now`."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split(" ")
        age = abs(now.timestamp() - int(timestamp))
    except (KeyError, ValueError) as error:
        raise SigningError("a signature header is missing or malformed") from error
    if age > tolerance.total_seconds():
        raise SigningError(f"the timestamp is more than {tolerance.total_seconds() / 60:,.0f} minutes off")
    for key in keys:
        expected = f"v1,{_digest(key, message_id, timestamp, body)}"
        if any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures):
            return
    raise SigningError("no signature matches")


def fingerprint(text: str) -> str:
    """A short digest that tells one secret text from another without showing it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
