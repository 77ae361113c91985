"""The weekly report of a fleet: 100 models x 50 features, digest and every page, from what is stored.

One model is watched for ten weeks, six of its features drifting in the last; what was stored of it is copied to 99
others. Then the prediction log is deleted, and the report is written: it needs the state alone.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.measure import Stopwatch, run

MODELS, FEATURES, ROWS, DAYS = 100, 50, 600, 84
FIRST = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
LAST = FIRST + timedelta(days=DAYS)
SECONDS, MEGABYTES = 60.0, 500.0


def _name(index: int) -> str:
    return f"model-{index:03}"


def make(folder: Path, features: int, models: int) -> None:
    """Write the rows of one model and the config of all."""
    from monitor.prediction_log.delta import DeltaLog
    from monitor.settings import Columns

    rng = np.random.default_rng(7)
    log = DeltaLog(str(folder / "log"), _name(0), Columns(timestamp="ts", id="id"))
    for day in range(DAYS):
        start = int((FIRST + timedelta(days=day)).timestamp() * 1e6)
        drift = max(0.0, (day - (DAYS - 12)) / 10)
        columns = {
            "id": pa.array(np.arange(ROWS) + day * ROWS).cast(pa.string()),
            "ts": pa.array(start + np.sort(rng.integers(0, 86_400_000_000, ROWS)), pa.timestamp("us", tz="UTC")),
            "score": pa.array(rng.beta(2, 5, ROWS).round(4)),
        }
        for index in range(features):
            if index % 5 == 4:
                columns[f"f{index:04}"] = pa.array(rng.choice([f"v{v}" for v in range(30)], ROWS))
            else:
                moved = drift if index % 8 == 0 else 0.0
                columns[f"f{index:04}"] = pa.array(rng.normal(moved, 1.0, ROWS).round(4))
        log.append(pa.table(columns), f"day-{day}")
    named = "\n".join(f"  {_name(index)}: {{}}" for index in range(models))
    (folder / "config.yaml").write_text(
        f"state: sqlite:///{folder}/state.db\nlog: {{delta: {folder}/log}}\nmodels:\n"
        '  "*":\n    columns: {timestamp: ts, id: id, score: score}\n    horizons: [1d, 7d]\n'
        "    baseline: {from: 2026-01-05, to: 2026-02-02}\n    owner: ml-platform\n"
        f"{named}\nreports: [{{name: weekly, folder: {folder}/reports, deep_dive: false}}]\n",
        encoding="utf-8",
    )


def prepare(folder: Path, features: int, models: int) -> tuple[float, int]:
    """Watch one model through the weeks, copy what was stored to the others, delete the prediction log."""
    from monitor.config import load
    from monitor.engine import Engine
    from monitor.store import baselines, evaluations, incidents, open_store, profiles, versions
    from monitor.world import make_world

    with Stopwatch() as watch:
        make(folder, features, models)
        config = load(folder / "config.yaml", {})
        store = open_store(config.settings.state)
        engine = Engine(make_world(config, store, deliver=False), as_it_was=True)
        for _ in engine.past(_name(0), FIRST, LAST + timedelta(hours=1)):
            pass
        tables = [
            profiles.SLOTS,
            profiles.DAYS,
            versions.VERSIONS,
            baselines.BASELINES,
            evaluations.EVALUATIONS,
            incidents.INCIDENTS,
        ]
        with store.begin() as connection:
            for index in range(1, models):
                for table in tables:
                    values = {"model": sa.literal(_name(index))}
                    if table is baselines.BASELINES:
                        values["id"] = sa.literal(f"copy-{index}-") + table.c.id
                    if table is incidents.INCIDENTS:
                        values["id"] = table.c.id + f"-{index}"
                        values["data"] = sa.func.replace(
                            sa.func.replace(table.c.data, _name(0), _name(index)), table.c.id, table.c.id + f"-{index}"
                        )
                    kept = [
                        column for column in table.c if not (table is evaluations.EVALUATIONS and column.name == "id")
                    ]
                    connection.execute(
                        table.insert().from_select(
                            [column.name for column in kept],
                            sa.select(*(values.get(column.name, column) for column in kept)).where(
                                table.c.model == _name(0)
                            ),
                        )
                    )
        store.close()
        shutil.rmtree(folder / "log")
    return watch.seconds, 0


def report(folder: Path) -> tuple[float, dict[str, float]]:
    """Write the weekly report."""
    from monitor.config import load
    from monitor.reporting.models import few_collections
    from monitor.reporting.write import write
    from monitor.store import open_store
    from monitor.world import make_world

    config = load(folder / "config.yaml", {})
    store = open_store(config.settings.state)
    world = make_world(config, store, deliver=False)
    began = time.process_time()
    with Stopwatch() as watch, few_collections():
        written = write(world, config.settings.reports[0], LAST + timedelta(hours=8), LAST + timedelta(hours=8))
    helper = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = time.process_time() - began + helper.ru_utime + helper.ru_stime
    store.close()
    pages = [page.stat().st_size for page in written.index.parent.glob("model-*.html")]
    return watch.seconds, {
        "busy": busy,
        "helper": helper.ru_maxrss / 1024,
        "pages": len(pages),
        "largest": max(pages) / 1e3,
        "digest": written.index.stat().st_size / 1e3,
        "drawn": written.index.parent.joinpath(f"model-{_name(0)}.html").read_text(encoding="utf-8").count("<svg"),
        "total": sum(one.stat().st_size for one in written.index.parent.iterdir() if one.is_file()) / 1e6,
    }


def main(features: int = FEATURES, models: int = MODELS) -> bool:
    """Print the table; whether the targets hold."""
    folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        set_up = run(prepare, folder, features, models)
        cost = run(report, folder)
    finally:
        shutil.rmtree(folder)
    told = cost.result
    peak = cost.peak_mb + told["helper"]
    held = cost.seconds < SECONDS and peak < MEGABYTES
    print(f"\nThe weekly report of {models} models x {features} features, from the state alone (its log is deleted)")
    print(f"pages                     {told['pages']:>10,.0f}   ({told['drawn']:.0f} charts on each)")
    print(f"seconds                   {cost.seconds:>10.1f}   (set-up {set_up.seconds:.0f})")
    print(f"processor seconds         {told['busy']:>10.1f}   (of both processes, the second one's start included)")
    print(f"peak MB                   {peak:>10.0f}   ({cost.peak_mb:.0f} and {told['helper']:.0f})")
    print(f"largest page, KB          {told['largest']:>10.0f}   (digest {told['digest']:.0f})")
    print(f"whole folder, MB          {told['total']:>10.1f}")
    print(f"target: under {SECONDS:.0f} s and {MEGABYTES:.0f} MB: {'held' if held else 'MISSED'}")
    return held


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=int, default=FEATURES)
    parser.add_argument("--models", type=int, default=MODELS)
    chosen = parser.parse_args()
    raise SystemExit(0 if main(chosen.features, chosen.models) else 1)
