"""The page an alert's link leads to: the incident as it stands now.

In: the store, an incident's id. Out: HTML, or None. Kept: nothing.
"""

from __future__ import annotations

from monitor.store import Store, incidents


def incident_page(store: Store, incident_id: str) -> str | None:
    """The page of an incident; None if there is none of that id. Raises StoreUnreachable."""
    # Templates are heavy for a daemon that is asked for no page.
    from alerts.channels.email import as_page
    from alerts.incident import Change, IncidentEvent
    from alerts.message import incident_message

    with store.read() as connection:
        incident = incidents.get(connection, incident_id)
        timeline = incidents.timeline(connection, incident=incident_id)
    if incident is None:
        return None
    _, last, at, reason = timeline[-1]
    return as_page(incident_message(IncidentEvent(Change(last), incident, at, reason)))
