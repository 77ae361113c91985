"""Find out why a model's predictions changed in a window, when an incident is about to say that they did.

In: a `Judging`, the evaluations of one moment. Out: the same evaluations, with a finding `attribution` where an
incident of drift or performance opens or is told again. Kept: a surrogate beside the baseline, fitted when it is first
needed; nothing is read or fitted while nothing happens.

The log is read once for the window's rows and once for the reference's, thinned evenly to 100,000 rows. What goes wrong
here costs the reason and nothing else: an incident without one is still an incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import structlog

from alerts.incident import Change, horizon_hours, horizon_name
from alerts.lifecycle import Policy, step
from detectors.profile import Profile
from detectors.reason import ATTRIBUTION, OF_LOSS, Reason, Side, find_reason
from detectors.result import DetectorError, Finding, Kind, Status, Window
from detectors.surrogate import Surrogate
from detectors.trouble import Trouble
from detectors.worst_segment import Rows
from monitor.judging.moment import Judging
from monitor.prediction_log.base import LogError
from monitor.reasons.losses import Losses, loss_of, losses_of
from monitor.reasons.rows import ReasonRows, Target, file_rows, log_rows, target_of
from monitor.store import Store, baselines, incidents, profiles, surrogates
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation
from monitor.store.surrogates import StoredSurrogate
from monitor.windows import days

MOST_ROWS = 100_000
_FITTED_ROWS = 40_000
_TOLD = (Change.OPENED, Change.REOPENED, Change.UPDATED)
_KINDS = {Trouble.DRIFT: (Kind.FEATURE, Kind.PREDICTION), Trouble.PERFORMANCE: (Kind.PERFORMANCE, Kind.BUSINESS)}

log = structlog.get_logger()


def with_reasons(
    judging: Judging, judged: list[Evaluation], beside: Sequence[Finding], at: datetime, since: datetime, policy: Policy
) -> list[Evaluation]:
    """The evaluations, with reasons for what is about to be told of them; `since`: incidents seen later matter."""
    if not judging.settings.reasons.enabled:
        return judged
    findings = [finding for evaluation in judged for finding in evaluation.findings]
    if not any(finding.status is Status.BREACH for finding in findings):
        return judged
    with judging.world.store.read() as connection:
        known = incidents.relevant(connection, judging.model, since)
    moved = step(known, findings, at, policy, beside)
    told = {event.incident.trouble for event in moved.events if event.event in _TOLD}
    result = list(judged)
    for trouble, kinds in _KINDS.items():
        place = _shortest(result, kinds) if trouble in told else None
        if place is None:
            continue
        for look in (reason_for, loss_reason_for) if trouble is Trouble.PERFORMANCE else (reason_for,):
            try:
                found = look(judging, result[place])
            except (DetectorError, LogError) as error:
                log.warning("no reason found", model=judging.model, error=str(error))
                continue
            if found is not None:
                result[place] = replace(result[place], findings=(*result[place].findings, found))
    return result


def reason_for(judging: Judging, evaluation: Evaluation) -> Finding | None:
    """The finding that tells why the predictions of an evaluated window changed.

    None where there is no baseline to hold them against or nothing is predicted. Raises DetectorError, LogError.
    """
    with judging.world.store.read() as connection:
        baseline = baselines.get(connection, evaluation.baseline)
    if baseline is None or baseline.provisional:
        return None
    window = evaluation.window
    production = _production(judging, baseline, evaluation)
    target = target_of(judging.settings, baseline.profile, production)
    if target is None:
        return None
    explained = explain(judging, baseline, target, window.start, window.end, evaluation.version, production.rows)
    return None if explained is None else _finding(evaluation, target, explained, judging.now)


def loss_reason_for(judging: Judging, evaluation: Evaluation) -> Finding | None:
    """The finding that divides the change of the mean loss among the features, once labels are there.

    None where there is no labelled baseline of rows or the model has no loss. Raises DetectorError, LogError.
    """
    with judging.world.store.read() as connection:
        baseline = baselines.get(connection, evaluation.baseline)
    chosen = loss_of(judging.settings)
    if baseline is None or baseline.provisional or baseline.start is None or judging.labels is None or chosen is None:
        return None
    if baseline.grid.place(chosen[0]) is None:
        return None
    target = Target(*chosen, share=False, loss=True)
    window = evaluation.window
    explained = explain(judging, baseline, target, window.start, window.end, evaluation.version, evaluation.rows)
    return None if explained is None else _finding(evaluation, target, explained, judging.now)


def _losses(judging: Judging, target: Target, start: datetime) -> Losses | None:
    """What rows from `start` on cost, where that is the target."""
    if not target.loss or judging.labels is None:
        return None
    return losses_of(judging.settings, judging.labels, start, judging.now)


def explain(
    judging: Judging, baseline: Baseline, target: Target, start: datetime, end: datetime, version: str, rows: int
) -> Reason | None:
    """Why the mean of the target over a version's rows of `[start, end)` is not the baseline's."""
    settings, grid = judging.settings, baseline.grid
    before = reference_rows(judging, baseline, target)
    if before is None or len(before) == 0:
        return None
    surrogate = surrogate_of(judging.world.store, baseline, target, before)
    if surrogate is None:
        return None
    every = max(1, -(-rows // MOST_ROWS))
    losses = _losses(judging, target, start)
    now = log_rows(judging.log, settings, grid, target, version, start, end, every, losses)
    then, since = (_side(surrogate, baseline, part) for part in (before, now))
    if not len(since.rows.values):
        return None
    own = {name: weight for name, weight in settings.reasons.importance.items() if grid.place(name) is not None}
    return find_reason(grid, surrogate, then, since, target.measure, share=target.share, importance=own)


def reference_rows(judging: Judging, baseline: Baseline, target: Target) -> ReasonRows | None:
    """The reference's rows, read again where the baseline was made from; None where they hold no predictions."""
    every = max(1, -(-baseline.rows // MOST_ROWS))
    if baseline.start is not None and baseline.end is not None:
        losses = _losses(judging, target, baseline.start)
        for version in (baseline.version, None):
            # A baseline handed on to this version, or made of all versions' rows, has none of its own.
            found = log_rows(
                judging.log,
                judging.settings,
                baseline.grid,
                target,
                version,
                baseline.start,
                baseline.end,
                every,
                losses,
            )
            if len(found):
                return found
        return None
    file = judging.settings.baseline.file
    if file is None:
        return None
    from monitor.reference.rows import read_table

    path = Path(file.replace("{version}", baseline.version))
    return file_rows(read_table(path), baseline.grid, target, every)


def surrogate_of(store: Store, baseline: Baseline, target: Target, rows: ReasonRows) -> Surrogate | None:
    """The surrogate kept beside a baseline, fitted now if it was never needed; None where none can be fitted."""
    with store.read() as connection:
        stored = surrogates.get(connection, baseline.id, target.key)
    if stored is None:
        step_ = max(1, -(-len(rows) // _FITTED_ROWS))
        try:
            made = Surrogate.of(baseline.grid, rows.cells[::step_], rows.predicted[::step_])
            stored = StoredSurrogate(made.to_bytes())
        except DetectorError as error:
            stored = StoredSurrogate(None, str(error))
        with store.begin() as connection:
            surrogates.save(connection, baseline.id, target.key, stored)
    return None if stored.data is None else Surrogate.from_bytes(stored.data)


def _side(surrogate: Surrogate, baseline: Baseline, rows: ReasonRows) -> Side:
    usable = np.isfinite(rows.predicted)
    bins = surrogate.bins_of(baseline.grid, rows.cells[usable])
    return Side(Rows(bins, rows.predicted[usable], rows.days[usable]), rows.segments[usable])


def _production(judging: Judging, baseline: Baseline, evaluation: Evaluation) -> Profile:
    window = evaluation.window
    hourly = window.horizon == "1h" or window.horizon.startswith("run:")
    spans = [(window.start, window.end)] if hourly else list(days(window.start, window.end, judging.settings.zone))
    with judging.world.store.read() as connection:
        return profiles.total(connection, judging.model, evaluation.version, baseline.grid, spans, [])


def _shortest(judged: Sequence[Evaluation], kinds: Sequence[Kind]) -> int | None:
    """Which evaluation has the shortest window in which one of the kinds breached, and is no revision."""
    found = [
        (horizon_hours(horizon_name(one.window)), -one.rows, place)
        for place, one in enumerate(judged)
        if one.revision == 0
        and one.baseline
        and any(f.status is Status.BREACH and f.kind in kinds and f.segment is None for f in one.findings)
    ]
    return min(found)[2] if found else None


def _finding(evaluation: Evaluation, target: Target, reason: Reason, now: datetime) -> Finding:
    found = reason.attribution
    window: Window = evaluation.window
    return Finding(
        model=evaluation.model,
        version=evaluation.version,
        window=window,
        segment=None,
        subject=target.measure if target.loss else target.column,
        kind=Kind.PREDICTION,
        detector=ATTRIBUTION,
        statistic=found.change,
        pvalue=None,
        threshold=None,
        effect=None,
        status=Status.OK,
        n=found.n,
        revision=evaluation.revision,
        evaluated_at=now,
        baseline_id=evaluation.baseline,
        config_hash=evaluation.config_hash,
        program=evaluation.program,
        detail={"measure": target.measure, **({OF_LOSS: True} if target.loss else {}), **reason.to_json()},
    )
