"""Bring stored hour profiles up to date with the prediction log.

In: a log, the grids of a model's versions, a span. Out: the slots whose rows are other than when they were judged.
Kept: hour profiles and slot states, in the store. Only slots whose source token changed (or that a new grid has
not seen yet) are read; a slot is replaced whole, so reading twice counts nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from detectors.grid import Grid
from detectors.profile import Profile
from detectors.result import IntArray
from monitor.prediction_log.base import LogMismatch, PredictionLog
from monitor.settings import ModelSettings
from monitor.store import Store, profiles, versions
from monitor.store.profiles import HourProfile, SlotState
from monitor.windows import HOUR, slots

UNVERSIONED = "unversioned"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
# One read spans at most this much, so that memory and the work lost in a crash stay small.
_READ_SPAN = timedelta(days=1)
# What the state database's columns for names hold, with room for a prefix.
_LONGEST_NAME = 180


def sync(
    store: Store,
    log: PredictionLog,
    model: str,
    settings: ModelSettings,
    grids: Mapping[str, Grid],
    start: datetime,
    end: datetime,
    pool: Executor | None = None,
) -> tuple[datetime, ...]:
    """Read again the slots of `[start, end)` whose source changed, on every grid of `grids` (by version).

    Returns the slots whose rows are other than when the windows that hold them were judged; that is remembered until
    `profiles.looked_at` says that they have been. Raises LogUnreachable or LogMismatch; what was read before that is
    kept.
    """
    wanted = list(slots(start, end, settings.zone))
    if not wanted:
        return ()
    tokens = _slot_tokens(log, wanted)
    with store.read() as connection:
        states = profiles.slot_states(connection, model, start, end)
        seen = profiles.profiled(connection, model, {v: g.id for v, g in grids.items()}, start, end)
    strays = sorted(states.keys() - tokens.keys())
    if strays:
        with store.begin() as connection:
            profiles.discard(connection, model, strays)
    stale = []
    for slot in wanted:
        token, state = tokens[slot[0]], states.get(slot[0])
        fresh = state is not None and state.token == token
        if fresh and (not token or all(seen.get((version, slot[0])) == token for version in grids)):
            continue
        if not token and state is None:
            continue  # never had rows, has none
        stale.append(slot)
    pending = {slot for slot, state in states.items() if state.pending} - set(strays)
    for group in _runs(stale):
        read, found = _read(log, settings, grids, group, tokens, pool)
        with store.begin() as connection:
            before = profiles.contents(connection, model, grids, group[0][0], group[-1][1])
            pending |= {item.state.start for item in read if _differs(item, states.get(item.state.start), before)}
            marked = [replace(item.state, pending=item.state.start in pending) for item in read]
            profiles.replace(connection, model, marked, [hour for item in read for hour in item.hours])
            for version, (first, last) in found.items():
                versions.seen(connection, model, version, first, last)
    return tuple(sorted(pending))


@dataclass(frozen=True, slots=True)
class _SlotRead:
    state: SlotState
    hours: tuple[HourProfile, ...]


def _differs(read: _SlotRead, state: SlotState | None, before: Mapping[tuple[str, datetime], Profile | None]) -> bool:
    """Whether a slot's rows are others than before, not merely their files: a compacted log has the same rows."""
    if state is None or state.rows != read.state.rows:
        return True
    if state.token == read.state.token:
        return False
    return any(
        before[hour.version, hour.start] != hour.profile for hour in read.hours if (hour.version, hour.start) in before
    )


def _slot_tokens(log: PredictionLog, wanted: Sequence[tuple[datetime, datetime]]) -> dict[datetime, str]:
    """The token of each slot; empty for one without rows. A slot off the full hour joins the hours it touches."""
    first = wanted[0][0].replace(minute=0, second=0, microsecond=0)
    hours = {hour.start: hour.token for hour in log.hours(first, wanted[-1][1])}
    tokens = {}
    for start, end in wanted:
        hour = start.replace(minute=0, second=0, microsecond=0)
        parts = []
        while hour < end:
            if hour in hours:
                parts.append(f"{hour.timestamp():.0f} {hours[hour]}")
            hour += HOUR
        tokens[start] = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if parts else ""
    return tokens


def _runs(stale: Iterable[tuple[datetime, datetime]]) -> Iterator[list[tuple[datetime, datetime]]]:
    group: list[tuple[datetime, datetime]] = []
    for slot in stale:
        if group and (slot[0] != group[-1][1] or slot[1] - group[0][0] > _READ_SPAN + HOUR):
            yield group
            group = []
        group.append(slot)
    if group:
        yield group


def columns_of(settings: ModelSettings, grids: Iterable[Grid]) -> list[str]:
    """The columns a profiling read needs: the timestamp, the version, and whatever any grid cuts."""
    parts = [settings.columns.timestamp]
    if settings.columns.version:
        parts.append(settings.columns.version)
    names = dict.fromkeys(column.name for grid in grids for column in grid.columns)
    return list(dict.fromkeys([*parts, *names]))


