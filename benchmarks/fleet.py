"""A fleet for one day: 60 models x 50 features x 10,000 rows a day, horizons of an hour to 28 days.

The rows of 29 days are written once and stand below every model's name (a link each), so that 7 GB need not be
written; each model reads, profiles and judges them on its own. The first 28 days' hour profiles are made for one
model and copied to the others: the day that is timed starts from where a daemon would be.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.measure import Stopwatch, run

MODELS, FEATURES, ROWS, DAYS = 60, 50, 10_000, 29
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
TODAY = FIRST + timedelta(days=28)
TARGET = 600.0


def _name(index: int) -> str:
    return f"model-{index:02}"


def make(folder: Path) -> None:
    """Write the rows of one model, link the others to them, write the config."""
    from monitor.prediction_log.delta import DeltaLog
    from monitor.settings import Columns

    rng = np.random.default_rng(11)
    log = DeltaLog(str(folder / "log"), _name(0), Columns(timestamp="ts", id="id"))
    for day in range(DAYS):
        start = int((FIRST + timedelta(days=day)).timestamp() * 1e6)
        columns = {
            "id": pa.array(np.arange(ROWS) + day * ROWS).cast(pa.string()),
            "ts": pa.array(start + np.sort(rng.integers(0, 86_400_000_000, ROWS)), pa.timestamp("us", tz="UTC")),
        }
        for index in range(FEATURES):
            if index % 5 == 4:
                columns[f"f{index:02}"] = pa.array(rng.choice([f"v{v}" for v in range(30)], ROWS))
            else:
                columns[f"f{index:02}"] = pa.array(rng.normal(size=ROWS).round(4))
        log.append(pa.table(columns), f"day-{day}")
    for index in range(1, MODELS):
        os.symlink(folder / "log" / _name(0), folder / "log" / _name(index))
    models = "\n".join(f"  {_name(index)}: {{}}" for index in range(MODELS))
    (folder / "config.yaml").write_text(
        f"state: sqlite:///{folder}/state.db\nlog: {{delta: {folder}/log}}\nmodels:\n"
        '  "*":\n    columns: {timestamp: ts, id: id}\n    horizons: [1h, 1d, 7d, 28d]\n'
        f"    baseline: {{from: 2026-03-01, to: 2026-03-15}}\n{models}\n",
        encoding="utf-8",
    )


def prepare(folder: Path) -> tuple[float, int]:
    """Data, one model's first 28 days, and the other models' copies of its profiles."""
    from monitor.config import load
    from monitor.engine import Engine
    from monitor.store import baselines, cursors, open_store, profiles, versions
    from monitor.world import make_world

    with Stopwatch() as watch:
        make(folder)
        config = load(folder / "config.yaml", {})
        store = open_store(config.settings.state)
        engine = Engine(make_world(config, store, deliver=False), as_it_was=True)
        at = TODAY + timedelta(minutes=20)
        for _ in engine.past(_name(0), at - timedelta(minutes=19), at):
            pass
        tables = [profiles.SLOTS, profiles.HOURS, profiles.DAYS, versions.VERSIONS, baselines.BASELINES]
        with store.begin() as connection:
            for index in range(1, MODELS):
                for table in tables:
                    values = {"model": sa.literal(_name(index))}
                    if table is baselines.BASELINES:
                        values["id"] = sa.literal(f"copy-{index}")
                    chosen = [values.get(column.name, column) for column in table.c]
                    connection.execute(
                        table.insert().from_select(
                            [column.name for column in table.c],
                            sa.select(*chosen).where(table.c.model == _name(0)),
                        )
                    )
            for index in range(MODELS):
                cursors.move(connection, _name(index), at)
        store.close()
    return watch.seconds, 0


def one_day(folder: Path) -> tuple[float, dict[str, float]]:
    """Evaluate the whole fleet for the day after."""
    from concurrent.futures import ThreadPoolExecutor

    from monitor.config import load
    from monitor.engine import Engine
    from monitor.store import open_store
    from monitor.store.sizes import sizes
    from monitor.world import make_world

    config = load(folder / "config.yaml", {})
    store = open_store(config.settings.state)
    with store.read() as connection:
        before, _ = sizes(connection)
    windows = 0
    with ThreadPoolExecutor(2) as pool:
        engine = Engine(make_world(config, store, pool=pool), as_it_was=True)
        with Stopwatch() as watch:
            for outcome in engine.advance(TODAY + timedelta(days=1, minutes=20)):
                assert outcome.blind is None, outcome.blind
                windows += len(outcome.evaluations)
    with store.read() as connection:
        after, _ = sizes(connection)
    store.close()
    return watch.seconds, {"windows": windows, "growth": after - before}


def main() -> bool:
    """Print the table; whether the target holds."""
    folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        set_up = run(prepare, folder)
        cost = run(one_day, folder)
    finally:
        shutil.rmtree(folder)
    month = cost.result["growth"] * 30 / MODELS / 1e6
    print(f"\nA fleet for a day: {MODELS} models x {FEATURES} features x {ROWS:,} rows, horizons 1h, 1d, 7d, 28d")
    print(f"windows judged            {cost.result['windows']:>10,.0f}")
    print(f"seconds                   {cost.seconds:>10.1f}   (set-up {set_up.seconds:.0f})")
    print(f"peak MB                   {cost.peak_mb:>10.0f}")
    print(f"state, MB a model-month   {month:>10.1f}   (hour profiles are dropped after 35 days)")
    print(f"target: under {TARGET:.0f} s: {'held' if cost.seconds < TARGET else 'MISSED'}")
    return cost.seconds < TARGET


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
