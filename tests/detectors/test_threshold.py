"""Threshold rules: a breach is large, significant among all that was tested, and not of a handful of rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import DETECTORS, FixedRule, Grid, Measured, PerformanceRule, Statistic, Status
from detectors.threshold import holm

NAN = float("nan")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_holm_on_a_worked_example() -> None:
    # Holm 1979 as computed by R's p.adjust(c(0.01, 0.02, 0.03, 0.005), "holm").
    assert holm(array(0.01, 0.02, 0.03, 0.005)) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm(array(0.9, NAN, 0.8))[[0, 2]] == pytest.approx([1.0, 1.0])
    assert np.isnan(holm(array(0.9, NAN, 0.8))[1])


def test_a_breach_needs_size_and_significance() -> None:
    statistic = Statistic(array(0.3, 0.3, 0.1, NAN), array(1e-9, 0.2, 1e-9, NAN))
    judged = FixedRule({"ks": 0.2}).judge({"ks": statistic}, 1000, 500)["ks"]
    assert judged.breach.tolist() == [True, False, False, False]
    assert judged.sufficient.tolist() == [True, True, True, False]
    assert judged.threshold.tolist() == [0.2] * 4


def test_significance_counts_every_test_of_the_window() -> None:
    alone = Statistic(array(0.5), array(0.004))
    assert FixedRule().judge({"ks": alone}, 1000, 500)["ks"].breach.all()
    crowd = Statistic(np.zeros(50), np.ones(50))
    assert not FixedRule().judge({"ks": alone, "psi": crowd}, 1000, 500)["ks"].breach.any()


def test_the_effect_is_judged_before_the_value_and_its_direction_matters() -> None:
    sure = array(1e-9)
    judge = FixedRule().judge
    assert not judge({"psi": Statistic(array(0.3), sure, array(0.1))}, 500, 500)["psi"].breach[0]
    assert judge({"mean_shift": Statistic(array(-0.8), sure)}, 500, 500)["mean_shift"].breach[0]
    assert not judge({"missing": Statistic(array(0.0), sure, array(-0.3))}, 500, 500)["missing"].breach[0]
    assert not judge({"unseen": Statistic(array(0.0), sure, array(-0.3))}, 500, 500)["unseen"].breach[0]


def test_few_rows_are_insufficient_but_for_what_is_certain() -> None:
    measured = {
        "ks": Statistic(array(1.0), array(1e-9)),
        "vanished": Statistic(array(1.0), effect=array(1.0)),
    }
    judged = FixedRule(minimum_rows=100).judge(measured, 1000, 99)
    assert not judged["ks"].sufficient[0]
    assert not judged["ks"].breach[0]
    assert judged["vanished"].breach[0]
    assert not FixedRule().judge(measured, 1000, 0)["vanished"].sufficient[0]
    assert not FixedRule().judge(measured, 50, 5000)["ks"].sufficient[0]


def test_nothing_measured_is_nothing_judged() -> None:
    assert FixedRule().judge({}, 1000, 1000) == {}


def test_a_quiet_model_stays_quiet_and_a_shifted_one_does_not() -> None:
    rng = np.random.default_rng(0)
    names = [f"f{i}" for i in range(20)]
    reference = pa.table({name: rng.normal(size=5000) for name in names} | {"c": rng.choice(list("abcdefgh"), 5000)})
    grid = Grid.fit(reference)
    usual = grid.profile(reference)
    false_alarms = 0
    for day in range(41):
        shift = 0.5 if day == 40 else 0.0
        window = {name: rng.normal(shift if name == "f3" else 0.0, size=900) for name in names}
        now = grid.profile(pa.table(window | {"c": rng.choice(list("abcdefgh"), 900)}))
        measured = {name: detector.function(usual, now) for name, detector in DETECTORS.items()}
        judged = FixedRule().judge(measured, usual.rows, now.rows)
        breaches = {(name, grid.names[i]) for name, each in judged.items() for i in np.flatnonzero(each.breach)}
        if shift:
            assert {subject for _, subject in breaches} == {"f3"}
            assert {name for name, _ in breaches if DETECTORS[name].default} == {"ks", "psi"}
            assert {name for name, _ in breaches} >= {"js", "hellinger", "total_variation", "wasserstein"}
        else:
            false_alarms += bool(breaches)
    assert false_alarms == 0


def perform(name: str, usual: Measured, now: Measured, **options: object) -> Status:
    return PerformanceRule(**options).judge({name: usual}, {name: now})[name].status


def test_performance_breaches_when_worse_by_the_tolerance_and_significantly() -> None:
    usual = Measured(0.70, 0.005, 20_000)
    assert perform("auc", usual, Measured(0.62, 0.01, 2000)) is Status.BREACH
    assert perform("auc", usual, Measured(0.67, 0.001, 200_000)) is Status.OK
    assert perform("auc", usual, Measured(0.62, 0.05, 150)) is Status.OK
    assert perform("auc", usual, Measured(0.80, 0.01, 2000)) is Status.OK
    assert perform("auc", usual, Measured(0.67, 0.001, 200_000), tolerances={"auc": 0.02}) is Status.BREACH
    assert perform("rmse", Measured(10.0, 0.1, 5000), Measured(13.0, 0.3, 900)) is Status.BREACH
    assert perform("rmse", Measured(10.0, 0.1, 5000), Measured(8.0, 0.3, 900)) is Status.OK


def test_performance_of_too_little_is_insufficient() -> None:
    usual = Measured(0.70, 0.005, 20_000)
    assert perform("auc", usual, Measured(0.2, 0.01, 50)) is Status.INSUFFICIENT
    assert perform("auc", usual, Measured(NAN, NAN, 500)) is Status.INSUFFICIENT
    assert perform("mae", Measured(0.0, 0.0, 500), Measured(1.0, 0.1, 500)) is Status.INSUFFICIENT
    missing = PerformanceRule().judge({}, {"auc": Measured(0.5, 0.01, 500)})["auc"]
    assert missing.status is Status.INSUFFICIENT
    assert np.isnan(missing.effect)


def test_performance_without_any_spread_is_judged_by_size() -> None:
    assert perform("accuracy", Measured(1.0, 0.0, 500), Measured(0.9, 0.0, 500)) is Status.BREACH
    assert perform("accuracy", Measured(1.0, 0.0, 500), Measured(1.0, 0.0, 500)) is Status.OK
