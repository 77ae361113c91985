"""`driftline business`: business metrics, and what they go together with.

In: a model, a span. Out: two tables, or JSON lines. Kept: nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

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
)
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.business.relations import Daily, Relation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("business")(business)


def business(
    model: Annotated[str, typer.Argument(help="A model of the config.")],
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="First day.", show_default="120 days back")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Day after the last.", show_default="now")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Business metrics by day, and whether they follow predictions, drift or performance, and how many days later."""
    from monitor.business.relations import business_days, relations
    from monitor.clock import WallClock
    from monitor.store import evaluations

    loaded = load_config(config)
    pick_model(loaded, model)
    settings = loaded.settings.models[model]
    if not settings.business:
        raise UserError(f"{model} has no business metrics; give it some under `business:`")
    last = parse_time(end, settings.zone) if end else WallClock().now()
    first = parse_time(begin, settings.zone) if begin else last - timedelta(days=120)
    with reading(loaded.settings) as connection:
        known = list(evaluations.find(connection, model, start=first, end=last, horizon="1d"))
    metrics, found = business_days(settings, known), relations(settings, known)
    if as_json:
        for one in metrics:
            emit_json(
                {
                    "type": "business",
                    "model": model,
                    "metric": one.metric,
                    "days": [day.isoformat() for day in one.days],
                    "values": list(one.values),
                }
            )
        for each in found:
            emit_json({"type": "relation", "model": model, **_plain(each)})
        return
    _tables(metrics, found)


def _plain(each: Relation) -> dict[str, object]:
    figures = {name: getattr(each.found, name) for name in ("correlation", "low", "high", "pvalue")}
    return {
        "metric": each.metric,
        "beside": each.beside,
        "lag_days": each.found.lag,
        **{name: value if value == value else None for name, value in figures.items()},
        "days": each.found.days,
        "related": each.found.related,
    }


def _tables(metrics: list[Daily], found: list[Relation]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not metrics:
        console().print("no day has been judged yet; `driftline backfill` judges days that are past")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("metric", "newest day", "value", "usual", ""):
        table.add_column(heading)
    for one in metrics:
        newest = one.newest
        table.add_row(
            Text(one.metric),
            Text(one.days[-1].isoformat()),
            Text(f"{one.values[-1]:.4g}"),
            Text(str(newest.detail.get("before", "–"))),
            Text(newest.status.value),
        )
    console().print(table)
    console().print()
    told = Table(box=None, pad_edge=False)
    for heading in ("metric", "beside", "days later", "correlation", "95% interval", "days", ""):
        told.add_column(heading)
    for each in found:
        lagged = each.found
        known = lagged.correlation == lagged.correlation
        told.add_row(
            Text(each.metric),
            Text(each.beside),
            Text(str(lagged.lag) if known else "–"),
            Text(f"{lagged.correlation:+.2f}" if known else "–"),
            Text(f"{lagged.low:+.2f} to {lagged.high:+.2f}" if known else "–"),
            Text(str(lagged.days)),
            Text("go together" if lagged.related else "no more than chance" if known else "too few days"),
        )
    console().print(told)
    console().print("Weekdays and the trend are taken out first. To go together is not to be the cause.")
