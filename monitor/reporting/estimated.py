"""Performance estimated without labels, as the points of a report's series.

In: what is stored of a model, a horizon. Out: points by the name of the realised measure. Kept: nothing.
"""

from __future__ import annotations

from detectors.estimated import ESTIMATED
from detectors.result import Kind, Status
from monitor.reporting.gather import Gathered
from reports.context import PerformancePoint, Period, State

NOTE = "estimated without labels, with the interval that holds 90% of what comes true; blind to concept drift"

_STATES = {Status.OK: State.OK, Status.BREACH: State.BREACH, Status.INSUFFICIENT: State.INSUFFICIENT}


def estimated_points(gathered: Gathered, horizon: str) -> dict[str, tuple[PerformancePoint, ...]]:
    """The estimates of every measure that labels also give, oldest first."""
    points: dict[str, list[PerformancePoint]] = {}
    for evaluation in gathered.of_horizon(gathered.inputs, horizon):
        for finding in evaluation.findings:
            measure = ESTIMATED.get(finding.detector)
            if measure is None or finding.kind is not Kind.PERFORMANCE or finding.statistic is None:
                continue
            low, high = (finding.detail.get(name) for name in ("low", "high"))
            points.setdefault(measure.realised, []).append(
                PerformancePoint(
                    Period(evaluation.window.start, evaluation.window.end),
                    finding.statistic,
                    low if isinstance(low, float) else None,
                    high if isinstance(high, float) else None,
                    0,
                    evaluation.rows,
                    _STATES[finding.status],
                )
            )
    return {name: tuple(line) for name, line in points.items()}
