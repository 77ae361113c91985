"""False alarms and delays: how often the learned rule speaks when nothing happened, and how soon when something did.

Run `python -m benchmarks.false_alarms` (20 seeds of each null stream, 40 of each with faults: a quarter of an hour of
processor time) or with `--quick` (4 seeds). In pieces: `--only` runs parts of `null,faults,year,cost,peers`,
`--streams` those streams that are called, or whose name holds, one of some words. All figures belong together: false
incidents in 30 days not in alarm, days in alarm, delays.

The seeds are none that the method was ever chosen on: those began with multiples of 10,000 below 100,000.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import alarms_beside
from benchmarks.budget_cost import cost
from benchmarks.environments import FOLDER
from benchmarks.faults import FAULTS, FIRST_DAY, NEVER, TOGETHER, delays
from benchmarks.policy import incidents, scan_parts, sums_of
from benchmarks.streams import Flights, Maker, Stream, synthetic
from benchmarks.year import report as year
from detectors.calibration import HORIZONS
from detectors.learned_parts import LearnedParts

BUDGETS = (0.5, 1.0, 4.0)
MOST_ALARMED = {0.5: 0.05, 1.0: 0.10, 4.0: 0.40}
PRODUCTION, AFTER, DAYS = 60, 28, 45
NULL_SEED, FAULT_SEED = 110_000, 120_000
PEER_SEEDS = 3
SEGMENTS = ("origin",)
_ONE_SIDED = 1.645


class Targets:
    """Prints each target with whether it held."""

    def __init__(self) -> None:
        self.missed = 0

    def __call__(self, words: str, held: bool) -> None:
        self.missed += not held
        print(f"  {'held  ' if held else 'MISSED'} {words}")


def _null_streams(flights: Flights) -> dict[str, tuple[Maker, int]]:
    by_origin = Flights(segments=SEGMENTS)
    return {
        "flights shuffled": (flights.shuffled(), 60),
        "real days": (flights.days, 60),
        "real weeks": (flights.weeks, 60),
        "AR(1), 920 rows": (synthetic(), 60),
        "flights shuffled, 28": (flights.shuffled(), 28),
        "real days, 28": (flights.days, 28),
        "real weeks, 28": (flights.weeks, 28),
        "AR(1), 28": (synthetic(), 28),
        "flights shuffled, 14": (flights.shuffled(), 14),
        "real days, 14": (flights.days, 14),
        "real weeks, 14": (flights.weeks, 14),
        "AR(1), 14": (synthetic(), 14),
        "flights shuffled, 50 rows": (flights.shuffled(50), 60),
        "flights shuffled, 200 rows": (flights.shuffled(200), 60),
        "AR(1), 50 rows": (synthetic(rows=50), 60),
        "AR(1), 200 rows": (synthetic(rows=200), 60),
        "AR(1), 10,000 rows": (synthetic(rows=10_000), 60),
        "AR(1), 1,000,000 rows": (synthetic(rows=1_000_000), 60),
        "AR(1), 5 columns": (synthetic(columns=5), 60),
        "no day effects": (synthetic(deviation=0.0), 60),
        "8 of 16 with 105 values": (synthetic(values=105, categories=8), 60),
        "2 of 8 with 5,000 values": (synthetic(columns=8, values=5000, categories=2), 60),
        "AR(1), 300 columns": (synthetic(columns=300), 60),
        "shuffled, by origin": (by_origin.shuffled(), 60),
        "real days, by origin": (by_origin.days, 60),
    }


def _asked(name: str, names: Iterable[str], words: Sequence[str]) -> bool:
    """Whether a stream is meant by one of some words: its whole name, or a part of it that is nobody's name."""
    known = set(names)
    return any(word == name or (word in name and word not in known) for word in words)


MAIN = 8  # the first of them are what `--quick` runs


def _sums(stream: Stream, learned: LearnedParts) -> tuple[list[np.ndarray], np.ndarray]:
    later = stream.days[stream.reference :]
    return sums_of(learned, [profile for _, profile in later]), np.array([day.weekday() for day, _ in later])


