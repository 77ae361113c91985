"""A whole check of one window against bare scans of the same columns, at four sizes.

1,000,000 rows x 100 float64 features in a Delta log, one day, 200,000 reference rows before it; then half the rows, a
quarter, and half the columns, to see that the cost is linear. The check reads the log, splits it by hour, profiles,
looks for repeated ids, stores, sums, and judges with every default detector, through the daemon's own code.

Two scans are beside it, which decode the same columns and throw them away: what anyone would write (deltalake's dataset
with default options), and the best there is: the same Parquet files mapped, four columns at a time on two threads.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Stopwatch, interleaved

SIZES = ((1_000_000, 100), (500_000, 100), (250_000, 100), (1_000_000, 50))
REFERENCE = 200_000
DAY = datetime(2026, 3, 2, tzinfo=UTC)
OF_DEFAULT, OF_BEST, MEGABYTES = 1.0, 1.35, 600
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


def make(folder: Path, rows: int, features: int) -> None:
    """Write the log and the config: normal columns, and mixed ones (zeros, integers, Pareto, nulls) beside them."""
    from monitor.prediction_log.delta import DeltaLog
    from monitor.settings import Columns

    rng = np.random.default_rng(7)
    log = DeltaLog(str(folder / "log"), "wide", Columns(timestamp="ts", id="id"))
    quarters = [(DAY + timedelta(hours=6 * quarter), rows // 4) for quarter in range(4)]
    for part, (start, count) in enumerate([(DAY - timedelta(days=1), REFERENCE), *quarters]):
        span = timedelta(days=1) if part == 0 else timedelta(hours=6)
        log.append(_rows(rng, start, span, count, part, features), f"part-{part}")
    (folder / "config.yaml").write_text(_CONFIG.format(folder=folder), encoding="utf-8")


def _rows(rng: np.random.Generator, start: datetime, span: timedelta, rows: int, part: int, features: int) -> pa.Table:
    offsets = np.sort(rng.integers(0, int(span.total_seconds() * 1e6), rows))
    base = np.int64(int(start.timestamp() * 1e6))
    columns: dict[str, Any] = {
        "id": pa.array(np.arange(rows) + part * 10_000_000).cast(pa.string()),
        "ts": pa.array(base + offsets, pa.timestamp("us", tz="UTC")),
    }
    for index in range(features):
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


def default_scan(folder: Path, features: int) -> tuple[float, int]:
    """What anything that reads the rows must pay: deltalake's own dataset with default options, drained."""
    import pyarrow.dataset as ds
    from deltalake import DeltaTable

    names = [f"f{index:03}" for index in range(features)]
    with Stopwatch() as watch:
        table = DeltaTable(str(folder / "log" / "wide"))
        where = ds.field("ts") >= pa.scalar(DAY)
        rows = sum(
            batch.num_rows for batch in table.to_pyarrow_dataset().scanner(columns=names, filter=where).to_batches()
        )
    return watch.seconds, rows


def best_scan(folder: Path, features: int) -> tuple[float, int]:
    """The cheapest way found to decode the same columns: mapped files, few columns at a time, two threads."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable

    names = [f"f{index:03}" for index in range(features)]
    with Stopwatch() as watch, ThreadPoolExecutor(2) as pool:
        paths = [path for path in DeltaTable(str(folder / "log" / "wide")).file_uris() if f"{DAY:%Y-%m-%d}" in path]
        parts = []
        for path in paths:
            known = pq.read_metadata(path)
            parts += [(path, known, group) for group in range(known.num_row_groups)]

        def drain(part: tuple[str, Any, int]) -> int:
            path, known, group = part
            with pq.ParquetFile(path, metadata=known, memory_map=True, pre_buffer=False) as file:
                for start in range(0, features, 4):
                    table = file.read_row_group(group, columns=names[start : start + 4], use_threads=False)
            return int(table.num_rows)

        rows = sum(pool.map(drain, parts))
    return watch.seconds, rows


def check(folder: Path, features: int) -> tuple[float, int]:
    """The whole check, its baseline made before; the window's stored hours are forgotten so that every row is read."""
    from monitor.service.light import live_small

    live_small()  # as the daemon does

    from monitor.config import load
    from monitor.on_demand.checking import check_model
    from monitor.store import open_store, profiles

    config = load(folder / "config.yaml", {})
    store = open_store(config.settings.state)
    end = DAY + timedelta(days=1)
    for _ in range(2):  # the first look loads and compiles what a daemon has after its first hour
        with store.begin() as connection:
            for table in (profiles.HOURS, profiles.DAYS, profiles.SLOTS):
                connection.execute(table.delete().where(table.c.start >= DAY))
        with Stopwatch() as watch:
            findings = check_model(config, store, "wide", end, end + timedelta(hours=1))
    store.close()
    return watch.seconds, len(findings)


