"""What every command needs: consoles, the config, JSON lines, times, and errors turned into exit codes.

In: command-line text. Out: values for the commands. Kept: `state.debug`, for the length of one command.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from monitor.errors import Exit, UserError, classify

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy.engine import Connection

    from monitor.config import Config
    from monitor.settings import Settings
    from monitor.store import Store

ConfigOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        help="Config file, or a folder of them; may be given several times. Default: ./config.yaml, ./driftline.yaml.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


ORDER = (
    "demo", "init", "config", "log", "run", "check", "replay", "backfill", "report", "results", "business", "incidents",
    "silence", "baseline", "alerts", "outbox", "db", "version",
)  # fmt: skip

_WIDE = 180

# Typer carries its own click since 0.26 and used the real one before: this is the usage error of either.
_USAGE_ERROR = typer.BadParameter.__bases__[0]


@dataclass
class State:
    """What was said before the command's name."""

    debug: bool = False


state = State()


def console() -> Console:
    """Standard output, for people; wide where it is no terminal, so that a file or pipe gets whole lines."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
    return Console(highlight=False, soft_wrap=wide is not None, width=wide)


def errors() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit_json(record: Mapping[str, Any]) -> None:
    """One JSON object on one line of standard output; NaN and infinities, which JSON lacks, become null."""
    sys.stdout.write(json.dumps(_finite(record), ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def load_config(paths: list[Path] | None) -> Config:
    """The config named with -c, else the default one. Raises ConfigError."""
    from monitor.config import find_config, load

    return load(find_config(paths), os.environ)


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The state of a config, while a command needs it."""
    from monitor.store import open_store

    store = open_store(settings.state)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing(settings: Settings) -> Iterator[Connection]:
    """One write transaction on the state of a config."""
    with opened(settings) as store, store.begin() as connection:
        yield connection


@contextmanager
def reading(settings: Settings) -> Iterator[Connection]:
    """One read of the state of a config."""
    with opened(settings) as store, store.read() as connection:
        yield connection


def login(option: str) -> str:
    """Who is at the keyboard. Raises UserError that names the option which says so, where the system does not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        raise UserError(f"say who it is: {option} NAME") from None


def pick_model(config: Config, name: str) -> str:
    """`name`, if the config has such a model. Raises UserError with the nearest name."""
    return pick(name, config.settings.models, "model")


def pick(name: str, known: Mapping[str, object], what: str) -> str:
    """`name`, if it is known. Raises UserError with the nearest name, or all of them."""
    if name in known:
        return name
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    there = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known)) or 'none'}"
    raise UserError(f"the config has no {what} {name!r}; {there}")


def parse_time(text: str, zone: tzinfo) -> datetime:
    """`2013-05-01` (midnight in `zone`), `2013-05-01T06:00` (in `zone`) or `2013-05-01T06:00Z`, as aware UTC.

    Raises UserError with an example of what is accepted.
    """
    try:
        if len(text) == len("2013-05-01"):
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is no time; write 2013-05-01, 2013-05-01T06:00 or 2013-05-01T06:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def short_time(moment: datetime) -> str:
    """An instant for people: `2013-05-01 06:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class Group(TyperGroup):
    """The root command: every error of a command becomes one line and an exit code, also in tests."""

    def invoke(self, ctx: Any) -> Any:
        with exit_codes():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order a newcomer meets them; one that is not in the list comes last."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn exceptions into exit codes; what Typer raises for itself passes."""
    try:
        yield
    except (typer.Exit, KeyboardInterrupt):
        raise
    except typer.Abort:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # The reader of our output has gone (`driftline results | head`): not a breach, which Typer's 1 would mean.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(128 + 13) from None
    except Exception as error:
        if isinstance(error, _USAGE_ERROR):  # shown by Typer, which exits with 2
            raise
        raise typer.Exit(_report(error)) from None


def _report(error: Exception) -> int:
    code, message = classify(error)
    where = errors()
    for line in message.splitlines() or [""]:
        where.print("[bold red]error:[/]", end=" ")
        where.print(line, markup=False)
    if code is Exit.OURS:
        trace = "".join(traceback.format_exception(error))
        if state.debug:
            where.print(trace, markup=False)
        else:
            with tempfile.NamedTemporaryFile(
                "w", prefix="driftline-error-", suffix=".log", delete=False, encoding="utf-8"
            ) as file:
                file.write(trace)
            where.print(f"This is a fault of Driftline, not yours. The traceback is in {file.name}", markup=False)
    elif state.debug:
        where.print("".join(traceback.format_exception(error)), markup=False)
    return int(code)


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if value == value and abs(value) != float("inf") else None
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
