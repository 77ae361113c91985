"""Batch models: one run is one window, quiet between runs is normal, a missed run is the incident.

In: a model's `Judging` and the looks that are due. Out: `Evaluation`s.
Kept: the profile of each run, beside the hour profiles, under the time of its first row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import Profile
from detectors.result import Finding, IntArray, Window
from monitor.evaluate import run_finding, unjudged
from monitor.judging.arrivals import judge_volume
from monitor.judging.moment import Judging, digest
from monitor.judging.segments import judge_everything
from monitor.judging.volumes import History
from monitor.prediction_log.arrow import moment
from monitor.profiling.rows import by_version, names_of, times_of
from monitor.reference.baseline import Learning
from monitor.store import evaluations, profiles, versions
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation
from monitor.store.profiles import HourProfile
from monitor.windows import Aspect, Due, RunDue

MISSED = "run:missed"
_US = timedelta(microseconds=1)


@dataclass
class _Run:
    first: datetime
    last: datetime
    rows: int


def judge_runs(judging: Judging, looks: Sequence[RunDue], *, again: bool = False) -> Iterator[Evaluation]:
    """The runs that came for each look's due time, each judged once; at the deadline, the run that did not come.

    A run whose rows may still be coming waits for the next look. One that was judged before is judged again only if
    it has other rows now, or with `again`.
    """
    for look in looks:
        found = _runs(judging, look)
        for version, runs in found.items():
            for run_id, run in runs.items():
                if run.last <= judging.now - judging.settings.settle:
                    yield from _judge(judging, look, version, run_id, run, again)
        if not found and look.deadline:
            yield _missed(judging, look)


def _runs(judging: Judging, look: RunDue) -> dict[str, dict[str, _Run]]:
    found: dict[str, dict[str, _Run]] = {}
    for version, _, stamps, ids in _rows(judging, look.after, min(look.by, judging.now), ()):
        codes = ids.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code, name in enumerate(ids.dictionary.to_pylist()):
            mine = stamps[codes == code]
            if len(mine):
                _widen(found.setdefault(version, {}), name, mine)
    return found


def _rows(
    judging: Judging, start: datetime, end: datetime, columns: Iterable[str]
) -> Iterator[tuple[str, pa.RecordBatch, IntArray, pa.DictionaryArray]]:
    """The rows of a span by version, with their times and the ids of their runs; rows without a run belong to none."""
    cadence, parts = judging.settings.cadence, judging.settings.columns
    assert cadence is not None
    names = [parts.timestamp, cadence.run, *([parts.version] if parts.version else []), *columns]
    for batch in judging.log.batches(start, end, list(dict.fromkeys(names))):
        if cadence.run not in batch.schema.names or not batch.num_rows:
            continue
        for version, part, stamps in by_version(batch, times_of(batch, parts.timestamp), parts.version):
            yield version, part, stamps, names_of(part.column(cadence.run))


def _widen(runs: dict[str, _Run], name: str, stamps: IntArray) -> None:
    first, last = moment(int(stamps.min())), moment(int(stamps.max()))
    run = runs.setdefault(name, _Run(first, last, 0))
    run.first, run.last, run.rows = min(run.first, first), max(run.last, last), run.rows + len(stamps)


def _judge(judging: Judging, look: RunDue, version: str, run_id: str, run: _Run, again: bool) -> Iterator[Evaluation]:
    store, model, horizon = judging.world.store, judging.model, f"run:{run_id}"
    with store.begin() as connection:
        versions.seen(connection, model, version, run.first, run.last)
    found = judging.reference_for(version)
    baseline = found if isinstance(found, Baseline) else None
    with store.read() as connection:
        known = evaluations.latest_run(connection, model, version, horizon)
        rows = evaluations.run_rows(connection, model, before=run.first, leave_out=horizon, most=4)
    if known is not None and known.window.start < look.after:
        run = _whole(judging, version, run_id, known.window.start, run.last)
    if known is not None and known.rows == run.rows and not again:
        return
    window = Window(horizon, run.first, run.last + _US)
    production = _profile(judging, baseline, version, run_id, window) if baseline else None
    source = digest(production, run.rows)
    context = judging.context(version, window, baseline, Aspect.INPUTS)
    if known is not None:
        # A run is known by its id: rows that came since do not make it another one.
        context = replace(context, revision=known.revision + 1)
    findings: list[Finding] = [run_finding(context, run.rows, None)]
    if baseline is not None and production is not None:
        findings += judge_everything(context, judging.settings, baseline.profile, production, baseline.provisional)
    if isinstance(found, Learning):
        findings.append(unjudged(context, "baseline", run.rows, found.reason))
    elif found.provisional:
        findings.append(unjudged(context, "baseline", run.rows, found.origin))
    findings += judge_volume(context, judging.settings, run.rows, None, History(tuple(rows), ()))
    yield judging.evaluation(context, Due(look.at, window, Aspect.INPUTS), run.rows, source, findings)


def _whole(judging: Judging, version: str, run_id: str, start: datetime, last: datetime) -> _Run:
    """A run whose first rows came before this look's interval."""
    runs: dict[str, _Run] = {}
    for found, _, stamps, ids in _rows(judging, start, last + _US, ()):
        if found == version and (mine := _chosen(ids, run_id)).any():
            _widen(runs, run_id, stamps[mine])
    return runs.get(run_id, _Run(start, last, 0))


def _chosen(ids: pa.DictionaryArray, run_id: str) -> NDArray[np.bool_]:
    codes = [code for code, name in enumerate(ids.dictionary.to_pylist()) if name == run_id]
    chosen: NDArray[np.bool_] = np.isin(ids.indices.fill_null(-1).to_numpy(zero_copy_only=False), codes)
    return chosen


def _profile(judging: Judging, baseline: Baseline, version: str, run_id: str, window: Window) -> Profile:
    total = Profile.empty(baseline.grid)
    for found, part, _, ids in _rows(judging, window.start, window.end, baseline.grid.names):
        if found == version:
            total = total + baseline.grid.profile(part.filter(pa.array(_chosen(ids, run_id))), judging.world.pool)
    hour = HourProfile.of(version, baseline.grid.id, window.start, digest(total, total.rows), total)
    with judging.world.store.begin() as connection:
        profiles.replace(connection, judging.model, [], [hour])
    return total


def _missed(judging: Judging, look: RunDue) -> Evaluation:
    cadence = judging.settings.cadence
    assert cadence is not None
    # It ends when the run was due, not when it was missed: a run that comes late ends after it, and resolves it.
    window = Window(MISSED, look.after, look.due)
    context = judging.context("", window, None, Aspect.INPUTS)
    reason = f"no run arrived by {look.at.astimezone(judging.settings.zone):%a %d %b %H:%M %Z} (due {cadence.due})"
    finding = run_finding(context, 0, reason)
    return judging.evaluation(context, Due(look.at, window, Aspect.INPUTS), 0, "", [finding])
