"""Raw arrays, for detectors that are asked without a grid.

In: arrays of shape (rows, features), or (rows,) for one feature. Out: the same as float64, or two profiles on the grid
of the first. Kept: nothing.

NaN and infinite values are left out, feature by feature; a feature with none left on a side is NaN in every result.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from detectors.grid import Grid
from detectors.profile import Profile
from detectors.result import DetectorError, FloatArray


def two_sided(reference: ArrayLike, production: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both as float64 of shape (rows, features). Raises DetectorError for arrays of other shapes or two widths."""
    first, second = _two_dimensional(reference), _two_dimensional(production)
    if second.shape[1] != first.shape[1]:
        raise DetectorError(f"{first.shape[1]} features against {second.shape[1]}")
    return first, second


def profiled(reference: ArrayLike, production: ArrayLike) -> tuple[Profile, Profile]:
    """Profiles of both on the grid of the first, one column a feature; raises as `two_sided` does."""
    first, second = two_sided(reference, production)
    grid = fitted(first)
    return grid.profile(_table(first)), grid.profile(_table(second))


def fitted(reference: FloatArray) -> Grid:
    """The grid of an array of shape (rows, features)."""
    return Grid.fit(_table(reference))


def _table(values: FloatArray) -> pa.Table:
    # A row of NaN adds nothing to any statistic, and a reference of no rows has a grid then.
    rows = values if len(values) else np.full((1, values.shape[1]), np.nan)
    return pa.table({f"{feature:06}": np.ascontiguousarray(rows[:, feature]) for feature in range(rows.shape[1])})


def _two_dimensional(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DetectorError(f"expected an array of shape (rows, features), got {array.shape}")
    return array
