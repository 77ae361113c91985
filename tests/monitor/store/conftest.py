"""A migrated state database on both kinds of database, without anything in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.tables import METADATA as ALERTS
from monitor.store import Store, open_store
from monitor.store.metadata import METADATA
from tests.support.postgres import Postgres

KINDS = ["sqlite", "postgres"]


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which there is nothing yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "state.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def shared(postgres: Postgres) -> Iterator[str]:
    name = postgres.create()
    open_store(postgres.url(name)).close()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("template"), tmp_path / "state.db")
        return f"sqlite:///{tmp_path / 'state.db'}"
    found: str = request.getfixturevalue("shared")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, migrate=False)
    yield opened
    if opened.engine.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in (*METADATA.tables, *ALERTS.tables))
        with opened.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
            connection.execute(sa.text("DROP TABLE IF EXISTS writes"))
    opened.close()
