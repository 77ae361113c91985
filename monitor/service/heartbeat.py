"""The dead-man's switch: a URL that is fetched as long as everything gets on.

In: a Pulse. Out: a GET. Kept: when it was last sent.
"""

from __future__ import annotations

import urllib.error
import urllib.request

import structlog

from monitor.service.pulse import Pulse

log = structlog.get_logger()


class Heartbeat:
    """Sent only when evaluation and delivery have both made progress since the last one, and neither fails."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._rounds: dict[str, int] = {}

    def send(self, url: str | None) -> bool:
        """Fetch `url` if there is cause to; whether it was fetched."""
        rounds = self._pulse.rounds()
        health = self._pulse.health()
        progressed = all(count > self._rounds.get(loop, 0) for loop, count in rounds.items())
        if not url or not health.healthy or not progressed:
            return False
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the operator's own URL
                answer.read(1024)
        except (OSError, ValueError) as error:
            log.warning("heartbeat not sent", error=str(error))
            return False
        self._rounds = rounds
        return True
