"""`driftline init`: look at a log, guess what its columns are, write a config.

In: where the log is. Out: a commented config.yaml, and what was guessed and why. Kept: the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import JsonOption, console, emit_json
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.first_config.write import Plan, Source
    from monitor.settings import LogSettings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    url: Annotated[
        str | None,
        typer.Argument(
            help="Database URL of the log: postgresql://user@host/db or sqlite:///file.", show_default=False
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", "-t", help="With a database: the table, or schema.table.", show_default=False),
    ] = None,
    delta: Annotated[
        str | None,
        typer.Option("--delta", metavar="PATH", help="A folder with one Delta table a model.", show_default=False),
    ] = None,
    parquet: Annotated[
        str | None,
        typer.Option("--parquet", metavar="PATH", help="A Parquet file, folder or glob.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="The model's name.", show_default="from the table or file"),
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="Column with the prediction's time.", show_default="guessed")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Column with the truth.", show_default="guessed")] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="Whose days and weeks the model follows.")] = "UTC",
    rows: Annotated[int, typer.Option("--rows", min=10, help="How many of the newest rows to look at.")] = 5000,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the config.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file if it is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at a prediction log and write a config for it.

    driftline init postgresql://user@host/db --table predictions

    driftline init --parquet "scores/*.parquet"
    """
    from monitor.config import load
    from monitor.first_config.guess import guess
    from monitor.first_config.sample import sample
    from monitor.first_config.write import VARIABLE, Plan, render
    from monitor.settings.types import check_timezone

    source = _source(url, table, delta, parquet)
    if output.exists() and not force:
        raise UserError(f"{output} is there already; --force overwrites it, -o FILE writes elsewhere")
    if not output.absolute().parent.is_dir():
        raise UserError(f"there is no folder {output.absolute().parent} to write {output.name} into")
    try:
        check_timezone(timezone)
    except ValueError as error:
        raise UserError(f"--timezone: {error}") from None
    name = model or _name(source)
    found = sample(_settings(source), name, rows, timestamp)
    if label is not None and label not in found.table.column_names:
        raise UserError(f"--label: there is no column {label!r}; there are: {', '.join(found.table.column_names)}")
    if not found.table.num_rows:
        raise UserError("the log has no rows yet, so there is nothing to guess from; run this again once it has some")
    guessed = guess(found.table, found.timestamp, label, labels_apart=source.kind == "delta")
    plan = Plan(name, _beside(source, output), guessed, found.span, timezone)
    output.write_text(render(plan), encoding="utf-8")
    load(output, {**os.environ, VARIABLE: source.address})
    if as_json:
        emit_json(_record(plan, output))
    else:
        _tell(plan, output)


def _source(url: str | None, table: str | None, delta: str | None, parquet: str | None) -> Source:
    from monitor.first_config.write import Source

    given = [
        Source(kind, address, table if kind == "sql" else None)
        for kind, address in (("sql", url), ("delta", delta), ("parquet", parquet))
        if address is not None
    ]
    if len(given) != 1:
        raise UserError("say where the log is: a database URL with --table, or --delta PATH, or --parquet PATH")
    if given[0].kind == "sql" and "://" not in given[0].address:
        raise UserError(f"{given[0].address!r} is no database URL; for files use --parquet or --delta")
    if (given[0].kind == "sql") != (table is not None):
        raise UserError("a database URL needs --table" if table is None else "--table goes with a database URL")
    return given[0]


def _settings(source: Source) -> LogSettings:
    from monitor.settings import LogSettings

    address = source.address if "://" in source.address else str(Path(source.address).expanduser().absolute())
    return LogSettings.model_validate({source.kind: address} | ({"table": source.table} if source.table else {}))


def _name(source: Source) -> str:
    """The model's name: of the one Delta table there is, else of the table or file."""
    from monitor.first_config.write import model_name

    if source.kind != "delta":
        return model_name(source.table or source.address)
    folder = Path(source.address).expanduser()
    tables = sorted(path.parent.name for path in folder.glob("*/_delta_log"))
    tables = [name for name in tables if not name.endswith(".labels")]
    if (folder / "_delta_log").is_dir():
        raise UserError(f"{folder} is one table; name the folder above it, and the model with --model {folder.name}")
    if len(tables) == 1:
        return tables[0]
    there = f"there are: {', '.join(tables)}" if tables else "no Delta table was found below it"
    raise UserError(f"say which table of {source.address} with --model; {there}")


def _beside(source: Source, output: Path) -> Source:
    """The source as the config has it: relative paths in a config are relative to its own folder."""
    from dataclasses import replace

    here, there = Path.cwd(), output.absolute().parent
    if here == there:
        return source
    prefix, separator, path = source.address.partition(":///")
    if source.kind != "sql" and "://" not in source.address:
        return replace(source, address=_relative(source.address, there))
    if separator and prefix.startswith("sqlite") and path and not path.startswith("/"):
        return replace(source, address=f"{prefix}:///{_relative(path, there)}")
    return source


def _relative(path: str, folder: Path) -> str:
    return os.path.relpath(Path(path).expanduser().absolute(), folder)


def _record(plan: Plan, output: Path) -> dict[str, object]:
    guess = plan.guess
    return {
        "type": "init",
        "file": str(output),
        "model": plan.model,
        "task": guess.task,
        "columns": guess.roles,
        "features": guess.features,
        "excluded": {item.column: item.reason for item in guess.left_out},
        "private": {item.column: item.reason for item in guess.private},
        "notes": guess.notes,
        "rows": guess.rows,
    }


def _tell(plan: Plan, output: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from monitor.first_config.write import VARIABLE

    guess = plan.guess
    out = console()

    def say(text: str) -> None:
        out.print(Text(text))

    until = f", {plan.span[0]:%Y-%m-%d} to {plan.span[1]:%Y-%m-%d}" if plan.span else ""
    say(f"{plan.model}: looked at the {guess.rows} newest rows{until}. It seems to be a {guess.task} model.\n")
    roles = Table(box=None, pad_edge=False, show_header=False)
    for role, column in guess.roles.items():
        roles.add_row(Text(role, "bold"), Text(column))
    features = ", ".join(guess.features[:12]) + (
        f" and {len(guess.features) - 12} more" if len(guess.features) > 12 else ""
    )
    roles.add_row(Text(f"{len(guess.features)} features", "bold"), Text(features or "none"))
    out.print(roles)
    for title, items in (("Not watched", guess.left_out), ("Private, never shown", guess.private)):
        if items:
            say(f"\n{title}:")
            listed = Table(box=None, pad_edge=False, show_header=False)
            for item in items:
                listed.add_row(Text(f"  {item.column}"), Text(item.reason, "dim"))
            out.print(listed)
    if guess.notes:
        say("\nPlease check:")
        for note in guess.notes:
            say(f"  {note}")
    option = "" if str(output) in ("config.yaml", "driftline.yaml") else f" -c {output}"
    say(f"\nWrote {output}. Next:")
    if plan.source.secret:
        say(f"  export {VARIABLE}=…              the address with its password is not in the file")
    say(f"  driftline config check --ping{option}")
    say(f"  driftline run{option}")
