"""Bring a state database to this program's schema, and refuse one from the future.

In: a URL. Out: an open `Store` at the newest schema. Kept: Alembic's version table.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.engine import Store, make_engine
from monitor.store.errors import SchemaMismatch, StoreUnreachable

_FOLDER = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """The known revisions, oldest first: `0001`, `0002`, …, the files of the migrations folder."""
    return sorted(path.stem.split("_", 1)[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def stored_revision(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def open_store(url: str, *, migrate: bool = True) -> Store:
    """Open the state database, migrating it if it is behind.

    Raises StoreUnreachable if it cannot be opened or written, SchemaMismatch if it is newer than this program
    (or, with `migrate=False`, behind it).
    """
    store = Store(make_engine(url))
    known = revisions()
    try:
        with store.read() as connection:
            stored = stored_revision(connection)
        if stored == known[-1]:
            return store
        if stored is not None and stored not in known:
            raise SchemaMismatch(
                f"{store.url} is at schema {stored}, newer than this Driftline knows ({known[-1]}): "
                "upgrade Driftline, or restore the database from before the upgrade"
            )
        if not migrate:
            raise SchemaMismatch(f"{store.url} is at schema {stored or 'none'}; run `driftline db upgrade`")
        _upgrade(store)
    except sa.exc.DatabaseError as error:
        store.close()
        raise StoreUnreachable(f"state database {store.url}: {error.orig}") from error
    except (StoreUnreachable, SchemaMismatch):
        store.close()
        raise
    return store


def _upgrade(store: Store) -> None:
    # Alembic is needed once in a database's life: kept out of the daemon's usual start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with store.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two processes that start together on an empty database must not both create it.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(727246)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
