"""The lease: one evaluator at a time, and a successor at once when it has died."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.store import Store, leases
from monitor.store.errors import LeaseLost
from monitor.store.leases import Lease

ROOT = Path(__file__).parents[3]
ELSEWHERE = "another-host|1|1"


def take(store: Store, holder: str, ttl: float = 60.0) -> Lease | None:
    with store.begin() as connection:
        return leases.acquire(connection, "evaluator", holder, ttl)


def expire(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(leases.LEASES.update().values(expires=leases.LEASES.c.expires - 3600.0))


def test_the_first_gets_it_and_keeps_it_by_renewing(store: Store) -> None:
    mine = leases.this_process()
    assert take(store, mine) == Lease("evaluator", mine, 1)
    assert take(store, ELSEWHERE) is None
    assert take(store, mine) == Lease("evaluator", mine, 1), "renewing is no new epoch"
    with store.begin() as connection:
        leases.check(connection, Lease("evaluator", mine, 1))


def test_one_that_ran_out_goes_to_the_next_with_a_higher_epoch(store: Store) -> None:
    old = take(store, ELSEWHERE)
    assert old is not None
    expire(store)
    new = take(store, leases.this_process())
    assert new is not None
    assert new.epoch == 2
    with pytest.raises(LeaseLost, match="epoch 2, ours was 1"), store.begin() as connection:
        leases.check(connection, old)
    with store.begin() as connection:
        leases.check(connection, new)
    assert take(store, ELSEWHERE) is None


def test_a_lease_is_lost_even_by_the_one_who_gets_it_back(store: Store) -> None:
    old = take(store, ELSEWHERE)
    assert old is not None
    expire(store)
    take(store, "a-third-host|1|1")
    expire(store)
    again = take(store, ELSEWHERE)
    assert again is not None
    assert again.epoch == 3
    with pytest.raises(LeaseLost), store.begin() as connection:
        leases.check(connection, old)


def test_a_released_lease_is_free_at_once_and_releasing_a_lost_one_takes_it_from_nobody(store: Store) -> None:
    old = take(store, ELSEWHERE)
    assert old is not None
    with store.begin() as connection:
        leases.release(connection, old)
    new = take(store, leases.this_process())
    assert new is not None
    with store.begin() as connection:
        leases.release(connection, old)
    assert take(store, "a-third-host|1|1") is None


def test_a_dead_process_of_this_host_is_succeeded_at_once(store: Store) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "from monitor.store import leases; print(leases.this_process())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    dead = child.stdout.strip()
    assert take(store, dead) is not None
    assert take(store, ELSEWHERE) is not None, "the process has ended, its lease has not"


def test_a_living_process_of_this_host_is_not_succeeded(store: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from monitor.store import leases; print(leases.this_process(), flush=True); input()"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        living = child.stdout.readline().strip()
        assert take(store, living) is not None
        assert take(store, ELSEWHERE) is None
        child.kill()
    assert take(store, ELSEWHERE) is not None


def test_a_process_id_that_was_given_to_another_is_known_by_when_it_started(store: Store) -> None:
    host, pid, started = leases.this_process().split("|")
    assert pid == str(os.getpid())
    assert take(store, f"{host}|{pid}|{int(started) - 1}") is not None
    assert take(store, leases.this_process()) is not None


def test_on_an_empty_table_one_of_many_wins(store: Store) -> None:
    won: list[Lease | None] = []
    failures: list[BaseException] = []
    gate = threading.Barrier(6)

    def run(number: int) -> None:
        try:
            with store.begin() as connection:
                if store.engine.dialect.name != "sqlite":  # which lets one writer in at a time
                    gate.wait()
                won.append(leases.acquire(connection, "evaluator", f"host-{number}|1|1", 60.0))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len([lease for lease in won if lease is not None]) == 1


COMPETITOR = """
import sys, sqlalchemy as sa
from monitor.store import leases, open_store
from monitor.store.errors import LeaseLost
store, me, done = open_store(sys.argv[1]), sys.argv[2], 0
while done < 15:
    with store.begin() as connection:
        lease = leases.acquire(connection, "evaluator", me, 60.0)
    if lease is None:
        continue
    try:
        with store.begin() as connection:
            leases.check(connection, lease)
            row = {"epoch": lease.epoch, "holder": me}
            connection.execute(sa.text("INSERT INTO writes VALUES (:epoch, :holder)"), row)
    except LeaseLost:
        continue
    done += 1
    with store.begin() as connection:
        leases.release(connection, lease)
"""


def test_two_processes_never_write_under_one_epoch(url: str, store: Store) -> None:
    with store.begin() as connection:
        connection.execute(sa.text("CREATE TABLE writes (epoch INTEGER, holder VARCHAR(40))"))
    started = [
        subprocess.Popen([sys.executable, "-c", COMPETITOR, url, f"host-{number}|1|1"], cwd=ROOT) for number in (1, 2)
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    with store.read() as connection:
        rows = connection.execute(sa.text("SELECT epoch, COUNT(DISTINCT holder) FROM writes GROUP BY epoch")).all()
        total = connection.execute(sa.text("SELECT COUNT(*) FROM writes")).scalar_one()
    assert total == 30
    assert {holders for _, holders in rows} == {1}
