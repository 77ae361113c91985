"""A table or query of the user's own database, opened to be read and never written.

In: a database URL, and a table (`schema.table`) or a SELECT with `:start` and `:end`.
Out: connections, the columns with their Arrow types, and what to select from.
Kept: the engine (without a pool: an idle monitor holds no connection), the table's resolved name.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.prediction_log.sql_types import declared_type, postgres_type, to_array

_CONNECT_SECONDS = 10
_SAMPLE_ROWS = 1_000
_DENIED = {"42501", "28000", "28P01"}
_NOT_THERE = ("no such table", "no such column", "syntax error", "ambiguous column", "no such function", "near ")


class SqlSource:
    """Where rows come from. Every database error leaves as a LogError with the password masked."""

    def __init__(self, url: str, table: str | None, query: str | None) -> None:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise LogMismatch(
                "the log's database URL cannot be read; write dialect://user:password@host/database"
            ) from (error)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.name = parsed.render_as_string(hide_password=True)
        self.table = table
        self.query = query.strip().rstrip(";") if query else None
        if self.query is not None:
            missing = [name for name in ("start", "end") if not re.search(rf"(?<!:):{name}\b", self.query)]
            if missing:
                raise LogMismatch(f"the query lacks :{' and :'.join(missing)}; it must read the rows of [:start, :end)")
        self._resolved: sa.TableClause | None = None
        try:
            self._engine = self._create()
        except (sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
            raise LogMismatch(f"no driver for {self.name}: {error}; install it beside driftline") from error

    @property
    def dialect(self) -> str:
        """`postgresql`, `sqlite`, …"""
        return self._engine.dialect.name

    def _create(self) -> sa.Engine:
        if self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            path = self.url.database or ""
            # Opened as any file is, SQLite would make an empty database of a misspelt name.
            location = path if path.startswith("file:") else f"file:{quote(path)}?mode=ro"
            return sa.create_engine(
                "sqlite://", creator=lambda: sqlite3.connect(location, uri=True), poolclass=NullPool
            )
        arguments: dict[str, Any] = {}
        if self.url.get_backend_name() == "postgresql":
            # Times without zone are UTC, in comparisons and in date_trunc too.
            arguments = {"connect_timeout": _CONNECT_SECONDS, "options": "-c timezone=UTC"}
        return sa.create_engine(self.url, poolclass=NullPool, connect_args=arguments)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A read-only connection. Errors leave as LogUnreachable or LogMismatch."""
        try:
            with self._engine.connect() as connection:
                if self.dialect == "postgresql":
                    connection = connection.execution_options(postgresql_readonly=True)
                yield connection
        except sa.exc.DBAPIError as error:
            raise self._explained(error) from error
        except sa.exc.SQLAlchemyError as error:
            raise LogMismatch(f"{self.name}: {self._masked(str(error))}") from error

    def _explained(self, error: sa.exc.DBAPIError) -> LogUnreachable | LogMismatch:
        text = self._masked(str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else str(error))
        state = getattr(error.orig, "sqlstate", None)
        wrong = isinstance(error, sa.exc.ProgrammingError | sa.exc.DataError | sa.exc.NotSupportedError)
        if self.dialect == "sqlite":
            wrong = isinstance(error, sa.exc.OperationalError) and any(part in text for part in _NOT_THERE)
        if wrong and state not in _DENIED:
            return LogMismatch(f"{self.name}: {text}")
        return LogUnreachable(f"cannot read {self.name}: {text}")

    def _masked(self, text: str) -> str:
        password = self.url.password
        return text.replace(str(password), "***") if password else text

    def rows(self, connection: sa.Connection) -> sa.FromClause | sa.TextClause:
        """What to select from; a query has its `:start` and `:end` still open. Raises LogMismatch."""
        if self.query is not None:
            # The line break ends a comment the query may end with.
            return sa.text(f"({self.query}\n) driftline_rows")
        if self._resolved is None:
            self._resolved = self._resolve(connection)
        return self._resolved

    def _resolve(self, connection: sa.Connection) -> sa.TableClause:
        inspector = sa.inspect(connection)
        given = self.table or ""
        schema, _, name = given.rpartition(".")
        for candidate, within in ((given, None), (name, schema or None)):
            if candidate and inspector.has_table(candidate, schema=within):
                return sa.table(candidate, schema=within)
        home = schema if schema in inspector.get_schema_names() else None
        there = sorted([*inspector.get_table_names(home), *inspector.get_view_names(home)])[:20]
        raise LogMismatch(f"{self.name} has no table {given!r}; there are {', '.join(there) or 'none'}")

    def columns(self, connection: sa.Connection, times: tuple[Any, Any]) -> dict[str, pa.DataType]:
        """The columns and their Arrow types; `times` are values for a query's `:start` and `:end`."""
        result = connection.execute(self.bound(self.select(connection, ["*"]).limit(0), times))
        names = list(result.keys())
        description = result.cursor.description if result.cursor is not None else ()
        codes = [entry[1] for entry in description]
        result.close()
        if len(set(names)) != len(names):
            double = sorted({name for name in names if names.count(name) > 1})
            raise LogMismatch(f"{self.name}: several columns are named {', '.join(double)}")
        if self.dialect == "postgresql":
            return {name: postgres_type(code) for name, code in zip(names, codes, strict=True)}
        declared = self._declared(connection)
        open_names = [name for name in names if declared.get(name) is None]
        sampled = self._sampled(connection, open_names, times) if open_names else {}
        return {name: declared.get(name) or sampled[name] for name in names}

    def _declared(self, connection: sa.Connection) -> dict[str, pa.DataType | None]:
        if self._resolved is None:
            return {}
        columns = sa.inspect(connection).get_columns(self._resolved.name, schema=self._resolved.schema)
        return {column["name"]: declared_type(column["type"]) for column in columns}

    def _sampled(self, connection: sa.Connection, names: list[str], times: tuple[Any, Any]) -> dict[str, pa.DataType]:
        statement = self.select(connection, names).limit(_SAMPLE_ROWS)
        rows = connection.execute(self.bound(statement, times)).fetchall()
        values = list(zip(*rows, strict=True)) or [()] * len(names)
        return {name: to_array(column, None).type for name, column in zip(names, values, strict=True)}

    def select(self, connection: sa.Connection, names: list[Any]) -> sa.Select[Any]:
        """A SELECT of columns by name (`*` for all) or of expressions."""
        chosen = [sa.text("*") if name == "*" else sa.column(name) if isinstance(name, str) else name for name in names]
        return sa.select(*chosen).select_from(self.rows(connection))

    def bound(self, statement: sa.Select[Any], times: tuple[Any, Any]) -> sa.Select[Any]:
        """The statement with a query's `:start` and `:end` filled in; a table has none."""
        return statement if self.query is None else statement.params(start=times[0], end=times[1])

    def close(self) -> None:
        """Dispose of the engine."""
        self._engine.dispose()
