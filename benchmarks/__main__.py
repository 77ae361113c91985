"""`make bench`: every benchmark, one after the other; exit code 1 if a target was missed."""

from __future__ import annotations

import argparse

from benchmarks import false_alarms, fleet, window

ALL = {"window": window.main, "fleet": fleet.main, "false_alarms": false_alarms.main}


def main() -> int:
    """Run the named benchmarks, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Driftline's benchmarks.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(ALL)}; all by default")
    chosen = parser.parse_args().names or list(ALL)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    held = {name: ALL[name]() for name in chosen}
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
