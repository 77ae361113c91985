"""Transactions of the state database, also when they fail."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.store import Store, cursors, open_store
from monitor.store.engine import hasten, make_engine
from monitor.store.errors import StoreUnreachable
from tests.support.flow import DAY, START


def write_and_fail(store: Store) -> None:
    with store.begin() as connection:
        cursors.move(connection, "m", START)
        raise RuntimeError


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(store)
    with store.read() as connection:
        assert cursors.through(connection, "m") is None
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    with store.read() as connection:
        assert cursors.through(connection, "m") == START


def test_a_reader_leaves_nothing_behind(store: Store) -> None:
    with store.read() as connection:
        cursors.move(connection, "m", START)
    with store.read() as connection:
        assert cursors.through(connection, "m") is None


def test_a_reader_sees_one_state_throughout_on_sqlite(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    with store.read() as connection:
        assert cursors.all_through(connection) == {}
        with store.begin() as writer:
            cursors.move(writer, "m", START)
        assert cursors.all_through(connection) == {}, "and the reader did not hold up the writer"
    with store.read() as connection:
        assert cursors.all_through(connection) == {"m": START}
    store.close()


def test_four_writers_that_read_before_they_write_all_get_through(store: Store) -> None:
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    failures: list[BaseException] = []
    key = sa.select(cursors.CURSORS.c.through).where(cursors.CURSORS.c.model == "m").with_for_update()

    def write() -> None:
        try:
            for _ in range(25):
                with store.begin() as connection:
                    known = connection.execute(key).scalar_one()
                    cursors.move(connection, "m", known + DAY)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.read() as connection:
        assert cursors.through(connection, "m") == START + 100 * DAY


def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    with store.read() as connection:
        asked = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert asked == ["wal", 2, 1]
    store.close()


def test_memory_is_one_database_whatever_connects() -> None:
    store = open_store("sqlite://")
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    with store.read() as connection:
        assert cursors.through(connection, "m") == START
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "not a url",
        "mysql://user:secret@nowhere/db",
        "postgresql://user:secret@127.0.0.1:1/db",
        "postgresql://user:secret@/db?host=/nowhere",
    ],
)
def test_what_cannot_be_reached_is_said_without_the_password(url: str) -> None:
    with pytest.raises(StoreUnreachable) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is a letter to my grandmother, and no database at all\n" * 100)
    with pytest.raises(StoreUnreachable, match="not a database"):
        open_store(f"sqlite:///{path}")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable):
        open_store(f"sqlite:///{tmp_path}")


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnreachable):
        open_store(f"sqlite:///{tmp_path / 'file' / 'below' / 'state.db'}")


def test_a_damaged_database_is_unreachable_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_store(f"sqlite:///{path}").close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    store = Store(make_engine(f"sqlite:///{path}"))
    with pytest.raises(StoreUnreachable), store.begin() as connection:
        connection.execute(sa.text("SELECT * FROM cursors, slots, leases, versions")).all()
    store.close()


def test_a_read_only_sqlite_database_is_unreachable_for_writers_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}")
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    store.close()
    # Root may write whatever the permissions say: SQLite itself is asked to refuse.
    read_only = Store(make_engine(f"sqlite:///file:{path}?mode=ro&uri=true"))
    with pytest.raises(StoreUnreachable, match="readonly"), read_only.begin() as connection:
        cursors.move(connection, "m", START + DAY)
    with read_only.read() as connection:
        assert cursors.through(connection, "m") == START
    read_only.close()


def test_a_read_only_postgres_is_unreachable_for_writers(postgres_url: str) -> None:
    store = open_store(postgres_url)
    store.close()
    read_only = Store(make_engine(postgres_url + "&options=-cdefault_transaction_read_only%3Don"))
    with pytest.raises(StoreUnreachable, match="read-only"), read_only.begin() as connection:
        cursors.move(connection, "m", START)
    read_only.close()


def test_postgres_without_permission_is_unreachable(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.begin() as connection:
        connection.execute(sa.text("CREATE ROLE reader LOGIN"))
    try:
        other = Store(make_engine(postgres_url.replace("postgres@", "reader@")))
        with pytest.raises(StoreUnreachable, match="permission denied"), other.begin() as connection:
            cursors.move(connection, "m", START)
        other.close()
    finally:
        with store.begin() as connection:
            connection.execute(sa.text("DROP ROLE reader"))
        store.close()


def test_a_postgres_that_went_away_is_unreachable_and_found_again(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    with pytest.raises(StoreUnreachable), store.begin() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with store.read() as connection:
        assert cursors.through(connection, "m") == START
    store.close()


def write_much(store: Store) -> None:
    with store.begin() as connection:
        cursors.move(connection, "m", START + DAY)
        for number in range(2000):
            cursors.move(connection, f"another model {number} {'x' * 100}", START)


def test_a_full_database_is_unreachable_and_loses_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")

    @sa.event.listens_for(store.engine, "connect")
    def no_more_pages(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    store.engine.dispose()
    with store.begin() as connection:
        cursors.move(connection, "m", START)
    with pytest.raises(StoreUnreachable, match="full"):
        write_much(store)
    with store.read() as connection:
        assert cursors.all_through(connection) == {"m": START}
    with store.begin() as connection:
        cursors.move(connection, "m", START + DAY)
    store.close()


def test_a_lock_held_too_long_is_unreachable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store, hasty = open_store(url), open_store(url)

    @sa.event.listens_for(hasty.engine, "connect")
    def impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    hasty.engine.dispose()
    with store.begin() as connection:
        cursors.move(connection, "m", START)
        with pytest.raises(StoreUnreachable, match="locked"), hasty.begin():
            raise AssertionError("two writers at once")
    store.close()
    hasty.close()


def test_a_writer_that_never_ends_is_told_of_rather_than_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.engine._PATIENCE", 0.01)
    store = Store(make_engine(f"sqlite:///{tmp_path / 'state.db'}"))
    with store.begin(), ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnreachable, match="another thread"):
        pool.submit(store.begin().__enter__).result()
    store.close()


def test_a_state_that_may_be_lost_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    store = Store(make_engine(f"sqlite:///{tmp_path / 'state.db'}"))

    def waits() -> int:
        with store.read() as connection:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    assert waits() == 2
    hasten(store)
    assert waits() == 0
    store.close()
