"""`driftline versions`: which versions served, which were registered, two of them side by side.

In: a model, versions, a span. Out: a table or JSON lines. Kept: with `register`, the version.
"""

from __future__ import annotations

from datetime import UTC, datetime
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
    group.command("register")(enrol)
    group.command("compare")(compare)
    app.add_typer(group, name="versions", help="Which versions of a model serve, and how two of them compare.")


def listing(model: _ModelArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the versions seen in the log and those registered, oldest first."""
    from rich.table import Table
    from rich.text import Text

    from monitor.store import served, versions

    loaded = load_config(config)
    pick_model(loaded, model)
    with reading(loaded.settings) as connection:
        seen, known = versions.versions(connection, model), served.registered(connection, model)
        prints = {version: served.fingerprints(connection, model, version) for version in seen}
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "first row", "last row", "registered", "preprocessing"):
        table.add_column(heading, overflow="fold")
    for version in [*seen, *(name for name in known if name not in seen)]:
        first, last = seen.get(version, (None, None))
        mine = known.get(version)
        names = [one.name for one in prints.get(version, [])]
        if as_json:
            emit_json(
                {
                    "type": "version",
                    "model": model,
                    "version": version,
                    "first_row": first,
                    "last_row": last,
                    "registered_at": mine.at if mine else None,
                    "preprocessing": names,
                }
            )
            continue
        told = short_time(mine.at) if mine else "no" if known else "-"
        times = [short_time(moment) if moment else "not served" for moment in (first, last)]
        table.add_row(*(Text(cell) for cell in (version, *times, told, ", ".join(names) or "-")))
    if not as_json:
        console().print(table if seen or known else "no version has been seen yet")


def enrol(
    model: _ModelArgument,
    version: Annotated[str, typer.Argument(help="The version that is to be served.")],
    preprocessing: Annotated[
        str | None, typer.Option("--preprocessing", help="Fingerprint of the preprocessing it belongs to.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a version is meant to be served; from the first one on, others are findings."""
    from monitor.store import open_store, served

    loaded = load_config(config)
    pick_model(loaded, model)
    store = open_store(loaded.settings.state)
    made = served.Registered(version, preprocessing, datetime.now(UTC))
    with store.begin() as connection:
        served.register(connection, model, made)
    store.close()
    if as_json:
        emit_json({"type": "registered", "model": model, "version": version, "preprocessing": preprocessing})
    else:
        console().print(f"{model} {version} is registered", markup=False)


def compare(
    model: _ModelArgument,
    old: Annotated[str, typer.Argument(help="A version.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Start.", show_default="when both serve")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End.", show_default="their last row")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Two versions over the same period: what they were asked, what they said, how well."""
    from datetime import timedelta

    from rich.table import Table
    from rich.text import Text

    from monitor.on_demand.comparing import compare_versions
    from monitor.store import baselines, open_store, versions
    from monitor.world import make_world

    loaded = load_config(config)
    pick_model(loaded, model)
    settings = loaded.settings.models[model]
    store = open_store(loaded.settings.state)
    with store.read() as connection:
        seen = versions.versions(connection, model)
        for name in (old, new):
            if name not in seen:
                raise UserError(f"{model} has no version {name}; seen were: {', '.join(seen) or 'none'}")
        baseline = baselines.current(connection, model, old) or baselines.newest(connection, model)
    if baseline is None:
        raise UserError(f"{model} has no baseline yet; it is made when the first window is judged")
    both = max(seen[old][0], seen[new][0]), min(seen[old][1], seen[new][1]) + timedelta(microseconds=1)
    if both[0] >= both[1]:
        # They never served at one time: all there is of both, and the table says so.
        both = min(seen[old][0], seen[new][0]), max(seen[old][1], seen[new][1]) + timedelta(microseconds=1)
    start = parse_time(begin, settings.zone) if begin else both[0]
    finish = parse_time(end, settings.zone) if end else both[1]
    if finish <= start:
        raise UserError("--to must come after --from")
    world = make_world(loaded, store)
    log, labels = world.open_log(model), world.open_labels(model)
    found = compare_versions(log, labels, model, settings, baseline, (old, new), (start, finish), datetime.now(UTC))
    world.close()
    store.close()
    if as_json:
        emit_json(found.to_json())
        return
    table = Table(box=None, pad_edge=False)
    for heading in (f"{short_time(start)} to {short_time(finish)}", old, new, ""):
        table.add_column(heading, overflow="fold", justify="left" if heading in ("", table.title) else "right")
    table.columns[0].justify = table.columns[3].justify = "left"
    for line in found.lines:
        table.add_row(*(Text(cell) for cell in (line.measure, _figure(line.old), _figure(line.new), line.note)))
    console().print(table)
    if not found.together:
        console().print("They never served on the same day: part of the difference may be the days'.", style="yellow")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4f}"
