"""`driftline backfill`: the daemon's code over history; and what it shares with `driftline replay`.

In: a config and a span of time. Out: the ledger filled in. Kept: findings and incidents. Nothing is delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    parse_time,
    pick_model,
    short_time,
)
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.cycle import Outcome

ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Only this model; may be given several times.", show_default="all"),
]
FromOption = Annotated[str, typer.Option("--from", metavar="TIME", help="Windows due after this.")]
ToOption = Annotated[str, typer.Option("--to", metavar="TIME", help="Windows due up to this.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(
    begin: FromOption,
    end: ToOption,
    model: ModelOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate past windows into the ledger, so that reports have a history; nothing is sent."""
    from concurrent.futures import ThreadPoolExecutor

    from monitor.engine import Engine
    from monitor.store import open_store
    from monitor.world import make_world

    loaded = load_config(config)
    models, start, finish = span(loaded, model, begin, end)
    store = open_store(loaded.settings.state)
    with ThreadPoolExecutor(2) as pool:
        engine = Engine(make_world(loaded, store, pool=pool, deliver=False), as_it_was=True)

        def outcomes() -> Iterator[Outcome]:
            for name in models:
                yield from engine.past(name, start, min(finish, datetime.now(UTC)))

        _follow(outcomes(), start, finish, len(models), as_json)
    store.close()


def span(loaded: Config, chosen: list[str] | None, begin: str, end: str) -> tuple[list[str], datetime, datetime]:
    """The models (all of the config, where none is chosen) and the two times. Raises UserError."""
    models = [pick_model(loaded, name) for name in chosen] if chosen else sorted(loaded.settings.models)
    if not models:
        raise UserError("the config has no model")
    zone = loaded.settings.models[models[0]].zone
    start, finish = parse_time(begin, zone), parse_time(end, zone)
    if finish <= start:
        raise UserError("--to must come after --from")
    return models, start, finish


def _follow(outcomes: Iterator[Outcome], start: datetime, end: datetime, models: int, as_json: bool) -> None:
    windows = breaches = opened = 0
    with progress_bar(start, end, models, as_json) as moved:
        for outcome in outcomes:
            moved(outcome)
            if outcome.blind is not None:
                raise UserError(f"{outcome.model}: the log cannot be read: {outcome.blind}")
            windows += len(outcome.evaluations)
            for evaluation in outcome.evaluations:
                breaches += sum(finding.status.value == "breach" for finding in evaluation.findings)
                if as_json:
                    for finding in evaluation.findings:
                        emit_json(finding.to_json())
            for event in outcome.events:
                opened += event.event.value == "opened"
                if as_json:
                    emit_json(event.to_json())
                else:
                    console().print(
                        f"{short_time(event.at)}  {event.event.value:9} {event.incident.severity.value:8} "
                        f"{event.incident.model}: {event.incident.summary}",
                        markup=False,
                    )
    if not as_json:
        console().print(f"{windows} windows judged, {breaches} findings in breach, {opened} incidents opened")


@contextmanager
def progress_bar(
    start: datetime, end: datetime, models: int, quiet: bool, label: str = ""
) -> Iterator[Callable[[Outcome], None]]:
    """A bar on standard error that each outcome moves on; `quiet`: none."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    total = (end - start).total_seconds() * models
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=errors(),
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task("", total=total)
        done: dict[str, float] = {}

        def moved(outcome: Outcome) -> None:
            done[outcome.model] = (outcome.at - start).total_seconds()
            progress.update(
                task, completed=sum(done.values()), description=f"{label}{outcome.model} {outcome.at:%Y-%m-%d}"
            )

        yield moved
