"""Open the state database and hand out transactions.

In: a URL. Out: `Store`, whose `begin()` is a write transaction and whose `read()` is a short reader.
Kept: the connection pool.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from monitor.store.errors import StoreUnreachable

# How long a writer waits for another one (seconds).
_PATIENCE = 30


def _sqlite_settings(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN is switched off: every transaction says itself whether it is going to write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Half a megabyte a connection: rows are small and read once, and a daemon holds several connections.
    cursor.execute("PRAGMA cache_size = -512")
    cursor.close()


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (memory) or `postgresql://…`.

    Raises StoreUnreachable if the URL is no database URL.
    """
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreUnreachable(
            f"state: not a database URL; write sqlite:///driftline.db or postgresql://…: {error}"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            _make_folder(parsed)
            engine = sa.create_engine(parsed, connect_args={"timeout": _PATIENCE})
        else:
            engine = sa.create_engine(
                parsed, poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False, "timeout": _PATIENCE}
            )
        sa.event.listen(engine, "connect", _sqlite_settings)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise StoreUnreachable(f"state: {parsed.drivername} is not supported; write sqlite:///… or postgresql://…")
    if "+" not in parsed.drivername:
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(parsed, pool_pre_ping=True)


def _make_folder(url: URL) -> None:
    folder = Path((url.database or "").removeprefix("file:")).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnreachable(f"state: the folder {folder} cannot be made: {error.strerror}") from error


def _unreachable(error: sa.exc.DBAPIError) -> bool:
    """Whether the database is to blame: not there, read-only, full, damaged, forbidden. The rest are our mistakes."""
    forbidden = getattr(error.orig, "sqlstate", None) == "42501"
    return forbidden or not isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError)


def hasten(store: Store) -> None:
    """Do not wait for the disk on SQLite, for a state that may be lost with the machine: the demo's.

    Ten commits a simulated day are a tenth of a demo's time, or much more on a slow disk.
    """
    if store.engine.dialect.name == "sqlite":
        store.engine.dispose()
        sa.event.listen(store.engine, "connect", _do_not_wait)


def _do_not_wait(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


class Store:
    """The state database: transactions, and nothing about what is in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # On SQLite one writes at a time. Threads of ours take turns: its own way of waiting is to look again later.
        self._lock = threading.Lock() if engine.dialect.name == "sqlite" else None
        self.url = engine.url.render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed when the block ends, rolled back when it raises.

        On SQLite it takes the write lock at once (deferred transactions deadlock under several writers).
        Raises StoreUnreachable when the database cannot be written.
        """
        with self._errors(), self._turn(), self.engine.connect() as connection, connection.begin():
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A short reader that sees one state throughout; nothing written in it lasts. Raises StoreUnreachable."""
        with self._errors(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        if not self._lock.acquire(timeout=_PATIENCE):
            raise StoreUnreachable(f"state database {self.url}: another thread has been writing for {_PATIENCE} s")
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            if not _unreachable(error):
                raise
            raise StoreUnreachable(f"state database {self.url}: {error.orig}") from error
        except sa.exc.TimeoutError as error:
            raise StoreUnreachable(f"state database {self.url}: no connection became free") from error

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
