"""The budget learned from a baseline's days: what it promises, on streams whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtr

from detectors import DetectorError, Grid
from detectors.calibration import Calibration, Day
from detectors.profile import Profile

MONDAY = date(2024, 1, 1)
COLUMNS, ROWS = 6, 500


def _grid(columns: int = COLUMNS) -> Grid:
    rng = np.random.default_rng(99)
    return Grid.fit(pa.table({f"x{i}": rng.normal(size=20_000) for i in range(columns)}), resolution=100)


def _days(
    grid: Grid, rng: np.random.Generator, days: int, *, deviation: float = 0.0, shift: float = 0.0, rows: int = ROWS
) -> list[Day]:
    """Days of normal columns, drawn as counts; a day moves each column by its own effect, `shift` the first."""
    found = []
    for day in range(days):
        counts = []
        for place, column in enumerate(grid.columns):
            mean = rng.normal() * deviation + (shift if place == 0 else 0.0)
            share = np.diff(np.concatenate(([0.0], ndtr(column.edges - mean), [1.0])))
            counts.append(rng.multinomial(rows, share / share.sum()))
        profile = replace(Profile.empty(grid), rows=rows, counts=np.concatenate(counts).astype(np.int64))
        found.append((MONDAY + timedelta(day), profile))
    return found


def test_a_clear_fault_is_beyond_on_its_first_day_and_named_where_it_is() -> None:
    grid, rng = _grid(), np.random.default_rng(1)
    learned = Calibration.learn(grid, _days(grid, rng, 60, deviation=0.05), 1.0)
    scores = learned.score(_days(grid, rng, 1, deviation=0.05, shift=0.5))
    found = [learned.describe(place) for place in np.flatnonzero(scores.beyond)]
    assert ("location", 0) in found
    assert {column for _, column in found} == {0}
    assert set(np.flatnonzero(scores.beyond)) <= set(np.flatnonzero(scores.listed()))
    place = [learned.describe(place) for place in range(len(scores.score))].index(("location", 0))
    assert scores.change[place] == pytest.approx(0.5, abs=0.15)
    assert 0.025 <= scores.floor[place] <= scores.lower[place] <= scores.change[place]


@pytest.mark.parametrize("deviation", [0.0, 0.1])
def test_where_nothing_happens_scores_are_standard_normal(deviation: float) -> None:
    grid = _grid()
    z, beyond, windows = [], 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        learned = Calibration.learn(grid, _days(grid, rng, 60, deviation=deviation), 1.0)
        later = _days(grid, rng, 40, deviation=deviation)
        place = np.flatnonzero(learned.views.series == 0)
        for start in range(40):
            scores = learned.score(later[start : start + 1])
            z.append(scores.score[place])
            beyond += int(scores.beyond.any())
            windows += 1
    spread = np.std(np.concatenate(z))
    assert 0.85 < spread < 1.1
    # 400 days at one incident in 30 days: 13 expected at most, and days alone are a part of it.
    assert beyond <= 13
    assert windows == 400


def test_days_that_differ_are_learned_and_not_mistaken_for_drift() -> None:
    grid, rng = _grid(), np.random.default_rng(3)
    later = _days(grid, rng, 20, deviation=0.3)
    calm = Calibration.learn(grid, _days(grid, rng, 60), 1.0)
    used = Calibration.learn(grid, _days(grid, rng, 60, deviation=0.3), 1.0)
    assert sum(bool(calm.score([day]).beyond.any()) for day in later) > 10
    assert sum(bool(used.score([day]).beyond.any()) for day in later) <= 2


def test_what_one_day_did_its_own_window_tells_and_longer_ones_tell_what_lasts() -> None:
    grid, rng = _grid(), np.random.default_rng(8)
    learned = Calibration.learn(grid, _days(grid, rng, 60, deviation=0.05), 1.0)
    burst = _days(grid, rng, 1, deviation=0.05, shift=1.0)
    calm = _days(grid, rng, 6, deviation=0.05)
    assert learned.score(burst).beyond.any()
    assert not learned.score(burst + calm).beyond.any()
    assert learned.score(_days(grid, rng, 7, deviation=0.05, shift=0.25)).beyond.any()


def test_a_tiny_change_is_significant_and_does_not_alarm() -> None:
    grid, rng = _grid(), np.random.default_rng(4)
    learned = Calibration.learn(grid, _days(grid, rng, 60, rows=1_000_000), 1.0)
    scores = learned.score(_days(grid, rng, 1, rows=1_000_000, shift=0.01))  # a KS distance of 0.004
    place = [learned.describe(place) for place in range(len(scores.score))].index(("location", 0))
    assert scores.significant[place]
    assert not scores.beyond[place]


def test_a_smaller_budget_is_a_higher_threshold_and_more_series_too() -> None:
    grid, rng = _grid(), np.random.default_rng(5)
    one = Calibration.learn(grid, _days(grid, rng, 30), 1.0)
    assert replace(one, budget=0.25).threshold > one.threshold > replace(one, budget=4.0).threshold
    wide = _grid(12)
    assert Calibration.learn(wide, _days(wide, rng, 30), 1.0).threshold > one.threshold


def test_a_short_history_is_provisional() -> None:
    grid, rng = _grid(2), np.random.default_rng(6)
    days = _days(grid, rng, 28)
    assert Calibration.learn(grid, days[:14], 1.0).provisional
    assert not Calibration.learn(grid, days, 1.0).provisional
    with pytest.raises(DetectorError, match="too few"):
        Calibration.learn(grid, days[:6], 1.0)
    with pytest.raises(DetectorError, match="budget"):
        Calibration.learn(grid, days, 0.0)


def test_weekdays_are_expected() -> None:
    grid, rng = _grid(2), np.random.default_rng(7)

    def weeks(count: int) -> list[Day]:
        found = []
        for day in range(7 * count):
            at = MONDAY + timedelta(day)
            profile = _days(grid, rng, 1, shift=0.6 if at.weekday() >= 5 else 0.0)[0][1]
            found.append((at, profile))
        return found

    learned = Calibration.learn(grid, weeks(8), 1.0)
    week = weeks(1)
    assert not any(learned.score([day]).beyond.any() for day in week)
    sunday_on_monday = (week[0][0], week[6][1])
    assert learned.score([sunday_on_monday]).beyond.any()


def test_bytes_keep_everything_and_damage_is_told() -> None:
    grid, rng = _grid(3), np.random.default_rng(8)
    learned = Calibration.learn(grid, _days(grid, rng, 30, deviation=0.2), 0.5)
    again = Calibration.from_bytes(learned.to_bytes())
    later = _days(grid, rng, 7, deviation=0.2)
    assert np.array_equal(learned.score(later).score, again.score(later).score, equal_nan=True)
    assert (again.budget, again.days, again.horizons) == (0.5, 30, (1, 7, 28))
    assert again.threshold == learned.threshold
    data = learned.to_bytes()
    for damaged in (b"", b"nonsense", data[: len(data) // 2], data[:40] + b"\xff" * 40 + data[80:]):
        with pytest.raises(DetectorError):
            Calibration.from_bytes(damaged)


def test_a_profile_of_another_grid_is_refused() -> None:
    grid, rng = _grid(2), np.random.default_rng(9)
    learned = Calibration.learn(grid, _days(grid, rng, 14), 1.0)
    other = _grid(3)
    with pytest.raises(DetectorError, match="grid"):
        learned.score(_days(other, rng, 1))
    with pytest.raises(DetectorError, match="days"):
        learned.score([])


def test_values_nobody_has_seen_are_no_news_where_each_day_brings_some() -> None:
    rng, rows, kinds = np.random.default_rng(11), 400, 4000
    share = 1.0 / np.arange(1, kinds + 1)
    values = rng.choice(kinds, (90, rows), p=share / share.sum()).astype(str)
    grid = Grid.fit(pa.table({"c": values[:60].ravel()}))
    assert grid.columns[0].novelty > 0.01
    days = [(MONDAY + timedelta(day), grid.profile(pa.table({"c": own}))) for day, own in enumerate(values)]
    learned = Calibration.learn(grid, days[:60], 1.0)
    place = [learned.describe(place) for place in range(len(learned.views))].index(("unseen", 0))
    assert learned.expected_rate(place) == pytest.approx(grid.columns[0].novelty, rel=0.25)
    windows = [learned.score(days[end - 7 : end]) for end in range(67, 91)]
    assert not any(window.beyond[place] for window in windows)
    odd = values[60].copy()
    odd[: rows // 10] = "junk"
    assert learned.score([(MONDAY, grid.profile(pa.table({"c": odd})))]).beyond[place]
