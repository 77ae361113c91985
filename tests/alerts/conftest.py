"""A state database for the outbox: SQLite always, PostgreSQL where a test asks for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from alerts.outbox import METADATA
from monitor.store.engine import Store, make_engine

Begin = Callable[[], AbstractContextManager[Connection]]


def _begin(url: str) -> Iterator[Begin]:
    store = Store(make_engine(url))
    METADATA.create_all(store.engine)
    yield store.begin
    store.close()


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Write transactions on an SQLite file."""
    yield from _begin(f"sqlite:///{tmp_path / 'state.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Begin]:
    """Write transactions on SQLite, then on a real PostgreSQL."""
    if request.param == "sqlite":
        yield from _begin(f"sqlite:///{tmp_path / 'state.db'}")
    else:
        yield from _begin(request.getfixturevalue("postgres_url"))
