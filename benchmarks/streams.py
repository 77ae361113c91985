"""Days in which nothing happens, and how to make something happen in them.

In: a random generator. Out: a `Stream`: a reference's grid and days, and production's days, as profiles. Kept: nothing.

Flights keep their rows, so that a fault can be put into them; synthetic days are drawn as counts, so that a million
rows a day cost what fifty do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from benchmarks.flight_rows import FIRST, flight_rows
from detectors import Grid
from detectors.no_cell import AUX
from detectors.profile import Profile
from detectors.tally import Runs, Tally
from detectors.values import column_of

START = date(2024, 1, 1)  # a Monday


@dataclass(frozen=True)
class Stream:
    """`days` of profiles on `grid`, the first `reference` of them the baseline. `rows` of each day, where there are."""

    grid: Grid
    days: list[tuple[date, Profile]]
    reference: int
    rows: list[pa.Table] | None = None


Maker = Callable[[np.random.Generator, int, int], Stream]


def chosen(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """The streams that one of some words means: its whole name, or a part of it that is no stream's name."""
    return [name for name in names if any(word == name or (word in name and word not in names) for word in words)]


class Flights:
    """Streams out of the flights' rows; `segments` are columns whose values are judged by themselves as well."""

    def __init__(self, only: int | None = None, segments: tuple[str, ...] = ()) -> None:
        self.segments = segments
        table, self.day = flight_rows()
        # In one piece: rows are taken from it by the hundred thousand.
        self.table = table.select(table.column_names[: only or None]).combine_chunks()
        bounds = np.searchsorted(self.day, np.arange(366))
        self.spans = [np.arange(bounds[day], bounds[day + 1]) for day in range(365)]

    def shuffled(self, rows: int = 920) -> Maker:
        """Rows in any order: no day differs from another."""

        def make(rng: np.random.Generator, reference: int, production: int) -> Stream:
            count = (reference + production) * rows
            whole = self.table.num_rows
            order = rng.permutation(whole)[:count] if count <= whole else rng.integers(0, whole, count)
            pieces = [order[start : start + rows] for start in range(0, count, rows)]
            return self.stream(pieces, [START + timedelta(i) for i in range(len(pieces))], reference)

        return make

    def days(self, rng: np.random.Generator, reference: int, production: int) -> Stream:
        """Real days in any order, each on its weekday: no day follows another."""
        pools: dict[int, list[int]] = {weekday: [] for weekday in range(7)}
        for day in rng.permutation(365).tolist():
            pools[(FIRST + timedelta(day)).weekday()].append(day)
        dates = [START + timedelta(i) for i in range(reference + production)]
        return self.stream([self.spans[pools[day.weekday()].pop()] for day in dates], dates, reference)

    def weeks(self, rng: np.random.Generator, reference: int, production: int) -> Stream:
        """Real weeks in any order."""
        first = (-FIRST.weekday()) % 7
        pieces = []
        for week in rng.permutation(51).tolist():
            pieces += self.spans[first + 7 * week : first + 7 * week + 7]
        pieces = pieces[: reference + production]
        return self.stream(pieces, [START + timedelta(i) for i in range(len(pieces))], reference)

    def year(self, reference: int) -> Stream:
        """The year as it was."""
        return self.stream(self.spans, [FIRST + timedelta(day) for day in range(365)], reference)

    def stream(self, pieces: list[np.ndarray], dates: list[date], reference: int) -> Stream:
        """Days of these rows; the grid is that of the reference's."""
        rows = self.table.take(pa.array(np.concatenate(pieces)))
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        tables = [rows.slice(end - len(piece), len(piece)) for piece, end in zip(pieces, ends, strict=True)]
        grid = Grid.fit(rows.slice(0, ends[reference - 1]), segments=self.segments)
        profiles = profiles_of(grid, tables)
        return Stream(grid, list(zip(dates, profiles, strict=True)), reference, tables)


