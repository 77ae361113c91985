"""The daemon's delivering half as a process to be killed: it writes incident changes and takes them to their channels.

In: a plan (plain values, so that another process can have it). Out: rows in the state database, requests to receivers,
a line in a file for each failure. Kept: nothing in the process: every start goes on from the database alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import sqlalchemy as sa

from alerts import outbox
from alerts.channels.base import Channel
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from alerts.delivery import Deliverer
from alerts.health import Rate
from alerts.incident import Change, IncidentEvent, State
from alerts.routing import Route, Timing
from monitor.service.channel_watch import ChannelWatch
from monitor.store import incidents
from monitor.store.engine import Store, make_engine
from monitor.store.incidents import EVENTS
from tests.support.incidents import DAY0, opened

UNHEARD = "nobody-hears"
LOCAL = ("127.0.0.0/8",)
LIFE = (
    Change.OPENED, Change.UPDATED, Change.UPDATED, Change.ACKNOWLEDGED, Change.UPDATED, Change.RESOLVED,
    Change.REOPENED, Change.UPDATED, Change.UPDATED, Change.RESOLVED,
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a courier works on. Its clock shows `base` at the real time `real`, and runs `speed` times as fast."""

    state: str
    hooks: dict[str, str]
    slack: str
    changes: int
    base: datetime
    real: float
    speed: float
    failures: Path

    def now(self) -> datetime:
        """The simulated time."""
        return self.base + timedelta(seconds=(time.time() - self.real) * self.speed)

    def faster(self, speed: float) -> Plan:
        """The same plan from now on at another speed."""
        return replace(self, base=self.now(), real=time.time(), speed=speed)


def events(count: int) -> list[IncidentEvent]:
    """So many changes of a tenth as many incidents, their lives side by side."""
    first = opened(now=DAY0).incident
    made = []
    for number in range(count):
        life, which = divmod(number, max(1, count // len(LIFE)))
        change = LIFE[life]
        state = {Change.RESOLVED: State.RESOLVED, Change.ACKNOWLEDGED: State.ACKNOWLEDGED}.get(change, State.OPEN)
        over = DAY0 + timedelta(days=1) if change is Change.RESOLVED else None
        model = UNHEARD if which == 0 else first.model
        incident = replace(first, id=f"incident-{which:02}", model=model, state=state, resolved_at=over)
        made.append(IncidentEvent(change, incident, DAY0, f"change {number}"))
    return made


def channels(plan: Plan) -> dict[str, Channel]:
    """Webhooks by name, and Slack."""
    hooks: dict[str, Channel] = {name: Webhook(url, None, LOCAL, timeout=0.3) for name, url in plan.hooks.items()}
    slack = Slack(token="xoxb-test", channel="C1", api_url=plan.slack, timeout=1)
    return {**hooks, "slack": slack}


def store_of(state: str) -> Store:
    """The state, by an engine that waits a tenth of a second for a lock, not half a minute."""
    engine = make_engine(state)

    def impatient(connection: object, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100")  # type: ignore[attr-defined]

    sa.event.listen(engine, "connect", impatient)
    return Store(engine)


def deliver(plan: Plan, ready: Pipe) -> None:
    """Write the next change and deliver what is due, until killed."""
    store = store_of(plan.state)
    ways = channels(plan)
    worker = f"courier-{random.SystemRandom().getrandbits(64):x}"
    everyone = tuple(name for name in ways if name != "never")
    routes = [
        Route(("never",), {"model": (UNHEARD,)}, go_on=True, timing=Timing(group_interval=timedelta(0))),
        Route(everyone, timing=Timing(group_interval=timedelta(0))),
    ]
    deliverer = Deliverer(
        store.begin,
        ways,
        routes,
        worker=worker,
        rng=random.Random(worker),
        monotonic=lambda: time.monotonic() * plan.speed,
        rates={"slack": Rate(timedelta(seconds=1))},
        watcher=ChannelWatch(tuple(ways), ("good",)),
    )
    planned = events(plan.changes)
    ready.send(None)
    while True:
        try:
            write(store, planned, plan.now())
            deliverer.flush(plan.now())
            deliverer.deliver(plan.now(), wait=0.02)
        except Exception as error:
            # What the daemon's loop does, too.
            with plan.failures.open("a") as file:
                file.write(f"{type(error).__name__}: {error}\n".replace("\n", " ") + "\n")
            time.sleep(0.01)


def write(store: Store, planned: Sequence[IncidentEvent], now: datetime) -> None:
    """The next three changes and their intents in one transaction, as an evaluation writes them."""
    with store.begin() as connection:
        written = connection.scalar(
            sa.select(sa.func.count()).select_from(EVENTS).where(EVENTS.c.incident.like("incident-%"))
        )
        for event in planned[written : written + 3]:
            event = replace(event, at=now)
            incidents.apply(connection, [event.incident], [event])
            outbox.add_incident_intents(connection, [event], now)
