"""Where the pages are, as readers reach them, and the links that messages carry to them.

In: the public address, the secret that signs links, an incident and the channel it is told to. Out: links.
Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.incident import Incident
from alerts.message import Link
from alerts.permits import Permit, signed


@dataclass(frozen=True, slots=True)
class Site:
    """Our pages from outside. With a secret, messages carry a link by which their reader may act, for `valid`."""

    url: str | None = None
    secret: str | None = field(default=None, repr=False)
    valid: timedelta = timedelta(days=7)

    def links(self, incident: Incident, channel: str, at: datetime) -> tuple[Link, ...]:
        """What a message about an incident links to; none without an address."""
        if not self.url:
            return ()
        base = self.url.rstrip("/")
        page = Link("Open the incident", f"{base}/incidents/{incident.id}")
        if not self.secret or incident.resolved:
            return (page,)
        token = signed(Permit(incident.id, channel, at + self.valid), self.secret)
        return page, Link("Acknowledge, mute or close", f"{base}/respond/{token}")
