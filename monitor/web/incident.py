"""The page an alert's link leads to: the incident as it stands now.

In: the store, the settings in force, a clock, an incident's id. Out: HTML, or None. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from monitor.clock import Clock
from monitor.settings import Settings
from monitor.store import Store


def incident_page(store: Store, settings: Callable[[], Settings], clock: Clock, incident_id: str) -> str | None:
    """The page of an incident; None if there is none of that id. Raises StoreUnreachable."""
    # Pages are heavy for a daemon that is asked for none.
    from monitor.reporting.incident import page_of
    from reports.incident_pages import render_incident

    with store.read() as connection:
        page = page_of(connection, settings(), incident_id, clock.now())
    return None if page is None else render_incident(page)
