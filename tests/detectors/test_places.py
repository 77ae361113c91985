"""A row's place is the cell it is counted in, whatever its type."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid
from detectors.places import COMPILED_ROWS, places

RNG = np.random.default_rng(0)
N = COMPILED_ROWS + 500
REFERENCE = {
    "normal": pa.array(RNG.normal(size=N)),
    "integers": pa.array(RNG.integers(0, 20, N)),
    "text": pa.array(RNG.choice(["a", "b", "c", "d"], N, p=[0.5, 0.3, 0.199, 0.001])),
    "boolean": pa.array(RNG.random(N) < 0.3),
    "decimal": pa.array([Decimal(int(v)) / 100 for v in RNG.integers(0, 900, N)]),
    "date": pa.array([date(2024, 1, 1) + timedelta(int(v)) for v in RNG.integers(0, 60, N)]),
    "empty": pa.nulls(N),
}
GRID = Grid.fit(pa.table(REFERENCE))
COMING = {
    "normal": np.append(RNG.normal(1.0, 2.0, N - 4), [np.nan, np.inf, -np.inf, 1e300]),
    "integers": RNG.integers(-3, 25, N).astype(float),
    "text": RNG.choice(["a", "b", "e", "f"], N),
    "boolean": RNG.random(N) < 0.6,
    "decimal": [Decimal(int(v)) / 100 for v in RNG.integers(0, 990, N)],
    "date": [date(2024, 1, 1) + timedelta(int(v)) for v in RNG.integers(0, 90, N)],
    "empty": ["now"] * N,
}


@pytest.mark.parametrize("rows", [300, N])
@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("mistaken", [False, True])
def test_places_count_as_the_profile_does(name: str, rows: int, mistaken: bool) -> None:
    array = pa.array(COMING["text" if mistaken and name != "text" else name], mask=RNG.random(N) < 0.1).slice(N - rows)
    column, place = GRID.columns[GRID.index(name)], GRID.index(name)
    found = np.bincount(places(column, array, rows), minlength=column.cells + 5)
    profile = GRID.profile(pa.table({name: array}))
    first = GRID.offsets[place]
    assert found[: column.cells].tolist() == profile.counts[first : first + column.cells].tolist()
    assert found[column.cells :].tolist() == profile.aux[place].tolist()
    chunked = pa.chunked_array([array.slice(0, rows // 3), array.slice(rows // 3)])
    assert places(column, chunked, rows).tolist() == places(column, array, rows).tolist()


def test_encoded_and_absent_and_unusable_columns_have_places_too() -> None:
    column = GRID.columns[GRID.index("text")]
    plain = pa.array(["a", None, "zzz", "b"])
    assert places(column, plain.dictionary_encode(), 4).tolist() == places(column, plain, 4).tolist()
    assert set(places(column, None, 3).tolist()) == {column.cells + 4}
    assert set(places(column, pa.array([[1]]), 1).tolist()) == {column.cells + 3}
