"""The small public face for notebooks and CI.

>>> import pandas as pd
>>> import driftline
>>> before = pd.DataFrame({"age": range(1000)})
>>> driftline.compare(before, before + 500).drifted
('age',)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from detectors.result import Finding

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing two tables: every statistic of every column, judged."""

    findings: tuple[Finding, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns with a breach, in the order of the table."""
        return tuple(dict.fromkeys(f.subject for f in self.findings if f.status.value == "breach"))

    def to_frame(self) -> pd.DataFrame:
        """One row a finding: column, check, statistic, pvalue, threshold, effect, status, n, before, after."""
        import pandas as pd

        rows = [
            {
                "column": finding.subject,
                "check": finding.detector,
                "statistic": finding.statistic,
                "pvalue": finding.pvalue,
                "threshold": finding.threshold,
                "effect": finding.effect,
                "status": finding.status.value,
                "n": finding.n,
                "before": finding.detail.get("before"),
                "after": finding.detail.get("after"),
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows)


def compare(reference: Any, production: Any) -> Comparison:
    """Compare two tables column by column, with the default detectors and thresholds.

    Both may be pandas frames, Arrow tables, or anything with `__arrow_c_stream__`. Columns are matched by name; one
    that `production` lacks has vanished. Raises DetectorError when `reference` has no row or no usable column.
    """
    import pyarrow as pa

    from monitor.adhoc import compare_tables

    before, after = pa.table(reference), pa.table(production)
    return Comparison(tuple(compare_tables(before, after, "comparison", datetime.now(UTC))))
