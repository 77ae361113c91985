"""The year as it was: January and February as the baseline, March to December day by day.

In: the flights. Out: which columns are named when, and how many pages a month the policy sends. Kept: nothing.

Real drift is permanent here, so the policy matters: one incident, a page when it opens, another when columns join that
were not named before, at most one in three weeks; in between it only updates. Inside an incident columns are named with
false-discovery control.

Each page's claims are checked on the raw rows, knowing nothing of the calibration: what a page says of a column (level,
spread, shape, mix, missing rate, number of rows) is computed of each day's rows, and the days of the page's window must
differ from the baseline's by Welch's test at 1% and in the direction that was claimed. What is claimed only beside what
the other columns are is held against a regression on their daily means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import t as student

from benchmarks.policy import incidents, scan
from benchmarks.streams import Flights, Stream
from detectors.calibration import HORIZONS, Calibration
from detectors.functionals import Series

SEASONAL = ("temperature", "dew_point", "humidity")
BASELINE = 59
UPDATES = 21
_LEVEL = 0.01


@dataclass(frozen=True)
class Claim:
    """That a column's `view` is larger or smaller (`sign`) in the `horizon` days to a page than in the baseline."""

    name: str
    view: Series
    horizon: int
    sign: float
    alone: bool  # or only beside what the other columns say it should be


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
    held: list[tuple[date, Claim, float]] = []
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
            held += [(day, now[name], _chance(stream, now[name], BASELINE + place)) for name in sorted(fresh)]
            named |= set(now)
    months = Counter(day.month for day, _ in pages)
    print(
        f"\nThe year as it was, budget 1: in alarm {outcome.alarmed:.0%} of the days, {len(outcome.openings)} openings"
    )
    order = sorted(first.items(), key=lambda item: item[1])
    print("  named first: " + ", ".join(f"{name} {day.day} {day:%b}" for name, day in order))
    print("  pages a month: " + ", ".join(f"{month}: {months.get(month, 0)}" for month in range(3, 13)))
    false = [one for one in held if one[2] > _LEVEL]
    print(f"  columns named on pages: {len(held)}, of which {len(held) - len(false)} differ in the window's raw rows")
    for day, claim, chance in false:
        print(f"    not {claim.name}, {claim.view.name.lower()} of {claim.horizon} days to {day}: p = {chance:.2f}")
    late = [name for name in SEASONAL if first.get(name, date.max) > date(2013, 5, 1)]
    targets(f"temperature, dew point and humidity named by 1 May; not: {late or 'none'}", not late)
    targets("at most two pages a month", max(months.values(), default=0) <= 2)
    targets("each page's claim holds in the raw rows", not false)


def _named(learned: Calibration, stream: Stream, sums: np.ndarray, weekdays: np.ndarray) -> list[dict[str, Claim]]:
    """For each day what is claimed of the columns that are named, by the longest window that names them."""
    found: list[dict[str, Claim]] = [{} for _ in sums]
    for horizon in HORIZONS:
        windows = np.moveaxis(sliding_window_view(sums, horizon, axis=0), -1, 1)
        scores = learned.score_sums(windows, sliding_window_view(weekdays, horizon))
        listed = (scores.listed() & learned.active) | scores.beyond
        strongest = np.argsort(np.abs(np.nan_to_num(scores.score)), axis=1)
        for row in range(len(windows)):
            for series in strongest[row][listed[row][strongest[row]]].tolist():
                column = int(learned.views.column[series])
                name = "(rows)" if column < 0 else stream.grid.names[column]
                view, sign = Series(int(learned.views.series[series])), float(np.sign(scores.score[row, series]))
                found[row + horizon - 1][name] = Claim(name, view, horizon, sign, not scores.given[row, series])
    return found


def _chance(stream: Stream, claim: Claim, end: int) -> float:
    """How likely so large a difference between the window's days and the baseline's is by chance; 1 if it is none."""
    assert stream.rows is not None
    usual = pa.concat_tables(stream.rows[:BASELINE])
    window = stream.rows[end + 1 - claim.horizon : end + 1]
    if not claim.alone:
        return _chance_given(stream.rows[:BASELINE], window, claim)
    before, after = (
        np.array([_figure(table, usual, claim) for table in part]) for part in (stream.rows[:BASELINE], window)
    )
    difference = float(np.mean(after) - np.mean(before))
    directed = claim.view not in (Series.SHAPE, Series.SHARE) and not _is_text(usual, claim.name)
    if difference == 0.0 or (directed and np.sign(difference) != claim.sign):
        return 1.0
    spread = np.var(before, ddof=1)
    own = np.var(after, ddof=1) if len(after) > 2 else spread
    parts = np.array([spread / len(before), own / len(after)])
    free = parts.sum() ** 2 / (parts**2 / [len(before) - 1, max(len(after) - 1, 1) if len(after) > 2 else 1e9]).sum()
    return float(2.0 * student.sf(abs(difference) / np.sqrt(max(parts.sum(), 1e-300)), free))


def _chance_given(usual: list[pa.Table], window: list[pa.Table], claim: Claim) -> float:
    """The same of what a regression on the daily means of all other numbers leaves."""
    whole = pa.concat_tables(usual)
    others = [name for name in whole.column_names if name != claim.name and not _is_text(whole, name)]
    sides = []
    for tables in (usual, window):
        means = [[1.0, *(float(np.nanmean(table.column(name).to_numpy())) for name in others)] for table in tables]
        sides.append((np.array(means), np.array([_figure(table, whole, claim) for table in tables])))
    (x, y), (later, found) = sides
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    free = len(y) - x.shape[1]
    variance = float(np.sum((y - x @ weights) ** 2)) / free
    middle = later.mean(axis=0)
    difference = float(np.mean(found - later @ weights))
    if np.sign(difference) != claim.sign:
        return 1.0
    error = variance * (1.0 / len(found) + float(middle @ np.linalg.pinv(x.T @ x) @ middle))
    return float(2.0 * student.sf(abs(difference) / np.sqrt(error), free))


def _is_text(table: pa.Table, name: str) -> bool:
    return name != "(rows)" and (
        pa.types.is_string(table.schema.field(name).type) or pa.types.is_large_string(table.schema.field(name).type)
    )


def _figure(table: pa.Table, usual: pa.Table, claim: Claim) -> float:
    """What is claimed of one day's rows, in a figure."""
    if claim.view is Series.VOLUME:
        return float(table.num_rows)
    column = table.column(claim.name)
    if claim.view is Series.MISSING:
        return float(np.mean(column.is_null(nan_is_null=True).to_numpy()))
    if _is_text(usual, claim.name):
        mixes = [_mix(part.column(claim.name)) for part in (table, usual)]
        keys = set(mixes[0]) | set(mixes[1])
        return sum(abs(mixes[0].get(key, 0.0) - mixes[1].get(key, 0.0)) for key in keys) / 2
    values, all_ = (part.column(claim.name).to_numpy() for part in (table, usual))
    values, all_ = values[~np.isnan(values)], all_[~np.isnan(all_)]
    if claim.view is Series.FAR:
        return float(np.mean((values < all_.min()) | (values > all_.max())))
    if claim.view is Series.LOCATION:
        return float(np.mean(values))
    if claim.view is Series.SCALE:
        return float(np.std(values))
    centred = (values - np.mean(values)) / max(float(np.std(values)), 1e-12)
    return float(np.mean(centred**3))


def _mix(column: pa.ChunkedArray) -> dict[str, float]:
    return {item["values"]: item["counts"] / len(column) for item in column.value_counts().to_pylist()}
