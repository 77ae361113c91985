"""A measure's variation from day to day: learned from a reference, and whether intervals cover what they claim."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.day_effects import expected, factor, with_days
from detectors.measured import Measured
from detectors.performance import measure

ROWS = 300
NAMES = ("auc", "log_loss", "rate_bias")


def days(count: int, rng: np.random.Generator, memory: float, sd: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of days as different as those of flights, shape (days, rows)."""
    effect, level = np.zeros(count), rng.normal(0.0, sd)
    for day in range(count):
        level = memory * level + np.sqrt(1.0 - memory**2) * sd * rng.normal()
        effect[day] = level
    logit = rng.normal(-1.2, 0.8, (count, ROWS))
    chance = 1.0 / (1.0 + np.exp(-logit - effect[:, None]))
    return (rng.random((count, ROWS)) < chance).astype(int), 1.0 / (1.0 + np.exp(-logit))


def reference(label: np.ndarray, score: np.ndarray) -> dict[str, Measured]:
    day = np.repeat(np.arange(len(label)), label.shape[1])
    truth, said = label.ravel(), score.ravel()
    whole = measure("binary", truth, said, days=day, only=NAMES)
    return {
        name: with_days(one, lambda mask, name=name: measure("binary", truth[mask], said[mask], only={name})[name], day)
        for name, one in whole.items()
    }


def covered(memory: float, lengths: tuple[int, ...]) -> dict[tuple[str, int, str], float]:
    """Share of windows whose 95% interval covers, by measure, length, and whether days or rows alone count."""
    rng = np.random.default_rng(7)
    hits: dict[tuple[str, int, str], list[bool]] = {}
    for _ in range(25):
        usual = reference(*days(28, rng, memory))
        label, score = days(42, rng, memory)
        for length in lengths:
            for start in range(0, 42, max(length, 3)):
                part = slice(start, start + length)
                day = np.repeat(np.arange(42)[part], ROWS)
                found = measure("binary", label[part].ravel(), score[part].ravel(), days=day, only=NAMES)
                for name, now in found.items():
                    held = expected(now, usual[name])
                    error = float(np.hypot(held.stderr, usual[name].stderr))
                    away = abs(now.value - held.usual)
                    hits.setdefault((name, length, "days"), []).append(held.tail(away, error) > 0.025)
                    hits.setdefault((name, length, "rows"), []).append(away < 1.96 * now.rows_stderr)
    return {key: float(np.mean(found)) for key, found in hits.items()}


def test_intervals_cover_what_they_claim_where_rows_alone_do_not() -> None:
    found = covered(0.0, (1, 7))
    for name in NAMES:
        for length in (1, 7):
            assert 0.90 <= found[name, length, "days"] <= 0.995
    assert found["rate_bias", 1, "rows"] < 0.45
    assert found["log_loss", 7, "rows"] < 0.45


def test_days_that_hang_together_are_allowed_for() -> None:
    found = covered(0.4, (7,))
    assert found["rate_bias", 7, "days"] > 0.85
    assert found["log_loss", 7, "days"] > 0.85


def test_days_that_do_not_differ_cost_nothing() -> None:
    rng = np.random.default_rng(1)
    usual = reference(*days(28, rng, 0.0, sd=0.0))["log_loss"]
    now = Measured(usual.value, 0.02, 300, 1.0, 0.02)
    assert expected(now, usual).stderr == pytest.approx(0.02, rel=0.15)


def test_few_days_say_nothing_and_the_window_speaks_for_itself() -> None:
    usual = Measured(0.7, 0.01, 1000, 3.0)
    assert expected(Measured(0.6, 0.05, 900, 7.0, 0.02), usual).stderr == 0.05
    assert expected(Measured(0.6, 0.05, 900, 2.0, 0.02), usual).stderr == 0.02
    assert expected(Measured(0.6, 0.05, 900), None).stderr == 0.05
    assert expected(Measured(0.6, 0.05, 900, 7.0, 0.02), usual).reach() > 1.96 * 0.05


def test_a_days_own_auc_is_what_a_day_is_held_against() -> None:
    # Pairs across days are easier: the score knows the day.
    rng = np.random.default_rng(2)
    level = np.repeat(rng.normal(0.0, 2.0, 20), 200)
    score = 1.0 / (1.0 + np.exp(-level - rng.normal(0.0, 1.0, 4000)))
    label = (rng.random(4000) < score).astype(int)
    day = np.repeat(np.arange(20), 200)
    whole = measure("binary", label, score, days=day, only={"auc"})["auc"]
    usual = with_days(whole, lambda m: measure("binary", label[m], score[m], only={"auc"})["auc"], day)
    assert usual.daily < usual.value - 0.05
    assert expected(Measured(0.7, 0.03, 200, 1.0, 0.03), usual).usual == pytest.approx(usual.daily)
    assert expected(Measured(0.7, 0.03, 200, 20.0, 0.03), usual).usual == pytest.approx(usual.value, abs=0.002)


def test_the_factor_is_the_variance_of_a_mean_of_ar1() -> None:
    lags = np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    assert factor(7, 0.4) == pytest.approx((0.4**lags).sum() / 7)
    assert factor(1, 0.4) == factor(7, 0.0) == 1.0
