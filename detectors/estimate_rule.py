"""What an estimate must be to be a breach.

In: a window's estimate, the baseline's value. Out: a judgement, as realised performance gets one. Kept: nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from detectors.estimated import EstimatedMeasure
from detectors.estimation import Estimate
from detectors.result import Status
from detectors.threshold import PerformanceJudgement

_ALPHA = 0.01


def judge_estimate(
    measure: EstimatedMeasure, usual: Estimate | None, found: Estimate, tolerance: float | None, tests: int, reason: str
) -> PerformanceJudgement:
    """Hold an estimate against the baseline's value: worse by the tolerance, and significantly so over `tests`.

    A measure without a tolerance is ok; whatever has a `reason` not to be relied on is insufficient.
    """
    nan = float("nan")
    limit = measure.tolerance if tolerance is None else tolerance
    if reason or usual is None or (measure.relative and usual.value <= 0.0):
        return PerformanceJudgement(nan, nan if limit is None else limit, nan, Status.INSUFFICIENT)
    worse = usual.value - found.value if measure.higher_is_better else found.value - usual.value
    effect = worse / usual.value if measure.relative else worse
    if limit is None:
        return PerformanceJudgement(effect, nan, nan, Status.OK)
    error = float(np.hypot(usual.spread, found.spread))
    pvalue = float(ndtr(-worse / error)) if error > 0.0 else float(worse <= 0.0)
    breach = effect >= limit and pvalue <= _ALPHA / max(tests, 1)
    return PerformanceJudgement(effect, limit, pvalue, Status.BREACH if breach else Status.OK)
