"""Signs of life: which loop last got on, and when.

In: beats from the daemon's loops. Out: health. Kept: the last beat and the last failure of each loop, in memory.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Whether every loop gets on, and what each last said."""

    healthy: bool
    loops: dict[str, dict[str, object]]


class Pulse:
    """Beats by loop name. A loop that has not beaten for its `limit` (seconds) is stalled."""

    def __init__(self, limits: dict[str, float]) -> None:
        self._limits = dict(limits)
        self._lock = threading.Lock()
        now = time.monotonic()
        self._beats = dict.fromkeys(limits, now)
        self._rounds = dict.fromkeys(limits, 0)
        self._errors: dict[str, str] = {}

    def watch(self, loop: str, limit: float) -> None:
        """Expect beats of one more loop from now on."""
        with self._lock:
            self._limits[loop], self._beats[loop], self._rounds[loop] = limit, time.monotonic(), 0

    def forget(self, loop: str) -> None:
        """Expect no more beats of a loop."""
        with self._lock:
            for known in (self._limits, self._beats, self._rounds, self._errors):
                known.pop(loop, None)

    def beat(self, loop: str) -> None:
        """The loop got on: a round ended, or a step of a long round."""
        with self._lock:
            self._beats[loop] = time.monotonic()
            self._rounds[loop] += 1

    def rounds(self) -> dict[str, int]:
        """How often each loop has beaten."""
        with self._lock:
            return dict(self._rounds)

    def failed(self, loop: str, error: str | None) -> None:
        """Remember why a round of the loop failed (None: it did not)."""
        with self._lock:
            if error is None:
                self._errors.pop(loop, None)
            else:
                self._errors[loop] = error

    def health(self) -> Health:
        """The state of every loop; seconds since its last beat."""
        now = time.monotonic()
        with self._lock:
            loops: dict[str, dict[str, object]] = {
                loop: {
                    "seconds_since_progress": round(now - beat, 1),
                    "stalled": now - beat > self._limits[loop],
                    "error": self._errors.get(loop),
                }
                for loop, beat in self._beats.items()
            }
        return Health(not any(loop["stalled"] or loop["error"] for loop in loops.values()), loops)
