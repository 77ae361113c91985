"""What is made of outcomes: own performance metrics, business metrics, and what the model was trained on.

In: plain mappings. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from monitor.settings.types import Mark, Moment, Section


class TrainingSettings(Section):
    """What the model was trained on: an interval (from, to) or a file."""

    start: Moment | None = Field(None, alias="from", description="first day (or instant) of the training rows")
    end: Moment | None = Field(None, alias="to", description="day after the last (or instant)")
    file: Annotated[str | None, Mark.PATH] = Field(
        None,
        description="training file (Parquet, CSV or NDJSON): its ids (`columns.id`) are held against the baseline's, "
        "its features against what is served; may hold {version}",
    )
    out_of_fold: bool = Field(
        False, description="the log's scores of these rows are out of fold: each by a model that had not seen it"
    )

    @model_validator(mode="after")
    def _one_form(self) -> TrainingSettings:
        interval = self.start is not None and self.end is not None
        if interval == (self.file is not None) or (self.start is None) != (self.end is None):
            raise ValueError("give either both from and to, or file")
        return self


class MetricSettings(Section):
    """A metric of the user's own, in Python."""

    function: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$",
        description="`package.module:function`, called with arrays (label, score, prediction); returns a number",
    )
    higher_is_better: bool = Field(True, description="false for a cost or an error")
    tolerance: float | None = Field(
        None, gt=0, description="how much worse than the baseline's is too much; without it, measured and not judged"
    )
    relative: bool = Field(False, description="the tolerance is a share of the baseline's value")


class CostSettings(Section):
    """What each outcome of a binary prediction costs (gains are negative)."""

    tp: float = Field(0.0, description="a positive predicted to be one")
    fp: float = Field(0.0, description="a negative predicted to be positive")
    fn: float = Field(0.0, description="a positive predicted to be negative")
    tn: float = Field(0.0, description="a negative predicted to be one")


class BusinessSettings(Section):
    """A business metric, one number a day; exactly one of sql, column, costs, url with query."""

    sql: str | None = Field(None, description="SQL expression (SQLite) over the day's rows: `SUM(revenue) / COUNT(*)`")
    column: str | None = Field(None, description="column of the log whose mean it is")
    costs: CostSettings | None = Field(None, description="cost of each outcome; the metric is the cost a prediction")
    url: Annotated[str | None, Mark.URL] = Field(None, description="database of your own table")
    query: str | None = Field(
        None, description="with url: a SELECT of one number (and maybe the rows behind it), with :start and :end"
    )
    higher_is_better: bool = Field(True, description="false for a cost")
    min: float | None = Field(None, description="fixed limit: below it is a breach")
    max: float | None = Field(None, description="fixed limit: above it is a breach")

    @model_validator(mode="after")
    def _one_form(self) -> BusinessSettings:
        given = [name for name in ("sql", "column", "costs", "url") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of sql, column, costs, or url with query")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")
        return self
