"""Batch models: one run is one window, quiet between runs is normal, a missed run is the incident.

In: a model's `Judging` and the looks that are due. Out: `Evaluation`s.
Kept: the profile of each run, beside the hour profiles, under the time of its first row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import Profile
from detectors.result import Finding, Window
from monitor.baseline import Learning
from monitor.evaluate import judge_inputs, judge_volume, run_finding, unjudged
from monitor.judging import Judging, digest
from monitor.store import evaluations, profiles, versions
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation
from monitor.store.profiles import HourProfile
from monitor.sync import by_version, columns_of, times_of
from monitor.volumes import History
from monitor.windows import Aspect, Due, RunDue

MISSED = "run:missed"
_US = timedelta(microseconds=1)


@dataclass
class _Run:
    first: datetime
    last: datetime
    rows: int


def judge_runs(judging: Judging, looks: Sequence[RunDue]) -> Iterator[Evaluation]:
    """The runs that came in each look's interval, each judged once; at the deadline, the run that did not come."""
    for look in looks:
        found = _runs(judging, look)
        for version, runs in found.items():
            for run_id, run in runs.items():
                yield from _judge(judging, look, version, run_id, run)
        if not found and look.deadline:
            yield _missed(judging, look)


def _runs(judging: Judging, look: RunDue) -> dict[str, dict[str, _Run]]:
    cadence = judging.settings.cadence
    assert cadence is not None
    columns = judging.settings.columns
    names = [columns.timestamp, cadence.run, *([columns.version] if columns.version else [])]
    found: dict[str, dict[str, _Run]] = {}
    end = min(look.by, judging.now) if not look.deadline else look.by
    for batch in judging.log.batches(look.after, end, list(dict.fromkeys(names))):
        if cadence.run not in batch.schema.names:
            continue
        for version, part, stamps in by_version(batch, times_of(batch, columns.timestamp), columns.version):
            ids = part.column(cadence.run).cast(pa.string()).dictionary_encode()
            codes = pc.fill_null(ids.indices, -1).to_numpy(zero_copy_only=False)
            for code, name in enumerate(ids.dictionary.to_pylist()):
                mine = stamps[codes == code]
                if len(mine):
                    _widen(found.setdefault(version, {}), name, mine)
    return found


def _widen(runs: dict[str, _Run], name: str, stamps: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    first, last = epoch + int(stamps.min()) * _US, epoch + int(stamps.max()) * _US
    run = runs.setdefault(name, _Run(first, last, 0))
    run.first, run.last, run.rows = min(run.first, first), max(run.last, last), run.rows + len(stamps)


def _judge(judging: Judging, look: RunDue, version: str, run_id: str, run: _Run) -> Iterator[Evaluation]:
    window = Window(f"run:{run_id}", run.first, run.last + _US)
    due = Due(look.at, window, Aspect.INPUTS)
    store, model = judging.world.store, judging.model
    with store.begin() as connection:
        versions.seen(connection, model, version, run.first, run.last)
    found = judging.reference_for(version)
    baseline = found if isinstance(found, Baseline) else None
    with store.read() as connection:
        known = evaluations.latest_run(connection, model, version, window.horizon)
        rows = evaluations.run_rows(connection, model, before=run.first, most=4)
    if known is not None and known.rows == run.rows:
        return
    production = _profile(judging, baseline, version, run_id, window) if baseline else None
    source = digest(production, run.rows)
    context = judging.context(version, window, baseline, Aspect.INPUTS)
    findings: list[Finding] = [run_finding(context, run.rows, None)]
    if baseline is not None and production is not None:
        findings += judge_inputs(context, judging.settings, baseline.profile, production, baseline.provisional)
    if isinstance(found, Learning):
        findings.append(unjudged(context, "baseline", run.rows, found.reason))
    findings += judge_volume(context, judging.settings, run.rows, None, History(tuple(rows), ()))
    yield judging.evaluation(context, due, run.rows, source, findings)


def _profile(judging: Judging, baseline: Baseline, version: str, run_id: str, window: Window) -> Profile:
    cadence = judging.settings.cadence
    assert cadence is not None
    names = list(dict.fromkeys([*columns_of(judging.settings, [baseline.grid]), cadence.run]))
    total = Profile.empty(baseline.grid)
    stamp = judging.settings.columns.timestamp
    for batch in judging.log.batches(window.start, window.end, names):
        for found, part, _ in by_version(batch, times_of(batch, stamp), judging.settings.columns.version):
            if found == version:
                mine = part.filter(pc.equal(part.column(cadence.run).cast(pa.string()), run_id))
                total = total + baseline.grid.profile(mine, judging.world.pool)
    hour = HourProfile(version, baseline.grid.id, window.start, digest(total, total.rows), total.rows, total)
    with judging.world.store.begin() as connection:
        profiles.replace(connection, judging.model, [], [hour])
    return total


def _missed(judging: Judging, look: RunDue) -> Evaluation:
    cadence = judging.settings.cadence
    assert cadence is not None
    window = Window(MISSED, look.after, look.by)
    context = judging.context("", window, None, Aspect.INPUTS)
    reason = f"no run arrived by {look.by.astimezone(judging.settings.zone):%a %d %b %H:%M %Z} (due {cadence.due})"
    finding = run_finding(context, 0, reason)
    return judging.evaluation(context, Due(look.at, window, Aspect.INPUTS), 0, "", [finding])
