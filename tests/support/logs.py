"""Every kind of prediction log behind one small interface, for suites that run over all of them.

In: rows as an Arrow table whose first put fixes the columns. Out: an open log over them.
Kept: files and databases of the test.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from monitor.prediction_log.base import LabelSource, PredictionLog
from monitor.prediction_log.delta import DeltaLog
from monitor.prediction_log.open import open_labels, open_log
from monitor.settings import Columns, LogSettings, ModelSettings

COLUMNS = Columns(timestamp="ts", id="id")
MODEL = "flight-delay"


class Harness(Protocol):
    """One kind of log. `nan` says whether it tells NaN from NULL."""

    nan: bool

    def put(self, rows: pa.Table) -> None: ...

    def settings(self) -> LogSettings: ...

    def unreachable(self) -> LogSettings: ...


def open_for(harness: Harness, columns: Columns = COLUMNS) -> PredictionLog:
    return open_log(ModelSettings(columns=columns), harness.settings(), MODEL)


def labels_for(harness: Harness, columns: Columns) -> LabelSource | None:
    return open_labels(ModelSettings(columns=columns), harness.settings(), MODEL)


class DeltaHarness:
    nan = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._puts = 0

    def put(self, rows: pa.Table) -> None:
        self._puts += 1
        if rows.num_rows == 0 and self._puts == 1:
            # A table with columns and no rows, as another writer may leave it.
            from deltalake import DeltaTable

            DeltaTable.create(str(self.folder / MODEL), rows.schema)
            return
        DeltaLog(str(self.folder), MODEL, COLUMNS).append(rows, f"put {self._puts}")

    def settings(self) -> LogSettings:
        return LogSettings(delta=str(self.folder))

    def unreachable(self) -> LogSettings:
        return LogSettings(delta=str(self.folder / "nowhere"))


class ParquetHarness:
    nan = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "files"
        self.folder.mkdir()
        self._puts = 0

    def put(self, rows: pa.Table) -> None:
        self._puts += 1
        pq.write_table(rows, self.folder / f"part-{self._puts:03}.parquet", row_group_size=20_000)

    def settings(self) -> LogSettings:
        return LogSettings(parquet=str(self.folder))

    def unreachable(self) -> LogSettings:
        return LogSettings(parquet=str(self.folder / "nowhere.parquet"))


_SQL_TYPES: list[tuple[Callable[[pa.DataType], bool], sa.types.TypeEngine[object]]] = [
    (pa.types.is_boolean, sa.Boolean()),
    (pa.types.is_integer, sa.BigInteger()),
    (pa.types.is_floating, sa.Double()),
    (pa.types.is_decimal, sa.Numeric(12, 4)),
    (pa.types.is_timestamp, sa.DateTime(timezone=True)),
    (pa.types.is_date, sa.Date()),
    (pa.types.is_string, sa.Text()),
]


class SqlHarness:
    def __init__(self, url: str, bad_url: str, *, query: bool = False, schema: str | None = None) -> None:
        self.url = url
        self.bad_url = bad_url
        self.nan = "sqlite" not in url  # SQLite stores NaN as NULL
        self._query = query
        self._schema = schema
        self._table: sa.Table | None = None

    def put(self, rows: pa.Table) -> None:
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            if self._schema:
                connection.execute(sa.schema.CreateSchema(self._schema, if_not_exists=True))
            if self._table is None:
                columns = [
                    sa.Column(field.name, next(kind for matches, kind in _SQL_TYPES if matches(field.type)))
                    for field in rows.schema
                ]
                self._table = sa.Table("Predictions of mine", sa.MetaData(), *columns, schema=self._schema)
                self._table.create(connection)
            names = {name: f"p{index}" for index, name in enumerate(rows.schema.names)}
            values = [{names[name]: value for name, value in row.items()} for row in rows.to_pylist()]
            if engine.dialect.name == "sqlite":
                values = [{key: _naive(value) for key, value in row.items()} for row in values]
            if values:
                given = {name: sa.bindparam(key, type_=self._table.c[name].type) for name, key in names.items()}
                connection.execute(self._table.insert().values(given), values)
        engine.dispose()

    def settings(self) -> LogSettings:
        name = '"Predictions of mine"' if not self._schema else f'{self._schema}."Predictions of mine"'
        if self._query:
            return LogSettings(sql=self.url, query=f"SELECT * FROM {name} WHERE ts >= :start AND ts < :end -- mine;")
        prefix = f"{self._schema}." if self._schema else ""
        return LogSettings(sql=self.url, table=f"{prefix}Predictions of mine")

    def unreachable(self) -> LogSettings:
        return LogSettings(sql=self.bad_url, table="predictions")


def _naive(value: object) -> object:
    """SQLAlchemy writes SQLite's times without zone, as they are."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
