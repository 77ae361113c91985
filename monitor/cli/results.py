"""`driftline results`: what was found, now or as it was known at an earlier time.

In: a model, a span, a time. Out: findings as a table or JSON lines. Kept: nothing.
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, emit_json, load_config, parse_time, pick_model, reading
from monitor.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("results")(results)


def results(
    model: Annotated[str, typer.Argument(help="A model of the config.")],
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Windows that end after this.", show_default=False)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Windows that end by this.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="What was known then.", show_default="now")
    ] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", help="1h, 1d, 7d or 28d.", show_default="all")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="feature, prediction, quality, performance, business or volume.",
            show_default="all",
        ),
    ] = None,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="Every look at a window, not only the newest: lists what is fine too.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also list what is fine.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Findings from the ledger; with --as-of, as the monitor knew them at that time."""
    from detectors.result import Kind
    from monitor.cli.tables import findings_table
    from monitor.store import evaluations

    if kind is not None and kind not in list(Kind):
        raise UserError(f"there is no kind {kind!r}; there are: {', '.join(Kind)}")

    loaded = load_config(config)
    pick_model(loaded, model)
    zone = loaded.settings.models[model].zone
    with reading(loaded.settings) as connection:
        found = [
            finding
            for evaluation in evaluations.find(
                connection,
                model,
                start=parse_time(begin, zone) if begin else None,
                end=parse_time(end, zone) if end else None,
                as_of=parse_time(as_of, UTC) if as_of else None,
                horizon=horizon,
                latest=not revisions,
            )
            for finding in evaluation.findings
            if kind in (None, finding.kind.value)
        ]
    if as_json:
        for finding in found:
            emit_json(finding.to_json())
    else:
        findings_table(found, everything or revisions, revisions)
