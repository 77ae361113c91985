"""`driftline trigger list | show | approve | refuse | retry | done`: retrainings, and what people say of them.

In: keys. Out: a table or JSON lines. Kept: the retraining's stage, and the news of its incident.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    console,
    emit_json,
    load_config,
    login,
    pick,
    reading,
    short_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.triggers.retrainings import Retraining
    from monitor.store import Store

_Key = Annotated[str, typer.Argument(metavar="KEY", help="As `trigger list` shows it.")]
_By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so.", show_default="your login")]
_Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept with it.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    for command in (approve, refuse, retry, done, show):
        group.command(command.__name__)(command)
    group.command("list")(listing)
    app.add_typer(group, name="trigger", help="Retrainings: what was asked for, what waits for a yes, what came of it.")


def listing(
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Only this model's.")] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", help="Only these: waiting, unknown, asked, …", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List retrainings, newest first."""
    from rich.table import Table
    from rich.text import Text

    from alerts.triggers import retrainings
    from alerts.triggers.retrainings import Stage

    if stage is not None:
        pick(stage, {each.value: each for each in Stage}, "stage")
    with reading(load_config(config).settings) as connection:
        found = retrainings.listed(connection, model=model, stage=Stage(stage) if stage else None)
    if as_json:
        for one in found:
            emit_json(_record(one))
        return
    if not found:
        console().print("no retraining has been asked for")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("key", "model", "trigger", "asked", "stage", "note"):
        table.add_column(heading, overflow="fold")
    for one in found:
        note = one.note or (f"version {one.new_version}" if one.new_version else "")
        cells = (one.key, one.model, one.trigger, short_time(one.created_at), one.stage.value, note)
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table)


def show(key: _Key, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Everything about one retraining: where it stands, and what its target is told."""
    import json

    from alerts.triggers import retrainings

    with reading(load_config(config).settings) as connection:
        one = retrainings.get(connection, key)
    if as_json:
        emit_json({**_record(one), "payload": dict(one.payload)})
        return
    _print(one)
    console().print(json.dumps(dict(one.payload), indent=2, ensure_ascii=False), markup=False)


def approve(key: _Key, by: _By = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Let a retraining that waits go to its target."""
    from monitor import retraining

    _change(config, as_json, lambda store, now: retraining.approve(store, key, by or login("--by"), now))


def refuse(
    key: _Key, note: _Note = "", by: _By = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Do not retrain for this; it is not asked again for the same incident."""
    from monitor import retraining

    _change(config, as_json, lambda store, now: retraining.refuse(store, key, by or login("--by"), note, now))


def retry(key: _Key, by: _By = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Call the target once more. For one that is unknown: look first, nothing stops a second training."""
    from monitor import retraining

    _change(config, as_json, lambda store, now: retraining.again(store, key, by or login("--by"), now))


def done(
    key: _Key,
    failed: Annotated[bool, typer.Option("--failed", help="It did not succeed.")] = False,
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="The version it made.", show_default=False)
    ] = "",
    note: _Note = "",
    by: _By = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a training ended; a success resolves the incident it was for."""
    from monitor import retraining

    def work(store: Store, now: datetime) -> Retraining:
        who = by or login("--by")
        return retraining.done(store, key, who, now, succeeded=not failed, version=version, note=note)

    _change(config, as_json, work)


def _change(config: ConfigOption, as_json: bool, work: Callable[[Store, datetime], Retraining]) -> None:
    from monitor.store import open_store

    store = open_store(load_config(config).settings.state)
    one = work(store, datetime.now(UTC))
    store.close()
    if as_json:
        emit_json(_record(one))
    else:
        _print(one)


def _print(one: Retraining) -> None:
    by = f" by {one.actor}" if one.actor else ""
    console().print(f"{one.key}  {one.stage.value}{by}  {one.model}/{one.trigger}", markup=False)
    if one.note:
        console().print(one.note, markup=False)


def _record(one: Retraining) -> dict[str, Any]:
    return {
        "type": "retraining",
        "key": one.key,
        "model": one.model,
        "trigger": one.trigger,
        "incident": one.incident,
        "stage": one.stage.value,
        "created_at": one.created_at.isoformat(),
        "changed_at": one.changed_at.isoformat(),
        "actor": one.actor,
        "note": one.note,
        "new_version": one.new_version,
    }
