"""Realised performance of one window: measured, held against the baseline's, put into words.

In: outcomes as values, the baseline's performance, what is known of how late labels come. Out: `Finding`s.
Kept: nothing. Pure, as `evaluate.py` is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from detectors.conclusion import RATES
from detectors.day_effects import expected, with_days
from detectors.decisions import confusion
from detectors.label_delay import LEAST_CHANCE, SHARE, LabelLaw
from detectors.measured import Measured, nothing
from detectors.performance import MEASURES, measure
from detectors.result import Finding, FloatArray, IntArray, Kind, Status
from detectors.segment import SegmentColumn
from detectors.threshold import PerformanceJudgement, PerformanceRule
from monitor.evaluate import Context, enabled, unjudged
from monitor.performance import own_metrics
from monitor.performance.outcomes import Outcomes
from monitor.performance.own_metrics import NoMetric, own_measures
from monitor.settings import ModelSettings

_MOST_CLASSES = 20
# Kept with a baseline beside its measures.
_TRUE, _PREDICTED = "true_rate", "predicted_rate"
Reference = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Maturity:
    """How far a window's labels have come: all that matter, or a part that has to be weighed, or too little.

    `weight` and `chosen` (rows old enough to be weighed), shape (labelled,), are those of a preliminary figure;
    `reason` says in words why there is none. `share` is the part of the labels that is thought to have come.
    """

    complete: bool
    share: float
    weight: FloatArray | None = None
    chosen: NDArray[np.bool_] | None = None
    reason: str = ""


def maturity(outcome: Outcomes, law: LabelLaw | None, now: int, horizon: float) -> Maturity:
    """How far the labels of a window have come at `now` (microseconds); `horizon` in seconds.

    Complete: 99% of rows are labelled, or 99% of the labels of every class are thought to have come, or the window is
    past the label horizon.
    """
    if not outcome.rows:
        return Maturity(True, 1.0)
    ages: FloatArray = (now - outcome.row_times) / 1e6
    if outcome.coverage >= SHARE or float(ages.min()) >= horizon:
        return Maturity(True, 1.0)
    if law is None or law.complete_age is None:
        return Maturity(False, float("nan"), reason="how late labels come is not known yet")
    came = law.least(ages)
    share = float(came.mean())
    if share >= SHARE:
        return Maturity(True, share)
    if float(came.max()) < LEAST_CHANCE:
        return Maturity(False, share, reason="no label of every class can have come yet")
    own: FloatArray = (now - outcome.times) / 1e6
    chosen = law.least(own) >= LEAST_CHANCE
    weight = 1.0 / np.maximum(law.of(outcome.label, own), LEAST_CHANCE)
    return Maturity(False, share, weight, chosen)


def rule_of(settings: ModelSettings) -> PerformanceRule:
    """When a measure is a breach: the usual tolerances, except where the config says otherwise."""
    given = {n: d.threshold for n, d in settings.detectors.items() if d.threshold is not None and n in MEASURES}
    return PerformanceRule(given, minimum_rows=settings.minimum_rows, known={**MEASURES, **own_measures(settings)})


def reference_performance(settings: ModelSettings, outcomes: Outcomes) -> Reference:
    """Each measure on the reference with what its days say, without those that could not be computed."""
    days = outcomes.days(settings.zone)

    found = {}
    for name, whole in _measured(settings, outcomes, days).items():
        if isfinite(whole.value) and isfinite(whole.stderr):

            def on(mask: NDArray[np.bool_], name: str = name) -> Measured:
                return _measured(settings, outcomes.where(mask), None, names={name})[name]

            found[name] = with_days(whole, on, days)
    for name, rate in _rates(outcomes, None).items():
        found[name] = Measured(rate, float("nan"), outcomes.labelled)
    return found


def unchanged(settings: ModelSettings, outcomes: Outcomes, known: Reference) -> bool:
    """Whether a reference's labels are those its performance was measured on, by the cheapest measure there is.

    All measures of all days and segments take a second or two, and most days no label of a baseline has come.
    """
    name = next((name for name in ("accuracy", "mae") if name in known), None)
    if name is None:
        return False
    now = _measured(settings, outcomes, None, names={name}).get(name)
    return now is not None and (now.n, now.value) == (known[name].n, known[name].value)


def _rates(outcome: Outcomes, weight: FloatArray | None) -> dict[str, float]:
    """The true and the predicted rate of positives, or mean of numbers."""
    said = outcome.score if outcome.score is not None else outcome.prediction
    if said is None or not outcome.labelled or said.dtype.kind not in "fiu" or outcome.label.dtype.kind not in "fiu":
        return {}
    sides = {_TRUE: outcome.label, _PREDICTED: said}
    return {name: float(np.average(side.astype(np.float64), weights=weight)) for name, side in sides.items()}


def judge_performance(
    context: Context,
    settings: ModelSettings,
    outcome: Outcomes,
    baseline: Reference,
    *,
    ripe: Maturity | None = None,
    segments: tuple[SegmentColumn, ...] = (),
    segment_baseline: Mapping[str, Reference] | None = None,
) -> list[Finding]:
    """Realised performance of one window against the baseline's, as a whole and by segment.

    What is not `ripe` is a preliminary figure: its labelled rows weighed for those still to come, and not judged.
    """
    ripe = ripe or Maturity(True, 1.0)
    if not outcome.labelled:
        reason = "no labels yet" if ripe.complete else ripe.reason or "no labels yet"
    else:
        reason = "" if ripe.complete else ripe.reason
    weight = None
    if ripe.chosen is not None and ripe.weight is not None:
        outcome, weight = outcome.where(ripe.chosen), ripe.weight[ripe.chosen]
    notes: dict[str, object] = {"coverage": round(outcome.coverage, 4)}
    if not ripe.complete:
        notes["preliminary"] = True
        if isfinite(ripe.share):
            notes["labels_due"] = round(ripe.share, 4)
    if reason:
        notes["reason"] = reason
    rule = rule_of(settings)
    findings = list(_judged(context, settings, rule, outcome, weight, baseline, notes))
    if not findings:
        return [unjudged(context, "performance", outcome.labelled, reason or "no labels yet", Kind.PERFORMANCE)]
    matrix = _confusion(context, settings, outcome, notes) if not reason else None
    if matrix is not None:
        findings.append(matrix)
    if ripe.complete and outcome.labelled:
        findings += _by_segment(context, settings, rule, outcome, segments, segment_baseline or {}, notes)
    return findings


def by_segment(outcome: Outcomes, segments: tuple[SegmentColumn, ...]) -> Iterator[tuple[str, Outcomes]]:
    """The labelled rows of each segment, by its label."""
    for part in segments:
        codes = part.codes(outcome.segments.get(part.name), outcome.labelled)
        for place, label in enumerate(part.labels):
            yield label, outcome.where(codes == place)


def _by_segment(
    context: Context,
    settings: ModelSettings,
    rule: PerformanceRule,
    outcome: Outcomes,
    segments: tuple[SegmentColumn, ...],
    baseline: Mapping[str, Reference],
    notes: Mapping[str, object],
) -> Iterator[Finding]:
    """Those measures that are judged, of all segments together: significance accounts for how many there are."""
    places = max(sum(len(part.labels) for part in segments), 1)
    own = {key: value for key, value in notes.items() if key != "coverage"}
    for label, part in by_segment(outcome, segments):
        names = {name for name in rule.known if rule.judges(name)}
        usual = baseline.get(label, {})
        for found in _judged(context, settings, rule, part, None, usual, own, names=names, places=places):
            yield replace(found, segment=label)


def _judged(
    context: Context,
    settings: ModelSettings,
    rule: PerformanceRule,
    outcome: Outcomes,
    weight: FloatArray | None,
    baseline: Reference,
    notes: Mapping[str, object],
    *,
    names: set[str] | None = None,
    places: int = 1,
) -> Iterator[Finding]:
    days = outcome.days(settings.zone)
    measured = _measured(settings, outcome, days, weight, names)
    judged = rule.judge(baseline, measured, places)
    for name, one in measured.items():
        verdict, usual, known = judged[name], baseline.get(name), rule.known[name]
        detail = dict(notes)
        held = expected(one, usual)
        if isfinite(held.stderr):
            reach = held.reach()
            detail["stderr"] = _short(held.stderr)
            detail["interval"] = [_short(one.value - reach), _short(one.value + reach)]
        if usual is not None and isfinite(held.usual):
            detail |= {
                "baseline": float(f"{held.usual:.6g}"),
                "before": f"{held.usual:.3f}",
                "after": f"{one.value:.3f}",
            }
        if name in ("rate_bias", "bias"):
            detail |= _told_rates(_rates(outcome, weight), baseline)
        if not rule.judges(name):
            detail["judged"] = False
        if name in settings.metrics and not isfinite(one.value):
            detail["reason"] = _why(settings.metrics[name].function, outcome)
        if notes.get("preliminary") or notes.get("reason"):
            verdict = PerformanceJudgement(float("nan"), verdict.threshold, float("nan"), Status.INSUFFICIENT)
        yield context.finding(
            known.title,
            Kind.PERFORMANCE,
            name,
            verdict.status,
            one.n,
            statistic=one.value,
            pvalue=verdict.pvalue,
            threshold=verdict.threshold,
            effect=verdict.effect,
            detail=detail,
        )


def _why(reference: str, outcome: Outcomes) -> str:
    """Why a metric of the user's own has no value."""
    try:
        own_metrics.measured(reference, outcome, None)
    except NoMetric as error:
        return str(error)
    return f"{reference} returned no finite number"


