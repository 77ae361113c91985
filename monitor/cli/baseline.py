"""`driftline baseline`: what each model version is compared with.

In: a model, a span. Out: baselines as a table or JSON lines. Kept: with `accept`, a new baseline.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Annotated

import typer

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    console,
    emit_json,
    load_config,
    parse_time,
    pick_model,
    reading,
    short_time,
)
from monitor.errors import UserError

_ModelArgument = Annotated[str, typer.Argument(help="A model of the config.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(listing)
    group.command("show")(show)
    group.command("accept")(accept)
    app.add_typer(group, name="baseline", help="What each model version is compared with.")


def listing(
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.", show_default="all")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List baselines, oldest first; the current ones are marked."""
    from rich.table import Table
    from rich.text import Text

    from monitor.store import baselines

    with reading(load_config(config).settings) as connection:
        found = baselines.listing(connection, model)
    if as_json:
        for one in found:
            emit_json({"type": "baseline", **one})
        return
    if not found:
        console().print("no baselines yet; they are made when the first windows are judged")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("", "id", "model", "version", "from", "rows", "made"):
        table.add_column(heading, overflow="fold")
    for one in found:
        mark = "●" if one["current"] else ""
        origin = f"{one['origin']}{' (provisional)' if one['provisional'] else ''}"
        made = one["created_at"]
        assert isinstance(made, datetime)
        cells = (mark, one["id"], one["model"], one["version"], origin, f"{one['rows']:,}", short_time(made))
        table.add_row(*(Text(str(cell)) for cell in cells))
    console().print(table)


def show(
    model: _ModelArgument,
    version: Annotated[str | None, typer.Option("--version", help="A model version.", show_default="newest")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The columns a model is watched by, how each is cut, and which are left out and why."""
    from detectors.bins import psi_bins
    from detectors.columns import ColumnKind
    from monitor.store import baselines

    loaded = load_config(config)
    pick_model(loaded, model)
    with reading(loaded.settings) as connection:
        chosen = baselines.current(connection, model, version) if version else baselines.newest(connection, model)
    if chosen is None:
        raise UserError(f"{model} has no baseline yet; it is made when the first window is judged")
    out = console()
    if not as_json:
        out.print(f"{chosen.id}  version {chosen.version}, {chosen.origin}, {chosen.rows:,} rows", markup=False)
        for name, one in chosen.performance.items():
            error = f" ± {one.stderr:.4f}" if isfinite(one.stderr) else ""
            days = f", days vary by {one.between:.4f} more" if isfinite(one.between) else ""
            out.print(f"  {name} {one.value:.4f}{error} on {one.n:,} labelled rows{days}", markup=False)
    for column in chosen.grid.columns:
        number = column.kind is ColumnKind.NUMBER
        bins = psi_bins(chosen.grid, column.name, 10) if number and not column.private else None
        if as_json:
            emit_json(
                {
                    "type": "column",
                    "name": column.name,
                    "role": column.role.value,
                    "kind": column.kind.value,
                    "cells": column.cells,
                    "private": column.private,
                    "psi_bins": None if bins is None else [float(edge) for edge in bins],
                }
            )
        else:
            private = ", private" if column.private else ""
            cut = f"{column.kind.value}, {column.cells} cells{private}"
            out.print(f"  {column.name:24} {column.role.value:10} {cut}", markup=False)
    for left_out in chosen.grid.excluded:
        if as_json:
            emit_json({"type": "excluded", "name": left_out.name, "reason": left_out.reason})
        else:
            out.print(f"  {left_out.name:24} left out: {left_out.reason}", markup=False)


def accept(
    model: _ModelArgument,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="First day of the new normal.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Day after its last.")],
    version: Annotated[str | None, typer.Option("--version", help="A model version.", show_default="newest")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept what a stretch of production looks like as the new normal: the version's baseline from now on."""
    from monitor.reference.baseline import ACCEPTED, Learning, from_interval
    from monitor.store import baselines, open_store, versions
    from monitor.world import make_world

    loaded = load_config(config)
    pick_model(loaded, model)
    settings = loaded.settings.models[model]
    start, finish = parse_time(begin, settings.zone), parse_time(end, settings.zone)
    if finish <= start:
        raise UserError("--to must come after --from")
    store = open_store(loaded.settings.state)
    world = make_world(loaded, store)
    with store.read() as connection:
        known = list(versions.versions(connection, model))
    chosen = version or (known[-1] if known else None)
    if chosen is None:
        raise UserError(f"no version of {model} has been seen yet")
    log, labels = world.open_log(model), world.open_labels(model)
    made = from_interval(log, labels, model, settings, chosen, start, finish, datetime.now(UTC), ACCEPTED)
    world.close()
    if isinstance(made, Learning):
        raise UserError(made.reason)
    with store.begin() as connection:
        baselines.save(connection, made)
    store.close()
    if as_json:
        emit_json({"type": "baseline", "id": made.id, "model": model, "version": chosen, "rows": made.rows})
    else:
        said = f"{model} {chosen} is compared with {made.origin} from now on ({made.rows:,} rows)"
        console().print(said, markup=False)
