"""`driftline incidents`: list them, show one, take it on, close it with a verdict.

In: ids. Out: tables or JSON lines. Kept: the incident's new state, its timeline, and the message about it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    console,
    emit_json,
    load_config,
    login,
    parse_time,
    reading,
    short_time,
)
from monitor.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    group.command("reopen")(reopen)
    group.command("budget")(budget)
    app.add_typer(group, name="incidents", help="List incidents, take one on, close it with a verdict, take that back.")


def listing(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.", show_default=False)] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List incidents, newest first: the open ones, or all."""
    from monitor.cli.promises import promise_line
    from monitor.cli.tables import incidents_table
    from monitor.promise import MONTH, promises
    from monitor.store import incidents

    settings, now = load_config(config).settings, datetime.now(UTC)
    with reading(settings) as connection:
        found = incidents.listing(connection, model=model, open_only=not everything)
        promised = [] if as_json else promises(connection, settings, now - MONTH, now)
    if as_json:
        for incident in found:
            emit_json({"type": "incident", **incident.to_json()})
        return
    if found:
        incidents_table(found)
    else:
        console().print("no incidents" if everything else "no open incidents (--all shows past ones)")
    for line in (promise_line(one) for one in promised if model in (None, one.name)):
        if line:
            console().print(line, markup=False)


def budget(
    days: Annotated[int, typer.Option("--days", min=1, help="How far back to count.")] = 30,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """False alarms promised, and those raised by what people said of them: by model, and by route with a budget."""
    from monitor.cli.promises import promises_table
    from monitor.promise import promises

    settings, now = load_config(config).settings, datetime.now(UTC)
    with reading(settings) as connection:
        found = promises(connection, settings, now - timedelta(days=days), now)
    if as_json:
        for one in found:
            emit_json(one.to_json())
    else:
        promises_table(found, days)


def show(incident_id: _IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Everything about one incident: figures, timeline, and what was sent to whom."""
    from alerts import outbox
    from monitor.store import incidents

    with reading(load_config(config).settings) as connection:
        incident = incidents.get(connection, incident_id)
        timeline = incidents.timeline(connection, incident=incident_id)
        stream = incident.stream if incident else incident_id
        sent = outbox.listed(connection, incident=stream)
        fleet = incidents.fleet(connection, stream)
    if incident is None:
        raise UserError(f"there is no incident {incident_id!r}; `driftline incidents list --all` shows them")
    if as_json:
        events = [{"event": event, "at": at.isoformat(), "reason": why} for _, event, at, why in timeline]
        emit_json({"type": "incident", **incident.to_json(), "timeline": events, "deliveries": sent})
        return
    _print(incident)
    out = console()
    if len(fleet) > 1:
        out.print(f"told together: {', '.join(f'{one.model} ({one.id}, {one.state})' for one in fleet)}", markup=False)
    out.print("\ntimeline")
    for at, what, more in _timeline(timeline, sent):
        out.print(f"  {short_time(at)}  {what:12} {more}", markup=False)
    out.print(f"\nwhy it was told to whom: driftline route explain {incident.id}", markup=False)


def _timeline(
    changes: Sequence[tuple[str, str, datetime, str]], sent: Sequence[Mapping[str, Any]]
) -> list[tuple[datetime, str, str]]:
    """Every change and every notification, in order of time."""
    told = [
        (
            datetime.fromisoformat(one["finished_at"] or one["created_at"]),
            "told" if one["state"] == "delivered" else one["state"],
            f"{one['channel']}: {one['event']}" + (f" ({one['error']})" if one["error"] else ""),
        )
        for one in reversed(sent)
    ]
    return sorted([*((at, event, why) for _, event, at, why in changes), *told], key=lambda line: line[0])


def ack(
    incident_id: _IdArgument, by: _ByOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Take an incident on: nobody is reminded of it any more."""
    from alerts.by_hand import acknowledge

    _change(incident_id, config, as_json, lambda incident, now: acknowledge(incident, by or login("--by"), now))


def close(
    incident_id: _IdArgument,
    verdict: Annotated[
        str, typer.Option("--as", help="fixed, expected, accepted or 'false alarm'.", show_default=False)
    ],
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="With --as accepted: first day of the new normal.",
            show_default="the first window that breached",
        ),
    ] = None,
    by: _ByOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close an incident by hand with what was found out, or say so of one that is over; the last word counts.

    fixed: a fault, repaired. expected: leave its time out of references. accepted: this is the new normal, compare with
    it from now on. 'false alarm': nothing was wrong; it counts against the budget.
    """
    from alerts.by_hand import close as closed
    from alerts.incident import Verdict

    try:
        chosen = Verdict(verdict)
    except ValueError:
        raise UserError(f"--as {verdict!r}: write one of {', '.join(Verdict)}") from None
    who = by or login("--by")

    def change(incident: Incident, now: datetime) -> IncidentEvent:
        start = parse_time(since, ZoneInfo(incident.timezone)) if since else None
        return closed(incident, chosen, who, now, start)

    _change(incident_id, config, as_json, change)


def reopen(
    incident_id: _IdArgument, by: _ByOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Open an incident that is over again: a verdict is taken back, with all it did."""
    from alerts.by_hand import reopen as reopened

    _change(incident_id, config, as_json, lambda incident, now: reopened(incident, by or login("--by"), now))


def _change(
    incident_id: str, config: ConfigOption, as_json: bool, change: Callable[[Incident, datetime], IncidentEvent]
) -> None:
    from monitor.acting import changed
    from monitor.store import open_store

    store = open_store(load_config(config).settings.state)
    now = datetime.now(UTC)
    event = changed(store, incident_id, lambda incident: change(incident, now), now)
    store.close()
    _say(event, as_json)


def _say(event: IncidentEvent, as_json: bool) -> None:
    from alerts.verdicts import what_follows

    if as_json:
        emit_json(event.to_json())
        return
    out = console()
    out.print(f"{event.incident.id} {event.event.value}: {event.reason}", markup=False)
    if follows := what_follows(event.incident):
        out.print(follows, markup=False)


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
