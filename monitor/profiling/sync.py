"""Bring stored hour profiles up to date with the prediction log.

In: a log, the grids of a model's versions, a span. Out: the slots whose rows are other than when they were judged.
Kept: hour profiles, samples and slot states, in the store. Only slots whose source token changed (or that a new grid
or a sample that was asked for has not seen yet) are read; a slot is replaced whole, so reading twice counts nothing
twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from detectors.grid import Grid
from detectors.places import COMPILED_ROWS
from detectors.profile import Profile
from detectors.sample import SampleRule
from monitor.prediction_log.arrow import moment
from monitor.prediction_log.base import PredictionLog
from monitor.profiling.counting import Counts, count_slots
from monitor.settings import ModelSettings
from monitor.store import Store, profiles, samples, served, versions
from monitor.store.profiles import HourProfile, SlotState
from monitor.store.samples import HourSample
from monitor.windows import HOUR, slots

# One read spans at most this much, so that memory and the work lost in a crash stay small.
_READ_SPAN = timedelta(days=1)


def sync(
    store: Store,
    log: PredictionLog,
    model: str,
    settings: ModelSettings,
    grids: Mapping[str, Grid],
    start: datetime,
    end: datetime,
    pool: Executor | None = None,
    rules: Mapping[str, SampleRule] | None = None,
) -> tuple[datetime, ...]:
    """Read again the slots of `[start, end)` whose source changed, on every grid of `grids` (by version).

    The versions in `rules` get a sample of each slot besides; slots that have none yet are read for it.
    Returns the slots whose rows are other than when the windows that hold them were judged; that is remembered until
    `profiles.looked_at` says that they have been. Raises LogUnreachable or LogMismatch; what was read before that is
    kept.
    """
    wanted = list(slots(start, end, settings.zone))
    if not wanted:
        return ()
    rules = rules or {}
    drawn = {version: (grids[version].id, rule.rate) for version, rule in rules.items()}
    tokens = _slot_tokens(log, wanted)
    with store.read() as connection:
        states = profiles.slot_states(connection, model, start, end)
        seen = profiles.profiled(connection, model, {v: g.id for v, g in grids.items()}, start, end)
        sampled = samples.sampled(connection, model, drawn, start, end)
    strays = sorted(states.keys() - tokens.keys())
    if strays:
        with store.begin() as connection:
            profiles.discard(connection, model, strays)
            samples.discard(connection, model, strays)
    stale = []
    for slot in wanted:
        token, state = tokens[slot[0]], states.get(slot[0])
        fresh = state is not None and state.token == token
        if fresh and (not token or _complete(slot[0], token, grids, seen, rules, sampled)):
            continue
        if not token and state is None:
            continue  # never had rows, has none
        stale.append(slot)
    pending = {slot for slot, state in states.items() if state.pending} - set(strays)
    for group in _runs(stale):
        counts = count_slots(log, settings, grids, group, pool, rules)
        read = _slots_read(counts, grids, group, tokens, rules, pool)
        with store.begin() as connection:
            before = profiles.contents(connection, model, grids, group[0][0], group[-1][1])
            held = samples.contents(connection, model, drawn, group[0][0], group[-1][1])
            pending |= {item.state.start for item in read if _differs(item, states.get(item.state.start), before, held)}
            marked = [replace(item.state, pending=item.state.start in pending) for item in read]
            profiles.replace(connection, model, marked, [hour for item in read for hour in item.hours])
            samples.replace(connection, model, [sample for item in read for sample in item.samples])
            for version, (first, last) in counts.seen.items():
                versions.seen(connection, model, version, moment(first), moment(last))
            for (version, fingerprint), (first, last) in counts.prepared.items():
                served.seen(connection, model, version, fingerprint, moment(first), moment(last))
    return tuple(sorted(pending))


@dataclass(frozen=True, slots=True)
class _SlotRead:
    state: SlotState
    hours: tuple[HourProfile, ...]
    samples: tuple[HourSample, ...]


def _complete(
    start: datetime,
    token: str,
    grids: Iterable[str],
    seen: Mapping[tuple[str, datetime], str],
    rules: Iterable[str],
    sampled: Mapping[tuple[str, datetime], str],
) -> bool:
    """Whether all that is wanted of a slot is stored as its source now is."""
    counted = all(seen.get((version, start)) == token for version in grids)
    return counted and all(sampled.get((version, start)) == token for version in rules)


def _differs(
    read: _SlotRead,
    state: SlotState | None,
    before: Mapping[tuple[str, datetime], Profile | None],
    drawn: Mapping[tuple[str, datetime], bytes | None],
) -> bool:
    """Whether a slot's rows are others than before, not merely their files: a compacted log has the same rows."""
    if state is None or state.rows != read.state.rows:
        return True
    if state.token == read.state.token:
        return False
    counted = any(
        before[hour.version, hour.start] != hour.profile for hour in read.hours if (hour.version, hour.start) in before
    )
    # A join that was mended leaves every column's counts as they were.
    return counted or any(
        drawn[each.version, each.start] != each.data for each in read.samples if (each.version, each.start) in drawn
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


def _slots_read(
    counts: Counts,
    grids: Mapping[str, Grid],
    group: Sequence[tuple[datetime, datetime]],
    tokens: Mapping[datetime, str],
    rules: Mapping[str, SampleRule],
    pool: Executor | None,
) -> list[_SlotRead]:
    def one(index: int) -> _SlotRead:
        start, rows = group[index][0], int(counts.rows[index])
        token = tokens[start]
        hours = [
            HourProfile.of(version, grid.id, start, token, counts.profile(version, index))
            for version, grid in grids.items()
        ]
        newest = moment(int(counts.newest[index])) if rows else None
        ids, repeats = counts.repeats.counts(index)
        drawn = tuple(
            HourSample.of(version, start, token, rule.rate, counts.samples.sample(version, index))
            for version, rule in rules.items()
        )
        return _SlotRead(SlotState(start, token, rows, newest, ids=ids, repeats=repeats), tuple(hours), drawn)

    # Sorting ids and compressing counts leave the interpreter lock; of few rows neither is worth a thread.
    many = pool is not None and int(counts.rows.max(initial=0)) >= COMPILED_ROWS
    return list((pool.map if pool is not None and many else map)(one, range(len(group))))
