"""Where the time comes from: the wall, or a simulation that runs faster.

In: nothing, or where a simulation begins, ends and how fast it goes. Out: aware UTC instants.
Kept: the simulation's anchor.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and how long, in real seconds, to wait for a later time."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""

    def seconds_until(self, moment: datetime) -> float:
        """Real seconds until `now()` reaches `moment`; 0 if it has, infinity if it never will."""


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds_until(self, moment: datetime) -> float:
        return max(0.0, (moment - self.now()).total_seconds())


@dataclass(frozen=True)
class SimulatedClock:
    """Runs from `start` at `speed` simulated seconds a real second, and stands still at `end`."""

    start: datetime
    end: datetime
    speed: float
    _anchor: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        passed = timedelta(seconds=(time.monotonic() - self._anchor) * self.speed)
        return min(self.start + passed, self.end)

    def seconds_until(self, moment: datetime) -> float:
        if moment > self.end:
            return float("inf")
        return max(0.0, (moment - self.now()).total_seconds() / self.speed)


@dataclass
class SetClock:
    """Stands where it is put: replay, the demo and tests move it by hand."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def seconds_until(self, moment: datetime) -> float:
        return 0.0 if moment <= self.moment else float("inf")