def profiles_of(grid: Grid, days: Sequence[pa.Table], places: Iterable[int] | None = None) -> list[Profile]:
    """The profile of each day, all counted at once; only the columns at `places` where these are given.

    Columns that are not counted have no rows in any cell.
    """
    rows = pa.concat_tables(days)
    lengths = np.array([table.num_rows for table in days], dtype=np.int64)
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    runs = Runs(0, bounds, np.arange(len(days)), None, grid.segment_codes(rows))
    tally = Tally(grid, len(days))
    tally.add_rows(runs)
    for place in range(len(grid)) if places is None else places:
        tally.add(place, column_of(rows, grid.columns[place].name), runs)
    return [tally.profile(day) for day in range(len(days))]


def with_columns(day: Profile, other: Profile, places: Iterable[int]) -> Profile:
    """A day with the columns at `places` as they are in another profile of as many rows."""
    counts, aux, sums, parts = (part.copy() for part in (day.counts, day.aux, day.sums, day.parts))
    grid, coarse = day.grid, day.grid.coarse
    for place in places:
        cells = slice(int(grid.offsets[place]), int(grid.offsets[place + 1]))
        counts[cells] = other.counts[cells]
        aux[place], sums[place] = other.aux[place], other.sums[place]
        if grid.segments:
            # Each segment's rows lie as `Profile.parts` says: how many, cells, what fits none, sums.
            fits, outside = 1 + coarse.cells, 1 + coarse.cells + len(grid) * len(AUX)
            for span in (
                slice(1 + int(coarse.offsets[place]), 1 + int(coarse.offsets[place + 1])),
                slice(fits + place * len(AUX), fits + (place + 1) * len(AUX)),
                slice(outside + place * 2, outside + (place + 1) * 2),
            ):
                parts[:, span] = other.parts[:, span]
    return Profile(grid, day.rows, counts, aux, sums, parts)


def synthetic(
    columns: int = 16, rows: int = 920, deviation: float = 0.2, rho: float = 0.6, values: int = 0, categories: int = 0
) -> Maker:
    """Normal columns whose mean moves from day to day: sd `deviation`, AR(1) with `rho`; rows a day are Poisson's.

    The last `categories` of the `columns` are categories of `values` values with Zipf's frequencies, whose log odds of
    being among the odd ones moves likewise.
    """

    def make(rng: np.random.Generator, reference: int, production: int) -> Stream:
        numbers = columns - categories
        sample = min(reference * rows, 50_000)
        fitted = {f"x{i:03}": rng.normal(size=sample) for i in range(numbers)}
        zipf = 1.0 / np.arange(1, values + 1) if values else np.ones(1)
        zipf = zipf / zipf.sum()
        for i in range(categories):
            drawn = rng.choice(values, sample, p=zipf)
            fitted[f"c{i:03}"] = pa.array(drawn.astype(str)).dictionary_encode()
        grid = Grid.fit(pa.table(fitted))
        total = reference + production
        effects = _ar1(rng, total, columns, rho) * deviation
        count = rng.poisson(rows, total)
        counts = np.zeros((total, grid.cells), np.int64)
        for place, column in enumerate(grid.columns):
            start, stop = int(grid.offsets[place]), int(grid.offsets[place + 1])
            if place < numbers:
                below = ndtr(column.edges - effects[:, place, None])
                share = np.diff(np.hstack((np.zeros((total, 1)), below, np.ones((total, 1)))))
            else:
                tilt = zipf * np.exp(effects[:, place, None] * (np.arange(values) % 2))
                tilt = tilt / tilt.sum(axis=1, keepdims=True)
                order = [column.lookup.get(str(value), column.cells - 1) for value in range(values)]
                share = np.array([np.bincount(order, day, column.cells) for day in tilt])
            counts[:, start:stop] = rng.multinomial(count, share / share.sum(axis=1, keepdims=True))
        days = [
            (START + timedelta(day), replace(Profile.empty(grid), rows=int(count[day]), counts=counts[day]))
            for day in range(total)
        ]
        return Stream(grid, days, reference)

    return make


def _ar1(rng: np.random.Generator, days: int, columns: int, rho: float) -> np.ndarray:
    out = rng.normal(size=(days, columns))
    for day in range(1, days):
        out[day] = rho * out[day - 1] + np.sqrt(1.0 - rho**2) * out[day]
    return out
