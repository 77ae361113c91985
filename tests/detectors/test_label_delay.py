"""How late labels come: learned from what has come, whatever the age of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from detectors.label_delay import DAY, HOUR, learn_delay
from detectors.label_feed import label_feed

HORIZON = 28 * DAY


def late(n: int = 20_000, seed: int = 0, oldest: float = 40.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, delays and ages: positives come three times as late as negatives."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(0.0, oldest * DAY, n)
    label = (rng.random(n) < 0.3).astype(int)
    delay = np.where(label == 1, rng.lognormal(np.log(3 * DAY), 1.0, n), rng.lognormal(np.log(DAY), 0.7, n))
    return label, delay, age


def test_the_law_is_the_true_one_though_young_rows_show_short_delays_alone() -> None:
    label, delay, age = late()
    came = delay <= age
    law = learn_delay(label[came], delay[came], age[came], HORIZON)
    assert law is not None
    for days in (1, 3, 7, 14):
        found = law.of(np.array([0, 1]), np.full(2, days * DAY))
        positive = norm.cdf(np.log(days / 3)) / norm.cdf(np.log(28 / 3))
        assert found == pytest.approx([norm.cdf(np.log(days) / 0.7), positive], abs=0.02)
    assert law.complete_age == pytest.approx(22 * DAY, abs=2 * DAY)
    naive = (delay[came] <= DAY).mean()
    assert naive > law.of(np.array([0, 1]), np.full(2, DAY)).mean() + 0.05


def test_weighed_by_its_chance_the_last_week_has_the_true_rate() -> None:
    label, delay, age = late(60_000, seed=1)
    came = delay <= age
    law = learn_delay(label[came], delay[came], age[came], HORIZON)
    assert law is not None
    week = came & (age > DAY) & (age < 7 * DAY)
    weight = 1.0 / law.of(label[week], age[week])
    assert label[week].mean() < 0.22
    assert np.average(label[week], weights=weight) == pytest.approx(0.3, abs=0.02)


def test_a_log_too_young_to_have_seen_late_labels_does_not_say_when_they_are_all_there() -> None:
    label, delay, age = late(oldest=6.0)
    came = delay <= age
    law = learn_delay(label[came], delay[came], age[came], HORIZON)
    assert law is not None
    assert law.complete_age is None
    assert learn_delay(label[:40], delay[:40], np.full(40, HORIZON), HORIZON) is None


def test_labels_that_are_numbers_have_a_law_by_fifths_and_names_by_class() -> None:
    rng = np.random.default_rng(3)
    size = rng.normal(0.0, 1.0, 8000)
    delay, age = np.where(size > 0.8416, 5 * DAY, HOUR), rng.uniform(0, 30 * DAY, 8000)
    came = delay <= age
    law = learn_delay(size[came], delay[came], age[came], HORIZON, numbers=True)
    assert law is not None
    assert law.of(np.array([-2.0, 2.0]), np.full(2, DAY)) == pytest.approx([1.0, 0.0], abs=0.25)
    names = np.where(size > 0.8416, "late", "soon")
    law = learn_delay(names[came], delay[came], age[came], HORIZON)
    assert law is not None
    assert law.of(np.array(["late", "soon", "unheard of"]), np.full(3, DAY)).tolist()[:2] == [0.0, 1.0]
    assert law.least(np.array([DAY, 6 * DAY])).tolist() == [0.0, 1.0]


def test_labels_that_come_with_their_rows_are_there_at_once() -> None:
    age = np.linspace(0, 30 * DAY, 500)
    law = learn_delay(np.ones(500, int), np.zeros(500), age, HORIZON)
    assert law is not None
    assert law.complete_age == 0.0
    assert law.of(np.array([1]), np.array([0.0])).tolist() == [1.0]
    assert law.of(np.array([1]), np.array([-HOUR])).tolist() == [0.0]


def test_a_feed_is_held_against_its_longest_pause() -> None:
    received = np.arange(10) * DAY
    found = label_feed(received, 9 * DAY + 3 * DAY, 50.0)
    assert (float(found.value[0]), float(found.effect[0])) == (3 * DAY, 3.0)
    assert found.pvalue[0] < 1e-20
    assert np.isnan(label_feed(received[:3], 5 * DAY, 50.0).effect[0])
