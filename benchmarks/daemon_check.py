"""What a false-alarm budget costs the daemon: a model's windows that end with a day, from the log to the ledger.

In: nothing. Out: processor milliseconds of the same evaluation with fixed thresholds and with a budget. Kept: nothing.

The state is as a daemon leaves it the night before: 28 days are counted, with what the calibration makes of them beside
them; a day's rows are in a Delta table. Then the windows of one, seven and 28 days fall due, as every night: the day is
read and counted by hour, its hours are summed, three windows are judged, and all is written.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
import yaml

from benchmarks.streams import Stream
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import Window
from monitor import cycle
from monitor.config import load
from monitor.prediction_log.delta import DeltaLog
from monitor.profiling.rows import UNVERSIONED
from monitor.reference import calibrating
from monitor.reference.baseline import ACCEPTED
from monitor.settings import Columns
from monitor.store import baselines, calibrations, open_store, profiles, versions
from monitor.store.baselines import Baseline
from monitor.windows import Aspect, Due
from monitor.world import make_world

DAY = timedelta(days=1)
_HORIZONS = {"1d": 1, "7d": 7, "28d": 28}
FIXED, KNOWN, READ, FIRST = "fixed", "budget", "budget, one of many models", "budget, first night"
"""What is timed. A daemon keeps the calibrations of a few models in memory and reads those of others each time; on the
first night nothing is known of the days."""


def night(stream: Stream, learned: LearnedParts, rows: pa.Table, rounds: int) -> Mapping[str, list[float]]:
    """Processor seconds of each kind of night, taking turns, `rounds` times each.

    `stream` has a reference, which `learned` knows, and 28 days after it; `rows` are those of the day that follows.
    """
    folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        start = datetime.combine(stream.days[-1][0], datetime.min.time(), UTC) + DAY
        for name, budget in ((FIXED, False), (KNOWN, True)):
            _prepare(folder, name, budget, stream, learned, rows, start)
        _night(folder, KNOWN, KNOWN, start)  # whatever is made once in a process is made
        found: dict[str, list[float]] = {name: [] for name in (FIXED, KNOWN, READ, FIRST)}
        for _ in range(rounds):
            for kind, seconds in found.items():
                seconds.append(_night(folder, FIXED if kind == FIXED else KNOWN, kind, start))
        return found
    finally:
        shutil.rmtree(folder)


def _prepare(
    folder: Path, name: str, budget: bool, stream: Stream, learned: LearnedParts, rows: pa.Table, start: datetime
) -> None:
    model = {"horizons": list(_HORIZONS), "columns": {"timestamp": "ts"}} | (
        {"false_alarms": "1 per 30d"} if budget else {}
    )
    config = {"state": f"sqlite:///{folder}/state.db", "log": {"delta": f"{folder}/{name}-log"}, "models": {"m": model}}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    stamps = int(start.timestamp() * 1e6) + np.arange(rows.num_rows) * (86_400_000_000 // rows.num_rows)
    log = DeltaLog(f"{folder}/{name}-log", "m", Columns(timestamp="ts"))
    log.append(rows.append_column("ts", pa.array(stamps, pa.timestamp("us", "UTC"))), "a day")
    reference = sum((profile for _, profile in stream.days[: stream.reference]), Profile.empty(stream.grid))
    first = start - (len(stream.days) - stream.reference) * DAY
    begin = first - stream.reference * DAY
    baseline = Baseline(
        "b", "m", UNVERSIONED, ACCEPTED, stream.grid, reference, {}, begin, first, reference.rows,
        "made for a benchmark", False, first,
    )  # fmt: skip
    store = open_store(f"sqlite:///{folder}/{name}.db")
    with store.begin() as connection:
        baselines.save(connection, baseline)
        versions.seen(connection, "m", UNVERSIONED, begin, start)
        calibrations.save(connection, "b", calibrations.Stored(learned.to_bytes()))
        for place, (_, profile) in enumerate(stream.days[stream.reference :]):
            day = first + place * DAY
            key = {"model": "m", "version": UNVERSIONED, "grid": stream.grid.id, "start": day, "end": day + DAY}
            connection.execute(profiles.DAYS.insert().values(**key, rows=profile.rows, data=profile.to_bytes()))
    store.close()
    if budget:
        # The night before, which works out what the calibration makes of each day.
        _night(folder, name, KNOWN, start - DAY, keep=True)


def _night(folder: Path, name: str, kind: str, start: datetime, keep: bool = False) -> float:
    for old in folder.glob("state.db*"):
        old.unlink()
    shutil.copy(folder / f"{name}.db", folder / "state.db")
    store = open_store(f"sqlite:///{folder}/state.db")
    config = load(folder / f"{name}.yaml", {})
    world = make_world(config, store, deliver=False)
    if kind == FIRST:
        with store.begin() as connection:
            connection.execute(profiles.DAYS.update().values(taught=sa.null(), sums=sa.null()))
    if kind in (READ, FIRST):
        calibrating._read.cache_clear()
    at = start + DAY + timedelta(minutes=15)
    dues = [
        Due(at, Window(horizon, start + DAY - days * DAY, start + DAY), Aspect.INPUTS)
        for horizon, days in _HORIZONS.items()
    ]
    begun = time.process_time()
    outcome = cycle.evaluate(world, "m", at, dues, at)
    seconds = time.process_time() - begun
    world.close()
    store.close()
    if keep:
        shutil.copy(folder / "state.db", folder / f"{name}.db")
    judged = {one.window.horizon: len(one.findings) for one in outcome.evaluations}
    assert outcome.blind is None, outcome.blind
    assert set(judged) == set(_HORIZONS), judged
    assert all(judged.values()), judged
    return seconds
