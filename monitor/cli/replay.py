"""`driftline replay`: what a config would have raised, beside another budget, fixed thresholds or another config.

In: configs and a span of time. Out: tables, or JSON lines. Kept: nothing; nothing is delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, emit_json, load_config, pick
from monitor.cli.past import FromOption, ModelOption, ToOption, progress_bar, span
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.on_demand.what_if import Raised
    from monitor.store import Store


@dataclass(frozen=True, slots=True)
class _Variant:
    """One config to replay; one that `shares` reads the same logs as the first, by the same references."""

    name: str
    config: Config
    shares: bool


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    begin: FromOption,
    end: ToOption,
    model: ModelOption = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option(
            "--false-alarms",
            metavar="BUDGET",
            help="Beside it the same with another budget: '4 per 30d'; may be given several times.",
            show_default=False,
        ),
    ] = None,
    thresholds: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="DETECTOR=VALUE",
            help="Beside it the same with fixed thresholds and no budget: ks=0.15; may be given several times.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", metavar="PATH", help="Beside it another config, or a folder.", show_default=False),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What would have been raised in the past, under this config and others beside it; nothing is kept or sent."""
    loaded = load_config(config)
    models, start, finish = span(loaded, model, begin, end)
    variants = list(_variants(loaded, models, budgets or [], thresholds or [], compare or []))
    found = _run(variants, models, start, finish, as_json)
    if as_json:
        for name, raised in found.items():
            for one in raised:
                emit_json({"type": "replay", "config": name, **one.to_json()})
        return
    from monitor.cli.replay_tables import show

    show(found, loaded.settings.models, start, finish)


def _variants(
    loaded: Config, models: Sequence[str], budgets: Sequence[str], thresholds: Sequence[str], others: Sequence[Path]
) -> Iterator[_Variant]:
    from monitor.on_demand.what_if import with_budget, with_thresholds
    from monitor.settings.types import check_budget

    yield _Variant(" ".join(path.name for path in loaded.sources), loaded, shares=True)
    for text in budgets:
        try:
            given = check_budget(text)
        except ValueError as error:
            raise UserError(f"--false-alarms: {error}") from None
        yield _Variant(given, with_budget(loaded, models, given), shares=True)
    if thresholds:
        fixed = dict(_threshold(text) for text in thresholds)
        name = "fixed " + ", ".join(f"{detector} {value:g}" for detector, value in fixed.items())
        yield _Variant(name, with_thresholds(loaded, models, fixed), shares=True)
    for path in others:
        other = load_config([path])
        for name in models:
            pick(name, other.settings.models, f"model in {path}")
        yield _Variant(str(path), other, shares=False)


def _threshold(text: str) -> tuple[str, float]:
    from detectors.registry import DETECTORS

    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise UserError(f"--threshold {text!r}: write a detector and a number above 0, such as ks=0.15")
    if name not in DETECTORS:
        raise UserError(f"--threshold: there is no detector {name!r}; there are {', '.join(DETECTORS)}")
    return name, number


def _run(
    variants: Sequence[_Variant], models: Sequence[str], start: datetime, end: datetime, as_json: bool
) -> dict[str, list[Raised]]:
    """Replay each variant in turn; JSON lines come as it goes: findings and incidents of one, incidents of several."""
    from monitor.on_demand.replay import forget_judgements, scratch_state

    found: dict[str, list[Raised]] = {}
    with scratch_state() as state:
        for number, variant in enumerate(variants):
            if number and variant.shares:
                forget_judgements(state)
            label = f"{variant.name}: " if len(variants) > 1 else ""
            shared = state if variant.shares else None
            found[variant.name] = _one(variant, models, start, end, shared, as_json, label)
    return found


def _one(
    variant: _Variant,
    models: Sequence[str],
    start: datetime,
    end: datetime,
    state: Store | None,
    as_json: bool,
    label: str,
) -> list[Raised]:
    from monitor.on_demand.replay import replay as run
    from monitor.on_demand.what_if import Count

    count = Count(start, end)
    beside = {"config": variant.name} if label else {}
    with progress_bar(start, end, len(models), as_json, label) as moved:
        for outcome in run(variant.config, models, start, end, state):
            moved(outcome)
            if outcome.blind is not None:
                raise UserError(f"{outcome.model}: the log cannot be read: {outcome.blind}")
            count.add(outcome)
            if as_json and not label:
                for evaluation in outcome.evaluations:
                    for finding in evaluation.findings:
                        emit_json(finding.to_json())
            if as_json:
                for event in outcome.events:
                    emit_json({**event.to_json(), **beside})
    return count.raised(models)
