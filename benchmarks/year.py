"""The year as it was: January and February as the baseline, March to December day by day.

In: the flights. Out: which columns are named when, and how many pages a month the policy sends. Kept: nothing.

Real drift is permanent here, so the policy matters: one incident, a page when it opens, another when columns join that
were not named before, at most one in three weeks; in between it only updates. Inside an incident columns are named with
false-discovery control. Each page's claim is checked on the raw rows: the columns it names have another mean or spread
(or another missing rate, or other shares) in the page's window than in the baseline, by a test on daily means that
knows nothing of the calibration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import ks_2samp

from benchmarks.policy import incidents, scan
from benchmarks.streams import Flights, Stream
from detectors.calibration import HORIZONS, Calibration

SEASONAL = ("temperature", "dew_point", "humidity")
BASELINE = 59
UPDATES = 21
_CLAIM = 0.05


def report(flights: Flights, targets: Callable[[str, bool], None]) -> None:
    """Print the year, budget 1."""
    stream = flights.year(BASELINE)
    learned = Calibration.learn(stream.grid, stream.days[:BASELINE], 1.0)
    later = stream.days[BASELINE:]
    sums = np.array([learned.views.sums(profile) for _, profile in later])
    weekdays = np.array([day.weekday() for day, _ in later])
    outcome = incidents(scan(learned, sums, weekdays, HORIZONS))
    named_on = _named(learned, stream, sums, weekdays)
    first: dict[str, date] = {}
    pages: list[tuple[date, set[str]]] = []
    held: list[bool] = []
    named: set[str] = set()
    for place, (day, _) in enumerate(later):
        if not outcome.open[place]:
            named = set()
            continue
        now = named_on[place]
        for name in now:
            first.setdefault(name, day)
        fresh = set(now) - named
        if place in outcome.openings or (fresh and day - pages[-1][0] >= timedelta(UPDATES)):
            pages.append((day, fresh))
            held += [_differs(stream, name, BASELINE + place, now[name]) for name in sorted(fresh)]
            named |= set(now)
    months = Counter(day.month for day, _ in pages)
    print(
        f"\nThe year as it was, budget 1: in alarm {outcome.alarmed:.0%} of the days, {len(outcome.openings)} openings"
    )
    order = sorted(first.items(), key=lambda item: item[1])
    print("  named first: " + ", ".join(f"{name} {day.day} {day:%b}" for name, day in order))
    print("  pages a month: " + ", ".join(f"{month}: {months.get(month, 0)}" for month in range(3, 13)))
    print(f"  columns named on pages: {len(held)}, of which {sum(held)} differ in the raw rows of the window")
    late = [name for name in SEASONAL if first.get(name, date.max) > date(2013, 5, 1)]
    targets(f"temperature, dew point and humidity named by 1 May; not: {late or 'none'}", not late)
    targets("at most two pages a month", max(months.values(), default=0) <= 2)
    targets("each page's claim holds in the raw rows", all(held))


def _named(learned: Calibration, stream: Stream, sums: np.ndarray, weekdays: np.ndarray) -> list[dict[str, int]]:
    """For each day the columns that are named, with the longest window that names them."""
    found: list[dict[str, int]] = [{} for _ in sums]
    for horizon in HORIZONS:
        windows = np.moveaxis(sliding_window_view(sums, horizon, axis=0), -1, 1)
        scores = learned.score_sums(windows, sliding_window_view(weekdays, horizon))
        listed = (scores.listed() & learned.active) | scores.beyond
        for row, series in zip(*np.nonzero(listed), strict=True):
            column = int(learned.views.column[series])
            found[row + horizon - 1]["(rows)" if column < 0 else stream.grid.names[column]] = horizon
    return found


def _differs(stream: Stream, name: str, end: int, horizon: int) -> bool:
    """Whether the rows of the `horizon` days to `end` differ from the baseline's by a KS, missing or share distance."""
    assert stream.rows is not None
    before, after = stream.rows[:BASELINE], stream.rows[end + 1 - horizon : end + 1]
    if name == "(rows)":
        usual = np.mean([table.num_rows for table in before])
        return bool(abs(np.mean([table.num_rows for table in after]) / usual - 1.0) > _CLAIM)
    first, second = (pa.concat_tables(part).column(name) for part in (before, after))
    missing = [np.mean(part.is_null(nan_is_null=True).to_numpy()) for part in (first, second)]
    if abs(missing[0] - missing[1]) > _CLAIM / 5:
        return True
    if pa.types.is_string(first.type) or pa.types.is_large_string(first.type):
        shares = [
            {item["values"]: item["counts"] / len(part) for item in part.value_counts().to_pylist()}
            for part in (first, second)
        ]
        keys = set(shares[0]) | set(shares[1])
        return sum(abs(shares[0].get(key, 0.0) - shares[1].get(key, 0.0)) for key in keys) / 2 > _CLAIM
    values = [part.to_numpy() for part in (first, second)]
    return bool(ks_2samp(*(v[~np.isnan(v)] for v in values)).statistic > _CLAIM)
