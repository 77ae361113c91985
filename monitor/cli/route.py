"""`driftline route explain INCIDENT`: why its news went where it went, and what comes next.

In: an incident's id. Out: every decision with its reason, as a table or JSON lines. Kept: nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    console,
    emit_json,
    load_config,
    parse_time,
    reading,
    short_time,
)
from monitor.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    # Without a callback Typer would make a group of one command that very command.
    group.callback()(_route)
    group.command("explain")(explain)
    app.add_typer(group, name="route", help="Explain who hears of an incident, and why.")


def _route() -> None:
    """Explain who hears of an incident, and why."""


def explain(
    incident_id: Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, as `incidents list` shows it.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As of when (UTC).", show_default="now")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every decision of routing about an incident, each with its reason: silences, routes, channels, messages."""
    from alerts import deliveries, intents, reminders, silences
    from alerts.explaining import explain as explained
    from monitor.service.wiring import wire
    from monitor.store import incidents

    now = parse_time(at, UTC) if at is not None else datetime.now(UTC)
    settings = load_config(config).settings
    routes = wire(settings).routes
    with reading(settings) as connection:
        incident = incidents.get(connection, incident_id)
        if incident is None:
            raise UserError(f"there is no incident {incident_id!r}; `driftline incidents list --all` shows them")
        heard = deliveries.heard(connection, incident.stream)
        planned = reminders.of_stream(connection, incident.stream)
        steps = explained(incident, routes, silences.active(connection, now), heard, planned, now)
        said = [one for one in intents.told(connection, incident.stream) if one["incident"] == incident.id]
    if as_json:
        for step in steps:
            emit_json({"type": "decision", "what": step.what, "reason": step.reason, "note": step.note})
        for one in said:
            emit_json({"type": "intent", **{key: _plain(value) for key, value in one.items()}})
        return
    _print(f"{incident.id}  {incident.severity.value}  {incident.diagnosis} in {incident.model}", steps, said)


def _print(title: str, steps: list[Any], said: list[Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    out.print(title, markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for step in steps:
        table.add_row(Text(step.what), Text(step.reason), Text(step.note))
    for one in said:
        waits = f"pending, looked at again {short_time(one['due_at'])}" if one["due_at"] else ""
        became = one["outcome"] or waits or "being sent"
        table.add_row(Text(f"{short_time(one['at'])}"), Text(f"{one['event']}: {became}"), Text(one["reason"]))
    out.print(table)


def _plain(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
