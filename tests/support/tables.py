"""Random tables with every kind of column, and KS and PSI computed on raw rows by other people's code.

In: a seed. Out: Arrow tables; figures by plain numpy and scipy. Kept: nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NUMBERS = ("smooth", "skewed", "heavy", "whole", "few", "spiked", "holed", "constant")
CATEGORIES = ("colour", "flag", "many")


def random_table(seed: int, n: int, moved: float = 0.0) -> pa.Table:
    """`n` rows of numbers and categories; `moved` shifts, mixes or thins each of them by an amount of its own."""
    rng = np.random.default_rng([seed, n, int(moved * 1000)])
    spiked = np.where(rng.random(n) < 0.4 + 0.2 * moved, 0.0, rng.gamma(2.0, 3.0, n))
    holed = rng.normal(moved, 1.0, n)
    holed[rng.random(n) < 0.1] = np.nan
    holed[rng.random(n) < 0.01] = np.inf
    whole = pa.array(rng.poisson(5 + 3 * moved, n), mask=rng.random(n) < 0.05)
    letters = np.array(list("abcdefgh"))
    return pa.table(
        {
            "smooth": rng.normal(0.3 * moved, 1.0 + 0.2 * moved, n),
            "skewed": rng.lognormal(1.0 + 0.5 * moved, 0.7, n),
            "heavy": rng.standard_cauchy(n) * 10.0 ** rng.integers(-3, 4) + moved,
            "whole": whole,
            "few": rng.choice([0.5, 1.5, 2.5], n, p=[0.2, 0.5, 0.3] if not moved else [0.5, 0.3, 0.2]),
            "spiked": spiked,
            "holed": holed,
            "constant": np.full(n, 7.0),
            "colour": letters[rng.integers(0, 3 + int(3 * moved), n)],
            "flag": rng.random(n) < 0.3 + 0.2 * moved,
            "many": pa.array([f"k{k}" for k in rng.integers(0, 40, n)], pa.string()),
        }
    )


def finite(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A numeric column's usable values."""
    values = table.column(name).drop_null().cast(pa.float64()).to_numpy()
    found: NDArray[np.float64] = values[np.isfinite(values)]
    return found


def ks_of(reference: pa.Table, production: pa.Table, name: str) -> float:
    """scipy's two-sample KS."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(finite(reference, name), finite(production, name), method="asymp").statistic)


def psi_of(first: NDArray[Any], second: NDArray[Any]) -> float:
    """PSI of two arrays of counts in the same bins: an empty bin counts as half a row, one empty on both sides not."""
    some = (first + second) > 0
    r, p = (np.maximum(side, 0.5)[some] / side.sum() for side in (first, second))
    return float(((p - r) * np.log(p / r)).sum())


def counts_between(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values lie in each `(edge, next edge]`."""
    below = np.array([(values <= edge).sum() for edge in edges])
    return np.diff(below)


def counts_of(table: pa.Table, name: str, values: list[Any]) -> NDArray[np.int64]:
    """How often each value comes, and last how often any other does."""
    found = [value for value in table.column(name).to_pylist() if value is not None]
    known = [sum(value == wanted for value in found) for wanted in values]
    return np.array([*known, len(found) - sum(known)])
