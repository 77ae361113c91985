"""Two-sample detectors over many windows without drift: p-values that hold, effects of 0, no breaches by noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from detectors import DETECTORS, psi
from tests.support.samples import null_windows

NAMES = ("ks", "psi", "js", "hellinger", "total_variation", "l_infinity", "chi_squared", "wasserstein")
# Sums over bins and the distance of values, whose effect is the value less what no drift gives.
CENTRED = ("psi", "js", "hellinger", "total_variation", "wasserstein")
SIZES = [(27_000, 900), (2000, 120), (400, 400)]
LEVELS = (0.01, 0.05, 0.2)


def draws(kind: str, rng: np.random.Generator):
    weights = rng.dirichlet(np.full(105, 0.5))
    return {
        "normal": lambda rows: rng.normal(size=rows),
        "pareto": lambda rows: rng.pareto(1.2, rows),
        "counts": lambda rows: rng.poisson(3.0, rows).astype(float),
        "lumpy": lambda rows: np.where(rng.random(rows) < 0.4, 0.0, rng.normal(size=rows)),
        "destinations": lambda rows: pa.array(rng.choice(105, rows, p=weights)).cast(pa.string()),
    }[kind]


@cache
def windows(kind: str, n: int, m: int) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(n + m + len(kind))
    detectors = {name: DETECTORS[name].function for name in NAMES}
    # Categories share one set of weights; a large reference is fitted fewer times.
    return null_windows(detectors, draws(kind, rng), n, m, *((3, 14) if n > 10_000 else (8, 5)), columns=15)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("kind", ["normal", "pareto", "counts", "lumpy", "destinations"])
def test_pvalues_are_never_too_small_and_sampling_noise_does_not_breach(kind: str, n: int, m: int) -> None:
    for name, found in windows(kind, n, m).items():
        pvalue, effect = found["pvalue"], found["effect"]
        if np.isnan(pvalue).all():
            assert kind == "destinations"
            assert name in ("ks", "wasserstein")
            continue
        for level in LEVELS:
            error = np.sqrt(level * (1 - level) / len(pvalue))
            assert (pvalue <= level).mean() <= level + 4 * error + 0.003, (name, level)
        breaches = (effect >= DETECTORS[name].threshold) & (pvalue <= 0.01)
        # One column at a time; among the columns of a model the rule corrects for their number.
        assert breaches.mean() <= 0.01 + 4 * np.sqrt(0.01 * 0.99 / len(pvalue)), name


@pytest.mark.parametrize("name", NAMES)
def test_pvalues_of_continuous_values_are_uniform(name: str) -> None:
    pvalue = windows("normal", *SIZES[0])[name]["pvalue"]
    for level in LEVELS:
        error = np.sqrt(level * (1 - level) / len(pvalue))
        # Windows held against one reference depend on each other a little.
        assert (pvalue <= level).mean() == pytest.approx(level, abs=4.5 * error + 0.1 * level), level


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("kind", ["normal", "pareto", "counts", "lumpy"])
def test_effects_are_0_on_average_without_drift(kind: str, n: int, m: int) -> None:
    for name in CENTRED:
        value, effect = windows(kind, n, m)[name]["value"], windows(kind, n, m)[name]["effect"]
        # References differ: their number, not that of windows, says how exact the mean is.
        assert abs(effect.mean()) < 0.12 * value.mean(), name


def test_a_destination_column_of_105_values_and_900_rows_does_not_breach_by_noise() -> None:
    """Not even by size alone, without the p-value's help."""
    for name, found in windows("destinations", 27_000, 900).items():
        if name in CENTRED and name != "wasserstein":
            assert found["value"].mean() > 0.09, name
            assert abs(found["effect"].mean()) < 0.02 * found["value"].mean(), name
            assert (found["effect"] >= DETECTORS[name].threshold).mean() < 0.01, name


def test_psi_of_ten_bins_and_fifty_rows_is_a_fifth_and_its_effect_nothing() -> None:
    rng = np.random.default_rng(3)
    found = null_windows({"psi": psi}, lambda rows: rng.normal(size=rows), 20_000, 50, 6, 30)["psi"]
    assert len(found["value"]) == 3600
    assert found["value"].mean() == pytest.approx(0.20, abs=0.006)
    assert found["effect"].mean() == pytest.approx(0.0, abs=0.006)
