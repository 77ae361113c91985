"""Findings and incidents to test alerts with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.incident import IncidentEvent
from alerts.lifecycle import Policy, Step, step
from detectors.result import Finding, Kind, Status, Window

DAY0 = datetime(2013, 5, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)
HOSTILE = "<!channel> <script>alert(1)</script> *bold* `tick`\r\nBcc: all@corp.example\x1b[31m"


def day(number: int, length: int = 1) -> Window:
    """The window of `length` days that ends with day `number`."""
    horizon = "1d" if length == 1 else f"{length}d"
    return Window(horizon, DAY0 + (number + 1 - length) * DAY, DAY0 + (number + 1) * DAY)


def finding(
    window: Window,
    subject: str = "wind_speed",
    status: Status = Status.BREACH,
    kind: Kind = Kind.FEATURE,
    detector: str = "ks",
    statistic: float | None = 0.42,
    **changes: Any,
) -> Finding:
    """One finding; by default a KS breach of a feature."""
    values: dict[str, Any] = {
        "model": "flight-delay",
        "version": "3",
        "window": window,
        "segment": None,
        "subject": subject,
        "kind": kind,
        "detector": detector,
        "statistic": statistic,
        "pvalue": None,
        "threshold": 0.15,
        "effect": None,
        "status": status,
        "n": 900,
        "revision": 0,
        "evaluated_at": window.end,
        "baseline_id": "base-1",
    }
    return Finding(**(values | changes))


def opened(now: datetime | None = None, policy: Policy | None = None, **changes: Any) -> IncidentEvent:
    """The event of a fresh drift incident."""
    window = changes.pop("window", day(0))
    moved = step([], [finding(window, **changes)], now or window.end, policy or Policy(owner="flights"))
    return only(moved)


def only(moved: Step) -> IncidentEvent:
    """The one event of a step."""
    assert len(moved.events) == 1
    return moved.events[0]
