"""An incident as the pages of its model and its own show it.

In: an incident, the entries of its timeline. Out: an `IncidentRecord`. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.incident import Incident
from reports.context import IncidentRecord, TimelineEntry


def record_of(
    incident: Incident, timeline: Iterable[TimelineEntry], *, title: str | None = None, page: str | None = None
) -> IncidentRecord:
    """An incident's record; `title` where it is not the summary as it is, `page` its own page beside this one."""
    return IncidentRecord(
        id=incident.id,
        title=incident.summary if title is None else title,
        diagnosis=incident.diagnosis,
        severity=incident.severity.value,
        state=incident.state.value,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        closing=incident.verdict.value if incident.verdict else None,
        subjects=incident.subjects,
        summary=incident.summary,
        action=incident.action,
        timeline=tuple(timeline),
        page=page,
    )
