"""Estimate a window's performance without labels, and hold labels against it once they have come.

In: a model's `Judging`, evaluations as they are made. Out: the same evaluations with the estimates' findings, kind
performance: `estimated_…` beside the inputs, `concept_drift` beside realised performance. Kept: what a baseline's
labelled rows teach, beside the baseline, learned once when its labels have had time to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from detectors.estimated import CONCEPT_DRIFT, ESTIMATED, PREFIX, SWITCH
from detectors.result import DetectorError, Finding, IntArray, Kind, Status
from monitor.evaluate import Context, enabled
from monitor.performance.estimation_rows import MOST_ROWS, Drawn, categorical, draw_rows, label_of
from monitor.prediction_log.arrow import micros
from monitor.prediction_log.base import LabelSource, PredictionLog
from monitor.settings import ModelSettings
from monitor.store import Store, baselines, estimators, profiles
from monitor.store.baselines import Baseline
from monitor.store.estimators import Stored
from monitor.store.evaluations import Evaluation
from monitor.windows import days, local_day

if TYPE_CHECKING:
    from datetime import datetime

    from detectors.estimator_bytes import AnyEstimator
    from monitor.judging.moment import Judging

_LENGTH = {"1d": 1, "7d": 7, "28d": 28}
_HORIZONS = frozenset(_LENGTH)
_RETRY = timedelta(days=1)
# Of the share of labels that the baseline has: what early labels leave out may be what late ones say.
_COMPLETE = 0.97
_SUBJECT = "model"
# Fewer rows than this say little about a day.
_TELLING = 2_000


@dataclass(frozen=True, slots=True)
class Learned:
    """The estimator of a baseline, or why there is none; `coverage`: the share of its rows that had labels."""

    estimator: AnyEstimator | None
    reason: str
    coverage: float


class Estimating:
    """Adds estimates to the evaluations of one model at one moment; a baseline's estimator is opened once."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._known: dict[str, Learned | None] = {}

    def with_estimates(self, evaluations: Iterable[Evaluation]) -> Iterator[Evaluation]:
        """Windows of a day and more, with what their performance is likely to be."""
        for one in evaluations:
            found = self._learned(one) if one.rows else None
            yield one if found is None else replace(one, findings=(*one.findings, *self._estimates(one, found)))

    def with_surprises(self, evaluations: Iterable[Evaluation]) -> Iterator[Evaluation]:
        """Windows whose labels have come, with how far they are from what was to be expected."""
        for one in evaluations:
            found = self._learned(one) if one.rows and enabled(self._judging.settings, CONCEPT_DRIFT) else None
            finding = None if found is None else self._surprise(one, found)
            yield one if finding is None else replace(one, findings=(*one.findings, finding))

    def _learned(self, one: Evaluation) -> Learned | None:
        """What the evaluation's baseline teaches; None where estimates were not asked for or cannot be expected."""
        judging = self._judging
        labels, settings = judging.labels, judging.settings
        if labels is None or settings.columns.id is None or one.window.horizon not in _HORIZONS:
            return None
        if not one.baseline or not enabled(settings, SWITCH) or not self._worth(one):
            return None
        if judging.retired(one.version, one.window):
            return None
        if one.baseline not in self._known:
            with judging.world.store.read() as connection:
                baseline = baselines.get(connection, one.baseline)
            self._known[one.baseline] = (
                None
                if baseline is None or baseline.provisional
                else learned(judging.world.store, judging.log, labels, settings, baseline, judging.now)
            )
        return self._known[one.baseline]

    def _worth(self, one: Evaluation) -> bool:
        """Whether a window is estimated: days always, longer ones on Mondays and where they are asked for.

        From one day to the next a window of a week or more has nearly the same rows. A day of few rows says little (the
        AUC of 1,000 rows is known to 0.04) and costs as much: where there are longer ones, they speak for it.
        """
        settings, horizon = self._judging.settings, one.window.horizon
        longer = any(_LENGTH[name] > _LENGTH[horizon] for name in settings.horizons if name in _HORIZONS)
        monday = local_day(one.window.end, settings.zone).weekday() == 0
        day = horizon == "1d" and (one.rows >= _TELLING or not longer)
        return day or (monday and horizon != "1d") or self._judging.explain

    def _drawn(self, one: Evaluation) -> tuple[Baseline, Drawn] | None:
        judging, window = self._judging, one.window
        with judging.world.store.read() as connection:
            baseline = baselines.get(connection, one.baseline)
            _, rows, _ = profiles.counted(connection, judging.model, window.start, window.end)
        assert baseline is not None
        drawn = draw_rows(
            judging.log, judging.settings, baseline.grid, one.version, window.start, window.end, max(rows, 1)
        )
        return None if drawn is None else (baseline, drawn)

    def _estimates(self, one: Evaluation, known: Learned) -> list[Finding]:
        context = _context(one)
        if known.estimator is None:
            return [_insufficient(context, SWITCH, 0, known.reason)]
        found = self._drawn(one)
        if found is None:
            return []
        from detectors.estimate_rule import judge_estimate
        from monitor.performance.task_estimates import estimates_of, usable

        settings = self._judging.settings
        drawn = usable(settings, found[1])
        day = day_numbers(drawn.times, settings.zone)
        try:
            made = estimates_of(settings, known.estimator, drawn, day)
        except DetectorError as error:
            return [_insufficient(context, SWITCH, drawn.total, str(error))]
        few = drawn.total < settings.minimum_rows
        reason = f"fewer than {settings.minimum_rows} rows" if few else made.estimates.reason
        judged = [name for name in made.estimates.of if ESTIMATED[PREFIX + name].tolerance is not None]
        findings = []
        for name, estimate in made.estimates.of.items():
            measure = ESTIMATED[PREFIX + name]
            if not enabled(settings, measure.name):
                continue
            chosen = settings.detectors.get(measure.name)
            usual = known.estimator.usual.get(name)
            tolerance = None if chosen is None else chosen.threshold
            verdict = judge_estimate(measure, usual, estimate, tolerance, len(judged), reason)
            detail: dict[str, object] = {
                "low": _short(estimate.low),
                "high": _short(estimate.high),
                "effective_rows": round(made.estimates.effective),
            }
            if usual is not None:
                before, after = f"{usual.value:.3f}", f"{estimate.value:.3f}"
                detail |= {"baseline": _short(usual.value), "before": before, "after": after}
            if reason:
                detail["reason"] = reason
            if name == "positives" and made.prior is not None:
                # What the base rate would have to be if nothing else had changed, and whether that can be.
                detail |= {"prior_shift": _short(made.prior.positives), "prior_shift_pvalue": _short(made.prior.pvalue)}
            findings.append(
                context.finding(
                    measure.title,
                    Kind.PERFORMANCE,
                    measure.name,
                    verdict.status,
                    drawn.total,
                    statistic=estimate.value,
                    pvalue=verdict.pvalue,
                    threshold=verdict.threshold,
                    effect=verdict.effect,
                    detail=detail,
                )
            )
        return findings

    def _surprise(self, one: Evaluation, known: Learned) -> Finding | None:
        judging = self._judging
        if known.estimator is None or judging.labels is None:
            return None
        context, settings = _context(one), judging.settings
        told = [share for finding in one.findings if isinstance(share := finding.detail.get("coverage"), float)]
        if told and max(told) < _COMPLETE * known.coverage:
            # Known without reading any row; while labels come, windows are looked at again and again.
            return _insufficient(
                context, CONCEPT_DRIFT, one.rows, f"{max(told):.0%} of the rows have labels", max(told)
            )
        found = self._drawn(one)
        if found is None:
            return None
        from monitor.performance.task_estimates import surprise_of, usable

        drawn = usable(settings, found[1])
        label = label_of(drawn, judging.labels.labels(one.window.start, judging.now))
        there = label.is_valid().to_numpy(zero_copy_only=False)
        coverage = float(there.mean()) if len(there) else 0.0
        n = int(there.sum())
        if coverage < _COMPLETE * known.coverage or n < settings.minimum_rows:
            return _insufficient(context, CONCEPT_DRIFT, n, f"{coverage:.0%} of the rows have labels", coverage)
        rows, day = drawn.take(there), day_numbers(drawn.times[there], settings.zone)
        try:
            surprise = surprise_of(settings, known.estimator, rows, label.filter(pa.array(there)), day)
        except DetectorError as error:
            return _insufficient(context, CONCEPT_DRIFT, n, str(error), coverage)
        if surprise.reason or surprise.worst is None:
            return _insufficient(context, CONCEPT_DRIFT, n, surprise.reason or "nothing to compare", coverage)
        worst = surprise.worst
        chosen = settings.detectors.get(CONCEPT_DRIFT)
        limit = surprise.limit if chosen is None or chosen.threshold is None else chosen.threshold
        surprising = surprise.pvalue <= surprise.alpha and surprise.size >= limit
        breach = surprising and not surprise.better
        detail: dict[str, object] = {
            "measure": surprise.measure,
            "realised": _short(worst.realised),
            "estimated": _short(worst.estimated.value),
            "low": _short(worst.estimated.low),
            "high": _short(worst.estimated.high),
            "coverage": round(coverage, 4),
            "shift": surprise.shift(surprising),
            "before": f"estimated {worst.estimated.value:.3f}",
            "after": f"realised {worst.realised:.3f}",
        }
        if surprising and surprise.better:
            detail["note"] = "better than the inputs led to expect"
        return context.finding(
            surprise.title,
            Kind.PERFORMANCE,
            CONCEPT_DRIFT,
            Status.BREACH if breach else Status.OK,
            n,
            statistic=worst.difference,
            pvalue=surprise.pvalue,
            threshold=limit,
            effect=surprise.size,
            detail=detail,
        )