def prepare(folder: Path, rows: int, features: int) -> tuple[float, int]:
    """Make the data and the baseline."""
    from monitor.config import load
    from monitor.on_demand.checking import check_model
    from monitor.store import open_store

    with Stopwatch() as watch:
        make(folder, rows, features)
        config = load(folder / "config.yaml", {})
        store = open_store(config.settings.state)
        check_model(config, store, "wide", DAY + timedelta(days=1), DAY + timedelta(days=1, hours=1))
        store.close()
    return watch.seconds, 0


def small_hour() -> tuple[float, float]:
    """Microseconds a feature of profiling an hour of 10,000 rows x 50 features in memory, and of a call for one row."""
    from detectors import Grid

    rng = np.random.default_rng(0)
    table = pa.table({f"f{index}": rng.normal(index, 1.0, 20_000) for index in range(50)})
    grid = Grid.fit(table)
    costs = []
    for rows in (10_000, 1):
        part = table.slice(0, rows)
        grid.profile(part)
        seconds = []
        for _ in range(20):
            with Stopwatch() as watch:
                grid.profile(part)
            seconds.append(watch.seconds)
        costs.append(median(seconds) / 50 * 1e6)
    return costs[0], costs[1]


def main(rounds: int = 5) -> bool:
    """Print the tables; whether the targets hold at the largest size."""
    from benchmarks.measure import run

    held = True
    print(f"\nOne window of float64 features, Delta log, median of {rounds} rounds, each in a process of its own")
    print(f"{'rows x features':18}{'':14}{'seconds':>9}{'x default':>11}{'x best':>8}{'ns a value':>12}{'peak MB':>9}")
    for place, (rows, features) in enumerate(SIZES):
        folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
        try:
            run(prepare, folder, rows, features)
            variants = {"default scan": default_scan, "best scan": best_scan, "whole check": check}
            costs = interleaved({name: (each, (folder, features)) for name, each in variants.items()}, rounds)
        finally:
            shutil.rmtree(folder)
        default, best = costs["default scan"].seconds, costs["best scan"].seconds
        for name, cost in costs.items():
            size = f"{rows:,} x {features}" if name == "default scan" else ""
            ratios = f"{cost.seconds / default:>11.2f}{cost.seconds / best:>8.2f}"
            value = cost.seconds / (rows * features) * 1e9
            print(f"{size:18}{name:14}{cost.seconds:>9.2f}{ratios}{value:>12.1f}{cost.peak_mb:>9.0f}")
        if place == 0:
            whole = costs["whole check"]
            held = (
                whole.seconds <= OF_DEFAULT * default and whole.seconds <= OF_BEST * best and whole.peak_mb < MEGABYTES
            )
    print(
        f"target at the largest: at most {OF_DEFAULT} x default, {OF_BEST} x best, under {MEGABYTES} MB: "
        f"{'held' if held else 'MISSED'}"
    )
    hour, call = small_hour()
    print(f"an hour of 10,000 rows x 50 features: {hour:.0f} µs a feature; a single row: {call:.0f} µs a feature")
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
