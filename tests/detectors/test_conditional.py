"""What other columns predict: the ridge as it is defined, and nothing where there is nothing to predict."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.conditional import Conditional
from detectors.result import FloatArray

DAYS, LATER = 60, 12


def _related(rng: np.random.Generator, columns: int) -> FloatArray:
    """Series of five a column that share three causes, within the limits beyond which they are clipped."""
    causes = rng.normal(size=(DAYS + LATER, 3))
    made = causes @ rng.normal(size=(3, 5 * columns)) + 0.5 * rng.normal(size=(DAYS + LATER, 5 * columns))
    clipped: FloatArray = np.clip(made / made.std(axis=0), -4.0, 4.0)
    return clipped


def test_what_is_left_and_its_leverage_are_those_of_the_ridge_on_all_other_columns() -> None:
    column = np.repeat(np.arange(6), 5)
    values = _related(np.random.default_rng(0), 6)
    before, later = values[:DAYS], values[DAYS:]
    found, left = Conditional.fit(before, column, np.arange(30), np.arange(DAYS))
    assert len(found.chosen) > 20
    assert np.std(left) < 0.6
    rest, leverage = found.rest(later[None])
    for place, (series, ridge) in enumerate(zip(found.chosen.tolist(), found.strength.tolist(), strict=True)):
        others = np.flatnonzero(column != column[series])
        x, y = before[:, others], before[:, series]
        inverse = np.linalg.inv(x.T @ x + ridge * np.eye(len(others)))  # the primal form: rows of `others`
        np.testing.assert_allclose(rest[0, :, place], later[:, series] - later[:, others] @ inverse @ x.T @ y)
        middle = later[:, others].mean(axis=0)
        assert leverage[0, place] == pytest.approx(middle @ inverse @ middle)


def test_days_that_resemble_their_neighbours_are_not_taken_for_predicted() -> None:
    """Hundreds of slow columns know what day it is: they fill in a gap, and say nothing of a new day."""
    rng = np.random.default_rng(1)
    columns = 150
    values = rng.normal(size=(DAYS, columns))
    for day in range(1, DAYS):
        values[day] = 0.6 * values[day - 1] + 0.8 * values[day]
    found, _ = Conditional.fit(values, np.arange(columns), np.arange(columns), np.arange(DAYS))
    assert len(found.chosen) <= columns // 20
    assert Conditional.fit(values[:, :0], np.arange(0), np.arange(0), np.arange(DAYS))[1].shape == (DAYS, 0)
