"""From profiles and counts to findings: every case has a status, and every figure is one that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Grid
from detectors.columns import Role
from detectors.diagnosis import diagnose
from detectors.performance import MEASURES, Measured
from detectors.registry import DETECTORS
from detectors.result import Finding, Judgement, Kind, Severity, Statistic, Status, Window
from detectors.segment import SegmentColumn
from detectors.trouble import Trouble
from monitor.evaluate import (
    Context,
    judge_inputs,
    log_finding,
    run_finding,
    unjudged,
)
from monitor.performance.outcomes import Outcomes
from monitor.performance.realised import judge_performance
from monitor.settings import ModelSettings
from tests.support.flow import DAY, START, rows
from tests.support.tables import random_table

CONTEXT = Context("m", "1", Window("1d", START, START + DAY), 2, START + DAY, "base", "conf", "0.1.0")
ROLES = {"score": Role.SCORE, "pred": Role.PREDICTION}


def model(**more: Any) -> ModelSettings:
    return ModelSettings.model_validate(more)


def inputs(reference: pa.Table, production: pa.Table, **more: Any) -> dict[tuple[str, str], Finding]:
    columns = [name for name in reference.column_names if name not in ("ts", "id", "version")]
    grid = Grid.fit(
        reference.select(columns), roles={k: v for k, v in ROLES.items() if k in columns}, categories=["pred"]
    )
    found = judge_inputs(CONTEXT, model(**more), grid.profile(reference), grid.profile(production))
    return {(one.subject, one.detector): one for one in found}


def test_every_finding_says_what_it_is_about() -> None:
    found = inputs(rows(hours=48), rows(hours=48, seed=1, shift=2.0))
    for one in found.values():
        assert (one.model, one.version, one.window) == ("m", "1", CONTEXT.window)
        assert (one.revision, one.evaluated_at, one.baseline_id) == (2, START + DAY, "base")
        assert (one.config_hash, one.program, one.segment, one.n) == ("conf", "0.1.0", None, 960)
    assert found["x", "ks"].kind is Kind.FEATURE
    assert found["score", "ks"].kind is Kind.PREDICTION
    assert found["pred", "class_rate"].kind is Kind.PREDICTION
    assert found["x", "missing"].kind is Kind.QUALITY
    assert ("colour", "ks") not in found, "what does not apply is no finding"
    assert found["x", "ks"].detail["before"] != found["x", "ks"].detail["after"]
    assert str(found["pred", "class_rate"].detail["after"]).endswith("%")
    assert "before" not in found["colour", "psi"].detail, "only breaches tell what changed"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 300), st.sampled_from([0.0, 0.5, 1.5]))
def test_whatever_comes_the_findings_are_json_and_few_rows_are_insufficient(seed: int, n: int, moved: float) -> None:
    reference = random_table(seed, 400)
    found = inputs(reference, random_table(seed + 1, n, moved), minimum_rows=100)
    for one in found.values():
        json.dumps(one.to_json(), allow_nan=False)
        assert one.n == n
        if one.status is not Status.INSUFFICIENT:
            assert one.statistic is not None
            assert n >= 100 or DETECTORS[one.detector].certain
        if one.status is Status.BREACH:
            assert one.threshold is not None
            assert abs(one.effect if one.effect is not None else one.statistic or 0.0) >= one.threshold


def test_detectors_can_be_switched_off_and_given_another_threshold() -> None:
    before, after = rows(hours=48), rows(hours=48, seed=1, shift=0.6)
    usual = inputs(before, after)
    assert usual["x", "ks"].status is Status.BREACH
    told = inputs(before, after, detectors={"ks": {"threshold": 0.5}, "psi": {"enabled": False}})
    assert (told["x", "ks"].status, told["x", "ks"].threshold) == (Status.OK, 0.5)
    assert not [key for key in told if key[1] == "psi"]


def test_detectors_that_are_not_on_by_default_are_measured_where_they_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after = rows(hours=48), rows(hours=48, seed=1, shift=0.6)
    on_request = {name for name, detector in DETECTORS.items() if not detector.default}
    usual = inputs(before, after)
    assert on_request
    assert not {name for _, name in usual} & on_request
    assert {name for subject, name in usual if subject in ("x", "score")} >= {"ks", "psi"}
    told = inputs(before, after, detectors={"js": {}, "wasserstein": {"threshold": 9.0}, "near_threshold": {}})
    assert set(told) - set(usual) == {
        *((subject, "js") for subject, name in usual if name == "psi"),
        *((subject, "wasserstein") for subject, name in usual if name == "ks"),
        ("score", "near_threshold"),
    }
    assert told["x", "js"].status is Status.BREACH
    assert told["x", "wasserstein"].status is Status.OK
    assert told["score", "near_threshold"].kind is Kind.PREDICTION
    off = inputs(before, after, detectors={"js": {"enabled": False}})
    assert set(off) == set(usual)

    # What is off is not even called.
    def called(*_: object) -> Statistic:
        raise AssertionError("measured though nobody asked")

    for name in on_request:
        monkeypatch.setitem(DETECTORS, name, replace(DETECTORS[name], function=called))
    assert set(inputs(before, after)) == set(usual)


def test_close_decisions_are_those_near_the_models_own_threshold() -> None:
    table = pa.table({"score": [0.1, 0.3, 0.31, 0.7] * 50})
    for threshold, share in ((0.3, 0.5), (0.7, 0.25), (0.5, 0.0)):
        found = inputs(table, table, decision_threshold=threshold, detectors={"near_threshold": {}})
        assert found["score", "near_threshold"].statistic == share


def test_the_rule_is_a_value_that_is_handed_in() -> None:
    @dataclass(frozen=True)
    class Everything:
        """Finds fault with all there is."""

        def judge(self, measured: Any, n_reference: int, n_production: int) -> dict[str, Judgement]:
            assert (n_reference, n_production) == (960, 480)
            yes = {name: np.ones(len(one.value), np.bool_) for name, one in measured.items()}
            return {name: Judgement(np.zeros(len(one)), one, one) for name, one in yes.items()}

    table = rows(hours=48).select(["x", "colour"])
    grid = Grid.fit(table)
    found = judge_inputs(CONTEXT, model(), grid.profile(table), grid.profile(table.slice(480)), rule=Everything())
    assert {one.status for one in found} == {Status.BREACH}
    assert {one.threshold for one in found} == {0.0}


def test_of_a_private_column_rates_alone_are_told() -> None:
    before = pa.table({"who": ["alice", "bob"] * 300, "age": np.arange(600.0)})
    after = pa.table({"who": ["mallory", "bob"] * 300, "age": np.arange(600.0) + 5000})
    grid = Grid.fit(before, private=["who", "age"])
    found = judge_inputs(CONTEXT, model(), grid.profile(before), grid.profile(after), explain=True)
    assert {(one.subject, one.detector) for one in found if one.status is Status.BREACH} >= {
        ("who", "psi"), ("who", "unseen"), ("age", "ks"), ("age", "psi"), ("age", "out_of_range"),
    }  # fmt: skip
    text = json.dumps([one.to_json() for one in found])
    for value in ("alice", "bob", "mallory", "5000", "599", "median", "bins"):
        assert value not in text


def test_bugs_that_look_like_drift_are_told_in_a_sentence() -> None:
    rng = np.random.default_rng(8)
    names = ("temp", "frozen", "filled", "coarse", "fine")
    before = pa.table({name: rng.normal(55.0, 18.0, 5000) for name in names})
    after = {name: rng.normal(55.0, 18.0, 1000) for name in names}
    after["temp"] = (after["temp"] - 32.0) / 1.8
    after["frozen"] = np.full(1000, float(before.column("frozen")[0].as_py()))
    after["filled"] = np.where(rng.random(1000) < 0.3, 55.125, after["filled"])
    after["coarse"] = (after["coarse"] / 5.0).round() * 5.0
    found = inputs(before, pa.table(after))
    told = {key: str(one.detail.get("explanation", "")) for key, one in found.items() if one.status is Status.BREACH}
    assert told["temp", "unit_change"] == ("looks like a unit change: production ≈ 0.556 × reference - 17.8 (°F to °C)")
    assert told["frozen", "stuck"].startswith("stands still at (")
    assert "100% of the values" in told["frozen", "stuck"]
    assert told["filled", "spike"].startswith("has unusually much of (55.")
    assert told["coarse", "rounding"] == "is rounded to 5 now"
    extra = {key for key in told if key[1] in ("unit_change", "stuck", "spike", "rounding")}
    assert extra == {
        ("temp", "unit_change"), ("frozen", "stuck"), ("frozen", "spike"), ("filled", "spike"), ("coarse", "rounding"),
    }  # fmt: skip
    (bug,) = [each for each in diagnose(list(found.values())) if each.trouble is Trouble.DATA]
    assert bug.summary.startswith("temp looks like a unit change: production ≈ 0.556 × reference - 17.8 (°F to °C)")
    assert bug.severity is Severity.CRITICAL
    assert set(bug.subjects) == {"temp", "frozen", "filled", "coarse"}
    assert Trouble.DRIFT not in [each.trouble for each in diagnose(list(found.values()))]


# Performance


def outcome(n: int, good: float = 1.0, seed: int = 0, labelled: int | None = None) -> Outcomes:
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    label = np.where(rng.random(n) < good, rng.random(n) < score, rng.random(n) < 0.5).astype(np.int64)
    times, k = np.arange(n), n if labelled is None else labelled
    return Outcomes(times, times[:k], label[:k], score[:k], (score[:k] > 0.5).astype(np.int64))


USUAL = {
    "auc": Measured(0.83, 0.005, 5000),
    "log_loss": Measured(0.5, 0.005, 5000),
    "accuracy": Measured(0.75, 0.006, 5000),
    "rate_bias": Measured(0.0, 0.005, 5000),
}


def performance(found: Outcomes, usual: dict[str, Measured] | None = None, **more: Any) -> dict[str, Finding]:
    judged = judge_performance(CONTEXT, model(**more), found, USUAL if usual is None else usual)
    for one in judged:
        json.dumps(one.to_json(), allow_nan=False)
        assert one.kind is Kind.PERFORMANCE
    return {one.detector: one for one in judged}


def judged(found: dict[str, Finding]) -> dict[str, Finding]:
    """Without what is measured alone."""
    return {name: one for name, one in found.items() if one.detail.get("judged", True)}


def test_performance_as_before_is_fine_and_worse_is_a_breach() -> None:
    fine, bad = performance(outcome(3000)), performance(outcome(3000, good=0.2))
    assert {one.status for one in fine.values()} == {Status.OK}
    assert set(judged(fine)) == set(USUAL)
    assert {name for name, one in bad.items() if one.status is Status.BREACH} == {"auc", "log_loss", "accuracy"}
    assert bad["rate_bias"].status is Status.OK, "half of the labels are a coin's, as many as before are positive"
    assert bad["auc"].subject == "AUC"
    assert bad["auc"].detail["baseline"] == 0.83
    assert bad["auc"].detail["before"] == "0.830"


def test_how_many_of_the_rows_were_labelled_is_told() -> None:
    found = performance(outcome(3000, labelled=750))
    assert {one.detail["coverage"] for one in found.values()} == {0.25}
    assert {one.n for one in found.values()} == {750}


@pytest.mark.parametrize(("rows_", "labelled"), [(0, 0), (3000, 0), (3000, 1), (3000, 99)])
def test_too_few_labels_are_insufficient(rows_: int, labelled: int) -> None:
    assert {one.status for one in performance(outcome(rows_, labelled=labelled)).values()} == {Status.INSUFFICIENT}


def test_without_a_reference_it_is_measured_and_not_judged() -> None:
    found = performance(outcome(3000), {})
    assert {one.status for one in judged(found).values()} == {Status.INSUFFICIENT}
    assert (found["f1"].status, found["f1"].threshold) == (Status.OK, None)
    assert found["auc"].statistic == pytest.approx(0.83, abs=0.03)


def test_labels_of_one_class_say_nothing_of_the_ranking() -> None:
    whole = outcome(500)
    found = performance(Outcomes(whole.row_times, whole.times, np.zeros(500, np.int64), whole.score, whole.prediction))
    assert (found["auc"].statistic, found["auc"].status) == (None, Status.INSUFFICIENT)


def test_with_nothing_to_measure_the_reason_is_told() -> None:
    whole = outcome(500)
    found = performance(Outcomes(whole.row_times, whole.times, whole.label, None, None))
    assert found["performance"].detail == {"reason": "no labels yet"}
    off = {name: {"enabled": False} for name in (*MEASURES, "confusion")}
    assert set(performance(whole, detectors=off)) == {"performance"}


def test_tolerances_come_from_the_config() -> None:
    found = outcome(5000, good=0.6)
    assert performance(found)["auc"].status is Status.BREACH
    assert performance(found, detectors={"auc": {"threshold": 0.3}})["auc"].status is Status.OK


def test_a_measure_is_judged_where_the_config_gives_it_a_threshold() -> None:
    usual = {**USUAL, "recall": Measured(0.75, 0.01, 5000)}
    found = performance(outcome(5000, good=0.2), usual, detectors={"recall": {"threshold": 0.1}})
    assert (found["recall"].status, found["recall"].threshold) == (Status.BREACH, 0.1)
    assert found["precision"].detail["judged"] is False


def test_the_confusion_matrix_is_that_of_the_operating_threshold() -> None:
    whole = outcome(400)
    found = performance(whole)["confusion"]
    assert sum(map(sum, found.detail["matrix"])) == 400
    assert found.detail["matrix"][1][1] == int((whole.label & whole.prediction).sum())
    assert found.detail["by_class"]["1"]["recall"] == pytest.approx(performance(whole)["recall"].statistic, abs=1e-4)
    assert found.detail["decision_threshold"] == 0.5


def test_the_rates_behind_a_bias_are_told() -> None:
    whole = outcome(2000)
    found = performance(replace(whole, score=np.clip(whole.score + 0.2, 0, 1)))["rate_bias"]
    assert found.status is Status.BREACH
    assert found.detail["predicted_rate"] - found.detail["true_rate"] == pytest.approx(found.statistic, abs=1e-3)


def test_segments_are_judged_together_and_apart() -> None:
    whole = outcome(4000)
    place = np.arange(4000) % 2
    label = np.where(place == 1, 1 - whole.label, whole.label)
    parts = replace(whole, label=label, segments={"site": pa.array(np.array(["a", "b"])[place])})
    column = (SegmentColumn("site", ("a", "b")),)
    usual = {"site=a": USUAL, "site=b": USUAL}
    found = judge_performance(CONTEXT, model(), parts, USUAL, segments=column, segment_baseline=usual)
    status = {(one.segment, one.detector): one.status for one in found}
    assert status["site=a", "auc"] is Status.OK
    assert status["site=b", "auc"] is Status.BREACH
    assert status["site=(other)", "auc"] is Status.INSUFFICIENT
    assert ("site=a", "f1") not in status


# The rest


def test_runs_and_logs_are_there_or_not() -> None:
    assert run_finding(CONTEXT, 10, None).status is Status.OK
    missed = run_finding(CONTEXT, 0, "no run arrived")
    assert (missed.status, missed.detail["reason"]) == (Status.BREACH, "no run arrived")
    away = log_finding("m", START, START, "c", "0.1.0", "no folder")
    assert (away.status, away.kind, away.detector) == (Status.BREACH, Kind.VOLUME, "log_reachable")
    assert log_finding("m", START, START, "c", "0.1.0", None).status is Status.OK
    assert unjudged(CONTEXT, "baseline", 5, "learning").status is Status.INSUFFICIENT


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None])
def test_a_finding_never_holds_what_json_cannot(value: float | None) -> None:
    one = CONTEXT.finding("x", Kind.FEATURE, "ks", Status.INSUFFICIENT, 1, statistic=value, pvalue=value, effect=value)
    assert (one.statistic, one.pvalue, one.effect) == (None, None, None)
