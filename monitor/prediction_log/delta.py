"""The embedded prediction log: one Delta table a model, and one for its labels.

In: the log's folder (or object-store URL), the model's name, which column plays which part.
Out: the `PredictionLog`, `Appendable` and `LabelSource` protocols over `<root>/<model>` and `<root>/<model>.labels`.
Kept: nothing in memory; the tables are the truth, and open in Spark, DuckDB and Polars as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import pyarrow as pa

from monitor.prediction_log import delta_write
from monitor.prediction_log.arrow import TIME
from monitor.prediction_log.base import Appended, Hour, LogMismatch, LogUnreachable, Part
from monitor.prediction_log.delta_table import TimedTable, local_folder
from monitor.settings import Columns

LABELS = ".labels"


def table_name(model: str) -> str:
    """A model's folder: its name, with whatever a path cannot hold written as `~` and its code point."""
    name = re.sub(r"[^\w .=-]", lambda match: f"~{ord(match[0]):x}", model)
    name = re.sub(r"^\.", "~2e", name)
    return re.sub(r"\.labels$", "~2elabels", name)


def table_location(root: str, model: str, suffix: str = "") -> str:
    """Where a model's table lies under the log's root."""
    return f"{root.rstrip('/') or '/'}/{table_name(model)}{suffix}"


class DeltaLog:
    """The prediction log of one model in a folder of Delta tables that Driftline or its client writes."""

    def __init__(self, root: str, model: str, columns: Columns) -> None:
        self.root = root
        self.model = model
        self.columns = columns
        self._rows = TimedTable(table_location(root, model), columns.timestamp, self._hint)
        self._labels = TimedTable(table_location(root, model, LABELS), "received_at")

    def _hint(self) -> str:
        folder = local_folder(self.root)
        if folder is not None and not folder.is_dir():
            return f": there is no folder {folder}; `driftline log import {self.model} FILES` makes it"
        # For whoever misspelt a model's name.
        names = sorted(path.parent.name for path in folder.glob("*/_delta_log")) if folder else []
        names = [name for name in names if not name.endswith(LABELS)][:10]
        there = f" (there are: {', '.join(names)})" if names else ""
        return f"{there}; `driftline log import {self.model} FILES` makes it"

    def schema(self) -> pa.Schema:
        """The table's columns."""
        return self._rows.schema()

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last row."""
        return self._rows.span()

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """Hours with rows; a token changes when a file that holds rows of the hour comes or goes."""
        return self._rows.hours(start, end)

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of `[start, end)`, all of the version the first batch came from."""
        return self._rows.batches(start, end, columns)

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """Row groups that hold rows of `[start, end)`, all of the version the first came from."""
        return self._rows.parts(start, end, columns)

    def token(self) -> str:
        """The table's version."""
        return self._rows.token()

    def append(self, rows: pa.Table, import_id: str, part: int = 0) -> Appended:
        """Append rows in one commit; see `Appendable`."""
        parts = (self.columns.id, self.columns.version, self.columns.run)
        text = {name for name in parts if name is not None}
        return delta_write.append(self._rows, rows, import_id, part, text)

    def replace_from(self, start: datetime, rows: pa.Table) -> int:
        """Put rows in place of everything from `start` on; see `delta_write.replace_from`."""
        parts = (self.columns.id, self.columns.version, self.columns.run)
        return delta_write.replace_from(self._rows, start, rows, {name for name in parts if name is not None})

    def append_labels(self, labels: pa.Table, import_id: str, part: int = 0) -> Appended:
        """Append labels to the model's labels table; see `Appendable`."""
        missing = {"id", "label", "received_at"} - set(labels.column_names)
        if missing:
            raise LogMismatch(f"labels lack {', '.join(sorted(missing))}; they need id, label and received_at")
        names = ["received_at", "id", "label"]
        columns = {name: labels.column(name) for name in names}
        if "label_time" in labels.column_names:
            columns["label_time"] = labels.column("label_time")
        return delta_write.append(self._labels, pa.table(columns), import_id, part, {"id"})

    def known_types(self) -> pa.Schema:
        """The columns rows must fit; empty while there is no table."""
        found = self._rows.find()
        return pa.schema([]) if found is None else self._rows.schema(found)

    def known_label_type(self) -> pa.DataType | None:
        """The type labels must fit, None while there are none."""
        found = self._labels.find()
        return None if found is None else self._labels.schema(found).field("label").type

    def compact_closed_days(self, before: date) -> int:
        """Join the small files of the days before `before`, of rows and labels; returns how many files went."""
        gone = delta_write.compact_closed_days(self._rows, before)
        if self._labels.find() is not None:
            gone += delta_write.compact_closed_days(self._labels, before)
        return gone

    def close(self) -> None:
        """Nothing is held open between calls."""


class DeltaRows:
    """A Delta table as a plain source of timed rows; one that is not there yet has no rows.

    The labels table is read through it: labels come later than rows, and often never. Its folder must be there.
    """

    def __init__(self, location: str, time: str) -> None:
        self._table = TimedTable(location, time)

    def _empty(self) -> bool:
        folder = self._table.folder
        if folder is not None and not folder.parent.is_dir():
            raise LogUnreachable(f"there is no folder {folder.parent}")
        return self._table.find() is None

    def schema(self) -> pa.Schema:
        """The columns; only the time while there is no table."""
        return pa.schema([pa.field(self._table.time, TIME)]) if self._empty() else self._table.schema()

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last row."""
        return None if self._empty() else self._table.span()

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """Hours with rows."""
        return [] if self._empty() else self._table.hours(start, end)

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of `[start, end)`."""
        if not self._empty():
            yield from self._table.batches(start, end, columns)

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """Row groups that hold rows of `[start, end)`."""
        if not self._empty():
            yield from self._table.parts(start, end, columns)

    def token(self) -> str:
        """The table's version, `none` while there is no table."""
        return "none" if self._empty() else self._table.token()

    def close(self) -> None:
        """Nothing is held open between calls."""
