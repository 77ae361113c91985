"""What a false-alarm budget costs: learning it once, and more work a window than fixed thresholds.

In: nothing. Out: printed seconds and ratios. Kept: nothing.

The check counts the rows of a day (in memory, so nothing of reading hides the difference), measures with every default
detector and judges; for longer windows the days are there already, as bytes, and only summed. The two rules take turns;
the medians of processor time count, so that a busy machine hides nothing either.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pyarrow as pa

from benchmarks.streams import START, synthetic
from detectors.calibration import Calibration, Day
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import Window
from monitor.evaluate import Context
from monitor.judging.segments import judge_everything
from monitor.reference.calibrating import learned_rule
from monitor.settings import ModelSettings

COLUMNS, ROWS, ROUNDS = 300, 10_000, 9
_NOW = datetime(2024, 3, 1, tzinfo=UTC)
CONTEXT = Context("m", "1", Window("1d", _NOW - timedelta(days=1), _NOW), 0, _NOW, "b", "c", "p")


def cost(targets: Callable[[str, bool], None]) -> None:
    """Learning from 60 days of 300 columns, and judging a window of them by either rule."""
    stream = synthetic(columns=COLUMNS, rows=ROWS)(np.random.default_rng(0), 60, 28)
    start = time.process_time()
    learned = Calibration.learn(stream.grid, stream.days[:60], 1.0)
    seconds = time.process_time() - start
    print(
        f"\n{COLUMNS} columns, 60 days: {seconds:.1f} s to learn, {len(learned.to_bytes()):,} bytes; "
        f"a check of {COLUMNS} columns, milliseconds"
    )
    print(f"{'':28}{'fixed':>10}{'learned':>10}{'more':>8}")
    rng = np.random.default_rng(1)
    rows = pa.table({name: rng.normal(size=ROWS) for name in stream.grid.names})
    reference = sum((profile for _, profile in stream.days[:60]), Profile.empty(stream.grid))
    stored = [(day, profile.to_bytes()) for day, profile in stream.days[60:]]

    def counted() -> list[Day]:
        return [(START, stream.grid.profile(rows))]

    def kept() -> list[Day]:
        return [(day, Profile.from_bytes(stream.grid, data)) for day, data in stored]

    ratios = {}
    for name, days in (("a day of 10,000 rows", counted), ("28 days already counted", kept)):
        fixed, budget = [], []
        for _ in range(ROUNDS):
            fixed.append(_timed(lambda d=days: _check(reference, d(), None)))
            budget.append(_timed(lambda d=days: _check(reference, d(), learned)))
        ratios[name] = median(budget) / median(fixed)
        print(f"{name:28}{median(fixed) * 1e3:>10.0f}{median(budget) * 1e3:>10.0f}{ratios[name] - 1:>8.0%}")
    targets("calibration of 300 columns and 60 days in under 30 s", seconds < 30.0)
    targets("a check costs at most 10% more than with fixed thresholds", ratios["a day of 10,000 rows"] <= 1.1)


def _timed(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _check(reference: Profile, days: list[Day], calibration: Calibration | None) -> None:
    settings = ModelSettings()
    rule = None if calibration is None else learned_rule(LearnedParts(calibration, {}), settings, days)
    window = sum((profile for _, profile in days), Profile.empty(reference.grid))
    judge_everything(CONTEXT, settings, reference, window, rule=rule)