def names_of(column: pa.Array) -> pa.DictionaryArray:
    """Versions or run ids as encoded texts that every database can hold: printable, `_LONGEST_NAME` characters at most.

    Raises LogMismatch for values that are no names, such as lists.
    """
    try:
        encoded = column.cast(pa.string()).dictionary_encode()
    except pa.ArrowException as error:
        raise LogMismatch(f"versions and run ids must be texts or numbers: {error}") from error
    names = [_fit_name(name) for name in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(names, pa.string()))


def _fit_name(name: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in name).strip()
    if plain == name and len(name) <= _LONGEST_NAME:
        return name or UNVERSIONED
    # Two names that only differ in what is cut must not become one.
    return f"{plain[: _LONGEST_NAME - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def microseconds(moment: datetime) -> int:
    """An instant as Arrow's `timestamp[us]` counts it."""
    return (moment - EPOCH) // _US


def _read(
    log: PredictionLog,
    settings: ModelSettings,
    grids: Mapping[str, Grid],
    group: Sequence[tuple[datetime, datetime]],
    tokens: Mapping[datetime, str],
    pool: Executor | None,
) -> tuple[list[_SlotRead], dict[str, tuple[datetime, datetime]]]:
    edges = np.array([microseconds(start) for start, _ in group], np.int64)
    rows = np.zeros(len(group), np.int64)
    newest = np.full(len(group), np.iinfo(np.int64).min)
    sums: dict[tuple[str, int], Profile] = {}
    first_last: dict[str, tuple[int, int]] = {}
    names = columns_of(settings, grids.values())
    for batch in ahead(log.batches(group[0][0], group[-1][1], names), pool):
        if not batch.num_rows:
            continue
        times = times_of(batch, settings.columns.timestamp)
        for version, part, stamps in by_version(batch, times, settings.columns.version):
            first, last = int(stamps.min()), int(stamps.max())
            old = first_last.get(version, (first, last))
            first_last[version] = (min(first, old[0]), max(last, old[1]))
            slot_of = np.searchsorted(edges, stamps, side="right") - 1
            rows += np.bincount(slot_of, minlength=len(group))
            np.maximum.at(newest, slot_of, stamps)
            if version not in grids:
                continue
            for slot, piece in pieces(part, slot_of):
                profile = grids[version].profile(piece, pool)
                key = (version, slot)
                sums[key] = sums[key] + profile if key in sums else profile
    read = []
    for index, (start, _) in enumerate(group):
        token = tokens[start]
        latest = EPOCH + int(newest[index]) * _US if rows[index] else None
        hours = tuple(
            HourProfile(version, grid.id, start, token, profile.rows if profile else 0, profile)
            for version, grid in grids.items()
            for profile in [sums.get((version, index))]
        )
        read.append(_SlotRead(SlotState(start, token, int(rows[index]), latest), hours))
    found = {v: (EPOCH + first * _US, EPOCH + last * _US) for v, (first, last) in first_last.items()}
    return read, found


def ahead(batches: Iterator[pa.RecordBatch], pool: Executor | None) -> Iterator[pa.RecordBatch]:
    """The same batches, the next one being read (in a thread of `pool`) while the last is worked on."""
    if pool is None:
        yield from batches
        return
    coming = pool.submit(next, batches, None)
    try:
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch
    finally:
        # Whoever stops early must not close a log that is still being read.
        wait([coming])


def times_of(batch: pa.RecordBatch, column: str) -> IntArray:
    """The timestamp column as microseconds, shape (rows,)."""
    stamps: IntArray = batch.column(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return stamps


def by_version(
    batch: pa.RecordBatch, times: IntArray, column: str | None
) -> Iterator[tuple[str, pa.RecordBatch, IntArray]]:
    """The batch split by version, with each part's times; untouched where there is only one version.

    Rows without a version are `unversioned`.
    """
    if column is None or column not in batch.schema.names:
        yield UNVERSIONED, batch, times
        return
    encoded = names_of(batch.column(column))
    names = [*encoded.dictionary.to_pylist(), UNVERSIONED]
    codes = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    present = np.unique(codes)
    if len(present) == 1:
        yield names[present[0]], batch, times
        return
    for code in present:
        chosen = np.flatnonzero(codes == code)
        yield names[code], batch.take(pa.array(chosen)), times[chosen]


def pieces(batch: pa.RecordBatch, keys: IntArray) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batch cut into runs of one key; rows that are in order already (the usual case) are not copied."""
    if np.any(np.diff(keys) < 0):
        order = np.argsort(keys, kind="stable")
        batch, keys = batch.take(pa.array(order)), keys[order]
    bounds = np.flatnonzero(np.diff(keys)) + 1
    starts, ends = np.concatenate(([0], bounds)), np.concatenate((bounds, [len(keys)]))
    for start, end in zip(starts, ends, strict=True):
        yield int(keys[start]), batch.slice(int(start), int(end - start))
