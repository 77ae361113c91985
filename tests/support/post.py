"""A deliverer on a database with real channels, and what it has done."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from alerts import outbox
from alerts.channels.base import Channel
from alerts.delivery import Deliverer, Watcher
from alerts.health import Rate
from alerts.incident import IncidentEvent
from alerts.intents import INTENTS
from alerts.message import Picture
from alerts.routing import Route

Begin = Callable[[], AbstractContextManager[Connection]]


class Post:
    """`say` writes intents, `run` flushes and delivers at a simulated time."""

    def __init__(
        self,
        begin: Begin,
        channels: Mapping[str, Channel],
        routes: Sequence[Route] | None = None,
        worker: str = "worker-1",
        rates: Mapping[str, Rate] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.begin = begin
        self.deliverer = Deliverer(
            begin,
            channels,
            routes if routes is not None else [Route(tuple(channels))],
            worker=worker,
            rng=random.Random(1),
            rates=rates,
            watcher=watcher,
            monotonic=lambda: 0.0,
        )

    def say(self, *events: IncidentEvent) -> None:
        with self.begin() as conn:
            for event in events:
                outbox.add_incident_intents(conn, [event], event.at)

    def run(self, now: datetime, pictures: Mapping[str, Picture] | None = None) -> int:
        self.deliverer.flush(now, pictures=pictures)
        return self.deliverer.deliver(now, wait=60)

    def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery, oldest first."""
        with self.begin() as conn:
            return list(reversed(outbox.listed(conn)))

    def outcomes(self) -> list[tuple[str, str | None, str]]:
        """(state, outcome, reason) of every intent, oldest first."""
        with self.begin() as conn:
            rows = conn.execute(INTENTS.select().order_by(INTENTS.c.id))
            return [(row.state, row.outcome, row.reason) for row in rows]