def null(flights: Flights, seeds: int, quick: bool, streams: Sequence[str], targets: Targets) -> None:
    """Streams in which nothing happens."""
    chosen = list(_null_streams(flights).items())[: MAIN if quick else None]
    chosen = [(name, made) for name, made in chosen if _asked(name, [name for name, _ in chosen], streams)]
    print(f"\nNothing happens: false incidents in 30 days not in alarm, mean (one-sided 95% bound), {seeds} seeds")
    print(f"{'stream':28}{'':6}" + "".join(f"{f'budget {budget:g}':>22}{'in alarm':>10}" for budget in BUDGETS))
    kept = []
    for name, (make, reference) in chosen:
        rates: dict[float, list[float]] = {budget: [] for budget in BUDGETS}
        alarmed: dict[float, list[float]] = {budget: [] for budget in BUDGETS}
        for seed in range(seeds):
            stream = make(np.random.default_rng(NULL_SEED + seed), reference, PRODUCTION)
            learned = LearnedParts.learn(stream.grid, stream.days[:reference], 1.0)
            sums, weekdays = _sums(stream, learned)
            for budget in BUDGETS:
                outcome = incidents(scan_parts(learned.within(budget), sums, weekdays, HORIZONS))
                rates[budget].append(outcome.rate)
                alarmed[budget].append(outcome.alarmed)
        line = ""
        for budget in BUDGETS:
            found = np.array(rates[budget])
            bound = found.mean() + _ONE_SIDED * found.std(ddof=1) / np.sqrt(seeds)
            share = float(np.mean(alarmed[budget]))
            line += f"{found.mean():>12.2f} ({bound:.2f})   {share:>9.1%} "
            kept.append((name, reference, budget, float(found.mean()), float(bound), share))
        print(f"{name:28}{seeds:>4}  {line}", flush=True)
    print()
    for budget in BUDGETS:
        whole = [row for row in kept if row[1] == 60 and row[2] == budget]
        if not whole:
            continue
        over = [f"{row[0]} {row[3]:.2f} ({row[4]:.2f})" for row in whole if row[3] > budget or row[4] > 1.25 * budget]
        targets(
            f"60 days, budget {budget:g}: mean within it, bound within 1.25 of it; over: {over or 'none'}", not over
        )
        loud = [f"{row[0]} {row[5]:.0%}" for row in whole if row[5] > MOST_ALARMED[budget]]
        targets(
            f"60 days, budget {budget:g}: days in alarm at most {MOST_ALARMED[budget]:.0%}; over: {loud or 'none'}",
            not loud,
        )
        if budget <= 1.0:
            calm = [row for row in whole if "shuffled" in row[0]]
            if not calm:
                continue
            mute = [f"{row[0]} {row[3]:.2f}" for row in calm if row[3] < budget / 4]
            targets(f"shuffled, budget {budget:g}: a quarter of it at least; under: {mute or 'none'}", not mute)
    short = [row for row in kept if row[1] == 28 and row[2] == 1.0]
    over = [f"{row[0]} {row[3]:.2f} ({row[4]:.2f})" for row in short if row[3] > 1.0 or row[4] > 1.25]
    if short:
        targets(f"28 days, budget 1; over: {over or 'none'}", not over)


