"""What a channel is: it gives a message its form once, and sends those bytes as often as it is asked to.

In: a `Message` with its `Letter`; later the frozen `Delivery`. Out: bytes; what the receiver called the result.
Kept: nothing. Channels classify failures by `DeliveryError`; only `alerts.delivery` waits and tries again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, runtime_checkable

from alerts.errors import AlertError
from alerts.message import Message

_LONGEST_WAIT = 86_400.0


class DeliveryError(AlertError):
    """A message did not get through.

    `retryable`: whether the same bytes may get through later. `retry_after`: seconds the receiver asked for.
    `ambiguous`: it may have arrived all the same (the answer was lost). `throttled`: the receiver is well and wants
    fewer messages. `gone`: the receiver asked never to be called again. `progress`: what has been done, kept for
    the next attempt.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        ambiguous: bool = False,
        throttled: bool = False,
        gone: bool = False,
        progress: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.ambiguous = ambiguous
        self.throttled = throttled
        self.gone = gone
        self.progress = progress


@dataclass(frozen=True, slots=True)
class Letter:
    """Which delivery a message is rendered for.

    `key` is the same over all retries; `stream` is what it belongs to (an incident's id), `seq` its place there;
    `first` tells that this channel has not been told of it before.
    """

    key: str
    stream: str
    seq: int
    channel: str
    first: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frozen body on its way.

    `earlier` is what the receiver called the latest delivery of the same stream and channel (a Slack message's
    place); `progress` what earlier attempts of this one have done; `ambiguous` that one of them may have arrived;
    `taken_over` that whoever tried last has not lived to tell.
    """

    id: int
    key: str
    stream: str
    seq: int
    channel: str
    event: str
    body: bytes
    attempts: int
    failures: int
    ambiguous: bool
    created_at: datetime
    at: datetime
    earlier: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    taken_over: bool = False


@runtime_checkable
class Channel(Protocol):
    """A way out of the house."""

    @property
    def kind(self) -> str:
        """`slack`, `email`, `webhook`, `console`."""

    @property
    def endpoint(self) -> str:
        """What tells this receiver from another, without secrets; a new one lifts a "gone"."""

    @property
    def lanes(self) -> int:
        """How many messages may be on their way to it at once, when many wait."""

    def render(self, message: Message, letter: Letter) -> bytes:
        """The message in this channel's form, frozen from here on."""

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Send the frozen bytes once; what the receiver called them. Raises DeliveryError."""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds a `Retry-After` header asks for (whole, fractional, or an HTTP date), at most a day; None for none."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
