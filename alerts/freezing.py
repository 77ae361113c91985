"""Freezing a message: numbered, rendered and kept as bytes; after this nothing is judged again.

In: a write transaction, channels, a message. Out: nothing. Kept: one delivery with its bytes, and how its intent ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts import deliveries, intents
from alerts.channels.base import Channel, Letter
from alerts.deliveries import Told
from alerts.intents import Intent, Outcome
from alerts.message import Message
from alerts.routing import Route
from alerts.site import Site


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where things may go, and by which rules."""

    channels: Mapping[str, Channel]
    routes: Sequence[Route]
    site: Site = field(default_factory=Site)


@dataclass(frozen=True, slots=True)
class Post:
    """One flush at work; `gone` are the channels whose receiver asked never to be called again."""

    conn: Connection
    outlet: Outlet
    now: datetime
    gone: Mapping[str, tuple[str, str]]

    def freeze(self, intent: Intent, channel: str, message: Message, told: Told | None) -> None:
        """Number, render and keep one delivery; what cannot be sent at all is dead from the start, with its reason."""
        seq = told.seq + 1 if told else 1
        key = _key(intent, channel, seq)
        body, problem = b"", None
        target = self.outlet.channels.get(channel)
        if target is None:
            problem = f"there is no channel {channel} (any more)"
        elif self.gone.get(channel, ("", ""))[0] == target.endpoint:
            problem = self.gone[channel][1]
        else:
            letter = Letter(key, intent.stream, seq, channel, first=told is None or not told.told)
            try:
                body = target.render(message, letter)
            except Exception as error:  # noqa: BLE001 -- one message that cannot be rendered must not hold up the rest
                problem = f"could not be rendered: {type(error).__name__}: {error}"
        deliveries.add(
            self.conn, key=key, intent=intent.id, stream=intent.stream, channel=channel, seq=seq, event=message.event,
            body=body, at=self.now, dead=problem,
        )  # fmt: skip

    def end(self, intent: Intent, served: Sequence[str], outcome: Outcome, reason: str) -> None:
        """End an intent as its own deliveries say, or, where it has none, with this outcome."""
        if deliveries.of_intent(self.conn, intent.id):
            intents.queue(self.conn, intent.id, served)
            deliveries.settle(self.conn, intent.id)
        else:
            intents.finish(self.conn, [intent.id], outcome, reason, served)


def _key(intent: Intent, channel: str, seq: int) -> str:
    if intent.kind == "trigger":
        return str(intent.payload["key"])
    text = "\0".join((intent.stream, channel, str(seq), str(intent.id), intent.created_at.isoformat()))
    return "msg_" + hashlib.sha256(text.encode()).hexdigest()[:32]
