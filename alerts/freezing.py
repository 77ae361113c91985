"""Freezing a message: numbered, rendered and kept as bytes; after this nothing is judged again.

In: a write transaction, channels, a message. Out: nothing. Kept: one delivery with its bytes, and how its intent ends.
What a flush freezes is written together by `write`: statement by statement, a long queue waits for the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts import deliveries, intents
from alerts.channels.base import Channel, Letter
from alerts.deliveries import Frozen, Told
from alerts.intents import Ended, Intent, Outcome
from alerts.message import Message, Picture
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
    """One flush at work; `gone` are the channels whose receiver asked never to be called again.

    `pictures` are the charts there are, by incident.
    """

    conn: Connection
    outlet: Outlet
    now: datetime
    gone: Mapping[str, tuple[str, str]]
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    _frozen: list[Frozen] = field(default_factory=list)
    _ended: list[Ended] = field(default_factory=list)

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
        self._frozen.append(Frozen(key, intent.id, intent.stream, channel, seq, message.event, body, self.now, problem))

    def end(self, intent: Intent, served: Sequence[str], outcome: Outcome, reason: str) -> None:
        """End an intent as its own deliveries say, or, where it has none, with this outcome."""
        self._ended.append(Ended(intent.id, outcome, reason, served))

    def write(self) -> None:
        """Keep what was frozen and ended since the last time; the order among them does not matter."""
        deliveries.add(self.conn, self._frozen)
        if self._ended:
            queued = deliveries.with_any(self.conn, [one.id for one in self._ended])
            intents.finish(self.conn, [one for one in self._ended if one.id not in queued])
            intents.queue(self.conn, {one.id: one.served for one in self._ended if one.id in queued})
            deliveries.settle_all(self.conn, queued)
        self._frozen.clear()
        self._ended.clear()


def _key(intent: Intent, channel: str, seq: int) -> str:
    if intent.kind == "trigger":
        return str(intent.payload["key"])
    text = "\0".join((intent.stream, channel, str(seq), str(intent.id), intent.created_at.isoformat()))
    return "msg_" + hashlib.sha256(text.encode()).hexdigest()[:32]
