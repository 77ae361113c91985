"""`driftline outbox list | retry | drop`: what is on its way, and what was given up.

In: ids or a channel. Out: a table or JSON lines. Kept: what a person decided about dead letters, in the state database.
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
    writing,
)
from monitor.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from alerts.dead_letters import Handled

_STATES = ("dead", "pending", "sending", "delivered", "dropped", "all")
_ERROR = 160

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Deliveries, as `outbox list` shows them.")]
ChannelOption = Annotated[
    str | None, typer.Option("--channel", metavar="NAME", help="All dead letters of this channel.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(listing)
    group.command("retry")(retry)
    group.command("drop")(drop)
    app.add_typer(group, name="outbox", help="What is on its way to channels, and what was given up.")


def listing(
    state: Annotated[str, typer.Option("--state", help=f"One of {', '.join(_STATES)}.")] = "dead",
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Only this channel's.", show_default=False)
    ] = None,
    incident: Annotated[
        str | None, typer.Option("--incident", metavar="ID", help="Only this incident's.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deliveries: the dead letters, unless another state is asked for."""
    from alerts import outbox

    pick(state, dict.fromkeys(_STATES), "state")
    with reading(load_config(config).settings) as connection:
        found = outbox.listed(
            connection, state=None if state == "all" else state, incident=incident, channel=channel, limit=limit
        )
    if as_json:
        for one in found:
            emit_json({"type": "delivery", **one})
    elif found:
        _print(found)
    else:
        console().print("no dead letters" if state == "dead" else "nothing there")


def retry(
    ids: Ids = None, channel: ChannelOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Send dead letters again: the same bytes, the same key, from the first try.

    One that newer news of the same incident has overtaken is left alone.
    """
    from alerts import dead_letters

    with writing(load_config(config).settings) as connection:
        chosen = _chosen(connection, ids, channel)
        handled = dead_letters.retry(connection, chosen, datetime.now(UTC))
    _report(handled, "waits to be sent again", as_json)


def drop(
    ids: Ids = None,
    channel: ChannelOption = None,
    by: Annotated[str | None, typer.Option("--by", help="Who drops them.", show_default="your login")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give dead letters up for good, or what still waits; the reason keeps who did."""
    from alerts import dead_letters

    with writing(load_config(config).settings) as connection:
        chosen = _chosen(connection, ids, channel)
        handled = dead_letters.drop(connection, chosen, by or login("--by"), datetime.now(UTC))
    _report(handled, "dropped", as_json)


def _chosen(connection: Connection, ids: list[int] | None, channel: str | None) -> list[int]:
    from alerts import dead_letters

    if bool(ids) == (channel is not None):
        raise UserError(
            "say which: ids, or --channel NAME for all its dead letters; `driftline outbox list` shows them"
        )
    return list(ids) if ids else dead_letters.matching(connection, channel)


def _report(handled: Handled, what: str, as_json: bool) -> None:
    if as_json:
        for number in handled.done:
            emit_json({"type": "delivery", "id": number, "done": True, "reason": ""})
        for number, why in handled.refused:
            emit_json({"type": "delivery", "id": number, "done": False, "reason": why})
    else:
        for number in handled.done:
            console().print(f"{number}: {what}", markup=False)
        for number, why in handled.refused:
            console().print(f"{number}: left alone, {why}", markup=False)
        if not handled.done and not handled.refused:
            console().print("no dead letters")
    if handled.refused and not handled.done:
        raise typer.Exit(2)


def _print(found: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "state", "channel", "incident", "event", "tries", "made", "why"):
        table.add_column(heading, overflow="fold")
    for one in found:
        table.add_row(*(Text(cell) for cell in _cells(one)))
    console().print(table)


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    from alerts.text import said
    from monitor.masking import mask_text

    made = datetime.fromisoformat(one["created_at"])
    why = said(mask_text(one["error"]), _ERROR)
    return (
        str(one["id"]), one["state"], one["channel"], one["stream"], one["event"], str(one["attempts"]),
        f"{made:%Y-%m-%d %H:%M} UTC", why,
    )  # fmt: skip
