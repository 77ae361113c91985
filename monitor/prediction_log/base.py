"""What Driftline needs of a prediction log: the protocols, their value types and their errors.

In: times (aware UTC), column names. Out: Arrow record batches with exactly the columns asked for.
Kept: nothing; each implementation says what it keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import pyarrow as pa


class LogError(Exception):
    """Base of everything a prediction log raises on purpose; the message is fit to show its owner."""


class LogUnreachable(LogError):
    """The log could not be read: not there, no network, no permission. "Monitor blind", never "no rows"."""


class LogMismatch(LogError):
    """The log was read and does not hold what the config says (a mapped column is missing, no usable times)."""


class LogNotWritten(LogError):
    """Rows could not be added to a log of ours (full disk, no permission); none of them is half there."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a log that has rows. `token` changes whenever the hour's rows may have changed."""

    start: datetime
    token: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: rows written, and rows left out because the same import had landed before."""

    rows: int
    skipped: int = 0


class Part(Protocol):
    """Some rows of a log, whose columns are read when they are asked for. Several threads may ask at once."""

    @property
    def num_rows(self) -> int:
        """How many rows it has."""

    def read(self, columns: Sequence[str]) -> pa.RecordBatch:
        """All its rows with `columns`, as `PredictionLog.batches` gives them; a time may be null."""


@dataclass(frozen=True, slots=True)
class Held:
    """A part that has been read already."""

    batch: pa.RecordBatch

    @property
    def num_rows(self) -> int:
        """How many rows it has."""
        return int(self.batch.num_rows)

    def read(self, columns: Sequence[str]) -> pa.RecordBatch:
        """See `Part.read`."""
        names = set(self.batch.schema.names)
        return self.batch.select([name for name in columns if name in names])


@runtime_checkable
class PredictionLog(Protocol):
    """The rows one model served. Times are aware UTC; intervals are half-open `[start, end)`.

    A row without a time belongs to no interval and is never seen. A time without zone is read as UTC.
    """

    def schema(self) -> pa.Schema:
        """The columns as the source has them. Raises LogUnreachable, LogMismatch."""

    def span(self) -> tuple[datetime, datetime] | None:
        """Time of the first and of the last row, or None for a log with no rows."""

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        """The hours that have rows, oldest first, each with its change token.

        Whole UTC hours: `start` is taken down and `end` up to a full hour.
        """

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of `[start, end)`, in no stated order, with exactly `columns` in that order.

        The timestamp column always comes as `timestamp[us, UTC]`. A column asked for that the source no longer
        has comes back absent from the batch's schema (its reader decides what that means), except the timestamp:
        without it LogMismatch is raised. Where single files or values do not have the type `schema()` says, their
        batches come with the type they do have.
        """

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        """The rows of `batches`, and maybe some outside of `[start, end)`, to be read a few columns at a time.

        `columns` names all that will be asked for. A part can be read until the next but one is asked for, so that one
        can be counted while the next is looked at.
        """

    def token(self) -> str:
        """Changes whenever any row may have been added or removed."""

    def close(self) -> None:
        """Release connections and files; may be called twice."""


@runtime_checkable
class LabelSource(Protocol):
    """The labels of one model: append-only, the latest received wins."""

    def labels(self, since: datetime, until: datetime) -> pa.Table:
        """Labels received in `[since, until)`: columns `id` (string), `label`, `received_at` (timestamp[us, UTC]).

        One row an id: the latest received of the interval; `first_at` is when the first of them was.
        """

    def token(self) -> str:
        """Changes whenever labels may have been added."""

    def close(self) -> None:
        """Release connections and files; may be called twice."""


@runtime_checkable
class Appendable(Protocol):
    """A log that is ours to write. Both appends are idempotent by (`import_id`, `part`).

    An import of several parts adds them in order from 0; a part at or before the last that landed adds nothing.
    """

    def append(self, rows: pa.Table, import_id: str, part: int = 0) -> Appended:
        """Append rows in one commit. Raises LogMismatch (types, times without zone), LogNotWritten."""

    def append_labels(self, labels: pa.Table, import_id: str, part: int = 0) -> Appended:
        """Append labels: columns `id`, `label`, `label_time` (may be null), `received_at`."""
