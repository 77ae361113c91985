"""What a false-alarm budget costs: learning it once, and more work a window than fixed thresholds.

In: nothing. Out: printed seconds and ratios. Kept: nothing.

Two windows by themselves: rows of a day are counted (in memory, so nothing of reading hides the difference), measured
with every default detector and judged; the days of a window of 28 are there already, as bytes, and so is what the
calibration makes of all but the last. Then whole nights of a daemon (`daemon_check.py`). The rules take turns, and the
median difference of two that follow each other counts, in processor time of one thread: on a busy machine either alone
says little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pyarrow as pa

from benchmarks.daemon_check import FIRST, FIXED, KNOWN, READ, night
from benchmarks.seeds import side_by_side
from benchmarks.streams import START, synthetic
from detectors.calibration import Day
from detectors.learned import LearnedRule
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import Window
from monitor.evaluate import Context
from monitor.judging.segments import judge_everything
from monitor.reference import day_sums
from monitor.reference.calibrating import learned_rule
from monitor.settings import ModelSettings

COLUMNS, ROWS, ROUNDS = 300, 10_000, 15
A_DAY, A_NIGHT = "a day of 10,000 rows", "a night of the daemon"
_NOW = datetime(2024, 3, 1, tzinfo=UTC)
CONTEXT = Context("m", "1", Window("1d", _NOW - timedelta(days=1), _NOW), 0, _NOW, "b", "c", "p")


def cost(targets: Callable[[str, bool], None]) -> None:
    """Learning from 60 days of 300 columns, and judging a window of them by either rule."""
    # With one thread of linear algebra, as all other parts: several wait for each other on a busy machine.
    [(_, done)] = side_by_side(measured, {"cost": 1.0}, [0], 1)
    seconds, size, table = done.results[0]
    print(
        f"\n{COLUMNS} columns, 60 days: {seconds:.1f} s to learn, {size:,} bytes; a check of {COLUMNS} columns, "
        f"milliseconds"
    )
    print(f"{'':40}{'fixed':>10}{'more':>10}")
    more = {}
    for name, (fixed, difference) in table.items():
        more[name] = difference / fixed
        print(f"{name:40}{fixed * 1e3:>10.0f}{difference * 1e3:>10.0f}{more[name]:>8.0%}")
    targets("calibration of 300 columns and 60 days in under 30 s", seconds < 30.0)
    for name in (A_DAY, A_NIGHT):
        targets(f"{name}: at most 10% more than with fixed thresholds", more[name] <= 0.1)


def measured(_: str, seed: int) -> tuple[float, int, dict[str, tuple[float, float]]]:
    """Seconds to learn, bytes of what is learned; seconds of each check by fixed thresholds, and how many more by a
    budget."""
    stream = synthetic(columns=COLUMNS, rows=ROWS)(np.random.default_rng(seed), 60, 28)
    start = time.process_time()
    learned = LearnedParts.learn(stream.grid, stream.days[:60], 1.0)
    seconds = time.process_time() - start
    rng = np.random.default_rng(seed + 1)
    rows = pa.table({name: rng.normal(size=ROWS) for name in stream.grid.names})
    reference = sum((profile for _, profile in stream.days[:60]), Profile.empty(stream.grid))
    stored = [
        (day, profile.to_bytes(), day_sums.to_bytes(day_sums.sums_of(learned, profile)))
        for day, profile in stream.days[60:]
    ]

    def counted(budget: bool) -> None:
        days = [(START, stream.grid.profile(rows))]
        _check(reference, days, learned_rule(learned, ModelSettings(), days) if budget else None)

    def kept(budget: bool) -> None:
        days = [(day, Profile.from_bytes(stream.grid, data)) for day, data, _ in stored]
        rule = None
        if budget:
            sums = [day_sums.from_bytes(learned, made) for _, _, made in stored[:-1]]
            rule = learned_rule(learned, ModelSettings(), days, [*sums, day_sums.sums_of(learned, days[-1][1])])
        _check(reference, days, rule)

    found = {}
    for name, check in ((A_DAY, counted), ("28 days already counted", kept)):
        each = [[_timed(check, budget) for budget in (False, True)] for _ in range(ROUNDS)]
        found[name] = _compared(*zip(*each, strict=True))
    nights = night(stream, learned, rows, ROUNDS)
    for name, kind in ((A_NIGHT, KNOWN), (f"{A_NIGHT}, of many models", READ), (f"{A_NIGHT}, the first", FIRST)):
        found[name] = _compared(nights[FIXED], nights[kind])
    return seconds, len(learned.to_bytes()), found


def _compared(fixed: Sequence[float], budget: Sequence[float]) -> tuple[float, float]:
    return median(fixed), median(more - less for less, more in zip(fixed, budget, strict=True))


def _timed(work: Callable[[bool], None], budget: bool) -> float:
    start = time.process_time()
    work(budget)
    return time.process_time() - start


def _check(reference: Profile, days: list[Day], rule: LearnedRule | None) -> None:
    window = sum((profile for _, profile in days), Profile.empty(reference.grid))
    judge_everything(CONTEXT, ModelSettings(), reference, window, rule=rule)
