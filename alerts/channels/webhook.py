"""Webhook: a signed CloudEvents body by POST, to a place that was checked.

In: a URL, secrets, networks allowed though private. Out: nothing but success. Kept: nothing; the body is frozen, the
signature is made anew for each attempt (its timestamp is the attempt's). Redirects are not followed, the answer is read
to 64 KB at most, an attempt ends after `timeout` seconds in all (`post.py`).

Sources: Standard Webhooks 1.0, CloudEvents 1.0 (structured mode).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from alerts import signing
from alerts.channels.base import Delivery, Letter
from alerts.channels.post import Address
from alerts.message import Message
from detectors.result import iso

_TYPES = {"trigger": "retrain"}


@dataclass(frozen=True)
class Webhook:
    """A webhook receiver. `secret` is `whsec_…`, several separated by commas while one is being replaced."""

    kind: ClassVar = "webhook"
    lanes: ClassVar = 4
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    allow: tuple[str, ...] = ()
    source: str = "urn:driftline"
    timeout: float = 15.0
    context: ssl.SSLContext | None = None
    _keys: tuple[bytes, ...] = field(init=False, repr=False)
    _address: Address = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_address", Address(self.url, self.allow, "webhook", self.timeout, self.context))
        object.__setattr__(self, "_keys", signing.secrets_of(self.secret) if self.secret else ())

    @property
    def endpoint(self) -> str:
        return self._address.name

    def render(self, message: Message, letter: Letter) -> bytes:
        """A CloudEvents 1.0 event in JSON; its id is the delivery's key."""
        return json.dumps(cloud_event(message, letter, self.source), ensure_ascii=False, allow_nan=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """POST the frozen body once."""
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": delivery.key,
            "webhook-timestamp": str(int(delivery.at.timestamp())),
        }
        headers |= signing.sign(self._keys, delivery.key, delivery.at, delivery.body) if self._keys else {}
        answer = self._address.post(delivery.body, headers)
        if 200 <= answer.status < 300:
            return {"status": answer.status}
        raise answer.error(delivery.at, "the receiver")


def cloud_event(message: Message, letter: Letter, source: str) -> dict[str, Any]:
    """The event of one message; `docs/webhooks.md` has its schema."""
    data: dict[str, Any] = dict(message.data)
    return {
        "specversion": "1.0",
        "id": letter.key,
        "source": source,
        "type": f"driftline.{_TYPES.get(message.kind, message.kind)}.{message.event}",
        "subject": letter.stream,
        "time": iso(message.at),
        "datacontenttype": "application/json",
        "data": data,
    }
