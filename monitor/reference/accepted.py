"""What `accepted` makes of an incident: the days since it began are the new normal, and teach more as they pass.

In: the incident that was accepted last, the time. Out: which days the baseline is made of now. Kept: nothing: the
verdict itself is the fact, and taking it back brings the former baseline back.

Fewer than a week of days cannot tell what days do by themselves: until then the baseline is provisional, breakage is
seen against it and drift is not judged. It is made anew when it has a week, two weeks and four weeks of days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from detectors.trouble import Trouble
from monitor.store import incidents
from monitor.store.baselines import Baseline
from monitor.windows import local_day, midnight

# The spec of a baseline that an incident's acceptance made begins with this.
BY_INCIDENT = "accepted with "
_DAYS = (1, 7, 14, 28)
_READY = 7


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A new normal: which incident brought it, and where it begins; `of_performance`: a worse model was accepted."""

    incident: str
    start: datetime
    of_performance: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a new normal has come: `[start, end)` holds `days` whole local days (0: not one yet)."""

    spec: str
    days: int
    start: datetime
    end: datetime
    provisional: bool
    origin: str


def accepted_by(
    connection: Connection, model: str, existing: Baseline | None, seen: tuple[datetime, datetime] | None
) -> Acceptance | None:
    """The acceptance that holds for a version; None where there is none, or something newer than it.

    Newer are a baseline accepted by hand since, and a version first seen since (it inherits, or learns).
    """
    incident = incidents.accepted(connection, model)
    if incident is None or incident.accepted_from is None or incident.judged_at is None:
        return None
    by_hand = existing is not None and existing.spec == "accepted" and existing.created_at > incident.judged_at
    if by_hand or seen is None or seen[0] > incident.judged_at:
        return None
    return Acceptance(incident.id, incident.accepted_from, incident.trouble is Trouble.PERFORMANCE)


def stage_at(acceptance: Acceptance, zone: ZoneInfo, now: datetime) -> Stage:
    """The days of a new normal at `now`: whole local days from the one it began on."""
    first = local_day(acceptance.start, zone)
    passed = (local_day(now, zone) - first).days
    days = max((count for count in _DAYS if count <= passed), default=0)
    start, end = midnight(first, zone), midnight(first + timedelta(days=days), zone)
    said = f"accepted from {first.day} {first:%B %Y}"
    if days < _READY:
        ready = first + timedelta(days=_READY)
        said += f", ready {ready.day} {ready:%B %Y}"
    else:
        said += f", {days} days"
    return Stage(f"{BY_INCIDENT}{acceptance.incident} {days}", days, start, end, days < _READY, said)
