"""Count the rows of a log by slot and version, on each version's grid.

In: a log, the grid of each version, consecutive slots, which versions want a sample. Out: `Counts`. Kept: nothing.
A part of the log is read a few columns at a time, by several threads where there is a pool: a column is decoded and
counted by one thread, while it is in the processor's cache. Meanwhile the caller's thread looks at the next part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.grid import Grid
from detectors.idhash import HashArray, hash_ids
from detectors.places import COMPILED_ROWS
from detectors.profile import Profile
from detectors.result import IntArray
from detectors.sample import SampleRule
from detectors.tally import Runs, Tally
from detectors.values import column_of
from monitor.prediction_log.arrow import micros
from monitor.prediction_log.base import Part, PredictionLog
from monitor.profiling.repeats import Repeats
from monitor.profiling.rows import names_of, version_codes
from monitor.profiling.sampling import Draw, Sampling
from monitor.settings import Columns, ModelSettings

NEVER = int(np.iinfo(np.int64).min)
# Columns decoded at a time: as many as stay in the cache, but so many that handing them over costs little.
_MOST_COLUMNS, _VALUES = 4, 1 << 18


@dataclass(frozen=True, slots=True)
class Counts:
    """What a span held: `rows` and the `newest` time (microseconds, `NEVER` without rows) of each slot, shape (slots,).

    `seen` holds each version's first and last time, `prepared` those of each (version, preprocessing); `tallies` the
    profiles of versions that have a grid; `repeats` the ids that came more than once; `samples` the rows kept of
    versions that have a rule.
    """

    rows: IntArray
    newest: IntArray
    seen: dict[str, tuple[int, int]]
    prepared: dict[tuple[str, str], tuple[int, int]]
    tallies: dict[str, Tally]
    repeats: Repeats
    samples: Sampling

    def profile(self, version: str, slot: int) -> Profile | None:
        """A version's profile of a slot, None where it has no rows."""
        tally = self.tallies[version]
        return tally.profile(slot) if tally.rows[slot] else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which of a part's rows go into one version's counts, and which into its sample."""

    tally: Tally
    runs: Runs
    draw: Draw | None


def count_slots(
    log: PredictionLog,
    settings: ModelSettings,
    grids: Mapping[str, Grid],
    slots: Sequence[tuple[datetime, datetime]],
    pool: Executor | None = None,
    rules: Mapping[str, SampleRule] | None = None,
) -> Counts:
    """Count every row of `slots`, which follow each other without gap, and sample those of versions in `rules`.

    Raises LogUnreachable or LogMismatch.
    """
    counts = Counts(
        np.zeros(len(slots), np.int64),
        np.full(len(slots), NEVER),
        {},
        {},
        {version: Tally(grid, len(slots)) for version, grid in grids.items()},
        Repeats(len(slots)),
        Sampling(grids, rules or {}, len(slots)),
    )
    edges, end = np.array([micros(start) for start, _ in slots]), micros(slots[-1][1])
    by = settings.columns
    parts = [part.name for grid in grids.values() for part in grid.segments]
    header = [name for name in (by.timestamp, by.version, by.preprocessing, by.id, *parts) if name is not None]
    header = list(dict.fromkeys(header))
    names = list(dict.fromkeys(column.name for grid in grids.values() for column in grid.columns))
    begun: deque[tuple[list[_Plan], list[Future[None]]]] = deque()
    try:
        for part in log.parts(slots[0][0], slots[-1][1], list(dict.fromkeys([*header, *names]))):
            plans = _look(counts, by, part.read(header), edges, end)
            begun.append((plans, _begin(part, plans, names, pool) if plans else []))
            # A part can be read until the next but one is asked for.
            while len(begun) > 1:
                _finish(counts, *begun.popleft())
        while begun:
            _finish(counts, *begun.popleft())
    finally:
        wait([job for _, jobs in begun for job in jobs])
    return counts


def _look(counts: Counts, by: Columns, head: pa.RecordBatch, edges: IntArray, end: int) -> list[_Plan]:
    """Take note of what a part's rows say of themselves, and say which of them go into which tally and sample."""
    times = head.column(head.schema.get_field_index(by.timestamp))
    stamps = times.cast(pa.int64()).fill_null(NEVER).to_numpy(zero_copy_only=False)
    slot = np.searchsorted(edges, stamps, side="right") - 1
    slot[stamps >= end] = -1
    inside = slot >= 0
    if not inside.any():
        return []
    column = None if by.id is None else column_of(head, by.id)
    ids = None if column is None else hash_ids(column)
    if ids is not None:
        counts.repeats.add(*ids, slot)
    if by.preprocessing is not None:
        _prepared(counts, head, by.version, by.preprocessing, stamps, inside)
    return _plan(counts, head, by.version, stamps, slot, ids)


