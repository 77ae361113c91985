"""What the false-alarm benchmark counts once and uses often is what it would be counted anew."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.faults import FAULTS, with_faults
from benchmarks.policy import incidents, scan, sums_of, under_budgets
from benchmarks.streams import START, Stream, chosen, profiles_of, synthetic
from detectors import Grid
from detectors.calibration import HORIZONS
from detectors.learned_parts import LearnedParts

ROWS, DAYS = 200, 4
NUMBERS = ("temperature", "wind_speed", "seats", "departure_minute", "arrival_minute", "humidity", "score")


def flights(rng: np.random.Generator) -> pa.Table:
    """A day of rows that every fault can be put into."""
    columns = {name: pa.array(rng.normal(100.0, 10.0, ROWS)) for name in ("distance", *NUMBERS)}
    names = {"origin": ["EWR", "JFK", "LGA"], "carrier": ["AA", "UA"]}
    return pa.table(columns | {name: pa.array(rng.choice(some, ROWS)) for name, some in names.items()})


@pytest.fixture
def stream() -> Stream:
    rng = np.random.default_rng(3)
    rows = [flights(rng) for _ in range(2 * DAYS)]
    grid = Grid.fit(pa.concat_tables(rows[:DAYS]), segments=("origin",))
    days = [(START + timedelta(day), profile) for day, profile in enumerate(profiles_of(grid, rows))]
    return Stream(grid, days, DAYS, rows)


def test_days_counted_at_once_are_those_counted_one_by_one(stream: Stream) -> None:
    assert stream.rows is not None
    assert [profile for _, profile in stream.days] == [stream.grid.profile(table) for table in stream.rows]


def test_a_day_with_a_fault_is_as_if_all_its_rows_were_counted_again(stream: Stream) -> None:
    assert stream.rows is not None
    swapped = next(fault for fault in FAULTS if fault.name.startswith("swapped"))
    gone = next(fault for fault in FAULTS if fault.name.startswith("vanished"))
    local = next(fault for fault in FAULTS if "LGA" in fault.name)
    found = with_faults(stream, DAYS, 2 * DAYS, np.random.default_rng(5))
    assert list(found) == list(FAULTS)
    day = stream.rows[DAYS + 1]
    both = {"departure_minute": day.column("arrival_minute"), "arrival_minute": day.column("departure_minute")}
    for fault, rows in (
        (swapped, pa.table({name: both.get(name, day.column(name)) for name in day.column_names})),
        (gone, day.drop_columns(["distance"])),
    ):
        assert found[fault][1] == stream.grid.profile(rows)
    moved, usual = found[local][1], stream.days[DAYS + 1][1]
    origins = stream.grid.segment_labels
    assert [moved.segment(place) == usual.segment(place) for place in range(len(origins))] == [
        "LGA" not in label for label in origins
    ]
    halved = next(fault for fault in FAULTS if not fault.columns)
    assert all(0.3 * ROWS < profile.rows < 0.7 * ROWS for profile in found[halved])


def test_budgets_scored_together_raise_what_each_would_by_itself() -> None:
    made = synthetic(columns=3, rows=60, deviation=0.4)(np.random.default_rng(7), 28, 40)
    learned = LearnedParts.learn(made.grid, made.days[:28], 1.0)
    sums = sums_of(learned, [profile for _, profile in made.days[28:]])
    weekdays = np.array([day.weekday() for day, _ in made.days[28:]])
    together = under_budgets(learned, (0.5, 30.0), sums, weekdays, HORIZONS)
    for budget, outcome in together.items():
        alone = incidents(scan(learned.within(budget).whole, sums[0], weekdays, HORIZONS))
        assert outcome.openings == alone.openings
        assert (outcome.open == alone.open).all()
    assert together[30.0].openings != together[0.5].openings


def test_windows_before_a_day_are_not_looked_at_and_the_others_are_as_ever() -> None:
    made = synthetic(columns=2, rows=60, deviation=0.4)(np.random.default_rng(8), 28, 40)
    learned = LearnedParts.learn(made.grid, made.days[:28], 30.0).whole
    sums = np.array([learned.views.sums(profile) for _, profile in made.days[28:]])
    weekdays = np.array([day.weekday() for day, _ in made.days[28:]])
    whole, later = (scan(learned, sums, weekdays, HORIZONS, first) for first in (0, 30))
    for horizon in HORIZONS:
        assert (whole[horizon][30:] == later[horizon][30:]).all()
        assert not later[horizon][:30].any()
    assert whole[1][:30].any()


def test_a_word_means_a_stream_of_that_name_or_those_that_hold_it() -> None:
    names = ["real days", "real days, 28", "real weeks"]
    assert chosen(names, ["real days"]) == ["real days"]
    assert chosen(names, ["28", "weeks"]) == ["real days, 28", "real weeks"]
    assert chosen(names, [""]) == names
