"""`driftline silence add | list | extend | end`: time-boxed mutes with author and reason.

In: matchers and times. Out: a table or JSON lines. Kept: the silences, in the state database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    console,
    emit_json,
    errors,
    load_config,
    login,
    parse_time,
    pick,
    reading,
    short_time,
    writing,
)
from monitor.errors import UserError

if TYPE_CHECKING:
    from alerts.routing import Silence


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(listing)
    group.command("extend")(extend)
    group.command("end")(end)
    app.add_typer(group, name="silence", help="Mute messages for a while; incidents are recorded all the same.")


def add(
    matchers: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE",
            help="What to mute: model=, owner=, severity=, diagnosis=, kind= or segment=. All must match; a key given "
            "twice matches either value; ~ before a value makes it a regular expression: model=~flight-.*",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; shown to everyone who looks.")],
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 4h, 2d.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Until when (UTC).", show_default=False)
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From when (UTC).", show_default="now")
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who mutes.", show_default="your login")] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify", metavar="CHANNEL", help="Who is told before it ends.", show_default="whom it keeps things from"
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mute what matches, for a stated time and reason."""
    from alerts import silences

    starts = parse_time(begin, UTC) if begin is not None else datetime.now(UTC)
    ends = _end(starts, length, until)
    wanted = _matchers(matchers)
    loaded = load_config(config)
    for channel in notify or ():
        pick(channel, loaded.settings.alerts.channels, "channel")
    with writing(loaded.settings) as connection:
        silence = silences.add(
            connection,
            matchers=wanted,
            author=author or login("--author"),
            reason=reason,
            starts_at=starts,
            ends_at=ends,
            notify=notify or (),
        )
    known = list(loaded.settings.models)
    for value in wanted.get("model", ()):
        pattern = value.removeprefix("~") if value.startswith("~") else re.escape(value)
        if not any(re.fullmatch(pattern, name) for name in known):
            errors().print(f"warning: no model of the config is matched by model={value}", markup=False)
    if as_json:
        emit_json(_record(silence))
    else:
        console().print(
            f"silence {silence.id}: {_told(silence.matchers)} until {short_time(silence.ends_at)}", markup=False
        )


def listing(
    ended: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List silences: those in force and those to come."""
    from rich.table import Table
    from rich.text import Text

    from alerts import silences

    now = datetime.now(UTC)
    since = datetime.min.replace(tzinfo=UTC) if ended else now
    with reading(load_config(config).settings) as connection:
        found = silences.listed(connection, since)
    if as_json:
        for silence in found:
            emit_json(_record(silence))
        return
    if not found:
        console().print("no silences" if ended else "no silences in force or to come (--all shows ended ones)")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "state", "mutes", "from", "until", "author", "reason"):
        table.add_column(heading, overflow="fold")
    for silence in found:
        ahead = "to come" if silence.starts_at > now else "in force"
        cells = (
            str(silence.id),
            "ended" if silence.ends_at <= now else ahead,
            _told(silence.matchers),
            short_time(silence.starts_at),
            short_time(silence.ends_at),
            silence.author,
            silence.reason,
        )
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table)


def extend(
    number: Annotated[int, typer.Argument(metavar="ID", help="The silence's id, as `silence list` shows it.")],
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long from now: 30m, 4h, 2d.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Until when (UTC).", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a silence's end; an end that is near is announced to those it keeps things from."""
    from alerts import silences

    now = datetime.now(UTC)
    ends = _end(now, length, until)
    with writing(load_config(config).settings) as connection:
        silence = silences.extend(connection, number, ends, now)
    if as_json:
        emit_json(_record(silence))
    else:
        console().print(f"silence {number}: until {short_time(silence.ends_at)}", markup=False)


def _end(start: datetime, length: str | None, until: str | None) -> datetime:
    from monitor.settings.types import parse_duration

    if (length is None) == (until is None):
        raise UserError("say how long: either --for 4h or --until 2030-01-31T08:00")
    if until is not None:
        return parse_time(until, UTC)
    try:
        return start + parse_duration(length)
    except (ValueError, OverflowError) as error:
        raise UserError(f"--for: {error}") from None


def end(
    number: Annotated[int, typer.Argument(metavar="ID", help="The silence's id, as `silence list` shows it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a silence now; it stays in the history."""
    from alerts import silences

    with writing(load_config(config).settings) as connection:
        silences.end(connection, number, datetime.now(UTC))
    if as_json:
        emit_json({"type": "silence", "id": number, "state": "ended"})
    else:
        console().print(f"silence {number} has ended")


def _matchers(given: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise UserError(f"{text!r} is no matcher; write KEY=VALUE, such as model=flight-delay")
        found[key] = (*found.get(key, ()), value)
    return found


def _told(matchers: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{key}={value}" for key, values in matchers.items() for value in values)


def _record(silence: Silence) -> dict[str, object]:
    from detectors.result import iso

    return {
        "type": "silence",
        "id": silence.id,
        "matchers": dict(silence.matchers),
        "author": silence.author,
        "reason": silence.reason,
        "starts_at": iso(silence.starts_at),
        "ends_at": iso(silence.ends_at),
        "notify": list(silence.notify),
    }
