"""`driftline report`: write a report, or an incident's page, now.

In: a report's name, a period; or an incident's id. Out: where it is. Kept: the HTML pages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, load_config, parse_time, pick, reading
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    name: Annotated[str | None, typer.Argument(help="A report of the config.", show_default="the first one")] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Day after the last one covered.", show_default="today")
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="First day.", show_default="the report's period earlier"),
    ] = None,
    incident: Annotated[
        str | None,
        typer.Option("--incident", metavar="ID", help="Write this incident's page instead.", show_default=False),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="The folder to write to.", show_default="as configured")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Also send it to the report's channels.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a report of any period, or one incident's page, from what is stored; `run` writes reports by schedule."""
    from zoneinfo import ZoneInfo

    from monitor.reporting.models import few_collections
    from monitor.reporting.write import announce, period_of, write
    from monitor.settings import ReportSettings
    from monitor.store import open_store
    from monitor.world import make_world
    from reports.context import Period

    loaded = load_config(config)
    known = {one.name: one for one in loaded.settings.reports}
    if name is not None:
        pick(name, known, "report")
    chosen = known[name] if name else next(iter(known.values()), ReportSettings(name="report"))
    if folder is not None:
        chosen = chosen.model_copy(update={"folder": folder})
    zone = ZoneInfo(chosen.timezone)
    now = datetime.now(UTC)
    if incident is not None:
        if begin is not None or end is not None or send:
            raise UserError("--incident writes one incident's page as it stands now: leave out --from, --to and --send")
        _incident(loaded.settings, incident, chosen.folder if folder else chosen.folder / "incidents", now, as_json)
        return
    at = parse_time(end, zone) if end else now
    period = period_of(chosen, at)
    if begin is not None:
        period = Period(parse_time(begin, zone), period.end)
    store = open_store(loaded.settings.state)
    world = make_world(loaded, store)
    with few_collections():
        written = write(world, chosen, at, now, period=period)
    if send and chosen.to:
        with store.begin() as connection:
            announce(connection, chosen, written, now, now)
    store.close()
    if as_json:
        counts = {verdict.value: count for verdict, count in written.context.counts()}
        emit_json({"type": "report", "name": chosen.name, "path": str(written.index), "models": counts})
    else:
        days = (period.end - period.start + timedelta(hours=2)).days
        console().print(f"{written.index}: {days} days, {len(written.context.models)} models", markup=False)


def _incident(settings: Settings, incident: str, folder: Path, now: datetime, as_json: bool) -> None:
    from monitor.reporting.incident import page_of
    from reports import incident_words as words
    from reports.incident_pages import write_incident

    with reading(settings) as connection:
        page = page_of(connection, settings, incident, now)
    if page is None:
        raise UserError(f"there is no incident {incident!r}; `driftline incidents list --all` shows them")
    path = write_incident(page, folder)
    if as_json:
        emit_json({"type": "incident_page", "id": page.record.id, "path": str(path)})
    else:
        console().print(f"{path}: {words.title(page)}, {words.chip(page).lower()}", markup=False)
