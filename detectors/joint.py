"""What a multivariate detector says of one window: one figure for the joint distribution, and who is behind it.

In: nothing. Out: `JointStatistic` and `Contribution`, and whom to name. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.result import Status


@dataclass(frozen=True, slots=True)
class Contribution:
    """One column's part: `share` in the statistic's own unit, `pvalue` of the column alone (NaN: it was not judged)."""

    column: str
    share: float
    pvalue: float


@dataclass(frozen=True, slots=True)
class JointStatistic:
    """A statistic of the joint distribution of all columns in a window of `n` rows.

    `value` and its `pvalue`, the latter already corrected for every column looked at. `contributions`: the columns
    behind it, the certain ones first, then the largest share. Where `reason` is not empty there was too little to judge
    by, and both are NaN.
    """

    value: float
    pvalue: float
    n: int
    contributions: tuple[Contribution, ...] = ()
    reason: str = ""

    def status(self, threshold: float, alpha: float = 0.01) -> Status:
        """Breach: the value reaches the threshold and the p-value is at most `alpha`."""
        if self.reason:
            return Status.INSUFFICIENT
        return Status.BREACH if self.value >= threshold and self.pvalue <= alpha else Status.OK


def insufficient(n: int, reason: str) -> JointStatistic:
    """A window, or a reference, that cannot be judged."""
    return JointStatistic(float("nan"), float("nan"), n, (), reason)


def behind(columns: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    """Whom to name, of columns with their shares, the first one first: it, and those with half of its share or more.

    A column that lost its relation takes something from those it was related to; they are not what is broken.
    """
    return tuple(name for name, share in columns if share >= 0.5 * columns[0][1])
