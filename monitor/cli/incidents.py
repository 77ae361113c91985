"""`driftline incidents`: list them, show one, take it on, close it with a verdict.

In: ids. Out: tables or JSON lines. Kept: the incident's new state, its timeline, and the message about it.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, load_config, short_time
from monitor.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.incident import Incident, IncidentEvent

_IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, as `incidents list` shows it.")]
_ByOption = Annotated[str | None, typer.Option("--by", help="Who.", show_default="your login")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(listing)
    group.command("show")(show)
    group.command("ack")(ack)
    group.command("close")(close)
    app.add_typer(group, name="incidents", help="List incidents, take one on, close it with a verdict.")


def listing(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.", show_default=False)] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List incidents, newest first: the open ones, or all."""
    from monitor.cli.tables import incidents_table
    from monitor.store import incidents, open_store

    store = open_store(load_config(config).settings.state)
    with store.read() as connection:
        found = incidents.listing(connection, model=model, open_only=not everything)
    store.close()
    if as_json:
        for incident in found:
            emit_json({"type": "incident", **incident.to_json()})
    elif found:
        incidents_table(found)
    else:
        console().print("no incidents" if everything else "no open incidents (--all shows past ones)")


def show(incident_id: _IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Everything about one incident: figures, timeline, and what was sent to whom."""
    from alerts import outbox
    from monitor.store import incidents, open_store

    store = open_store(load_config(config).settings.state)
    with store.read() as connection:
        incident = incidents.get(connection, incident_id)
        timeline = incidents.timeline(connection, incident=incident_id)
        sent = outbox.listed(connection, incident=incident_id)
    store.close()
    if incident is None:
        raise UserError(f"there is no incident {incident_id!r}; `driftline incidents list --all` shows them")
    if as_json:
        events = [{"event": event, "at": at.isoformat(), "reason": why} for _, event, at, why in timeline]
        emit_json({"type": "incident", **incident.to_json(), "timeline": events, "deliveries": sent})
        return
    _print(incident)
    out = console()
    out.print("\ntimeline")
    for _, event, at, why in timeline:
        out.print(f"  {short_time(at)}  {event:12} {why}", markup=False)
    if sent:
        out.print("\nsent")
        for delivery in reversed(sent):
            out.print(
                f"  {delivery['created_at']}  {delivery['channel']}: {delivery['event']}, {delivery['state']}",
                markup=False,
            )


def ack(
    incident_id: _IdArgument, by: _ByOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Take an incident on: nobody is reminded of it any more."""
    from alerts.incident import acknowledge

    _change(incident_id, config, as_json, lambda incident, now: acknowledge(incident, by or getpass.getuser(), now))


def close(
    incident_id: _IdArgument,
    verdict: Annotated[
        str, typer.Option("--as", help="fixed, expected, accepted or 'false alarm'.", show_default=False)
    ],
    by: _ByOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close an incident by hand with what was found out."""
    from alerts.incident import Verdict
    from alerts.incident import close as closed

    try:
        chosen = Verdict(verdict)
    except ValueError:
        raise UserError(f"--as {verdict!r}: write one of {', '.join(Verdict)}") from None
    _change(incident_id, config, as_json, lambda incident, now: closed(incident, chosen, by or getpass.getuser(), now))


def _change(
    incident_id: str, config: ConfigOption, as_json: bool, change: Callable[[Incident, datetime], IncidentEvent]
) -> None:
    from monitor.acting import changed
    from monitor.store import open_store

    store = open_store(load_config(config).settings.state)
    now = datetime.now(UTC)
    event = changed(store, incident_id, lambda incident: change(incident, now), now)
    store.close()
    if as_json:
        emit_json(event.to_json())
    else:
        console().print(f"{incident_id} {event.event.value}: {event.reason}", markup=False)


def _print(incident: Incident) -> None:
    out = console()
    out.print(
        f"{incident.id}  {incident.severity.value}  {incident.state.value}  {incident.model} {incident.version}",
        markup=False,
    )
    out.print(f"{incident.diagnosis}: {incident.summary}", markup=False)
    out.print(f"first: {incident.action}", markup=False)
    for figure in incident.evidence:
        change = " → ".join(str(figure[key]) for key in ("before", "after") if figure.get(key) is not None)
        value = figure["statistic"]
        out.print(
            f"  {figure['subject']}: {figure['detector']} {'–' if value is None else f'{value:.3g}'}"
            f"{f' ({change})' if change else ''}, {figure['horizon']} to {figure['end'][:10]}, {figure['n']:,} rows",
            markup=False,
        )
