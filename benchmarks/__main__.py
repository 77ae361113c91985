"""`make bench`: every benchmark, one after the other; exit code 1 if a target was missed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    detectors,
    digest,
    drain,
    environments,
    estimation,
    false_alarms,
    fleet,
    multivariate,
    outliers,
    peers,
    reasons,
    window,
)

ALL: dict[str, Callable[[Path], bool]] = {
    "window": lambda _: window.main(),
    "fleet": lambda _: fleet.main(),
    "digest": lambda _: digest.main(),
    "drain": lambda _: drain.main(),
    "outliers": outliers.main,
    "peers": peers.main,
    "detectors": lambda _: detectors.main(),
    "multivariate": lambda _: multivariate.main(),
    "estimation": estimation.main,
    "reasons": lambda _: reasons.main(),
    "false_alarms": false_alarms.main,
}


def main() -> int:
    """Run the named benchmarks, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Driftline's benchmarks.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(ALL)}; all by default")
    parser.add_argument(
        "--folder",
        type=Path,
        default=environments.FOLDER,
        help="where the environments of the packages Driftline is compared with are, or are made (.bench)",
    )
    arguments = parser.parse_args()
    chosen = arguments.names or list(ALL)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    held = {name: ALL[name](arguments.folder.absolute()) for name in chosen}
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
