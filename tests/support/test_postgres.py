"""The PostgreSQL that tests use starts, is real, and leaves nothing running, even when its tests are killed."""

import os
import signal
import subprocess
import sys
import time

import psycopg

from tests.support.postgres import Postgres, running


def test_each_test_has_a_database_of_its_own(postgres: Postgres, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (x int)")
        version = connection.execute("SHOW server_version").fetchone()
    assert version is not None
    other = postgres.create()
    with psycopg.connect(postgres.url(other)) as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)
    postgres.drop(other)


def _start_and_end(ending: str) -> int:
    code = f"from tests.support.postgres import server; print(server().pid, flush=True); {ending}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        if "sleep" in ending:
            assert running(pid)
            os.kill(process.pid, signal.SIGKILL)
    return pid


def _gone(pid: int) -> bool:
    for _ in range(100):
        if not running(pid):
            return True
        time.sleep(0.1)
    return False


def test_the_server_ends_with_its_process() -> None:
    assert _gone(_start_and_end("raise SystemExit(3)"))


def test_the_server_ends_when_its_process_is_killed() -> None:
    assert _gone(_start_and_end("import time; time.sleep(60)"))