def faults(flights: Flights, seeds: int, streams: Sequence[str], targets: Targets) -> None:
    """Streams in which something happens on one day."""
    by_origin = Flights(segments=SEGMENTS)
    makers: dict[str, Callable[[np.random.Generator, int, int], Stream]] = {
        "shuffled": flights.shuffled(),
        "real days": flights.days,
        "shuffled, by origin": by_origin.shuffled(),
        "real days, by origin": by_origin.days,
    }
    for name, make in makers.items():
        if not _asked(name, makers, streams):
            continue
        found: dict[str, list[tuple[float, float]]] = {
            name: [] for name in (*(fault.name for fault in FAULTS), TOGETHER)
        }
        for seed in range(seeds):
            rng = np.random.default_rng(FAULT_SEED + seed)
            stream = make(rng, 60, AFTER + DAYS)
            learned = LearnedParts.learn(stream.grid, stream.days[:60], 1.0)
            for fault, both in delays(stream, learned, HORIZONS, rng, AFTER, DAYS).items():
                found[fault].append(both)
        print(
            f"\nFlights, {name}: days until a fault is seen, budget 1, {seeds} seeds ({NEVER:.0f}: not in {DAYS} days)"
        )
        print(f"{'':28}{'median':>8}{'oracle':>8}{'day 1':>8}{'3 days':>8}{'7 days':>8}")
        table = {fault: np.array(both) for fault, both in found.items()}
        for fault, both in table.items():
            own = both[:, 0]
            shares = "".join(f"{np.mean(own <= days):>8.0%}" for days in (1, 3, 7))
            print(f"{fault:28}{np.median(own):>8.0f}{np.median(both[:, 1]):>8.0f}{shares}")
        print()
        if name.startswith("shuffled"):
            late = [fault for fault in FIRST_DAY if np.mean(table[fault][:, 0] <= 1) < 0.95]
            targets(f"shuffled: on the first day in 95% of the seeds; later: {late or 'none'}", not late)
            targets(
                "shuffled: +0.1 sd on the score within 3 days in 80%",
                np.mean(table["+0.1 sd, score"][:, 0] <= 3) >= 0.8,
            )
            targets(
                "shuffled: the slow drift within 7 days", np.mean(table["+0.02 sd a day, distance"][:, 0] <= 7) >= 0.95
            )
        else:
            late = [
                f"{fault} {np.median(table[fault][:, 0]):.0f}"
                for fault in FIRST_DAY
                if np.median(table[fault][:, 0]) > 1
            ]
            targets(f"real days: a median of 1 day; later: {late or 'none'}", not late)
            slow = [fault.name for fault in FAULTS if fault.name not in FIRST_DAY]
            far = [
                f"{fault} {np.median(table[fault][:, 0]):.0f} to {np.median(table[fault][:, 1]):.0f}"
                for fault in slow
                if np.median(table[fault][:, 0]) > 2 * np.median(table[fault][:, 1])
            ]
            targets(f"real days: twice the oracle's delay at most; more: {far or 'none'}", not far)


def run(
    seeds: int,
    fault_seeds: int,
    quick: bool,
    parts: Sequence[str],
    streams: Sequence[str] = ("",),
    folder: Path = FOLDER,
) -> bool:
    """Print the tables of `parts`; whether all targets held."""
    targets = Targets()
    flights = Flights()
    if "null" in parts:
        null(flights, seeds, quick, streams, targets)
    if "faults" in parts:
        faults(flights, fault_seeds, streams, targets)
    if "year" in parts:
        year(flights, targets)
    if "cost" in parts:
        cost(targets)
    if "peers" in parts:
        alarms_beside.report(flights, folder, range(NULL_SEED, NULL_SEED + PEER_SEEDS), targets)
    return targets.missed == 0


PARTS = ("null", "faults", "year", "cost", "peers")


def main(folder: Path = FOLDER) -> bool:
    """The full form."""
    return run(20, 40, False, PARTS, folder=folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.false_alarms", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="4 seeds, the main streams, no peers")
    parser.add_argument("--seeds", type=int, help="seeds of each stream without a fault (20)")
    parser.add_argument("--fault-seeds", type=int, help="seeds of each stream with faults (40)")
    parser.add_argument("--only", help=f"of {', '.join(PARTS)}, with commas; all by default")
    parser.add_argument(
        "--streams", default="", help="only streams called one of these, or whose name holds it, with semicolons"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the peers' environments are (.bench)")
    chosen = parser.parse_args()
    seeds = chosen.seeds or (4 if chosen.quick else 20)
    parts = chosen.only.split(",") if chosen.only else PARTS[:-1] if chosen.quick else PARTS
    held = run(
        seeds,
        chosen.fault_seeds or 2 * seeds,
        chosen.quick,
        parts,
        [word.strip() for word in chosen.streams.split(";")],
        chosen.folder.absolute(),
    )
    raise SystemExit(0 if held else 1)