def learned(
    store: Store,
    log: PredictionLog,
    labels: LabelSource,
    settings: ModelSettings,
    baseline: Baseline,
    now: datetime,
) -> Learned:
    """What a baseline's labelled rows teach, learned now if its labels have had time to come.

    Raises LogUnreachable or LogMismatch.
    """
    with store.read() as connection:
        stored = estimators.get(connection, baseline.id)
    if stored is None or (stored.data is None and now - stored.tried_at >= _RETRY):
        if baseline.start is None or baseline.end is None:
            return Learned(None, "the baseline is a file: it has no labels to learn from", 0.0)
        if now < baseline.end + settings.label_wait:
            return Learned(None, "the baseline's labels are still coming", 0.0)
        stored = _learn(log, labels, settings, baseline, now)
        with store.begin() as connection:
            estimators.save(connection, baseline.id, stored)
    if stored.data is None:
        return Learned(None, stored.reason, stored.coverage)
    try:
        return Learned(_opened(stored.data), "", stored.coverage)
    except DetectorError as error:
        return Learned(None, str(error), stored.coverage)


@lru_cache(maxsize=1)
def _opened(data: bytes) -> AnyEstimator:
    """An estimator out of its bytes; the last one stays, with what it has worked out of its reference: of a model whose
    weeks are judged it is asked four times in a row."""
    from detectors.estimator_bytes import from_bytes

    return from_bytes(data)


