"""Incidents, changes and gaps as a report shows them.

In: nothing; the monitor fills these values. Out: parts of `context.ModelPage` and of an incident's own page.
Kept: nothing. The rules of `context.py` hold here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.figures import Period


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of an incident: "opened", "updated", "acknowledged", "resolved", with words and, if known, who."""

    at: datetime
    event: str
    text: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """One incident of the week (or open since before). `closing` is its verdict by hand, if any."""

    id: str
    title: str
    diagnosis: str
    severity: str  # info, warning, critical
    state: str  # open, acknowledged, resolved, standing
    opened_at: datetime
    resolved_at: datetime | None = None
    closing: str | None = None
    subjects: tuple[str, ...] = ()
    summary: str = ""
    action: str = ""
    timeline: tuple[TimelineEntry, ...] = ()
    page: str | None = None  # its own page, relative to the model's


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed on purpose: a deployment, a baseline accepted, a config edit. `model` None: for all."""

    at: datetime
    kind: str  # deployment, baseline, config, silence, retraining
    text: str
    model: str | None = None
    who: str | None = None
    subject: str | None = None  # the column it is about, where there is one


@dataclass(frozen=True, slots=True)
class Gap:
    """Windows that were not judged, why, and until when that lasts (None: nobody knows)."""

    model: str
    reason: str
    windows: int
    period: Period
    until: datetime | None = None
