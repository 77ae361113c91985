"""From profiles to findings: measure, judge, put into words.

In: profiles, counts and outcomes as values, and a threshold rule. Out: `Finding`s. Kept: nothing.
Pure: no clock, no database, no log; what time it is and which revision this is come with the `Context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from detectors.arrivals import late_rows
from detectors.bins import psi_bins
from detectors.clock import clock_shift
from detectors.columns import Column, ColumnKind
from detectors.explain import explanation
from detectors.performance import MEASURES, Measured, measure
from detectors.profile import Profile
from detectors.registry import DETECTORS
from detectors.result import Finding, Judgement, Kind, Statistic, Status, Window
from detectors.threshold import FixedRule, PerformanceRule, ThresholdRule
from detectors.volume import OPERATIONAL, freshness, volume
from monitor.outcomes import Outcomes
from monitor.settings import ModelSettings
from monitor.volumes import History

_ROWS, _LOG, _RUN, _TIMES, _LATE = "rows", "prediction log", "run", "timestamps", "late rows"
_VOLUME_ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class Context:
    """What every finding of one evaluation has in common."""

    model: str
    version: str
    window: Window
    revision: int
    evaluated_at: datetime
    baseline_id: str = ""
    config_hash: str = ""
    program: str = ""

    def finding(
        self,
        subject: str,
        kind: Kind,
        detector: str,
        status: Status,
        n: int,
        *,
        statistic: float | None = None,
        pvalue: float | None = None,
        threshold: float | None = None,
        effect: float | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Finding:
        """One finding; NaN and infinities become None."""
        return Finding(
            model=self.model,
            version=self.version,
            window=self.window,
            segment=None,
            subject=subject,
            kind=kind,
            detector=detector,
            statistic=_finite(statistic),
            pvalue=_finite(pvalue),
            threshold=_finite(threshold),
            effect=_finite(effect),
            status=status,
            n=n,
            revision=self.revision,
            evaluated_at=self.evaluated_at,
            baseline_id=self.baseline_id,
            config_hash=self.config_hash,
            program=self.program,
            detail=detail or {},
        )


def rule_of(settings: ModelSettings) -> FixedRule:
    """The fixed thresholds of a model: the detectors' own, except where the config says otherwise."""
    fixed = {n: d.threshold for n, d in settings.detectors.items() if d.threshold is not None and n in DETECTORS}
    return FixedRule(fixed, minimum_rows=settings.minimum_rows)


def measure_inputs(
    settings: ModelSettings, reference: Profile, production: Profile, *, breakage_only: bool = False
) -> dict[str, Statistic]:
    """Every enabled detector's statistic, each of shape (features,); with `breakage_only` those of data quality."""
    return {
        name: detector.function(
            reference, production, **{option: getattr(settings, option) for option in detector.options}
        )
        for name, detector in DETECTORS.items()
        if _enabled(settings, name) and (detector.kind is Kind.QUALITY or not breakage_only)
    }


def judge_inputs(
    context: Context,
    settings: ModelSettings,
    reference: Profile,
    production: Profile,
    breakage_only: bool = False,
    rule: ThresholdRule | None = None,
    explain: bool = False,
) -> list[Finding]:
    """Features and predictions of one window against the reference, in the order of the grid's columns.

    With `explain`, a finding tells the bins its PSI was computed on, so that anyone can compute it again.
    """
    measured = measure_inputs(settings, reference, production, breakage_only=breakage_only)
    judged = (rule or rule_of(settings)).judge(measured, reference.rows, production.rows)
    findings = []
    for index, column in enumerate(production.grid.columns):
        for name, statistic in measured.items():
            if DETECTORS[name].applies(column, asked=name in settings.detectors):
                found = finding_of(context, column, index, name, statistic, judged[name], reference, production)
                findings.append(_explained(found, column, production) if explain else found)
    return findings


