"""Synthetic days whose columns hang together, each day with a weather of its own."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detectors import Grid
from detectors.sample import Sample, SampleRule, take

COLUMNS = ("hour", "warm", "damp", "fare", "zone", "noise")


def day(rng: np.random.Generator, rows: int = 500, first: int = 0, weather: bool = True) -> pa.Table:
    """`warm` follows the hour in a way of the day's own, `damp` follows `warm`, `fare` follows `zone`; `noise` nothing.

    Without `weather` the days differ by chance alone.
    """
    hour = rng.integers(0, 24, rows)
    course = np.sin(hour / 24 * 2 * np.pi + (rng.uniform(0, 2 * np.pi) if weather else 0.0))
    warm = (10 + 5 * rng.normal() if weather else 10.0) + 4 * course + rng.normal(size=rows)
    zone = rng.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    return pa.table(
        {
            "id": [f"row-{number}" for number in range(first, first + rows)],
            "hour": hour,
            "warm": warm,
            "damp": -0.8 * warm + rng.normal(size=rows),
            "fare": np.exp(zone + 0.5 * rng.normal(size=rows)),
            "zone": np.array(["a", "b", "c", "d"])[zone],
            "noise": rng.normal(size=rows),
        }
    )


def days(rng: np.random.Generator, count: int, rows: int = 500, weather: bool = True) -> list[pa.Table]:
    """Some days after one another, ids all different."""
    return [day(rng, rows, number * rows, weather) for number in range(count)]


def grid_of(tables: list[pa.Table]) -> Grid:
    """The grid of all columns but the id."""
    return Grid.fit(pa.concat_tables(tables).drop_columns("id"))


def sample_of(grid: Grid, table: pa.Table) -> Sample:
    """Every row of a table as a sample."""
    return take(grid, table, "id", SampleRule(1.0, 100_000))


def shuffled(table: pa.Table, name: str, rng: np.random.Generator) -> pa.Table:
    """The same table with one column in another order: marginals the same, relations gone."""
    position = table.column_names.index(name)
    return table.set_column(position, name, table.column(name).take(pa.array(rng.permutation(table.num_rows))))
