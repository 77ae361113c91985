"""Charts for the messages that are about to be frozen, drawn before the transaction that freezes them.

In: the store, the config in force, incidents. Out: `Picture`s by incident. Kept: the PNGs in the state, by what they
show, so that the same chart is drawn once and Slack can fetch it from us. No failure stops a message: it goes without.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import structlog
from sqlalchemy.engine import Connection

from alerts.flush import due_incidents
from alerts.incident import Incident
from alerts.message import Picture
from monitor.settings import Settings
from monitor.store import Store, pictures
from reports.sheet import Sheet, pngs_of

# Conversations of one flush that get a chart: on a day on which everything alarms, the message is what counts.
MOST = 50
# What is written while charts are drawn gets one too, within reason.
_PASSES = 3
_TIMEOUT = 15.0
# After a failure to draw, messages go without for so long (seconds).
_PAUSE = 300.0

log = structlog.get_logger()


class Illustrator:
    """Draws for one delivering process; `draw` makes PNGs of SVGs."""

    def __init__(
        self,
        store: Store,
        draw: Callable[[list[str], float], list[bytes]] = pngs_of,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._draw, self._monotonic = store, draw, monotonic
        self._paused_until = 0.0

    def pictures(self, settings: Settings, now: datetime, hold: Collection[str]) -> Mapping[str, Picture]:
        """A chart for each incident that is to be told at `now`, where some channel shows charts. Raises StoreError."""
        found: dict[str, Picture] = {}
        if not shown(settings):
            return found
        looked_at: set[str] = set()
        for _ in range(_PASSES):
            with self._store.read() as connection:
                due = [one for one in due_incidents(connection, now, hold, MOST) if one.id not in looked_at]
                sheets = self._sheets(connection, settings, due)
            looked_at |= {incident.id for incident in due}
            if not sheets or not self._add(found, sheets, settings.server.public_url, now):
                break
        return found

    def _sheets(self, connection: Connection, settings: Settings, due: list[Incident]) -> dict[str, Sheet]:
        """What is to be drawn of each incident."""
        if not due or self._monotonic() < self._paused_until:
            return {}
        # Charts are not needed by a daemon that has nothing to say.
        from monitor.reporting.sketch import sketch

        sheets = {}
        for incident in due:
            if incident.model not in settings.models:
                continue
            try:
                made = sketch(connection, settings.models[incident.model], incident)
            except Exception as error:  # noqa: BLE001 -- what cannot be sketched must not cost the message
                self._failed(incident.id, error)
                continue
            if made is not None:
                sheets[incident.id] = made
        return sheets

    def _add(self, found: dict[str, Picture], sheets: Mapping[str, Sheet], public: str | None, now: datetime) -> bool:
        """Draw what has not been drawn before, and keep it; whether that worked."""
        digests = {incident: hashlib.sha256(one.svg.encode()).hexdigest() for incident, one in sheets.items()}
        with self._store.read() as connection:
            known = pictures.of_digests(connection, list(digests.values()))
        missing = {digests[incident]: one.svg for incident, one in sheets.items() if digests[incident] not in known}
        if missing:
            try:
                pngs = self._draw(list(missing.values()), _TIMEOUT)
            except Exception as error:  # noqa: BLE001 -- nor must what cannot be drawn
                self._failed("", error)
                self._paused_until = self._monotonic() + _PAUSE
                return False
            with self._store.begin() as connection:
                pictures.add(connection, dict(zip(missing, pngs, strict=True)), now)
                known = pictures.of_digests(connection, list(digests.values()))
        for incident, one in sheets.items():
            name, png = known[digests[incident]]
            url = f"{public.rstrip('/')}/charts/{name}.png" if public else None
            found[incident] = Picture(png, one.width, one.height, one.alt, url)
        return True

    def _failed(self, incident: str, error: Exception) -> None:
        log.warning("chart not drawn", incident=incident, error=f"{type(error).__name__}: {error}")


def shown(settings: Settings) -> bool:
    """Whether some channel shows charts: mail carries them, Slack fetches them from the public address."""
    public = settings.server.public_url is not None and settings.server.listen is not None
    return any(
        not one.printed and (one.email is not None or (one.slack is not None and public))
        for one in settings.alerts.channels.values()
    )
