"""A whole check of one window against a bare scan of the same columns.

1,000,000 rows x 100 float64 features in a Delta log, one day, 200,000 reference rows before it. The check reads the
log, splits it by hour, profiles, stores, sums, and judges with every default detector, through the daemon's own code.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Stopwatch, interleaved

ROWS, FEATURES, REFERENCE = 1_000_000, 100, 200_000
DAY = datetime(2026, 3, 2, tzinfo=UTC)
TARGET = 2.5
_CONFIG = """
state: sqlite:///{folder}/state.db
log: {{delta: {folder}/log}}
models:
  wide:
    columns: {{timestamp: ts, id: id}}
    features: {{exclude: [id]}}
    baseline: {{from: 2026-03-01, to: 2026-03-02}}
    horizons: [1d]
"""


def make(folder: Path) -> None:
    """Write the log and the config: normal columns, and mixed ones (zeros, integers, Pareto, nulls) beside them."""
    from monitor.prediction_log.delta import DeltaLog
    from monitor.settings import Columns

    rng = np.random.default_rng(7)
    log = DeltaLog(str(folder / "log"), "wide", Columns(timestamp="ts", id="id"))
    for part, (start, rows) in enumerate([(DAY - timedelta(days=1), REFERENCE), *_quarters()]):
        span = timedelta(days=1) if part == 0 else timedelta(hours=6)
        log.append(_rows(rng, start, span, rows, part), f"part-{part}")
    (folder / "config.yaml").write_text(_CONFIG.format(folder=folder), encoding="utf-8")


def _quarters() -> list[tuple[datetime, int]]:
    return [(DAY + timedelta(hours=6 * quarter), ROWS // 4) for quarter in range(4)]


def _rows(rng: np.random.Generator, start: datetime, span: timedelta, rows: int, part: int) -> pa.Table:
    offsets = np.sort(rng.integers(0, int(span.total_seconds() * 1e6), rows))
    base = np.int64(int(start.timestamp() * 1e6))
    columns: dict[str, Any] = {
        "id": pa.array(np.arange(rows) + part * 10_000_000).cast(pa.string()),
        "ts": pa.array(base + offsets, pa.timestamp("us", tz="UTC")),
    }
    for index in range(FEATURES):
        match index % 5:
            case 0:
                values = np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(3.0, rows))
            case 1:
                values = rng.integers(0, 60, rows).astype(np.float64)
            case 2:
                values = rng.pareto(1.5, rows)
            case _:
                values = rng.normal(index, 1.0 + index / 50, rows)
        mask = rng.random(rows) < 0.02 if index % 7 == 0 else None
        columns[f"f{index:03}"] = pa.array(values, mask=mask)
    return pa.table(columns)


def bare_scan(folder: Path) -> tuple[float, int]:
    """What anything that reads the rows must pay: deltalake's own dataset with default options, drained."""
    import pyarrow.dataset as ds
    from deltalake import DeltaTable

    names = [f"f{index:03}" for index in range(FEATURES)]
    with Stopwatch() as watch:
        table = DeltaTable(str(folder / "log" / "wide"))
        where = ds.field("ts") >= pa.scalar(DAY)
        rows = sum(
            batch.num_rows for batch in table.to_pyarrow_dataset().scanner(columns=names, filter=where).to_batches()
        )
    return watch.seconds, rows


def own_scan(folder: Path) -> tuple[float, int]:
    """The same columns through Driftline's own reader."""
    from monitor.prediction_log.delta import DeltaLog
    from monitor.settings import Columns

    log = DeltaLog(str(folder / "log"), "wide", Columns(timestamp="ts", id="id"))
    names = [f"f{index:03}" for index in range(FEATURES)]
    with Stopwatch() as watch:
        rows = sum(batch.num_rows for batch in log.batches(DAY, DAY + timedelta(days=1), names))
    return watch.seconds, rows


def check(folder: Path) -> tuple[float, int]:
    """The whole check, its baseline made before; stored hours are forgotten so that every row is read."""
    from monitor.checking import check_model
    from monitor.config import load
    from monitor.store import open_store, profiles

    config = load(folder / "config.yaml", {})
    store = open_store(config.settings.state)
    with store.begin() as connection:
        connection.execute(profiles.HOURS.delete())
        connection.execute(profiles.DAYS.delete())
        connection.execute(profiles.SLOTS.delete().where(profiles.SLOTS.c.start >= DAY))
    _warm_up()
    end = DAY + timedelta(days=1)
    with Stopwatch() as watch:
        findings = check_model(config, store, "wide", end, end + timedelta(hours=1))
    store.close()
    return watch.seconds, len(findings)


def _warm_up() -> None:
    """Load the compiled counting loop, as a daemon has after its first hour."""
    from detectors import Grid

    table = pa.table({"x": np.random.default_rng(0).normal(size=20_000)})
    Grid.fit(table).profile(table)


def prepare(folder: Path) -> tuple[float, int]:
    """Make the data and the baseline."""
    from monitor.checking import check_model
    from monitor.config import load
    from monitor.store import open_store

    with Stopwatch() as watch:
        make(folder)
        config = load(folder / "config.yaml", {})
        store = open_store(config.settings.state)
        check_model(config, store, "wide", DAY + timedelta(days=1), DAY + timedelta(days=1, hours=1))
        store.close()
    return watch.seconds, 0


def main(rounds: int = 5) -> bool:
    """Print the table; whether the targets hold."""
    from benchmarks.measure import run

    folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        run(prepare, folder)
        costs = interleaved(
            {"bare scan": (bare_scan, (folder,)), "own scan": (own_scan, (folder,)), "whole check": (check, (folder,))},
            rounds,
        )
    finally:
        shutil.rmtree(folder)
    base = costs["bare scan"].seconds
    print(f"\nOne window, {ROWS:,} rows x {FEATURES} float64 features, Delta log, median of {rounds}")
    print(f"{'':14}{'seconds':>10}{'x bare scan':>13}{'peak MB':>10}")
    for name, cost in costs.items():
        print(f"{name:14}{cost.seconds:>10.2f}{cost.seconds / base:>13.2f}{cost.peak_mb:>10.0f}")
    ratio, peak = costs["whole check"].seconds / base, costs["whole check"].peak_mb
    print(f"target: at most {TARGET} x, under 1,000 MB: {'held' if ratio <= TARGET and peak < 1000 else 'MISSED'}")
    return ratio <= TARGET and peak < 1000


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
