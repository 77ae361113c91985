"""From profiles to findings: measure, judge, put into words.

In: profiles and counts as values, and a threshold rule. Out: `Finding`s. Kept: nothing.
Pure: no clock, no database, no log; what time it is and which revision this is come with the `Context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from detectors.bins import psi_bins
from detectors.columns import Column, ColumnKind
from detectors.explain import explanation
from detectors.profile import Profile
from detectors.registry import DETECTORS, JOINT
from detectors.result import Finding, Judgement, Kind, Statistic, Status, Window
from detectors.threshold import FixedRule, ThresholdRule
from monitor.settings import ModelSettings

_LOG, _RUN = "prediction log", "run"


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
        if enabled(settings, name) and (detector.kind is Kind.QUALITY or not breakage_only)
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


def enabled(settings: ModelSettings, name: str) -> bool:
    """Whether a model is to be judged by a detector: as its config says, else as the detector itself."""
    chosen = settings.detectors.get(name)
    if chosen is not None:
        return chosen.enabled
    return name not in JOINT and (name not in DETECTORS or bool(DETECTORS[name].default))


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
