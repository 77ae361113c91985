"""What a batch of a log's rows says of itself: when they were served, by which version.

In: Arrow batches. Out: times as microseconds, names of versions and runs, the batch split by version. Kept: nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.result import IntArray
from monitor.prediction_log.base import LogMismatch

UNVERSIONED = "unversioned"
# What the state database's columns for names hold, with room for a prefix.
_LONGEST_NAME = 180


def names_of(column: pa.Array) -> pa.DictionaryArray:
    """Versions or run ids as encoded texts that every database can hold: printable, `_LONGEST_NAME` characters at most.

    Raises LogMismatch for values that are no names, such as lists.
    """
    try:
        encoded = column.cast(pa.string()).dictionary_encode()
    except pa.ArrowException as error:
        raise LogMismatch(f"versions and run ids must be texts or numbers: {error}") from error
    names = [_fit_name(name) for name in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(names, pa.string()))


def _fit_name(name: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in name).strip()
    if plain == name and len(name) <= _LONGEST_NAME:
        return name or UNVERSIONED
    # Two names that only differ in what is cut must not become one.
    return f"{plain[: _LONGEST_NAME - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def times_of(batch: pa.RecordBatch, column: str) -> IntArray:
    """The timestamp column as microseconds, shape (rows,)."""
    stamps: IntArray = batch.column(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return stamps


def version_codes(batch: pa.RecordBatch, column: str | None) -> tuple[list[str], IntArray]:
    """The versions' names, and for each row the position of its own, shape (rows,). Several may have one name.

    Rows without a version are `unversioned`, and so are all where there is no such column.
    """
    if column is None or column not in batch.schema.names:
        return [UNVERSIONED], np.zeros(batch.num_rows, dtype=np.int64)
    encoded = names_of(batch.column(batch.schema.get_field_index(column)))
    names = [*encoded.dictionary.to_pylist(), UNVERSIONED]
    codes = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    return names, codes.astype(np.int64)


def by_version(
    batch: pa.RecordBatch, times: IntArray, column: str | None
) -> Iterator[tuple[str, pa.RecordBatch, IntArray]]:
    """The batch split by version, with each part's times; untouched where there is only one version."""
    names, codes = version_codes(batch, column)
    present = np.unique(codes)
    if len(present) == 1:
        yield names[present[0]], batch, times
        return
    for code in present:
        chosen = np.flatnonzero(codes == code)
        yield names[code], batch.take(pa.array(chosen)), times[chosen]


def merged(
    parts: Iterable[tuple[pa.RecordBatch, NDArray[np.generic]]], least: int
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.generic]]]:
    """Neighbouring batches of one schema as one, with the arrays that go with their rows, until they have `least` rows.

    What is done a column at a time takes as long for forty rows as for four thousand, and files may be small.
    """
    held: list[tuple[pa.RecordBatch, NDArray[np.generic]]] = []
    rows = 0
    for batch, beside in parts:
        if held and (rows >= least or batch.schema != held[0][0].schema):
            yield _one(held)
            held, rows = [], 0
        held.append((batch, beside))
        rows += batch.num_rows
    if held:
        yield _one(held)


def _one(held: list[tuple[pa.RecordBatch, NDArray[np.generic]]]) -> tuple[pa.RecordBatch, NDArray[np.generic]]:
    if len(held) == 1:
        return held[0]
    (whole,) = pa.Table.from_batches([batch for batch, _ in held]).combine_chunks().to_batches()
    return whole, np.concatenate([beside for _, beside in held])
