"""Say it directly when Driftline's own state cannot be written: then nothing can be put into the outbox either.

In: each failure and success of the loop that writes most, with the time. Out: one message, on one channel, at most one
an hour, and one more when all is well again. Kept: since when it fails, in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.announcement import own_message
from alerts.channels.base import Channel, Delivery, DeliveryError, Letter
from alerts.message import Tone

# A lock that is held for a while, or a restart of the database, is nobody's news.
PATIENCE = timedelta(minutes=1)
AGAIN = timedelta(hours=1)

log = structlog.get_logger()


class Direct:
    """Tells `channels` in this order until one has it. Calls may come from several threads."""

    def __init__(self, channels: Mapping[str, Channel], operators: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._said: datetime | None = None
        self._through = ""
        self.use(channels, operators)

    def use(self, channels: Mapping[str, Channel], operators: Sequence[str]) -> None:
        """Tell these from now on: operators first, then the others in their order."""
        order = [*operators, *(name for name in channels if name not in operators)]
        self._channels = {name: channels[name] for name in order}

    def failed(self, problem: str, now: datetime) -> bool:
        """The state could not be written just now; whether it was told."""
        with self._lock:
            self._since = since = self._since or now
            if now - since < PATIENCE or (self._said is not None and now - self._said < AGAIN):
                return False
            self._said = now
        summary = (
            f"Driftline cannot write its state since {since:%H:%M} UTC: {problem}. Nothing is evaluated and nothing "
            "else is told until it can."
        )
        self._through = self._tell("Driftline cannot write its state", summary, Tone.CRITICAL, now, self._channels)
        return bool(self._through)

    def fine(self, now: datetime) -> bool:
        """The state could be written; whether the end of a trouble was told."""
        with self._lock:
            told = self._said is not None
            self._since = self._said = None
        if not told or self._through not in self._channels:
            return False
        summary = "Driftline can write its state again. What was missed is caught up."
        only = {self._through: self._channels[self._through]}
        return bool(self._tell("Driftline is back", summary, Tone.GOOD, now, only))

    @staticmethod
    def _tell(title: str, summary: str, tone: Tone, now: datetime, channels: Mapping[str, Channel]) -> str:
        """The channel that took it, empty if none did."""
        key = f"own_{int(now.timestamp() * 1000)}"
        for name, channel in channels.items():
            letter = Letter(key, key, 1, name, first=True)
            try:
                body = channel.render(own_message(title, summary, tone, now), letter)
                channel.send(Delivery(0, key, key, 1, name, "own", body, 1, 0, ambiguous=False, created_at=now, at=now))
            except DeliveryError as error:
                log.error("not told directly", channel=name, error=str(error))
                continue
            log.warning("told directly", channel=name, title=title)
            return name
        return ""
