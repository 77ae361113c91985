"""Whether the columns of a day's rows still belong together: the detectors of the joint distribution.

In: a model's settings, its baseline, the sample of a window of a day. Out: `Finding`s. Kept: nothing.
Pure, as `evaluate.py` is. They are on request, and take rows that have an id: elsewhere nothing is sampled or judged.
"""

from __future__ import annotations

from detectors.multivariate import JointModel
from detectors.registry import JOINT
from detectors.result import Finding, Kind, Status
from detectors.sample import Sample, SampleRule
from monitor.evaluate import Context, enabled
from monitor.settings import ModelSettings
from monitor.store.baselines import Baseline

SUBJECT = "joint distribution"
HORIZON = "1d"
_SHOWN = 5


def asked_for(settings: ModelSettings) -> list[str]:
    """The detectors of the joint distribution that a model is judged by; none without ids or windows of a day."""
    possible = settings.columns.id is not None and settings.cadence is None and HORIZON in settings.horizons
    return [name for name in JOINT if enabled(settings, name)] if possible else []


def rule_of(settings: ModelSettings, baseline: Baseline) -> SampleRule | None:
    """Which rows of a version are sampled; None where nothing would be judged by them."""
    if not asked_for(settings) or baseline.joint is None or baseline.sample_rate is None:
        return None
    return SampleRule(baseline.sample_rate)


def judge_joint(context: Context, settings: ModelSettings, baseline: Baseline, sample: Sample | None) -> list[Finding]:
    """A window of a day by each detector asked for; other windows are not as long as the days that were learned.

    `sample` is None where the baseline has no joint model; then the finding says why.
    """
    if context.window.horizon != HORIZON or baseline.provisional:
        return []
    names = asked_for(settings)
    model = JointModel.from_bytes(baseline.grid, baseline.joint) if names and baseline.joint is not None else None
    findings = []
    for name in names:
        chosen, entry = settings.detectors[name], JOINT[name]
        threshold = entry.threshold if chosen.threshold is None else chosen.threshold
        if model is None or sample is None:
            reason = f"no joint distribution was learned: {baseline.joint_reason or 'the reference has no days'}"
            status, detail = Status.INSUFFICIENT, {"reason": reason}
            findings.append(context.finding(SUBJECT, Kind.FEATURE, name, status, 0, threshold=threshold, detail=detail))
            continue
        found = entry.function(model, sample)
        told: dict[str, object] = {"reason": found.reason} if found.reason else {}
        if found.contributions:
            told["columns"] = [[each.column, round(each.share, 3)] for each in found.contributions[:_SHOWN]]
        findings.append(
            context.finding(
                SUBJECT,
                Kind.FEATURE,
                name,
                found.status(threshold),
                found.n,
                statistic=found.value,
                pvalue=found.pvalue,
                threshold=threshold,
                effect=found.value,
                detail=told,
            )
        )
    return findings
