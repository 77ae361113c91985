"""Each of the eight conclusions, on cases constructed to be that and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detectors import Finding, Kind, Status, Trouble, diagnose
from detectors.conclusion import ACTIONS, ADVICE, RATES, Advice, Conclusion, conclude, harm_of_drift
from tests.detectors.test_diagnosis import finding

_RATES = {"true_before": 0.20, "true_now": 0.30, "predicted_before": 0.20, "predicted_now": 0.21}


def ok(detector: str, subject: str, statistic: float, kind: Kind = Kind.FEATURE, **other: object) -> Finding:
    return finding(detector, subject, statistic, kind=kind, status=Status.OK, **other)


def measured(detector: str, statistic: float, effect: float, **other: object) -> Finding:
    return finding(detector, detector, statistic, effect, Kind.PERFORMANCE, threshold=0.05, **other)


KS_SMALL, KS_LARGE = ok("ks", "x", 0.04), finding("ks", "x", 0.6)
AUC_OK = ok("auc", "auc", 0.68, Kind.PERFORMANCE, effect=0.0)
AUC_FELL = measured("auc", 0.60, 0.09)
GAP = measured("rate_bias", -0.09, 0.09, detail={RATES: _RATES})
FOLLOWED = measured("rate_bias", 0.0, 0.0, status=Status.OK, detail={RATES: {**_RATES, "predicted_now": 0.29}})
ESTIMATE_OK = ok("estimated_auc", "estimated AUC", 0.68, Kind.PERFORMANCE)
ESTIMATE_FELL = measured("estimated_auc", 0.60, 0.08)
CONCEPT = measured("concept_drift", -0.09, 0.09)
CONCEPT_OK = replace(CONCEPT, status=Status.OK)
BROKEN = finding("vanished", "x", 1.0, 1.0)
UNSURE = replace(AUC_FELL, status=Status.INSUFFICIENT, statistic=None)

CASES = [
    ("nothing unusual", [KS_SMALL, AUC_OK], Conclusion.HEALTHY),
    ("no labels, nothing unusual", [KS_SMALL], Conclusion.HEALTHY),
    ("a broken column", [BROKEN, KS_LARGE], Conclusion.DATA_BUG),
    ("a broken column that costs performance", [BROKEN, AUC_FELL, CONCEPT], Conclusion.DATA_BUG),
    ("drift, performance as it was", [KS_LARGE, AUC_OK], Conclusion.HARMLESS),
    ("drift, the estimate as it was", [KS_LARGE, ESTIMATE_OK], Conclusion.HARMLESS),
    ("drift, the estimate fell", [KS_LARGE, ESTIMATE_FELL], Conclusion.COVARIATE_SHIFT),
    ("drift, estimate and labels fell", [KS_LARGE, ESTIMATE_FELL, AUC_FELL, CONCEPT_OK], Conclusion.COVARIATE_SHIFT),
    ("drift, AUC fell, rates followed", [KS_LARGE, AUC_FELL, FOLLOWED], Conclusion.COVARIATE_SHIFT),
    ("drift and AUC fell, no more known", [KS_LARGE, AUC_FELL], Conclusion.COVARIATE_SHIFT),
    ("the rate moved and nothing else", [KS_SMALL, AUC_OK, GAP], Conclusion.PRIOR_SHIFT),
    ("the rate moved, realised not as estimated", [KS_SMALL, AUC_OK, GAP, CONCEPT], Conclusion.PRIOR_SHIFT),
    ("the rate moved, and a column by more", [KS_LARGE, AUC_OK, GAP], Conclusion.CONCEPT_DRIFT),
    ("the rate moved, nothing known of columns", [AUC_OK, GAP], Conclusion.CONCEPT_DRIFT),
    ("inputs as they were, AUC fell", [KS_SMALL, AUC_FELL], Conclusion.CONCEPT_DRIFT),
    ("inputs moved, realised not as estimated", [KS_LARGE, AUC_FELL, ESTIMATE_OK, CONCEPT], Conclusion.CONCEPT_DRIFT),
    ("realised not as estimated alone", [KS_SMALL, AUC_OK, CONCEPT], Conclusion.CONCEPT_DRIFT),
    ("labels stopped", [KS_SMALL, finding("label_feed", "labels", 1.0, kind=Kind.VOLUME)], Conclusion.LABEL_PROBLEM),
    ("labels inverted", [KS_SMALL, measured("auc", 0.33, 0.35)], Conclusion.LABEL_PROBLEM),
    (
        "not one positive",
        [KS_SMALL, replace(GAP, detail={RATES: {**_RATES, "true_now": 0.0}})],
        Conclusion.LABEL_PROBLEM,
    ),
    ("drift, and no more known", [KS_LARGE], Conclusion.UNKNOWN),
    ("drift, labels too few", [KS_LARGE, UNSURE], Conclusion.UNKNOWN),
    ("nothing at all", [], Conclusion.UNKNOWN),
    ("all of it too little", [replace(KS_LARGE, status=Status.INSUFFICIENT), UNSURE], Conclusion.UNKNOWN),
]


@pytest.mark.parametrize(("name", "findings", "expected"), CASES, ids=[case[0] for case in CASES])
def test_each_case_has_its_conclusion(name: str, findings: list[Finding], expected: Conclusion) -> None:
    verdict = conclude(findings)
    assert verdict.conclusion is expected
    assert conclude(findings[::-1]).conclusion is expected  # whatever order they come in
    assert all(one in findings for one in verdict.evidence)
    assert verdict.advice is ADVICE[expected]
    assert verdict.sentence


def test_all_eight_are_tested_and_say_what_to_do() -> None:
    assert {expected for _, _, expected in CASES} == set(Conclusion) == set(ADVICE) == set(ACTIONS)
    retrain = {one for one in Conclusion if ADVICE[one] is Advice.RETRAIN}
    assert retrain == {Conclusion.COVARIATE_SHIFT, Conclusion.PRIOR_SHIFT, Conclusion.CONCEPT_DRIFT}
    assert ADVICE[Conclusion.HARMLESS] is ADVICE[Conclusion.UNKNOWN] is Advice.INVESTIGATE


def test_one_row_alone_is_no_evidence_of_one_class() -> None:
    few = replace(GAP, n=20, detail={RATES: {**_RATES, "true_now": 0.0}})
    assert conclude([KS_SMALL, AUC_OK, few]).conclusion is not Conclusion.LABEL_PROBLEM


def test_a_longer_window_does_not_speak_for_a_shorter_one() -> None:
    far = replace(KS_LARGE, window=replace(KS_LARGE.window, horizon="28d"), status=Status.OK)
    assert conclude([far, KS_SMALL, AUC_OK, GAP]).conclusion is Conclusion.PRIOR_SHIFT


def test_drift_beside_a_data_bug_is_judged_by_itself() -> None:
    other = finding("ks", "y", 0.6)
    assert harm_of_drift([BROKEN, other, AUC_OK]).conclusion is Conclusion.HARMLESS
    assert harm_of_drift([other, AUC_OK, GAP]).conclusion is Conclusion.UNKNOWN
    assert harm_of_drift([other, ESTIMATE_FELL]).conclusion is Conclusion.COVARIATE_SHIFT


def test_incidents_carry_the_conclusion_and_what_is_known_besides() -> None:
    (drift,) = diagnose([KS_LARGE], known=[AUC_OK])
    assert (drift.trouble, drift.diagnosis) == (Trouble.DRIFT, "drift without harm")
    assert "no reason to retrain" in drift.action
    (worse,) = diagnose([GAP, AUC_OK], known=[replace(KS_LARGE, status=Status.OK)])
    assert (worse.trouble, worse.diagnosis) == (Trouble.PERFORMANCE, "concept drift or unobserved cause")
    assert worse.summary.startswith(
        "ranking held up (AUC 0.68); the predicted rate stopped following the true one: "
        "predicted 0.21 (was 0.20), true 0.30 (was 0.20)"
    )
    assert diagnose([AUC_OK], known=[KS_LARGE, BROKEN]) == []  # what is known besides opens nothing


def test_the_rates_told_are_those_of_the_window_that_breached() -> None:
    long = replace(
        GAP,
        window=replace(GAP.window, horizon="28d"),
        status=Status.OK,
        detail={RATES: {**_RATES, "true_now": 0.22, "predicted_now": 0.18}},
    )
    for findings in ([long, GAP, AUC_OK], [GAP, long, AUC_OK]):
        (worse,) = diagnose(findings, known=[replace(KS_LARGE, status=Status.OK)])
        assert "predicted 0.21 (was 0.20), true 0.30 (was 0.20)" in worse.summary
        assert worse.summary.endswith(" (920 labelled rows)")
