"""One Parquet file in parts (its row groups) whose columns are read when they are asked for.

In: how to open the file, the interval. Out: `Part`s. Kept: open readers, one for each thread that reads at the same
time, until `close`; two files at most.

A few columns of a row group at a time stay in the processor's cache from decoding to counting; a whole row group of a
hundred columns does not, and costs half as much again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.prediction_log.arrow import as_times, conform, micros
from monitor.prediction_log.base import LogError, Part
from monitor.prediction_log.parquet_file import row_groups


class FileReaders:
    """One file, opened as often as threads read it at once. `told` puts into words what goes wrong (`errors`)."""

    def __init__(
        self,
        opening: Callable[[pq.FileMetaData | None], pq.ParquetFile],
        told: Callable[[Exception], LogError],
        errors: tuple[type[Exception], ...] = (OSError, pa.ArrowException),
    ) -> None:
        self._opening = opening
        self._told = told
        self._errors = errors
        self._metadata: pq.FileMetaData | None = None
        self._free: list[pq.ParquetFile] = []
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[pq.ParquetFile]:
        """A reader nobody else uses meanwhile. Raises what `told` makes of a file that cannot be read."""
        try:
            try:
                reader = self._free.pop()
            except IndexError:
                reader = self._opening(self._metadata)
                self._metadata = reader.metadata
            try:
                yield reader
            finally:
                self._free.append(reader)
                if self._closed:
                    self.close()
        except self._errors as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Close the file, however often it was opened; what is being read meanwhile is closed once it has been."""
        self._closed = True
        while self._free:
            # Whoever comes second finds nothing.
            with suppress(IndexError):
                self._free.pop().close()

    def __enter__(self) -> FileReaders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def one_after_another(files: Iterable[tuple[FileReaders, Iterable[Part]]]) -> Iterator[Part]:
    """The parts of several files; a file is closed when the next but one is begun, or when nothing more is wanted."""
    opened: deque[FileReaders] = deque()
    try:
        for readers, parts in files:
            while len(opened) > 1:
                opened.popleft().close()
            opened.append(readers)
            yield from parts
    finally:
        for readers in opened:
            readers.close()


@dataclass(frozen=True, slots=True)
class FilePart:
    """One row group; `given` are the file's columns, `known` those of `schema`.

    `schema` and `constants` are as in `parquet_file.file_batches`.
    """

    readers: FileReaders
    group: int
    num_rows: int
    given: frozenset[str]
    known: frozenset[str]
    time: str
    schema: pa.Schema
    constants: Mapping[str, Any]

    def read(self, columns: Sequence[str]) -> pa.RecordBatch:
        """See `Part.read`."""
        with self.readers.one() as file:
            given, known = self.given, self.known
            read = [name for name in columns if name in given and (name in known or name == self.time)]
            # Without columns there is nothing that would tell how many rows there are: they are known already.
            table = file.read_row_group(self.group, columns=read, use_threads=False) if read else None
            names, arrays = [], []
            for name in columns:
                if table is not None and name in read:
                    column = table.column(name)
                    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
                    array = array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)
                    arrays.append(as_times(array, name) if name == self.time else self._conform(array, name))
                elif self.constants.get(name) is not None:
                    value = pa.repeat(pa.scalar(self.constants[name]), self.num_rows)
                    arrays.append(as_times(value, name) if name == self.time else self._conform(value, name))
                elif name in known:
                    arrays.append(pa.nulls(self.num_rows, self.schema.field(name).type))
                else:
                    continue
                names.append(name)
            return pa.RecordBatch.from_arrays(arrays, names=names)

    def _conform(self, array: pa.Array, name: str) -> pa.Array:
        return conform(array, self.schema.field(name).type)


def file_parts(
    readers: FileReaders,
    time: str,
    start: datetime,
    end: datetime,
    schema: pa.Schema,
    constants: Mapping[str, Any] | None = None,
) -> Iterator[FilePart]:
    """The row groups that may hold rows of `[start, end)`."""
    low, high, fixed = micros(start), micros(end), dict(constants or {})
    with readers.one() as file:
        groups, given = row_groups(file, time), frozenset(file.schema_arrow.names)
        timed = time in given or fixed.get(time) is not None
    known = frozenset(schema.names)
    for group in groups if timed else ():
        if group.rows and (group.first is None or group.last is None or (group.first < high and group.last >= low)):
            yield FilePart(readers, group.index, group.rows, given, known, time, schema, fixed)