def finding_of(
    context: Context,
    column: Column,
    index: int,
    name: str,
    statistic: Statistic,
    judgement: Judgement,
    reference: Profile,
    production: Profile,
) -> Finding:
    """The finding of one detector about one column, `index` of the grid's, as it was judged."""
    status = Status.INSUFFICIENT
    if judgement.sufficient[index]:
        status = Status.BREACH if judgement.breach[index] else Status.OK
    effect = statistic.value if statistic.effect is None else statistic.effect
    detail: dict[str, object] = {}
    if statistic.bound is not None and isfinite(statistic.bound[index]):
        detail["bound"] = float(f"{statistic.bound[index]:.3g}")
    if status is Status.BREACH:
        detail |= _change(column, name, statistic.value[index], effect[index], reference, production)
    return context.finding(
        column.name,
        DETECTORS[name].kind_of(column),
        name,
        status,
        production.rows,
        statistic=float(statistic.value[index]),
        pvalue=None if statistic.pvalue is None else float(statistic.pvalue[index]),
        threshold=float(judgement.threshold[index]),
        effect=float(effect[index]),
        detail=detail,
    )


def _explained(finding: Finding, column: Column, production: Profile) -> Finding:
    if finding.detector != "psi" or column.private or column.kind is not ColumnKind.NUMBER:
        return finding
    # Without the infinities at either end, which JSON does not have: the outer bins are open.
    cuts = [float(edge) for edge in psi_bins(production.grid, column.name, 10)[1:-1]]
    return replace(finding, detail={**finding.detail, "bins": cuts})


def _change(
    column: Column, name: str, value: float, effect: float, reference: Profile, production: Profile
) -> dict[str, object]:
    """Before and after in words a person can picture; nothing of a private column but rates."""
    detector = DETECTORS[name]
    if detector.kind is Kind.QUALITY:
        told = explanation(name, reference.column(column.name), production.column(column.name))
        if told is not None:
            return {"explanation": told}
        return {"before": detector.unit.show(max(value - effect, 0.0)), "after": detector.unit.show(value)}
    if column.private:
        return {}
    before, after = reference.column(column.name), production.column(column.name)
    if column.kind is ColumnKind.NUMBER:
        medians = before.quantile(0.5), after.quantile(0.5)
        return {"before": f"median {medians[0]:.4g}", "after": f"median {medians[1]:.4g}"}
    shares = zip(before.shares, after.shares, before.labels(), strict=True)
    old, new, label = max(shares, key=lambda share: abs(share[1] - share[0]))
    return {"before": f"{label[:80]}: {old:.1%}", "after": f"{label[:80]}: {new:.1%}"}


def judge_volume(
    context: Context,
    settings: ModelSettings,
    rows: int,
    age: float | None,
    history: History,
) -> list[Finding]:
    """How many rows came against the same window of earlier weeks, and how old the newest was at its end (seconds).

    Without enough history both are insufficient, even for no rows at all: a new model may have its quiet days.
    """
    findings = []
    if _enabled(settings, "volume"):
        threshold = _threshold(settings, "volume")
        found = volume(rows, history.rows)
        value, pvalue = float(found.value[0]), None if found.pvalue is None else float(found.pvalue[0])
        status = Status.INSUFFICIENT
        if isfinite(value):
            certain = pvalue is None or not isfinite(pvalue) or pvalue <= _VOLUME_ALPHA
            # More rows are news only when they are a multiple: marketing is allowed to work.
            far = value <= -threshold or value >= 1.0 / (1.0 - min(threshold, 0.9))
            status = Status.BREACH if far and (certain or rows == 0) else Status.OK
        detail = {"before": f"{_median(history.rows):,.0f} rows", "after": f"{rows:,} rows"} if history.rows else {}
        findings.append(
            context.finding(
                _ROWS, Kind.VOLUME, "volume", status, rows,
                statistic=value, pvalue=pvalue, threshold=threshold, effect=value, detail=detail,
            )
        )  # fmt: skip
    if _enabled(settings, "freshness") and rows and age is not None:
        threshold = _threshold(settings, "freshness")
        found = freshness(age, [*history.ages])
        times = float(found.effect[0]) if found.effect is not None else float("nan")
        enough = isfinite(times) and len(history.ages) >= 3
        # A gap of minutes is no news however punctual the rows usually are.
        stale = enough and times >= threshold and age >= 3600.0
        status = Status.BREACH if stale else Status.OK if enough else Status.INSUFFICIENT
        findings.append(
            context.finding(
                _ROWS, Kind.VOLUME, "freshness", status, rows, statistic=age, threshold=threshold, effect=times
            )
        )
    if _enabled(settings, "clock_shift") and history.hours is not None:
        threshold = _threshold(settings, "clock_shift")
        found = clock_shift(history.hours[0], history.hours[1])
        lag = float(found.value[0])
        status = Status.INSUFFICIENT if not isfinite(lag) else Status.BREACH if abs(lag) >= threshold else Status.OK
        findings.append(
            context.finding(
                _TIMES, Kind.VOLUME, "clock_shift", status, rows, statistic=lag, threshold=threshold, effect=abs(lag)
            )
        )
    return findings


