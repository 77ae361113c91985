"""One evaluation, one transaction: all of it or nothing, whatever crashes, and never twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from alerts.intents import INTENTS
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.store import Store, cursors, leases, open_store, schedule
from monitor.store.baselines import BASELINES
from monitor.store.errors import LeaseLost
from monitor.store.evaluations import EVALUATIONS
from monitor.store.incidents import EVENTS, INCIDENTS
from monitor.store.profiles import DAYS, HOURS, SLOTS
from monitor.store.versions import VERSIONS
from monitor.world import make_world
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, rows, table_rows, with_column

assert schedule  # its table belongs to the schema
MODELS: dict[str, dict[str, Any]] = {"m": {"horizons": ["1d", "7d"], "baseline": {"learn": "2d"}}}
KEPT = (
    (EVALUATIONS, ("id",)),
    (INCIDENTS, ()),
    (EVENTS, ("id",)),
    (INTENTS, ("id",)),
    (SLOTS, ()),
    (HOURS, ()),
    (DAYS, ()),
    (BASELINES, ()),
    (VERSIONS, ()),
    (cursors.CURSORS, ()),
)
BEFORE, AFTER = START + 5 * DAY, START + 6 * DAY + HOUR


class Crash(BaseException):
    """The process ends here: nothing catches it."""


def broken_day(day: int) -> pa.Table:
    """A day with drift in one column and another gone."""
    table = rows(START + day * DAY, 24, shift=1.5, seed=day)
    return with_column(table, "amount", pa.array([None] * table.num_rows, pa.float64()))


@dataclass
class Interrupted:
    """A service stopped before a day with drift, a broken column and rows that came late for an earlier day."""

    flow: Flow
    template: Path
    count: int = 0

    def resume(self, crash: Callable[[Store], None] = lambda store: None) -> list[Outcome]:
        """One process's life: open the state, evaluate what is due."""
        store = open_store(self.flow.url)
        crash(store)
        try:
            engine = Engine(make_world(self.flow.config(MODELS), store), as_it_was=True)
            return list(engine.advance(AFTER))
        finally:
            store.close()

    def again(self) -> None:
        """Everything as it was before."""
        for suffix in ("-wal", "-shm"):
            (self.flow.folder / f"state.db{suffix}").unlink(missing_ok=True)
        shutil.copy(self.template, self.flow.folder / "state.db")

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        store = open_store(self.flow.url)
        found = {table.name: table_rows(store, table, *leave_out) for table, leave_out in KEPT}
        store.close()
        return found


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    flow = Flow(tmp_path_factory.mktemp("cycle"))
    flow.put(rows(hours=5 * 24))
    list(flow.engine(MODELS).advance(BEFORE + HOUR))
    flow.close()
    flow.put(broken_day(5))
    flow.put(rows(START + 3 * DAY, 24, shift=4.0, seed=99))
    template = flow.folder / "template.db"
    shutil.copy(flow.folder / "state.db", template)
    return Interrupted(flow, template)


def writes(store: Store, at: int, seen: list[str]) -> None:
    """Crash before the write number `at` (from 0; -1: never), and note every write in `seen`."""

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def before(_conn: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE"):
            seen.append(statement)
            if len(seen) - 1 == at:
                raise Crash

    @sa.event.listens_for(store.engine, "commit")
    def commit(_conn: Any) -> None:
        seen.append("COMMIT")
        if len(seen) - 1 == at:
            raise Crash


def test_the_undisturbed_run_has_something_to_lose(interrupted: Interrupted) -> None:
    interrupted.again()
    outcomes = interrupted.resume()
    assert sorted(event[1:] for event in events_of(outcomes)) == [("opened", "data"), ("opened", "drift")]
    revised = findings_of(outcomes, revision=1)
    assert {finding.window.horizon for finding in revised} == {"1d", "7d"}
    kept = interrupted.kept()
    assert len(kept["intents"]) == 2
    keys = [(row[0], row[1], row[2], row[3], row[4], row[5], row[7]) for row in kept["evaluations"]]
    assert len(set(keys)) == len(keys)
    assert interrupted.resume() == [], "there is nothing left to do"
    assert interrupted.kept() == kept


def test_a_crash_at_any_write_changes_nothing_in_the_end(interrupted: Interrupted) -> None:
    interrupted.again()
    seen: list[str] = []
    interrupted.resume(lambda store: writes(store, -1, seen))
    undisturbed = interrupted.kept()
    assert len([statement for statement in seen if statement == "COMMIT"]) >= 3
    assert {"incidents", "intents", "evaluations", "cursors"} <= {
        statement.split()[2] for statement in seen if statement.startswith("INSERT")
    } | {statement.split()[1] for statement in seen if statement.startswith("UPDATE")}
    # Of statements that come many times the first and the last; all of those that come seldom, and every commit.
    places: dict[str, list[int]] = {}
    for position, statement in enumerate(seen):
        places.setdefault(statement, []).append(position)
    chosen = [at for found in places.values() for at in (found if len(found) <= 4 else (found[0], found[-1]))]
    for position in sorted({*chosen, *places["COMMIT"]}):
        interrupted.again()
        with pytest.raises(Crash):
            interrupted.resume(lambda store, at=position: writes(store, at, []))
        interrupted.resume()
        assert interrupted.kept() == undisturbed, f"after a crash at {seen[position]}"


def test_crashes_again_and_again_change_nothing_in_the_end(interrupted: Interrupted) -> None:
    interrupted.again()
    interrupted.resume()
    undisturbed = interrupted.kept()
    interrupted.again()
    crashes = 0
    while True:
        try:
            # Each life gets two writes further than the last.
            interrupted.resume(lambda store, at=2 * crashes: writes(store, at, []))
        except Crash:
            crashes += 1
            continue
        break
    assert crashes > 5
    assert interrupted.kept() == undisturbed


def test_who_has_lost_the_lease_writes_nothing(interrupted: Interrupted) -> None:
    interrupted.again()
    before = interrupted.kept()
    store = open_store(interrupted.flow.url)
    with store.begin() as connection:
        mine = leases.acquire(connection, "evaluator", "here|1|1", 60.0)
        assert mine is not None
        leases.release(connection, mine)
        leases.acquire(connection, "evaluator", "elsewhere|1|1", 60.0)
    world = make_world(interrupted.flow.config(MODELS), store, lease=mine)
    with pytest.raises(LeaseLost):
        list(Engine(world, as_it_was=True).advance(AFTER))
    store.close()
    after = interrupted.kept()
    for name in ("evaluations", "incidents", "incident_events", "intents", "cursors", "day_profiles"):
        assert after[name] == before[name]


def test_where_nothing_is_delivered_incidents_change_and_nothing_is_to_be_said(interrupted: Interrupted) -> None:
    interrupted.again()
    store = open_store(interrupted.flow.url)
    world = replace(make_world(interrupted.flow.config(MODELS), store), deliver=False)
    assert len(events_of(list(Engine(world, as_it_was=True).advance(AFTER)))) == 2
    store.close()
    assert interrupted.kept()["intents"] == []
