"""The year as it was: January and February as the baseline, March to December day by day.

In: the flights. Out: which columns are named when, and how many pages a month the policy sends. Kept: nothing.

Real drift is permanent here, so the policy matters: one incident, a page when it opens, another when columns join that
were not named before, at most one a fortnight; in between it only updates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from benchmarks.policy import incidents, scan
from benchmarks.streams import Flights
from detectors.calibration import HORIZONS, Calibration

SEASONAL = ("temperature", "dew_point", "humidity")
BASELINE = 59
UPDATES = 14


def report(flights: Flights, targets: Callable[[str, bool], None]) -> None:
    """Print the year, budget 1."""
    stream = flights.year(BASELINE)
    learned = Calibration.learn(stream.grid, stream.days[:BASELINE], 1.0)
    views = learned.views
    later = stream.days[BASELINE:]
    sums = np.array([views.sums(profile) for _, profile in later])
    weekdays = np.array([day.weekday() for day, _ in later])
    beyond = scan(learned, sums, weekdays, HORIZONS)
    anywhere = np.any(list(beyond.values()), axis=0)
    outcome = incidents(beyond)
    dates = [day for day, _ in later]
    first: dict[str, date] = {}
    pages: list[date] = []
    named: set[str] = set()
    for place, day in enumerate(dates):
        if not outcome.open[place]:
            named = set()
            continue
        now = {_name(stream.grid.names, int(views.column[series])) for series in np.flatnonzero(anywhere[place])}
        for name in now:
            first.setdefault(name, day)
        fresh = now - named
        if place in outcome.openings or (fresh and day - pages[-1] >= timedelta(UPDATES)):
            pages.append(day)
            named |= now
    months = Counter(day.month for day in pages)
    print(
        f"\nThe year as it was, budget 1: in alarm {outcome.alarmed:.0%} of the days, {len(outcome.openings)} openings"
    )
    print(
        "  named first: " + ", ".join(f"{name} {day:%-d %b}" for name, day in sorted(first.items(), key=lambda x: x[1]))
    )
    print("  pages a month: " + ", ".join(f"{month}: {months.get(month, 0)}" for month in range(3, 13)))
    late = [name for name in SEASONAL if first.get(name, date.max) > date(2013, 5, 1)]
    targets(f"temperature, dew point and humidity named by 1 May; not: {late or 'none'}", not late)
    targets("at most two pages a month", max(months.values(), default=0) <= 2)


def _name(names: tuple[str, ...], column: int) -> str:
    return names[column] if column >= 0 else "(rows)"
