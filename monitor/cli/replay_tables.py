"""What a replay found, for people: its incidents, and the figures a budget is chosen by, side by side.

In: what each config would have raised. Out: tables on standard output. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.cli.common import console

if TYPE_CHECKING:
    from alerts.incident import Incident
    from monitor.on_demand.what_if import Raised
    from monitor.settings import ModelSettings

_SHOWN = 6
_STYLES = {"critical": "bold red", "warning": "yellow", "info": "blue"}


def show(
    found: Mapping[str, Sequence[Raised]], models: Mapping[str, ModelSettings], start: datetime, end: datetime
) -> None:
    """For one config its incidents and its figures; for several the figures side by side, and who else saw what."""
    names = list(found)
    for place, first in enumerate(found[names[0]]):
        zone = models[first.model].zone
        beside = [found[name][place] for name in names]
        out = console()
        out.print(f"[bold]{_plain(first.model)}[/], {_day(start, zone)} to {_day(end, zone)}, {first.days:.0f} days")
        _incidents(names, beside, zone, end)
        _figures(names, beside, zone)
        out.print()


def _incidents(names: Sequence[str], beside: Sequence[Raised], zone: ZoneInfo, end: datetime) -> None:
    from rich.table import Table
    from rich.text import Text

    if not any(one.incidents for one in beside):
        console().print("nothing would have been raised")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("opened", "lasted", "severity", "what", *(names if len(names) > 1 else ())):
        table.add_column(heading, overflow="fold")
    every: dict[str, Incident] = {}
    for one in beside:
        every |= {incident.id: incident for incident in one.incidents if incident.id not in every}
    for incident in sorted(every.values(), key=lambda one: (one.opened_at, one.id)):
        seen = [next((i for i in one.incidents if i.id == incident.id), None) for one in beside]
        marks = [_mark(one, incident) for one in seen] if len(names) > 1 else []
        table.add_row(
            Text(_day(incident.opened_at, zone)),
            Text(_lasted(incident, end)),
            Text(incident.severity.value, _STYLES[incident.severity.value]),
            Text(f"{incident.diagnosis}: {incident.summary}"),
            *(Text(mark) for mark in marks),
        )
    console().print(table)


def _mark(seen: Incident | None, first: Incident) -> str:
    """Whether a config raised it as well; how many columns, where not as many."""
    if seen is None:
        return "–"
    more = len(seen.subjects) - len(first.subjects)
    return "●" if not more else f"● {len(seen.subjects)} columns" if len(seen.subjects) > 1 else "● 1 column"


def _figures(names: Sequence[str], beside: Sequence[Raised], zone: ZoneInfo) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=len(names) > 1)
    table.add_column("", style="dim")
    for name in names:
        table.add_column(name, overflow="fold", max_width=60)
    rows = {
        "openings": [f"{one.openings:,}" for one in beside],
        "in 30 quiet days": ["–" if one.a_month is None else f"{one.a_month:.2g}" for one in beside],
        "days in alarm": [f"{one.days_in_alarm:.3g} ({one.days_in_alarm / one.days:.0%})" for one in beside],
        "first": ["–" if one.first is None else _day(one.first, zone) for one in beside],
        "subjects": [_listed(one.subjects) for one in beside],
        "windows judged": [f"{one.windows:,}" for one in beside],
        "findings in breach": [f"{one.breaches:,}" for one in beside],
    }
    for heading, cells in rows.items():
        table.add_row(heading, *(Text(cell) for cell in cells))
    console().print(table)


def _listed(subjects: Sequence[str]) -> str:
    if not subjects:
        return "–"
    more = len(subjects) - _SHOWN
    return ", ".join(subjects[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _lasted(incident: Incident, end: datetime) -> str:
    until = incident.resolved_at or end
    days = (until - incident.opened_at) / timedelta(days=1)
    return f"{days:.3g} d" + ("" if incident.resolved else ", open")


def _day(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