def _learn(
    log: PredictionLog, labels: LabelSource, settings: ModelSettings, baseline: Baseline, now: datetime
) -> Stored:
    from detectors.estimator_bytes import to_bytes
    from monitor.performance.task_estimates import learn_from, usable

    assert baseline.start is not None
    assert baseline.end is not None
    span = baseline.start, baseline.end
    drawn = draw_rows(log, settings, baseline.grid, baseline.version, *span, max(baseline.rows, 1), MOST_ROWS)
    if drawn is None:
        # What another version's scores say of its labels says nothing of this one's.
        return Stored(None, f"the baseline has no rows of version {baseline.version}", 0.0, now)
    drawn = usable(settings, drawn)
    label = label_of(drawn, labels.labels(baseline.start, now))
    there = label.is_valid().to_numpy(zero_copy_only=False)
    coverage = float(there.mean()) if len(there) else 0.0
    rows = drawn.take(there)
    try:
        made = learn_from(
            settings,
            rows,
            label.filter(pa.array(there)),
            day_numbers(rows.times, settings.zone),
            categorical(baseline.grid),
        )
    except DetectorError as error:
        return Stored(None, str(error), coverage, now)
    return Stored(to_bytes(made), "", coverage, now)


def day_numbers(times: IntArray, zone: ZoneInfo) -> IntArray:
    """The local day of each time (microseconds), numbered from some day on, shape (rows,)."""
    if not len(times):
        return np.empty(0, dtype=np.int64)
    from monitor.prediction_log.arrow import moment

    spans = list(days(moment(int(times.min())), moment(int(times.max()) + 1), zone))
    number = np.array([local_day(start, zone).toordinal() for start, _ in spans], dtype=np.int64)
    found: IntArray = number[np.searchsorted([micros(start) for start, _ in spans], times, side="right") - 1]
    return found


def _context(one: Evaluation) -> Context:
    return Context(
        model=one.model,
        version=one.version,
        window=one.window,
        revision=one.revision,
        evaluated_at=one.evaluated_at,
        baseline_id=one.baseline,
        config_hash=one.config_hash,
        program=one.program,
    )


def _insufficient(context: Context, name: str, n: int, reason: str, coverage: float | None = None) -> Finding:
    detail: dict[str, object] = {"reason": reason}
    if coverage is not None:
        detail["coverage"] = round(coverage, 4)
    return context.finding(_SUBJECT, Kind.PERFORMANCE, name, Status.INSUFFICIENT, n, detail=detail)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
