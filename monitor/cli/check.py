"""`driftline check`: judge windows now, or compare two files, without touching the ledger.

In: a model and a time, or two files. Out: a table or JSON lines, on request a report; exit code 1 on a breach.
Kept: hour profiles and the baseline (they are the same whoever makes them); no finding, no incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, emit_json, errors, load_config, parse_time, pick_model
from monitor.errors import Exit, UserError

if TYPE_CHECKING:
    from detectors.result import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    model: Annotated[str | None, typer.Argument(help="A model of the config.", show_default=False)] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Judge the windows that end here.", show_default="the newest ones"),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Without a config: the reference rows.", show_default=False)
    ] = None,
    production: Annotated[
        Path | None, typer.Option("--production", help="Without a config: the rows to judge.", show_default=False)
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="FILE", help="Write a report of the two files: .html, .json or .csv.", show_default=False
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="COLUMN",
            help="Of two files: leave this column out; may be given several times.",
            show_default=False,
        ),
    ] = None,
    private: Annotated[
        list[str] | None,
        typer.Option(
            "--private",
            metavar="COLUMN",
            help="Of two files: never show this column's values; may be given several times.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also list what is fine.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a model's windows that end at a time, or compare two files (Parquet, CSV, NDJSON) with no config at all."""
    if (reference is None) != (production is None):
        raise UserError("give both --reference and --production")
    if (model is None) == (reference is None):
        raise UserError("say what to check: a MODEL of the config, or --reference and --production files")
    if reference is None and (save or exclude or private):
        raise UserError("--save, --exclude and --private go with --reference and --production")
    if reference is not None and production is not None:
        findings = _files(reference, production, save, exclude or [], private or [])
    else:
        assert model is not None
        findings = _model(model, at, config)
    _show(findings, as_json, everything)
    if any(finding.status.value == "breach" and "event" not in finding.detail for finding in findings):
        raise typer.Exit(int(Exit.BREACH))


def _files(
    reference: Path, production: Path, path: Path | None, exclude: Sequence[str], private: Sequence[str]
) -> Sequence[Finding]:
    from monitor.on_demand.adhoc import compare_tables
    from monitor.reference.rows import read_table

    if path is not None:
        from monitor.reporting.comparison import check_path, save

        check_path(path)
    before, after = read_table(reference), read_table(production)
    compared = compare_tables(before, after, production.stem, datetime.now(UTC), exclude=exclude, private=private)
    if path is not None:
        save(compared, path, (reference.name, production.name))
        errors().print(f"written: {path}", markup=False)
    return compared.findings


def _model(model: str, at: str | None, config: ConfigOption) -> list[Finding]:
    from monitor.on_demand.checking import check_model
    from monitor.store import open_store

    loaded = load_config(config)
    pick_model(loaded, model)
    settings = loaded.settings.models[model]
    moment = parse_time(at, settings.zone) if at is not None else None
    store = open_store(loaded.settings.state)
    try:
        return check_model(loaded, store, model, moment, datetime.now(UTC))
    finally:
        store.close()


def _show(findings: Sequence[Finding], as_json: bool, everything: bool) -> None:
    if as_json:
        for finding in findings:
            emit_json(finding.to_json())
        return
    from monitor.cli.tables import findings_table

    findings_table(findings, everything)
