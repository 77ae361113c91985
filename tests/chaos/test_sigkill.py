"""Killed at random moments while it catches up on a month, a service loses nothing and does nothing twice.

`make chaos` runs it with 200 kills, `make test` with 50.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from alerts.deliveries import DELIVERIES
from alerts.intents import INTENTS
from monitor.engine import has_labels
from monitor.store import cursors
from monitor.store.evaluations import DONE, EVALUATIONS
from monitor.store.incidents import EVENTS
from monitor.windows import due_between
from tests.support.flow import DAY, START, Flow, rows, with_column
from tests.support.forked import ForkedService
from tests.support.http_server import Answer, http_server
from tests.support.service import Service, until

MODELS = {
    "steady": {"horizons": ["1d", "7d"], "minimum_rows": 10},
    "troubled": {"horizons": ["1h", "1d", "7d"], "minimum_rows": 10},
}
END = START + 30 * DAY + timedelta(minutes=20)
# The clock stands almost still for evaluation (nothing new falls due) and passes a dead sender's lease in seconds.
CLOCK = ("--clock-from", END.isoformat(), "--clock-to", (END + timedelta(minutes=50)).isoformat(), "--speed", "100")


def month(flow: Flow) -> None:
    """Thirty days of two models; one of them drifts, loses a column's values, and falls silent for a day."""
    for day in range(31):
        start = START + day * DAY
        flow.put(rows(start, per_hour=12, seed=1), "steady")
        if day == 26:
            continue
        table = rows(start, per_hour=12, seed=2, shift=2.0 if 12 <= day < 18 else 0.0)
        if 20 <= day < 23:
            table = with_column(table, "amount", pa.nulls(table.num_rows, pa.float64()))
        flow.put(table, "troubled")


@pytest.mark.slow
def test_every_window_is_judged_once_and_every_change_is_delivered(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = int(request.config.getoption("--kills"))
    chance = random.Random(20240304)
    flow = Flow(tmp_path)
    month(flow)
    with http_server(lambda _: Answer(200)) as receiver:
        hook = {"webhook": {"url": receiver.url, "allow": ["127.0.0.0/8"]}}
        flow.write(
            MODELS,
            catch_up="60d",
            alerts={"channels": {"hook": hook}, "routes": [{"to": ["hook"], "group_interval": "0s"}]},
        )
        store = flow.store()
        with store.begin() as connection:
            for model in MODELS:
                cursors.move(connection, model, START)
        # Those to be killed are forked with everything imported, or they would die importing; the last is the command.
        service: Service = ForkedService(flow.path, CLOCK)
        try:
            for begun in range(1, kills + 1):
                service.start()
                until(partial(evaluating, service, begun), "the service evaluates")
                time.sleep(chance.uniform(0.0, 0.5))
                service.stop(signal.SIGKILL)
            service = Service(flow.path, CLOCK).start()
            until_all_is_said(flow)
            assert service.stop() == 0
        finally:
            service.stop(signal.SIGKILL)
        check_ledger(flow)
        check_messages(flow, [(r.headers["webhook-id"], r.body) for r in receiver.requests])
    flow.close()


def evaluating(service: Service, times: int) -> bool:
    """Whether it has begun to evaluate so often, by its log; read as bytes, since it is asked often."""
    return service.log.read_bytes().count(b'"event": "evaluating"') >= times


def until_all_is_said(flow: Flow) -> None:
    def over() -> bool:
        with flow.store().read() as connection:
            through = cursors.all_through(connection)
            waiting = connection.scalar(sa.select(sa.func.count()).where(INTENTS.c.state != "done"))
        return len(through) == len(MODELS) and min(through.values()) > END - timedelta(minutes=10) and not waiting

    deadline = time.monotonic() + 420
    while time.monotonic() < deadline and not over():
        time.sleep(0.5)
    until(over, "every window judged and every intent ended")


def check_ledger(flow: Flow) -> None:
    """Every window that was due has exactly one first judgement, none is missing and none is there twice."""
    config = flow.config(MODELS)
    with flow.store().read() as connection:
        found = connection.execute(sa.select(EVALUATIONS)).all()
    for model, settings in config.settings.models.items():
        labelled = has_labels(settings, config.settings.log_of(model))
        due = {(d.window.horizon, d.window.start, d.aspect.value) for d in due_between(settings, START, END, labelled)}
        judged = Counter(
            (row.horizon, row.start, row.aspect) for row in found if row.model == model and row.revision == 0
        )
        assert set(judged) == due
        assert set(judged.values()) == {1}
    assert {row.status for row in found} == {DONE}


def check_messages(flow: Flow, received: list[tuple[str, bytes]]) -> None:
    """Every incident change has its intent, every intent ended, and what was sent arrived, each key with one body."""
    with flow.store().read() as connection:
        events = connection.execute(sa.select(EVENTS.c.incident, EVENTS.c.event).order_by(EVENTS.c.id)).all()
        intents = connection.execute(sa.select(INTENTS).order_by(INTENTS.c.id)).all()
        deliveries = connection.execute(sa.select(DELIVERIES)).all()
    assert [(i.stream, i.payload["event"]) for i in intents] == [(e.incident, e.event) for e in events]
    assert {e.event for e in events} >= {"opened", "resolved"}
    assert {i.outcome for i in intents} <= {"delivered", "coalesced", "suppressed"}
    arrived = {key for key, _ in received}
    assert {d.key for d in deliveries if d.state == "delivered"} == arrived
    assert {d.state for d in deliveries} == {"delivered"}
    assert all(len({body for k, body in received if k == key}) == 1 for key in arrived)
    told = {json.loads(body)["data"]["id"] for _, body in received}
    assert told == {e.incident for e in events} - silent(intents)


def silent(intents: list[sa.Row]) -> set[str]:  # type: ignore[type-arg]
    """Incidents whose every change was suppressed: over before anybody had been told of them."""
    outcomes: dict[str, set[str]] = {}
    for intent in intents:
        outcomes.setdefault(intent.stream, set()).add(intent.outcome)
    return {stream for stream, found in outcomes.items() if found == {"suppressed"}}
