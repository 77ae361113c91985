"""The reason on a model's page: the newest that was found for a window of the period.

In: `Gathered`. Out: a `Why`, or None. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detectors.conclusion import Conclusion
from detectors.diagnosis import verdict_of
from detectors.reason import ATTRIBUTION, BECAUSE
from detectors.result import Finding, Status
from monitor.reporting.gather import Gathered
from reports.parts import Contribution, Why

_EVIDENCE = 4


def why(gathered: Gathered) -> Why | None:
    """What the findings amount to, and what a change of the predictions is attributed to."""
    evaluations = gathered.in_period(gathered.inputs) + gathered.in_period(gathered.performance)
    reasons = [f for one in evaluations for f in one.findings if f.detector == ATTRIBUTION and BECAUSE in f.detail]
    newest = max(reasons, key=lambda finding: finding.window.end, default=None)
    horizon = gathered.summary
    latest = [
        gathered.of_horizon(gathered.in_period(which), horizon) for which in (gathered.inputs, gathered.performance)
    ]
    findings = [finding for found in latest if found for finding in found[-1].findings]
    verdict = verdict_of(findings)
    if newest is None and verdict.conclusion in (Conclusion.HEALTHY, Conclusion.UNKNOWN):
        return None
    named = f"{verdict.conclusion.value[:1].upper()}{verdict.conclusion.value[1:]}"
    told = f"{named}: {verdict.sentence}." if verdict.sentence else f"{named}."
    evidence = tuple(_line(finding) for finding in verdict.evidence if finding.status is Status.BREACH)[:_EVIDENCE]
    if newest is None:
        return Why(told, evidence)
    detail: Mapping[str, Any] = newest.detail
    contributions = tuple(
        Contribution(", ".join(term["features"]), float(term["points"]), text=_percent(term["percent"]))
        for term in detail["terms"]
    )
    rest = float(detail.get("other_terms") or 0.0)
    if rest:
        contributions += (Contribution("all others", rest),)
    worst = detail.get("worst_segment")
    if worst:
        evidence += (
            f"{worst['segment']}: {worst['before']:.3g} before, {worst['now']:.3g} now "
            f"({worst['share']:.0%} of the rows; the worst of {worst['looked_at']:,} parts looked at)",
        )
    return Why(
        sentence=f"{told} {detail[BECAUSE]}.",
        evidence=evidence,
        measure=str(detail["measure"]),
        unit=str(detail["unit"]),
        total=newest.statistic,
        residual=float(detail["residual"]),
        contributions=contributions,
        method=str(detail["method"]),
    )


def _line(finding: Finding) -> str:
    value = "" if finding.statistic is None else f" {finding.statistic:.3g}"
    return f"{finding.subject}: {finding.detector}{value}, {finding.window.horizon}, {finding.n:,} rows"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}% of it"
