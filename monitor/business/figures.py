"""Business metrics: one number a day from the log, from a table of the user's own, or from what errors cost.

In: settings, a log, outcomes, a day. Out: a value with the rows behind it. Kept: nothing.

A SQL expression over the log runs in an in-memory SQLite over that day's rows (table `log`): the same dialect whatever
the log is, only the columns it names are read, and it can do nothing but select. A query of the user's own database
runs there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from detectors.result import Window
from monitor.performance.outcomes import Outcomes
from monitor.prediction_log.base import PredictionLog
from monitor.settings import BusinessSettings, ModelSettings

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class NoFigure(Exception):
    """A business metric has no value; the message says why, without values of the log."""


@dataclass(frozen=True, slots=True)
class Figured:
    """A business metric of one window: its value, and how many rows it is of."""

    value: float
    n: int


def figure(
    settings: ModelSettings, chosen: BusinessSettings, log: PredictionLog, window: Window, outcomes: list[Outcomes]
) -> Figured:
    """The metric of a window. Raises NoFigure, and LogError where the log itself cannot be read."""
    if chosen.costs is not None:
        return _cost(chosen, outcomes)
    if chosen.url is not None:
        return _asked(chosen, window)
    if chosen.sql is not None:
        return _over_log(settings, chosen.sql, log, window)
    name = chosen.column or ""
    if name not in log.schema().names:
        raise NoFigure(f"the log has no column {name}")
    return _over_log(settings, f"AVG({_quoted(name)})", log, window)


def _cost(chosen: BusinessSettings, outcomes: list[Outcomes]) -> Figured:
    costs = chosen.costs
    assert costs is not None
    total, rows = 0.0, 0
    for one in outcomes:
        if one.prediction is not None and one.labelled:
            table = np.array([[costs.tn, costs.fp], [costs.fn, costs.tp]])
            total += float(table[one.label.astype(np.int64), one.prediction.astype(np.int64)].sum())
            rows += one.labelled
    if not rows:
        raise NoFigure("no labels yet")
    return Figured(total / rows, rows)


def _asked(chosen: BusinessSettings, window: Window) -> Figured:
    engine = sa.create_engine(chosen.url or "", poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            statement = sa.text(chosen.query or "")
            row = connection.execute(statement, _bounds(chosen.query or "", window)).fetchone()
            connection.rollback()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise NoFigure(f"its query failed ({type(error).__name__})") from error
    finally:
        engine.dispose()
    if row is None or row[0] is None:
        raise NoFigure("its query gave nothing")
    return Figured(_number(row[0]), int(row[1]) if len(row) > 1 and row[1] is not None else 1)


def _bounds(query: str, window: Window) -> dict[str, datetime]:
    return {name: at for name, at in (("start", window.start), ("end", window.end)) if f":{name}" in query}


def _over_log(settings: ModelSettings, expression: str, log: PredictionLog, window: Window) -> Figured:
    columns = _columns(expression, log.schema().names)
    stamp = settings.columns.timestamp
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        names = list(dict.fromkeys([*columns, stamp]))
        database.execute(f"CREATE TABLE log ({', '.join(_quoted(name) for name in names)})")
        rows = 0
        slots = ", ".join("?" * len(names))
        database.execute("BEGIN")
        for batch in log.batches(window.start, window.end, names):
            database.executemany(f"INSERT INTO log VALUES ({slots})", _plain(batch, names))  # noqa: S608 -- slots only
            rows += batch.num_rows
        database.execute("COMMIT")
        if not rows:
            raise NoFigure("no rows in the window")
        database.set_authorizer(_authorize)
        try:
            value = database.execute(f"SELECT ({expression}) FROM log").fetchone()[0]  # noqa: S608 -- reads alone
        except sqlite3.Error as error:
            raise NoFigure(f"its expression failed ({type(error).__name__})") from error
    if value is None:
        raise NoFigure("its expression gave nothing")
    return Figured(_number(value), rows)


def _columns(expression: str, names: list[str]) -> list[str]:
    """The log's columns an expression reads. Raises NoFigure for one that is no expression over them."""
    read: list[str] = []

    def authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and first == "log" and second:
            read.append(second)
        return _authorize(action, first, second)

    database = sqlite3.connect(":memory:")
    try:
        database.execute(f"CREATE TABLE log ({', '.join(_quoted(name) for name in names)})")
        database.set_authorizer(authorize)
        database.execute(f"SELECT ({expression}) FROM log").fetchone()  # noqa: S608 -- an empty table, reads alone
    except sqlite3.Error as error:
        raise NoFigure(f"not an expression over the log's columns: {error}") from error
    finally:
        database.close()
    return list(dict.fromkeys(read))


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Only selecting from `log`, with functions that reach nothing outside."""
    outside = (action == sqlite3.SQLITE_READ and first != "log") or second == "load_extension"
    return sqlite3.SQLITE_OK if action in _ALLOWED and not outside else sqlite3.SQLITE_DENY


def _plain(batch: pa.RecordBatch, names: list[str]) -> Iterator[tuple[Any, ...]]:
    """Rows as SQLite takes them: times as ISO text, booleans as 0 and 1."""
    columns = []
    for name in names:
        if name in batch.schema.names:
            columns.append([_value(value) for value in batch.column(name).to_pylist()])
        else:
            columns.append([None] * batch.num_rows)
    return zip(*columns, strict=True)


def _value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, int | float | str | bytes) else str(value)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise NoFigure("it gave no number") from error
    if not isfinite(number):
        raise NoFigure("it gave no finite number")
    return number


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
