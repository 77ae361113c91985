"""What is learned of segments beside the whole: by their own days, within one budget."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from detectors import DetectorError, Grid
from detectors.calibration import Calibration, Day
from detectors.learned_parts import LearnedParts

MONDAY = date(2024, 1, 1)
ROWS = 600
PLACES = np.array(["a", "b", "c"])


def rows(rng: np.random.Generator, effect: float, shift: float = 0.0) -> pa.Table:
    """A day of `x`, all places alike but for `shift` of place c; a fifth of the rows are c's."""
    place = rng.choice(PLACES, ROWS, p=[0.5, 0.3, 0.2])
    value = rng.normal(size=ROWS) + effect * np.where(place == "c", 0.0, 1.0) + shift * (place == "c")
    return pa.table({"x": value, "y": rng.normal(size=ROWS), "place": place})


@pytest.fixture(scope="module")
def learned() -> tuple[Grid, LearnedParts]:
    rng = np.random.default_rng(1)
    tables = [rows(rng, rng.normal() * 0.4) for _ in range(35)]
    grid = Grid.fit(pa.concat_tables(tables), segments=["place"])
    days: list[Day] = [(MONDAY + timedelta(i), grid.profile(table)) for i, table in enumerate(tables)]
    return grid, LearnedParts.learn(grid, days, 1.0, least_rows=50)


def test_segments_with_rows_enough_are_learned_and_share_half_of_the_budget(
    learned: tuple[Grid, LearnedParts],
) -> None:
    grid, parts = learned
    labels = [grid.segment_labels[place] for place in parts.segments]
    assert labels == ["place=a", "place=b", "place=c"], "nothing is in (other)"
    assert parts.whole.budget + sum(one.budget for one in parts.segments.values()) == pytest.approx(1.0)
    assert parts.within(4.0).whole.budget == 2.0
    assert parts.within(4.0).segments[0].threshold < parts.segments[0].threshold


def test_a_segment_is_beyond_by_its_own_days_where_the_whole_is_not(learned: tuple[Grid, LearnedParts]) -> None:
    grid, parts = learned
    rng = np.random.default_rng(2)
    day = grid.profile(rows(rng, 0.0, shift=0.7))
    place = grid.segment_labels.index("place=c")
    assert not parts.whole.score([(MONDAY, day)]).beyond.any()
    found = parts.segments[place].score([(MONDAY, day.segment(place))])
    told = {parts.segments[place].describe(int(series)) for series in np.flatnonzero(found.beyond)}
    assert ("location", grid.index("x")) in told
    calm = grid.profile(rows(rng, 0.0))
    assert not any(one.score([(MONDAY, calm.segment(at))]).beyond.any() for at, one in parts.segments.items())


def test_what_was_learned_survives_as_bytes(learned: tuple[Grid, LearnedParts]) -> None:
    grid, parts = learned
    again = LearnedParts.from_bytes(parts.to_bytes())
    assert list(again.segments) == list(parts.segments)
    day = grid.profile(rows(np.random.default_rng(4), 0.0))
    for place, one in parts.segments.items():
        window = [(MONDAY, day.segment(place))]
        np.testing.assert_array_equal(again.segments[place].score(window).score, one.score(window).score)
    assert again.within(1.0).whole.threshold == parts.whole.threshold
    for broken in (b"", b"no file", parts.whole.to_bytes(), parts.to_bytes()[:-40]):
        with pytest.raises(DetectorError):
            LearnedParts.from_bytes(broken)


def test_without_segments_the_whole_has_all_of_the_budget() -> None:
    rng = np.random.default_rng(3)
    tables = [rows(rng, 0.0) for _ in range(10)]
    grid = Grid.fit(pa.concat_tables(tables))
    days: list[Day] = [(MONDAY + timedelta(i), grid.profile(table)) for i, table in enumerate(tables)]
    parts = LearnedParts.learn(grid, days, 2.0)
    assert not parts.segments
    assert parts.whole.threshold == Calibration.learn(grid, days, 2.0).threshold
