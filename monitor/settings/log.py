"""Where a prediction log and its labels are.

In: plain mappings. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from monitor.settings.types import Mark, Section


class LogSettings(Section):
    """Where a prediction log is; exactly one of delta, parquet, sql."""

    delta: Annotated[str | None, Mark.PATH] = Field(
        None, description="folder or object-store URL of the embedded log; one Delta table a model below it"
    )
    parquet: Annotated[str | None, Mark.PATH] = Field(
        None, description="file, folder or glob of Parquet files, read-only"
    )
    sql: Annotated[str | None, Mark.URL] = Field(None, description="database URL of your own table or query")
    table: str | None = Field(None, description="with sql: the table, `schema.table` where it is in a schema")
    query: str | None = Field(None, description="with sql: a SELECT with :start and :end in place of a table")

    @model_validator(mode="after")
    def _one_source(self) -> LogSettings:
        given = [name for name in ("delta", "parquet", "sql") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of delta, parquet or sql")
        if self.sql and bool(self.table) == bool(self.query):
            raise ValueError("sql needs either table or query")
        if not self.sql and (self.table or self.query):
            raise ValueError("table and query go with sql")
        return self


class LabelSettings(LogSettings):
    """Labels that live apart from the predictions: where, under which column names."""

    delta: Annotated[str | None, Mark.PATH] = Field(
        None, description="folder of the embedded log that holds the labels table"
    )
    id: str = Field("id", description="column with the prediction's id")
    label: str = Field("label", description="column with the label")
    received_at: str = Field("received_at", description="column with the time the label became known")
