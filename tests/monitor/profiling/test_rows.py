"""Versions and runs are names, whatever a log calls them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitor.prediction_log.base import LogMismatch
from monitor.profiling.rows import by_version, merged, names_of


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pa.array(["a", None, "a", "b"]), ["a", "unversioned", "b"]),
        (pa.array([1, 2, None, 1]), ["1", "2", "unversioned"]),
        (pa.array(["", "1", "1", "1"]), ["unversioned", "1"]),
        (pa.array(["a", "b", "a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([None] * 4, pa.null()), ["unversioned"]),
    ],
)
def test_versions_are_texts_whatever_they_are_in_the_log(values: pa.Array, names: list[str]) -> None:
    batch = pa.RecordBatch.from_arrays([values, pa.array([0, 1, 2, 3])], names=["v", "x"])
    found = list(by_version(batch, np.arange(4), "v"))
    assert sorted(name for name, _, _ in found) == sorted(names)
    assert sum(part.num_rows for _, part, _ in found) == 4
    for _, part, times in found:
        assert part.column("x").to_pylist() == times.tolist()
    assert [name for name, _, _ in by_version(batch, np.arange(4), None)] == ["unversioned"]
    assert [name for name, _, _ in by_version(batch, np.arange(4), "no such column")] == ["unversioned"]


def test_hostile_version_names_fit_every_database_and_stay_apart() -> None:
    long, longer = "v" * 500, "v" * 501
    given = [long, longer, "a\x00b", "a b", "line\nbreak", "  ", "plain", "\u202eevil"]
    names = names_of(pa.array(given)).dictionary.to_pylist()
    assert len(set(names)) == len(given)
    assert all(0 < len(name) <= 180 and name.isprintable() for name in names)
    assert "plain" in names
    assert names == names_of(pa.array(given)).dictionary.to_pylist()


def test_a_version_that_is_no_name_is_the_owners_mistake() -> None:
    with pytest.raises(LogMismatch, match="texts or numbers"):
        names_of(pa.array([[1], [2]]))
    with pytest.raises(LogMismatch, match="texts or numbers"):
        names_of(pa.array([b"\xff\xfe"], pa.binary()))


def test_neighbours_of_one_schema_are_merged_until_they_are_enough() -> None:
    def part(first: int, count: int, kind: pa.DataType = pa.int64()) -> tuple[pa.RecordBatch, np.ndarray]:
        values = np.arange(first, first + count)
        return pa.record_batch({"x": pa.array(values, kind)}), values * 10

    parts = [part(0, 2), part(2, 3), part(5, 1), part(6, 1, pa.float64()), part(7, 2, pa.float64())]
    found = list(merged(parts, 4))
    assert [batch.column(0).to_pylist() for batch, _ in found] == [[0, 1, 2, 3, 4], [5], [6.0, 7.0, 8.0]]
    assert [beside.tolist() for _, beside in found] == [[0, 10, 20, 30, 40], [50], [60, 70, 80]]
    assert list(merged([], 4)) == []
