"""One comparison of two tables as plain frozen data: what the report of a single check shows.

In: nothing; the monitor fills these values. Out: `ComparisonReport`, for `comparison_words.py` and
`comparison_pages.py`. Kept: nothing.

Parts are those of `context.py`, with its rules: shares are fractions of 1, a figure that does not exist is None, text
may be hostile, and private columns come as names and statistics alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.context import FeatureDrift, FindingRow, QualityRow, State
from reports.errors import ReportError


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two tables: how many rows it has, and what its owner calls it, if anything."""

    rows: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Production against reference, once.

    `quality`: data-quality checks worth showing, breaches first. `features`: every column that was compared, those
    over their limit first, by effect. `findings`: every figure, a column's together. `left_out`: columns that were not
    compared, and why. `minimum_rows` is how many each table needs before anything is judged.
    """

    title: str
    reference: Side
    production: Side
    generated_at: datetime
    program: str  # "driftline 0.1.0"
    minimum_rows: int
    columns: int
    quality: tuple[QualityRow, ...] = ()
    features: tuple[FeatureDrift, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.generated_at.tzinfo is None:
            raise ReportError("the time a comparison was made at needs a zone")

    @property
    def broken(self) -> tuple[QualityRow, ...]:
        """The data-quality checks in breach."""
        return tuple(row for row in self.quality if row.state is State.BREACH)

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The columns whose distribution moved past its limit, by effect."""
        return tuple(feature for feature in self.features if feature.figures[0].state is State.BREACH)

    @property
    def quiet(self) -> tuple[FeatureDrift, ...]:
        """The columns that were compared and stayed within their limits, or could not be judged."""
        return tuple(feature for feature in self.features if feature.figures[0].state is not State.BREACH)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The columns with too little to judge their drift by, and no data-quality finding that says why."""
        said = {row.subject for row in self.broken}
        return tuple(
            feature.name
            for feature in self.features
            if feature.name not in said and all(figure.state is State.INSUFFICIENT for figure in feature.figures)
        )

    @property
    def state(self) -> State:
        """How the whole stands: a breach of anything, nothing judged at all, or in order."""
        if self.broken or self.drifted:
            return State.BREACH
        drift = [figure for feature in self.features for figure in feature.figures]
        # A vanished column is a certainty, however few the rows: that none has does not mean that anything was judged.
        judged = drift or [row.figure for row in self.findings]
        return State.OK if any(figure.state is State.OK for figure in judged) else State.INSUFFICIENT
