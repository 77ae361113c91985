"""What the days of a baseline say of the joint distribution of its columns.

In: a log, a model's settings, a baseline. Out: the baseline with its joint model, or with the reason why there is none.
Kept: both, beside the baseline in the store. Nothing is read where no detector of the joint distribution is asked for,
nor twice for one baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from detectors.multivariate import JointModel
from detectors.result import DetectorError
from detectors.sample import Sample, SampleRule, take
from monitor.judging.joint import asked_for
from monitor.prediction_log.base import PredictionLog
from monitor.profiling.rows import by_version, times_of
from monitor.settings import ModelSettings
from monitor.store import Store, baselines
from monitor.store.baselines import Baseline
from monitor.windows import days

# Each day is judged by a model of the others: the work grows with the days, and more of them say little more.
MOST_DAYS = 60
_Span = tuple[datetime, datetime]


def with_joint(log: PredictionLog, settings: ModelSettings, baseline: Baseline) -> Baseline:
    """The baseline with what its days say of the joint distribution, where that is asked for and not known yet.

    Days are the whole local days of its interval. Raises LogUnreachable or LogMismatch.
    """
    known = baseline.provisional or baseline.sample_rate is not None
    if known or baseline.start is None or baseline.end is None or not asked_for(settings):
        return baseline
    rule = SampleRule.for_rows(baseline.rows / ((baseline.end - baseline.start) / timedelta(days=1)))
    whole = [
        (first, last)
        for first, last in days(baseline.start, baseline.end, settings.zone)
        if first >= baseline.start and last <= baseline.end
    ]
    joint, reason = None, ""
    try:
        samples = _samples(log, settings, baseline, _spread(whole), rule, baseline.version)
        if not any(sample.rows for sample in samples):
            # A baseline handed on to this version, or made of all versions' rows.
            samples = _samples(log, settings, baseline, _spread(whole), rule, None)
        joint = JointModel.fit(baseline.grid, samples).to_bytes()
    except DetectorError as error:
        reason = str(error)
    return replace(baseline, joint=joint, joint_reason=reason, sample_rate=rule.rate)


def completed(store: Store, log: PredictionLog, settings: ModelSettings, baseline: Baseline) -> Baseline:
    """A stored baseline with its joint model, learned and kept now if it was not asked for when it was made."""
    made = with_joint(log, settings, baseline)
    if made is not baseline:
        with store.begin() as connection:
            baselines.keep_joint(connection, made)
    return made


def _spread(whole: Sequence[_Span]) -> Sequence[_Span]:
    """At most `MOST_DAYS` of them, from beginning to end, on every day of the week."""
    step = -(-len(whole) // MOST_DAYS) or 1
    return whole[:: step + 1 if step % 7 == 0 else step]


def _samples(
    log: PredictionLog,
    settings: ModelSettings,
    baseline: Baseline,
    chosen: Sequence[_Span],
    rule: SampleRule,
    version: str | None,
) -> list[Sample]:
    """One sample a day of a version's rows, or of all versions'."""
    stamp, by, ids = settings.columns.timestamp, settings.columns.version, settings.columns.id
    assert ids is not None
    names = list(dict.fromkeys([stamp, ids, *([by] if by else []), *baseline.grid.names]))
    samples = []
    for start, end in chosen:
        sample = Sample.empty(baseline.grid)
        for batch in log.batches(start, end, names):
            for found, part, _ in by_version(batch, times_of(batch, stamp), by):
                if version is None or found == version:
                    sample = (sample + take(baseline.grid, part, ids, rule)).lowest(rule.most)
        samples.append(sample)
    return samples
