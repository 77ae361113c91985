"""Streams in which nothing happens: how often the learned rule speaks all the same.

In: how many seeds, which streams, how many processes. Out: a printed table with bounds over the seeds. Kept: nothing.

The seeds are none that the method was ever chosen on: those began with multiples of 10,000 below 100,000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmarks.policy import sums_of, under_budgets
from benchmarks.seeds import side_by_side, told_cost
from benchmarks.streams import Flights, Maker, chosen, synthetic
from detectors.calibration import HORIZONS
from detectors.learned_parts import LearnedParts

BUDGETS = (0.5, 1.0, 4.0)
MOST_ALARMED = {0.5: 0.05, 1.0: 0.10, 4.0: 0.40}
PRODUCTION = 60
FIRST_SEED = 110_000
SEGMENTS = ("origin",)
QUICK = 8  # so many of the first streams are what `--quick` runs
_ONE_SIDED = 1.645


@dataclass(frozen=True)
class Nothing:
    """How days are made and how many are the reference; `work`: of a seed, beside one of flights shuffled."""

    make: Maker
    reference: int = 60
    work: float = 1.0


@dataclass(frozen=True)
class _Rate:
    """One stream under one budget: false incidents in 30 days not in alarm, and share of days in alarm."""

    name: str
    reference: int
    budget: float
    mean: float
    bound: float
    alarmed: float


@lru_cache
def streams() -> dict[str, Nothing]:
    """All of them, in the order of the table."""
    flights, by_origin = Flights(), Flights(segments=SEGMENTS)
    return {
        "flights shuffled": Nothing(flights.shuffled()),
        "real days": Nothing(flights.days),
        "real weeks": Nothing(flights.weeks),
        "AR(1), 920 rows": Nothing(synthetic()),
        "flights shuffled, 28": Nothing(flights.shuffled(), 28),
        "real days, 28": Nothing(flights.days, 28),
        "real weeks, 28": Nothing(flights.weeks, 28),
        "AR(1), 28": Nothing(synthetic(), 28),
        "flights shuffled, 14": Nothing(flights.shuffled(), 14),
        "real days, 14": Nothing(flights.days, 14),
        "real weeks, 14": Nothing(flights.weeks, 14),
        "AR(1), 14": Nothing(synthetic(), 14),
        "flights shuffled, 50 rows": Nothing(flights.shuffled(50)),
        "flights shuffled, 200 rows": Nothing(flights.shuffled(200)),
        "AR(1), 50 rows": Nothing(synthetic(rows=50)),
        "AR(1), 200 rows": Nothing(synthetic(rows=200)),
        "AR(1), 10,000 rows": Nothing(synthetic(rows=10_000)),
        "AR(1), 1,000,000 rows": Nothing(synthetic(rows=1_000_000)),
        "AR(1), 5 columns": Nothing(synthetic(columns=5)),
        "no day effects": Nothing(synthetic(deviation=0.0)),
        "8 of 16 with 105 values": Nothing(synthetic(values=105, categories=8)),
        "2 of 8 with 5,000 values": Nothing(synthetic(columns=8, values=5000, categories=2)),
        "AR(1), 300 columns": Nothing(synthetic(columns=300), work=20.0),
        "shuffled, by origin": Nothing(by_origin.shuffled(), work=3.0),
        "real days, by origin": Nothing(by_origin.days, work=3.0),
    }


def one(name: str, seed: int) -> list[tuple[float, float]]:
    """One stream of one seed: rate and share of days in alarm under each of `BUDGETS`."""
    stream = streams()[name]
    made = stream.make(np.random.default_rng(FIRST_SEED + seed), stream.reference, PRODUCTION)
    learned = LearnedParts.learn(made.grid, made.days[: stream.reference], 1.0)
    later = made.days[stream.reference :]
    sums = sums_of(learned, [profile for _, profile in later])
    weekdays = np.array([day.weekday() for day, _ in later])
    found = under_budgets(learned, BUDGETS, sums, weekdays, HORIZONS)
    return [(found[budget].rate, found[budget].alarmed) for budget in BUDGETS]


def report(seeds: int, quick: bool, words: Sequence[str], jobs: int, targets: Callable[[str, bool], None]) -> None:
    """Print the table and the targets of the streams that `words` ask for."""
    asked = chosen(list(streams())[: QUICK if quick else None], words)
    print(f"\nNothing happens: false incidents in 30 days not in alarm, mean (one-sided 95% bound), {seeds} seeds")
    print(f"{'stream':28}{'':6}" + "".join(f"{f'budget {budget:g}':>22}{'in alarm':>10}" for budget in BUDGETS))
    kept, seconds = [], 0.0
    for name, done in side_by_side(one, {name: streams()[name].work for name in asked}, range(seeds), jobs):
        seconds += done.seconds
        line = ""
        for budget, each in zip(BUDGETS, np.moveaxis(np.array(done.results), 1, 0), strict=True):
            rates, alarmed = each.T
            bound = rates.mean() + _ONE_SIDED * rates.std(ddof=1) / np.sqrt(seeds)
            rate = _Rate(
                name, streams()[name].reference, budget, float(rates.mean()), float(bound), float(alarmed.mean())
            )
            line += f"{rate.mean:>12.2f} ({rate.bound:.2f})   {rate.alarmed:>9.1%} "
            kept.append(rate)
        print(f"{name:28}{seeds:>4}  {line}", flush=True)
    print(told_cost(seconds, jobs))
    _judged(kept, targets)


def _judged(kept: Sequence[_Rate], targets: Callable[[str, bool], None]) -> None:
    for budget in BUDGETS:
        whole = [rate for rate in kept if rate.reference == 60 and rate.budget == budget]
        if not whole:
            continue
        over = _over(whole)
        targets(
            f"60 days, budget {budget:g}: mean within it, bound within 1.25 of it; over: {over or 'none'}", not over
        )
        loud = [f"{rate.name} {rate.alarmed:.0%}" for rate in whole if rate.alarmed > MOST_ALARMED[budget]]
        targets(
            f"60 days, budget {budget:g}: days in alarm at most {MOST_ALARMED[budget]:.0%}; over: {loud or 'none'}",
            not loud,
        )
        calm = [rate for rate in whole if "shuffled" in rate.name]
        if budget <= 1.0 and calm:
            mute = [f"{rate.name} {rate.mean:.2f}" for rate in calm if rate.mean < budget / 4]
            targets(f"shuffled, budget {budget:g}: a quarter of it at least; under: {mute or 'none'}", not mute)
    short = [rate for rate in kept if rate.reference == 28 and rate.budget == 1.0]
    if short:
        targets(f"28 days, budget 1; over: {_over(short) or 'none'}", not _over(short))


def _over(rates: Sequence[_Rate]) -> list[str]:
    return [
        f"{rate.name} {rate.mean:.2f} ({rate.bound:.2f})"
        for rate in rates
        if rate.mean > rate.budget or rate.bound > 1.25 * rate.budget
    ]
