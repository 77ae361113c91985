"""The schema: what the migrations make is what the tables say, and the future is refused."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import monitor.store
from alerts.tables import METADATA as ALERTS
from monitor.store import Store, cursors, open_store
from monitor.store.engine import make_engine
from monitor.store.errors import SchemaMismatch
from monitor.store.metadata import METADATA
from monitor.store.migrate import revisions, stored_revision
from tests.support.flow import START

# A table is known once its module has been imported.
for module in pkgutil.iter_modules(monitor.store.__path__):
    importlib.import_module(f"monitor.store.{module.name}")


def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": [METADATA, ALERTS]}
        )
        assert compare_metadata(context, [METADATA, ALERTS]) == []
        assert stored_revision(connection) == revisions()[-1]


def test_every_table_has_been_made(store: Store) -> None:
    with store.read() as connection:
        found = set(sa.inspect(connection).get_table_names())
    assert found == {*METADATA.tables, *ALERTS.tables, "alembic_version"}


def test_opening_again_keeps_what_is_there(empty_url: str) -> None:
    for _ in range(2):
        store = open_store(empty_url)
        with store.begin() as connection:
            if cursors.through(connection, "m") is None:
                cursors.move(connection, "m", START)
        store.close()
    store = open_store(empty_url, migrate=False)
    with store.read() as connection:
        assert cursors.through(connection, "m") == START
    store.close()


def test_a_newer_schema_is_refused_and_left_alone(empty_url: str) -> None:
    store = open_store(empty_url)
    with store.begin() as connection:
        cursors.move(connection, "m", START)
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    for migrate in (True, False):
        with pytest.raises(SchemaMismatch, match="newer than this Driftline"):
            open_store(empty_url, migrate=migrate)
    after = Store(make_engine(empty_url))
    with after.read() as connection:
        assert cursors.through(connection, "m") == START
        assert stored_revision(connection) == "9999"
    after.close()


def test_an_empty_database_is_not_filled_unasked(empty_url: str) -> None:
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        open_store(empty_url, migrate=False)
    store = Store(make_engine(empty_url))
    with store.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    store.close()


def test_processes_that_start_together_on_an_empty_database_share_it(empty_url: str) -> None:
    program = f"from monitor.store import open_store; open_store({empty_url!r}).close()"
    root = Path(__file__).parents[3]
    started = [subprocess.Popen([sys.executable, "-c", program], cwd=root) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    store = open_store(empty_url, migrate=False)
    store.close()
