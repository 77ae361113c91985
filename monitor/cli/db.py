"""`driftline db`: the state database.

In: a config. Out: its schema, its size. Kept: with `upgrade`, the migrated database.
"""

from __future__ import annotations

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, load_config


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("status")(status)
    group.command("upgrade")(upgrade)
    app.add_typer(group, name="db", help="Look at or upgrade the state database.")


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Schema, size, and how many rows each table has."""
    from monitor.store.migrate import open_store, revisions
    from monitor.store.sizes import sizes

    store = open_store(load_config(config).settings.state, migrate=False)
    with store.read() as connection:
        total, tables = sizes(connection)
    store.close()
    if as_json:
        emit_json({"type": "db", "url": store.url, "schema": revisions()[-1], "bytes": total, "rows": tables})
        return
    out = console()
    out.print(f"{store.url}: schema {revisions()[-1]}, {total / 1e6:,.1f} MB", markup=False)
    for name, rows in tables.items():
        out.print(f"  {name:20} {rows:>12,} rows")


def upgrade(config: ConfigOption = None) -> None:
    """Bring the state database to this version's schema; `run` does so by itself."""
    from monitor.store.migrate import open_store, revisions

    store = open_store(load_config(config).settings.state)
    store.close()
    console().print(f"{store.url} is at schema {revisions()[-1]}", markup=False)
