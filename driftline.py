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
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    import pandas as pd

    from detectors.result import Finding
    from monitor.on_demand.adhoc import Compared
    from reports.comparison import ComparisonReport

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Comparison:
    """What came of comparing two tables: every statistic of every column, judged.

    A notebook shows it as a table, `print` as text; `to_frame` and `save` give the rest.
    """

    _compared: Compared

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every statistic of every column, in the order of the table."""
        return self._compared.findings

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns with a breach, of drift or of data quality, in the order of the table."""
        return tuple(dict.fromkeys(f.subject for f in self.findings if f.status.value == "breach"))

    def to_frame(self) -> pd.DataFrame:
        """One row a finding: column, check, statistic, pvalue, threshold, effect, status, n, before, after."""
        import pandas as pd

        from monitor.reporting.comparison import rows

        return pd.DataFrame(rows(self.findings))

    def save(self, path: str | PathLike[str]) -> None:
        """Write a report of one file (`.html`: no script, nothing fetched), or all figures (`.json`, `.csv`).

        Raises ReportError for another suffix or a folder that is not there.
        """
        from pathlib import Path

        from monitor.reporting.comparison import save

        save(self._compared, Path(path))

    def __repr__(self) -> str:
        from reports.comparison_words import text

        return text(self._report())

    def _repr_html_(self) -> str:
        from reports.comparison_pages import render_notebook

        return render_notebook(self._report())

    def _report(self) -> ComparisonReport:
        from monitor.reporting.comparison import report_of

        return report_of(self._compared)


def compare(
    reference: object,
    production: object,
    *,
    detectors: Mapping[str, Any] | Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    private: Iterable[str] = (),
    resolution: int = 500,
) -> Comparison:
    """Compare two tables column by column, with the default detectors and thresholds unless told otherwise.

    Both may be pandas frames, Arrow tables, or anything with `__arrow_c_stream__` (Polars, DuckDB). Columns are matched
    by name; one that `production` lacks has vanished.

    `detectors`: as in the config, `{"psi": {"threshold": 0.1}, "ks": {"enabled": False}}`, shorter `{"psi": 0.1,
    "ks": False}`, the others as they are; or a list of names, and only those are used. `exclude`: columns left out.
    `private`: columns whose values are shown nowhere, neither in `findings` nor in what is saved. `resolution`: how
    many cells a column is cut into, 10 at least; KS is exact to 1/resolution.

    Raises DetectorError (a ValueError) when a table cannot be read as columns, `reference` has no row or no usable
    column, or an option names a detector or column that is not there.
    """
    from monitor.on_demand.adhoc import compare_tables

    options: dict[str, Any] = {"exclude": exclude, "private": private, "resolution": resolution}
    return Comparison(
        compare_tables(reference, production, "comparison", datetime.now(UTC), detectors=detectors, **options)
    )
