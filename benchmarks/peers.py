"""Driftline against packages that compare two samples: the same rows, a process each, what it takes.

Seconds are those of the work itself: imports, a warm-up and putting the rows into the container a package likes best
are left out; the median of the rounds, and the least, which a busy machine raises less. Peak memory is the whole
process's: imports, both samples and the work. What is timed of each package is in `contestants.py`. Figures to compare
are the ratios; seconds are of the machine.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.environments import FOLDER, PEERS, Unavailable, ask, python_of
from benchmarks.measure import Cost, in_rounds

FEATURES, SMALL, LARGE = 20, 100_000, 1_000_000
OWN = "driftline"


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of the table: whose environment, which function of `contestants.py`, how many rounds at either size.

    `exact`: its figures are KS of all rows of a column, and can be held against scipy's.
    """

    peer: str
    what: str
    does: str
    small: int
    large: int = 0
    exact: bool = False


VARIANTS = (
    Variant("driftline", "driftline", "grid, both sides, all detectors", 5, 5, exact=True),
    Variant("driftline", "driftline_alone", "the same on one thread", 5, 5, exact=True),
    Variant("driftline", "driftline_profiled", "one thread, reference profiled before", 5, 5, exact=True),
    Variant("driftline", "driftline_chunks", "one thread, in 10 + 10 chunks", 5),
    Variant("scipy", "scipy_loop", "ks_2samp a column", 5, 3, exact=True),
    Variant("alibi-detect", "alibi_detect", "KSDrift", 3, exact=True),
    Variant("nannyml", "nannyml", "KS in 10 + 10 chunks", 3),
    Variant("evidently", "evidently_default", "drift preset", 3),
    Variant("evidently", "evidently_ks", "drift preset, KS", 3, 1),
)
# What is held against what, at which size, and by how many times it is to be faster.
TARGETS = (
    ("evidently_ks", "driftline", LARGE, 100.0),
    ("scipy_loop", "driftline", LARGE, 8.0),
    ("nannyml", "driftline", SMALL, 5.0),
    ("alibi_detect", "driftline", SMALL, 5.0),
)


def make(folder: Path, rows: int) -> None:
    """Write both sides: normal, log-normal and zero-inflated columns, every fourth of production's a little higher."""
    rng = np.random.default_rng(20)
    folder.mkdir()
    for side in ("reference", "production"):
        values = np.empty((FEATURES, rows))
        for index in range(FEATURES):
            match index % 4:
                case 0:
                    values[index] = np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(3.0, rows))
                case 1:
                    values[index] = rng.lognormal(0.0, 1.0, rows)
                case _:
                    values[index] = rng.normal(index, 1.0 + index / 10, rows)
            if side == "production" and index % 4 == 3:
                values[index] += 0.1 * (1.0 + index / 10)
        np.save(folder / f"{side}.npy", values)


def once(variant: Variant, python: Path, data: Path) -> Cost:
    """One run of a variant."""
    answer = ask(variant.peer, python, variant.what, data)
    return Cost(answer["seconds"], answer["peak_mb"], answer["figures"])


def measure(rows: int, pythons: dict[str, Path | Unavailable]) -> dict[str, Cost | Unavailable]:
    """Every variant that is run at this size: what it cost, or why it could not be run."""
    folder = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    found: dict[str, Cost | Unavailable] = {}

    def attempt(variant: Variant, python: Path) -> Cost:
        if variant.what not in found:
            try:
                return once(variant, python, folder / "rows")
            except Unavailable as trouble:
                found[variant.what] = trouble
        return Cost(float("nan"), float("nan"))

    try:
        make(folder / "rows", rows)
        runnable = {}
        for variant in VARIANTS:
            python = pythons[variant.peer]
            if rounds := variant.small if rows == SMALL else variant.large:
                if isinstance(python, Unavailable):
                    found[variant.what] = python
                else:
                    runnable[variant.what] = (partial(attempt, variant, python), rounds)
        costs = in_rounds(runnable)
    finally:
        shutil.rmtree(folder)
    return costs | found


def show(rows: int, found: dict[str, Cost | Unavailable]) -> None:
    """Print one size's part of the table; every ratio is to the first row."""
    print(f"\n{rows:,} rows x {FEATURES} float64 features a side")
    print(f"{'':54}{'seconds':>9}{'x':>8}{'least':>9}{'x':>8}{'peak MB':>9}{'x':>6}{'KS off by':>11}")
    base, truth = found[OWN], found["scipy_loop"]
    for variant in VARIANTS:
        title = f"{PEERS[variant.peer].title}: {variant.does}"
        match found.get(variant.what):
            case Unavailable() as trouble:
                print(f"{title:54}  {trouble}")
            case Cost() as cost:
                times = cost.seconds / base.seconds if isinstance(base, Cost) else float("nan")
                quickest = cost.least / base.least if isinstance(base, Cost) else float("nan")
                larger = cost.peak_mb / base.peak_mb if isinstance(base, Cost) else float("nan")
                off = _off(cost, truth) if variant.exact and isinstance(truth, Cost) else ""
                seconds = f"{cost.seconds:>9.2f}{times:>8.2f}{cost.least:>9.2f}{quickest:>8.2f}"
                print(f"{title:54}{seconds}{cost.peak_mb:>9.0f}{larger:>6.1f}{off:>11}")


def _off(cost: Cost, truth: Cost) -> str:
    return f"{np.abs(np.subtract(cost.result, truth.result)).max():.4f}"


def judge(found: dict[int, dict[str, Cost | Unavailable]]) -> bool:
    """Print every target; whether all that could be measured hold."""
    held = True
    titles = {variant.what: PEERS[variant.peer].title for variant in VARIANTS}
    for slower, faster, rows, least in TARGETS:
        first, second = found[rows][slower], found[rows][faster]
        words = f"target: at least {least:g} times faster than {titles[slower]} ({slower}) at {rows:,} rows"
        if isinstance(first, Unavailable) or isinstance(second, Unavailable):
            print(f"{words}: not measured")
            continue
        ratio = first.seconds / second.seconds
        held = held and ratio >= least
        print(f"{words}: {ratio:.1f}, {'held' if ratio >= least else 'MISSED'}")
    return held


def installed(peers: set[str], folder: Path) -> dict[str, Path | Unavailable]:
    """The Python of every peer, or why there is none."""
    pythons: dict[str, Path | Unavailable] = {}
    for peer in sorted(peers):
        try:
            pythons[peer] = python_of(peer, folder)
        except Unavailable as trouble:
            pythons[peer] = trouble
    return pythons


def main(folder: Path = FOLDER) -> bool:
    """Print the tables; whether the targets hold."""
    pythons = installed({variant.peer for variant in VARIANTS}, folder)
    found = {}
    for rows in (SMALL, LARGE):
        found[rows] = measure(rows, pythons)
        show(rows, found[rows])
    return judge(found)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
