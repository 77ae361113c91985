"""False alarms and delays: how often the learned rule speaks when nothing happened, and how soon when something did.

Run `python -m benchmarks.false_alarms` (20 seeds of each null stream, 40 of each with faults) or with `--quick`
(4 seeds). In pieces: `--only` runs parts of `null,faults,year,cost,peers`, `--streams` those streams that are called,
or whose name holds, one of some words. All figures belong together: false incidents in 30 days not in alarm, days in
alarm, delays.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import alarms_beside, delays, nothing
from benchmarks.budget_cost import cost
from benchmarks.environments import FOLDER
from benchmarks.seeds import cores
from benchmarks.streams import Flights
from benchmarks.year import report as year

SEEDS, FAULT_SEEDS, PEER_SEEDS = 20, 40, 3
PARTS = ("null", "faults", "year", "cost", "peers")


class Targets:
    """Prints each target with whether it held."""

    def __init__(self) -> None:
        self.missed = 0

    def __call__(self, words: str, held: bool) -> None:
        self.missed += not held
        print(f"  {'held  ' if held else 'MISSED'} {words}")


def run(
    seeds: int = SEEDS,
    fault_seeds: int = FAULT_SEEDS,
    quick: bool = False,
    parts: Sequence[str] = PARTS,
    streams: Sequence[str] = ("",),
    folder: Path = FOLDER,
    jobs: int = 0,
) -> bool:
    """Print the tables of `parts`; whether all targets held. `jobs`: processes at a time (0: as many as cores)."""
    targets, jobs = Targets(), jobs or cores()
    flights = Flights()
    if "null" in parts:
        nothing.report(seeds, quick, streams, jobs, targets)
    if "faults" in parts:
        delays.report(fault_seeds, streams, jobs, targets)
    if "year" in parts:
        year(flights, targets)
    if "cost" in parts:
        cost(targets)
    if "peers" in parts:
        first = nothing.FIRST_SEED
        alarms_beside.report(flights, folder, range(first, first + PEER_SEEDS), jobs, targets)
    return targets.missed == 0


def main(folder: Path = FOLDER) -> bool:
    """The full form."""
    return run(folder=folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.false_alarms", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="4 seeds, the main streams, no peers")
    parser.add_argument("--seeds", type=int, help=f"seeds of each stream without a fault ({SEEDS})")
    parser.add_argument("--fault-seeds", type=int, help=f"seeds of each stream with faults ({FAULT_SEEDS})")
    parser.add_argument("--only", help=f"of {', '.join(PARTS)}, with commas; all by default")
    parser.add_argument(
        "--streams", default="", help="only streams called one of these, or whose name holds it, with semicolons"
    )
    parser.add_argument("--jobs", type=int, default=cores(), help=f"seeds at a time, each in a process ({cores()})")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the peers' environments are (.bench)")
    chosen = parser.parse_args()
    seeds = chosen.seeds or (4 if chosen.quick else SEEDS)
    parts = chosen.only.split(",") if chosen.only else PARTS[:-1] if chosen.quick else PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if chosen.jobs < 1:
        parser.error("--jobs: 1 at least")
    held = run(
        seeds,
        chosen.fault_seeds or 2 * seeds,
        chosen.quick,
        parts,
        [word.strip() for word in chosen.streams.split(";")],
        chosen.folder.absolute(),
        chosen.jobs,
    )
    raise SystemExit(0 if held else 1)
