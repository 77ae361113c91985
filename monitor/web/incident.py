"""The page an alert's link leads to: the incident as it stands now; and the charts that messages show.

In: the store, the settings in force, a clock, an incident's id or a chart's name. Out: HTML or PNG, or None.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from monitor.clock import Clock
from monitor.settings import Settings
from monitor.store import Store, pictures


def incident_page(store: Store, settings: Callable[[], Settings], clock: Clock, incident_id: str) -> str | None:
    """The page of an incident; None if there is none of that id. Raises StoreUnreachable."""
    # Pages are heavy for a daemon that is asked for none.
    from monitor.reporting.incident import page_of
    from reports.incident_pages import render_incident

    with store.read() as connection:
        page = page_of(connection, settings(), incident_id, clock.now())
    return None if page is None else render_incident(page)


def chart_of(store: Store, name: str) -> bytes | None:
    """The PNG of a chart; None if there is none of that name (any more). Raises StoreUnreachable."""
    with store.read() as connection:
        return pictures.get(connection, name)
