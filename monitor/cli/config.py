"""`driftline config check | show`.

In: config files, and with --ping everything they point to. Out: a table or JSON lines. Kept: nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, load_config, pick_model
from monitor.errors import Exit

if TYPE_CHECKING:
    from monitor.config import Config, Value
    from monitor.config.errors import Problem


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("check")(check)
    group.command("show")(show)
    app.add_typer(group, name="config", help="Check the config, or show where each value comes from.")


def check(
    ping: Annotated[
        bool, typer.Option("--ping", help="Also try every database, log, label source, channel and folder for real.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the config: every mistake in it, and with --ping whether all it points to can be reached.

    No message is sent to anyone and no table is created.
    """
    from monitor.config.errors import ConfigError, Place

    loaded = load_config(config)
    hopeless = list(_hopeless(loaded))
    if hopeless:
        raise ConfigError(sorted(hopeless, key=lambda problem: problem.place or Place("", 0, 0)))
    if as_json:
        for warning in loaded.warnings:
            emit_json(
                {"type": "warning", "path": warning.path, "place": str(warning.place), "message": warning.message}
            )
    else:
        _summary(loaded)
    if ping and not _ping(loaded, as_json):
        raise typer.Exit(int(Exit.MISTAKE))


def _hopeless(loaded: Config) -> Iterator[Problem]:
    """Channels and triggers that could never send: a malformed secret, an address that is none."""
    from alerts.errors import AlertError
    from monitor.config.errors import Problem, dotted
    from monitor.service.wiring import make_channel, make_target

    public = loaded.settings.server.public_url
    targets: list[tuple[tuple[str, ...], Callable[[str], object]]] = [
        (("alerts", "channels", name), partial(make_channel, given=channel, public_url=public, stream=sys.stderr))
        for name, channel in loaded.settings.alerts.channels.items()
    ]
    for model, settings in loaded.settings.models.items():
        for name, trigger in settings.triggers.items():
            making = partial(make_target, given=trigger, public_url=public)
            targets.append((("models", model, "triggers", name), making))
    for path, target in targets:
        try:
            target(path[-1])
        except AlertError as error:
            yield Problem(loaded.origin(path).key, dotted(path), str(error).removeprefix(f"{path[-1]}: "))


def _summary(loaded: Config) -> None:
    settings = loaded.settings
    where = ", ".join(str(source) for source in loaded.sources)
    counts = (
        (len(settings.models), "model"),
        (len(settings.alerts.channels), "channel"),
        (len(settings.alerts.routes), "route"),
        (len(settings.reports), "report"),
    )
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
    out = console()
    out.print("[green]ok[/]", end=" ")
    out.print(f"{where}: {told}", markup=False)
    for warning in loaded.warnings:
        out.print("[yellow]warning[/]", end=" ")
        out.print(str(warning), markup=False)


def _ping(loaded: Config, as_json: bool) -> bool:
    """Print what was tried; whether nothing failed."""
    from monitor.on_demand.ping import Outcome
    from monitor.on_demand.ping import ping as try_all

    probes = try_all(loaded, datetime.now(UTC))
    if as_json:
        fine = True
        for probe in probes:
            fine = fine and probe.outcome is not Outcome.FAILED
            emit_json(
                {
                    "type": "probe",
                    "what": probe.what,
                    "name": probe.name,
                    "outcome": probe.outcome,
                    "detail": probe.detail,
                }
            )
        return fine
    from rich.table import Table
    from rich.text import Text

    out = console()
    with out.status("trying everything the config points to …"):
        found = list(probes)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "name", "result"):
        table.add_column(heading, overflow="fold")
    styles = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "bold red"}
    for probe in found:
        table.add_row(
            Text(probe.outcome, styles[probe.outcome]), Text(probe.what), Text(probe.name), Text(probe.detail)
        )
    out.print(table)
    failed = sum(probe.outcome is Outcome.FAILED for probe in found)
    out.print(f"{failed} of {len(found)} failed" if failed else f"all {len(found)} are fine", style="bold")
    return not failed


def show(
    model: Annotated[
        str | None, typer.Argument(help="A model; without it, everything that belongs to no model.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each value in force and where it comes from: a default, a file and line, "*", a variable."""
    loaded = load_config(config)
    if model is not None:
        pick_model(loaded, model)
    values = list(loaded.values(model))
    if as_json:
        for value in values:
            emit_json(_record(value, model))
        return
    _table(loaded, model, values)


def _record(value: Value, model: str | None) -> dict[str, object]:
    from monitor.config.errors import dotted

    origin = value.origin
    return {
        "type": "setting",
        "model": model,
        "path": dotted(value.path),
        "value": value.value,
        "origin": str(origin),
        "file": origin.place.file if origin.place else None,
        "line": origin.place.line if origin.place else None,
    }


def _table(loaded: Config, model: str | None, values: list[Value]) -> None:
    import json

    from rich.table import Table
    from rich.text import Text

    from monitor.config.errors import dotted

    title = f"{model} (config hash {loaded.hash(model)})" if model is not None else "all models"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("key", "value", "comes from"):
        table.add_column(heading, overflow="fold")
    prefix = ("models", model)
    for value in values:
        path = value.path[2:] if value.path[:2] == prefix else value.path
        text = value.value if isinstance(value.value, str) else json.dumps(value.value, ensure_ascii=False)
        style = "dim" if value.origin.place is None else ""
        table.add_row(Text(dotted(path), style), Text(text, style), Text(str(value.origin), style))
    out = console()
    out.print(table)
    if model is None and loaded.settings.models:
        names = ", ".join(sorted(loaded.settings.models))
        out.print(f"\nmodels: {names}. Show one with: driftline config show MODEL", markup=False)
