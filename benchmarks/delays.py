"""How many days pass until what goes wrong with flights is seen: a table beside an oracle's.

In: how many seeds, which streams, how many processes. Out: a printed table. Kept: nothing. The faults: `faults.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from benchmarks.faults import FAULTS, FIRST_DAY, NEVER, delays
from benchmarks.nothing import SEGMENTS
from benchmarks.seeds import side_by_side, told_cost
from benchmarks.streams import Flights, Maker, chosen
from detectors.calibration import HORIZONS
from detectors.learned_parts import LearnedParts
from detectors.result import FloatArray

REFERENCE, AFTER, DAYS = 60, 28, 45
FIRST_SEED = 120_000


@lru_cache
def streams() -> dict[str, Maker]:
    """What faults are put into."""
    flights, by_origin = Flights(), Flights(segments=SEGMENTS)
    return {
        "shuffled": flights.shuffled(),
        "real days": flights.days,
        "shuffled, by origin": by_origin.shuffled(),
        "real days, by origin": by_origin.days,
    }


def one(name: str, seed: int) -> dict[str, tuple[float, float]]:
    """One stream of one seed: each fault's delay and the oracle's."""
    rng = np.random.default_rng(FIRST_SEED + seed)
    stream = streams()[name](rng, REFERENCE, AFTER + DAYS)
    learned = LearnedParts.learn(stream.grid, stream.days[:REFERENCE], 1.0)
    return delays(stream, learned, HORIZONS, rng, AFTER, DAYS)


def report(seeds: int, words: Sequence[str], jobs: int, targets: Callable[[str, bool], None]) -> None:
    """Print the table and the targets of the streams that `words` ask for."""
    asked = {name: 3.0 if "origin" in name else 1.0 for name in chosen(list(streams()), words)}
    seconds = 0.0
    for name, done in side_by_side(one, asked, range(seeds), jobs):
        seconds += done.seconds
        table = {fault: np.array([each[fault] for each in done.results]) for fault in done.results[0]}
        print(
            f"\nFlights, {name}: days until a fault is seen, budget 1, {seeds} seeds ({NEVER:.0f}: not in {DAYS} days)"
        )
        print(f"{'':28}{'median':>8}{'oracle':>8}{'day 1':>8}{'3 days':>8}{'7 days':>8}")
        for fault, both in table.items():
            shares = "".join(f"{np.mean(both[:, 0] <= days):>8.0%}" for days in (1, 3, 7))
            print(f"{fault:28}{np.median(both[:, 0]):>8.0f}{np.median(both[:, 1]):>8.0f}{shares}")
        print()
        (_judged_shuffled if name.startswith("shuffled") else _judged_real)(table, targets)
    if asked:
        print(told_cost(seconds, jobs))


def _judged_shuffled(table: dict[str, FloatArray], targets: Callable[[str, bool], None]) -> None:
    late = [fault for fault in FIRST_DAY if np.mean(table[fault][:, 0] <= 1) < 0.95]
    targets(f"shuffled: on the first day in 95% of the seeds; later: {late or 'none'}", not late)
    soon = np.mean(table["+0.1 sd, score"][:, 0] <= 3)
    targets("shuffled: +0.1 sd on the score within 3 days in 80%", bool(soon >= 0.8))
    slow = np.mean(table["+0.02 sd a day, distance"][:, 0] <= 7)
    targets("shuffled: the slow drift within 7 days", bool(slow >= 0.95))


def _judged_real(table: dict[str, FloatArray], targets: Callable[[str, bool], None]) -> None:
    median = {fault: np.median(both, axis=0) for fault, both in table.items()}
    late = [f"{fault} {median[fault][0]:.0f}" for fault in FIRST_DAY if median[fault][0] > 1]
    targets(f"real days: a median of 1 day; later: {late or 'none'}", not late)
    slow = [fault.name for fault in FAULTS if fault.name not in FIRST_DAY]
    far = [
        f"{fault} {median[fault][0]:.0f} to {median[fault][1]:.0f}"
        for fault in slow
        if median[fault][0] > 2 * median[fault][1]
    ]
    targets(f"real days: twice the oracle's delay at most; more: {far or 'none'}", not far)
