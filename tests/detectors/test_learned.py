"""What a learned rule makes of a window: what alarms, what is recorded as real and small, what is listed beside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtr

from detectors import Grid, ks
from detectors.calibration import Calibration, Day
from detectors.functionals import Series
from detectors.learned import LearnedRule, Unusual
from detectors.profile import Profile
from detectors.threshold import FixedRule

MONDAY = date(2024, 1, 1)
GRID = Grid.fit(
    pa.table({f"x{i}": np.random.default_rng(9).permutation(np.linspace(-3, 3, 20_000)) for i in range(6)}),
    resolution=100,
)


def day(rng: np.random.Generator, number: int, rows: int, deviation: float, shifts: dict[int, float]) -> Day:
    """A day of normal columns drawn as counts, each moved by an effect of the day's own and by its shift."""
    counts = []
    for place, column in enumerate(GRID.columns):
        mean = rng.normal() * deviation + shifts.get(place, 0.0)
        share = np.diff(np.concatenate(([0.0], ndtr(column.edges - mean), [1.0])))
        counts.append(rng.multinomial(rows, share / share.sum()))
    profile = replace(Profile.empty(GRID), rows=rows, counts=np.concatenate(counts).astype(np.int64))
    return MONDAY + timedelta(number), profile


def judged(
    rows: int, deviation: float, shifts: dict[int, float], seed: int = 1
) -> tuple[LearnedRule, Profile, Profile]:
    rng = np.random.default_rng(seed)
    days = [day(rng, number, rows, deviation, {}) for number in range(60)]
    calibration = Calibration.learn(GRID, days, 1.0)
    window = day(rng, 60, rows, 0.0, shifts)
    rule = LearnedRule(FixedRule(), frozenset(), calibration, calibration.score([window]))
    return rule, sum((profile for _, profile in days), Profile.empty(GRID)), window[1]


def said(rule: LearnedRule) -> dict[int, Unusual]:
    return {one.place: one for one in rule.unusual() if one.place >= 0}


def test_a_change_of_a_million_rows_too_small_to_matter_is_recorded_and_does_not_alarm() -> None:
    rule, reference, production = judged(1_000_000, 0.0005, {0: 0.010})
    distance = ks(reference, production).value[0]
    assert distance == pytest.approx(0.004, abs=0.0008)
    found = said(rule)[0]
    assert (found.beyond, found.small, found.listed) == (False, True, False)
    assert abs(found.score) > rule.calibration.threshold
    assert 0.0 < found.lower < found.floor == 0.025
    assert not rule.beyond(*Series).any()
    # Where its owner asks for it, what is significant is enough.
    asked = replace(rule, scores=replace(rule.scores, beyond=rule.scores.significant))
    assert asked.beyond(*Series).tolist() == [True] + [False] * 5
    assert said(asked)[0].beyond


def test_less_sure_columns_are_listed_beside_an_alarm_and_nowhere_else() -> None:
    beside = said(judged(2_000, 0.05, {0: 0.6, 2: 0.22})[0])
    assert (beside[0].beyond, beside[0].listed) == (True, False)
    assert {place for place, one in beside.items() if one.listed} == {2}
    assert not beside[2].beyond
    alone = said(judged(2_000, 0.05, {2: 0.22})[0])
    assert not any(one.beyond or one.listed for one in alone.values())


def test_of_columns_listed_by_chance_there_are_few() -> None:
    """Beside one that alarms, of five columns in which nothing happened: of what is named, one in ten on average."""
    listed = [sum(one.listed for one in said(judged(500, 0.05, {0: 1.0}, seed)[0]).values()) for seed in range(40)]
    # One true column and a false one make a share of a half.
    assert np.mean([count / (count + 1) for count in listed]) <= 0.1