def _told_rates(now: Mapping[str, float], baseline: Reference) -> dict[str, object]:
    """The rates behind a bias, and those of the baseline where it has them."""
    told: dict[str, object] = {name: _short(rate) for name, rate in now.items()}
    if now and _TRUE in baseline and _PREDICTED in baseline:
        told[RATES] = {
            "true_before": _short(baseline[_TRUE].value),
            "true_now": _short(now[_TRUE]),
            "predicted_before": _short(baseline[_PREDICTED].value),
            "predicted_now": _short(now[_PREDICTED]),
        }
    return told


def _measured(
    settings: ModelSettings,
    outcome: Outcomes,
    days: IntArray | None,
    weight: FloatArray | None = None,
    names: set[str] | None = None,
) -> dict[str, Measured]:
    wanted = {name for name in MEASURES if enabled(settings, name) and (names is None or name in names)}
    of = partial(measure, settings.task, outcome.label, outcome.score, outcome.prediction)
    found = of(weight=weight, days=days, quantile=settings.quantile, only=wanted)
    for name, own in settings.metrics.items():
        if weight is None and (names is None or name in names):
            try:
                found[name] = own_metrics.measured(own.function, outcome, days)
            except NoMetric:
                found[name] = nothing(outcome.labelled)
    return found


def _confusion(
    context: Context, settings: ModelSettings, outcome: Outcomes, notes: Mapping[str, object]
) -> Finding | None:
    """The confusion matrix, with precision, recall and F1 of each class; measured, never judged."""
    if settings.task == "regression" or outcome.prediction is None or not outcome.labelled:
        return None
    if not enabled(settings, "confusion"):
        return None
    found = confusion(outcome.label, outcome.prediction, classes=("0", "1") if settings.task == "binary" else ())
    if len(found.classes) > _MOST_CLASSES:
        return None
    each = {
        name: {"precision": _share(p), "recall": _share(r), "f1": _share(f), "rows": int(n)}
        for name, p, r, f, n in zip(found.classes, found.precision, found.recall, found.f1, found.support, strict=True)
    }
    detail = {**notes, "judged": False, "classes": list(found.classes), "by_class": each}
    detail["matrix"] = [[int(cell) for cell in row] for row in found.matrix]
    if settings.task == "binary" and settings.columns.prediction is None:
        detail["decision_threshold"] = settings.decision_threshold
    enough = outcome.labelled >= settings.minimum_rows and not notes.get("preliminary")
    status = Status.OK if enough else Status.INSUFFICIENT
    return context.finding("confusion matrix", Kind.PERFORMANCE, "confusion", status, outcome.labelled, detail=detail)


def _share(value: float) -> float | None:
    return _short(float(value)) if isfinite(value) else None


def _short(value: float) -> float:
    return float(f"{value:.4g}")