def _plan(
    counts: Counts,
    head: pa.RecordBatch,
    version: str | None,
    stamps: IntArray,
    slot: IntArray,
    ids: tuple[HashArray, NDArray[np.bool_]] | None,
) -> list[_Plan]:
    inside = slot >= 0
    counts.rows[:] += np.bincount(slot[inside], minlength=len(counts.rows))
    np.maximum.at(counts.newest, slot[inside], stamps[inside])
    names, codes = version_codes(head, version)
    plans = []
    for code in np.flatnonzero(np.bincount(codes[inside])).tolist():
        mine = inside & (codes == code)
        first, last = int(stamps[mine].min()), int(stamps[mine].max())
        name = names[code]
        known = counts.seen.get(name, (first, last))
        counts.seen[name] = min(first, known[0]), max(last, known[1])
        if name in counts.tallies:
            tally = counts.tallies[name]
            runs = Runs.of(np.where(mine, slot, -1), tally.grid.segment_codes(head))
            tally.add_rows(runs)
            plans.append(_Plan(tally, runs, counts.samples.draw(name, ids, slot, mine)))
    return plans


def _prepared(
    counts: Counts,
    head: pa.RecordBatch,
    version: str | None,
    preprocessing: str,
    stamps: IntArray,
    inside: NDArray[np.bool_],
) -> None:
    """Note which preprocessing each version's rows of a part came with; rows that do not say count for none."""
    column = column_of(head, preprocessing)
    if column is None:
        return
    names, codes = version_codes(head, version)
    encoded = names_of(column)
    prints = encoded.dictionary.to_pylist()
    which = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    told = inside & (which >= 0)
    pairs = codes * (len(prints) + 1) + which
    for pair in np.unique(pairs[told]).tolist():
        code, place = divmod(pair, len(prints) + 1)
        mine = stamps[told & (pairs == pair)]
        first, last = int(mine.min()), int(mine.max())
        known = counts.prepared.get((names[code], prints[place]), (first, last))
        counts.prepared[names[code], prints[place]] = min(first, known[0]), max(last, known[1])


def _begin(part: Part, plans: Sequence[_Plan], names: Sequence[str], pool: Executor | None) -> list[Future[None]]:
    """Count a part's columns: here and now, or by the threads that the jobs returned are waiting for."""

    def some(group: Sequence[str]) -> None:
        batch = part.read(group)
        for name in group:
            array = column_of(batch, name)
            for plan in plans:
                place = plan.tally.grid.place(name)
                if place is None:
                    continue
                plan.tally.add(place, array, plan.runs)
                if plan.draw is not None:
                    plan.draw.add(place, array)

    small = part.num_rows < COMPILED_ROWS
    size = max(len(names), 1) if small else max(1, min(_MOST_COLUMNS, _VALUES // part.num_rows))
    groups = [names[start : start + size] for start in range(0, len(names), size)]
    if pool is None or small:
        for group in groups:
            some(group)
        return []
    return [pool.submit(some, group) for group in groups]


def _finish(counts: Counts, plans: Sequence[_Plan], jobs: Sequence[Future[None]]) -> None:
    """See a part's jobs end, all of them before one may fail, and keep what was drawn."""
    wait(jobs)
    for job in jobs:
        job.result()
    for plan in plans:
        if plan.draw is not None:
            counts.samples.put(plan.draw)