def judge_late(context: Context, settings: ModelSettings, first: int, rows: int) -> list[Finding]:
    """How many of a window's rows came after it was first judged, on `first` rows: nothing on the first judgement."""
    if context.revision == 0 or not _enabled(settings, "late_rows"):
        return []
    threshold = _threshold(settings, "late_rows")
    share = float(late_rows(first, rows).value[0])
    status = Status.INSUFFICIENT if not isfinite(share) else Status.BREACH if share >= threshold else Status.OK
    detail = {"before": f"{first:,} rows", "after": f"{rows:,} rows"}
    return [
        context.finding(
            _LATE, Kind.VOLUME, "late_rows", status, rows,
            statistic=share, threshold=threshold, effect=share, detail=detail,
        )
    ]  # fmt: skip


def judge_performance(
    context: Context, settings: ModelSettings, outcome: Outcomes, baseline: Mapping[str, Measured]
) -> list[Finding]:
    """Realised performance of one window against the baseline's."""
    measured = {
        name: one
        for name, one in measure(settings.task, outcome.label, outcome.score, outcome.prediction).items()
        if _enabled(settings, name)
    }
    tolerances = {n: d.threshold for n, d in settings.detectors.items() if d.threshold is not None and n in MEASURES}
    rule = PerformanceRule(tolerances, minimum_rows=settings.minimum_rows)
    judged = rule.judge(baseline, measured)
    findings = []
    for name, one in measured.items():
        verdict, usual = judged[name], baseline.get(name)
        detail: dict[str, object] = {"coverage": round(outcome.coverage, 4)}
        if isfinite(one.stderr):
            detail["stderr"] = float(f"{one.stderr:.4g}")
        if usual is not None:
            detail |= {
                "baseline": float(f"{usual.value:.6g}"),
                "before": f"{usual.value:.3f}",
                "after": f"{one.value:.3f}",
            }
        findings.append(
            context.finding(
                MEASURES[name].title,
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
        )
    if not findings:
        findings.append(unjudged(context, "performance", outcome.labelled, "no labels yet", Kind.PERFORMANCE))
    return findings


def unjudged(context: Context, detector: str, n: int, reason: str, kind: Kind = Kind.FEATURE) -> Finding:
    """A window (or a part of it) that could not be judged, with the reason in words."""
    return context.finding("model", kind, detector, Status.INSUFFICIENT, n, detail={"reason": reason})


def run_finding(context: Context, rows: int, missed: str | None) -> Finding:
    """Whether a batch run came; `missed` says in words which one did not."""
    detail = {"reason": missed, "due": missed} if missed else {}
    status = Status.BREACH if missed else Status.OK
    return context.finding(_RUN, Kind.VOLUME, "run_due", status, rows, detail=detail)


def log_finding(model: str, at: datetime, now: datetime, config_hash: str, program: str, error: str | None) -> Finding:
    """Whether the prediction log could be read; `error` says in words why not."""
    context = Context(model, "", Window("1h", at, at), 0, now, "", config_hash, program)
    detail = {"reason": error} if error else {}
    return context.finding(_LOG, Kind.VOLUME, "log_reachable", Status.BREACH if error else Status.OK, 0, detail=detail)


def _enabled(settings: ModelSettings, name: str) -> bool:
    chosen = settings.detectors.get(name)
    if chosen is not None:
        return chosen.enabled
    return name not in DETECTORS or bool(DETECTORS[name].default)


def _threshold(settings: ModelSettings, name: str) -> float:
    chosen = settings.detectors.get(name)
    return chosen.threshold if chosen is not None and chosen.threshold is not None else OPERATIONAL[name]


def _median(values: tuple[int, ...]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
