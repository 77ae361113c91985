"""Diagnosis: one a kind of trouble, the right one first, in words that hold figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from detectors import DETECTORS, Finding, FixedRule, Grid, Kind, Severity, Status, Trouble, Window, diagnose

START, END = datetime(2013, 5, 1, 4, tzinfo=UTC), datetime(2013, 5, 2, 4, tzinfo=UTC)


def finding(
    detector: str,
    subject: str,
    statistic: float,
    effect: float | None = None,
    kind: Kind | None = None,
    **other: object,
) -> Finding:
    known = DETECTORS.get(detector)
    base = Finding(
        model="flight-delay",
        version="1",
        window=Window("1d", START, END),
        segment=None,
        subject=subject,
        kind=kind or (known.kind if known and known.kind else Kind.FEATURE),
        detector=detector,
        statistic=statistic,
        pvalue=1e-9,
        threshold=known.threshold if known else 0.5,
        effect=effect,
        status=Status.BREACH,
        n=920,
        revision=0,
        evaluated_at=END,
    )
    return replace(base, **other)


def test_nothing_wrong_is_no_diagnosis() -> None:
    assert diagnose([]) == []
    assert (
        diagnose([finding("ks", "temp", 0.9, status=Status.OK), finding("ks", "x", 0.9, status=Status.INSUFFICIENT)])
        == []
    )


def test_a_vanished_column_is_a_data_bug_and_not_drift() -> None:
    (found,) = diagnose([finding("vanished", "dewp", 1.0, 1.0), finding("psi", "dewp", 3.0)])
    assert found.trouble is Trouble.DATA
    assert found.diagnosis == "data bug"
    assert found.severity is Severity.CRITICAL
    assert found.subjects == ("dewp",)
    assert found.summary == "dewp vanished: absent in 100% of 920 rows (0% in the reference)"
    assert "dewp" in found.action
    assert len(found.evidence) == 2


def test_drift_is_one_diagnosis_for_all_features() -> None:
    breaches = [finding("ks", "temp", 0.61)] + [finding("ks", f"f{i}", 0.2) for i in range(3)]
    (found,) = diagnose(breaches)
    assert (found.trouble, found.diagnosis, found.severity) == (Trouble.DRIFT, "not enough evidence", Severity.WARNING)
    assert found.summary == "temp and 3 more drifted: KS 0.61 on temp (920 rows)"
    assert found.subjects[0] == "temp"
    assert len(found.subjects) == 4
    (single,) = diagnose(breaches[:1])
    assert single.summary == "temp drifted: KS 0.61 (920 rows)"
    assert "predictions have not moved" in single.action


def test_a_prediction_that_moved_belongs_to_the_drift_and_is_said() -> None:
    (found,) = diagnose([finding("ks", "temp", 0.2), finding("mean_shift", "score", 0.9, kind=Kind.PREDICTION)])
    assert found.trouble is Trouble.DRIFT
    assert found.summary == "score and 1 more drifted: mean shift +0.9 sd on score (920 rows)"
    assert "predictions moved too" in found.action


def test_a_slight_quality_breach_is_no_emergency() -> None:
    (found,) = diagnose([finding("missing", "humid", 0.09, 0.07)])
    assert found.severity is Severity.WARNING
    assert found.summary == "humid is missing in 9% of 920 rows (2% in the reference)"
    (lost,) = diagnose([finding("missing", "humid", 1.0, 0.98)])
    assert lost.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("detector", "words"),
    [
        ("type_change", "changed type in 30%"),
        ("non_finite", "is infinite in 30%"),
        ("unseen", "has categories never seen before in 30%"),
        ("out_of_range", "is outside its known range in 30%"),
        ("vanished", "is absent in 30%"),
    ],
)
def test_every_fault_has_its_words(detector: str, words: str) -> None:
    (found,) = diagnose([finding(detector, "x", 0.3, 0.3)])
    assert found.trouble is Trouble.DATA
    assert words in found.summary


def test_out_of_range_is_a_bug_alone_and_drift_where_everything_moved() -> None:
    sentinel = diagnose([finding("out_of_range", "x", 0.3, 0.3), finding("ks", "x", 0.31)])
    assert [each.trouble for each in sentinel] == [Trouble.DATA]
    season = diagnose([finding("out_of_range", "temp", 0.4, 0.4), finding("ks", "temp", 0.95)])
    assert [each.trouble for each in season] == [Trouble.DRIFT]
    assert season[0].summary.startswith("temp drifted: KS 0.95")
    spring = diagnose([finding("out_of_range", "temp", 0.1, 0.1), finding("ks", "temp", 0.4, status=Status.OK)])
    assert [each.trouble for each in spring] == [Trouble.DRIFT]
    assert spring[0].summary == "temp drifted: out of range 10% (920 rows)"
    summer = diagnose([finding("out_of_range", "temp", 1.0, 1.0), finding("ks", "temp", 1.0)])
    assert [each.trouble for each in summer] == [Trouble.DRIFT]


def test_many_faults_are_one_data_bug_with_the_worst_first() -> None:
    faults = [
        finding("unseen", "dest", 0.06, 0.06),
        finding("vanished", "dewp", 1.0, 1.0),
        finding("missing", "a", 0.3, 0.3),
    ]
    (found,) = diagnose(faults)
    assert found.subjects[0] == "dewp"
    assert found.summary.endswith("; and 2 more columns: a, dest")


def test_troubles_come_in_order_one_of_each() -> None:
    troubles = diagnose(
        [
            finding("auc", "late", 0.55, 0.13, Kind.PERFORMANCE, threshold=0.05),
            finding("ks", "temp", 0.6),
            finding("missing", "humid", 0.9, 0.9),
            finding("volume", "rows", -0.7, kind=Kind.VOLUME),
            finding("log_reachable", "prediction log", 1.0, kind=Kind.VOLUME),
        ]
    )
    assert [each.trouble for each in troubles] == [
        Trouble.BLIND,
        Trouble.SILENCE,
        Trouble.DATA,
        Trouble.DRIFT,
        Trouble.PERFORMANCE,
    ]


def test_degradation_says_from_what_to_what() -> None:
    (found,) = diagnose([finding("auc", "late", 0.62, 0.06, Kind.PERFORMANCE, threshold=0.05, n=5311)])
    assert (found.diagnosis, found.severity) == ("concept drift or unobserved cause", Severity.WARNING)
    assert found.summary == "AUC fell from 0.68 to 0.62 on 5,311 labelled rows: the inputs have not moved"
    (found,) = diagnose([finding("rmse", "delay", 15.0, 0.5, Kind.PERFORMANCE, threshold=0.2)])
    assert found.severity is Severity.CRITICAL
    assert found.summary.startswith("RMSE rose from 10 to 15")


def test_silence_says_what_kind() -> None:
    (found,) = diagnose([finding("volume", "rows", -1.0, kind=Kind.VOLUME, n=0)])
    assert (found.diagnosis, found.severity) == ("no rows", Severity.CRITICAL)
    assert "2013-05-01 04:00 to 2013-05-02 04:00 UTC" in found.summary
    (found,) = diagnose([finding("volume", "rows", -0.6, kind=Kind.VOLUME, n=368)])
    assert (found.diagnosis, found.severity) == ("fewer rows than usual", Severity.WARNING)
    assert found.summary == "368 rows, 60% fewer than usual"
    (found,) = diagnose([finding("volume", "rows", 1.5, kind=Kind.VOLUME, n=2300)])
    assert found.diagnosis == "more rows than usual"
    (found,) = diagnose([finding("freshness", "rows", 10_800.0, 6.0, Kind.VOLUME)])
    assert (found.diagnosis, found.summary) == ("stale", "the newest row is 3 h old")
    (found,) = diagnose(
        [finding("run_due", "run", 1.0, kind=Kind.VOLUME, detail={"reason": "no run arrived by Mon 09:00"})]
    )
    assert (found.diagnosis, found.severity) == ("missed run", Severity.CRITICAL)
    assert found.summary == "no run arrived by Mon 09:00"


def test_a_log_that_cannot_be_read_is_blindness_with_its_reason() -> None:
    unreachable = finding(
        "log_reachable", "prediction log", 1.0, kind=Kind.VOLUME, detail={"reason": "refused\nby *host*"}
    )
    (found,) = diagnose([unreachable])
    assert (found.trouble, found.diagnosis) == (Trouble.BLIND, "monitor blind")
    assert found.summary == "the prediction log cannot be read: refused by *host*"


def test_names_stand_on_one_line_and_are_shortened() -> None:
    (found,) = diagnose([finding("ks", "a\r\nBcc: x\x1b[31m\u202e" + "y" * 500, 0.4)])
    assert "\n" not in found.summary
    assert "\r" not in found.summary
    assert "\x1b" not in found.summary
    assert "\u202e" not in found.summary
    assert len(found.summary) < 120


def test_from_rows_to_words() -> None:
    rng = np.random.default_rng(0)
    reference = pa.table(
        {"temp": rng.normal(size=3000), "dewp": rng.normal(size=3000), "carrier": rng.choice(["AA", "UA"], 3000)}
    )
    grid = Grid.fit(reference)
    window = pa.table({"temp": rng.normal(1.5, size=920), "carrier": ["AA"] * 460 + ["ua"] * 460})
    usual, now = grid.profile(reference), grid.profile(window)
    measured = {name: detector.function(usual, now) for name, detector in DETECTORS.items()}
    judged = FixedRule().judge(measured, usual.rows, now.rows)
    findings = [
        finding(
            name,
            grid.names[i],
            float(statistic.value[i]),
            None if statistic.effect is None else float(statistic.effect[i]),
            DETECTORS[name].kind_of(grid.columns[i]),
        )
        for name, statistic in measured.items()
        for i in np.flatnonzero(judged[name].breach)
    ]
    data, drift = diagnose(findings)
    assert data.summary == "dewp vanished: absent in 100% of 920 rows (0% in the reference); and 1 more column: carrier"
    assert data.severity is Severity.CRITICAL
    assert drift.subjects == ("temp",)


def test_a_unit_change_comes_first_in_its_own_words_and_takes_the_columns_drift_along() -> None:
    sentence = "looks like a unit change: production ≈ 0.001 × reference"
    faults = [
        finding("missing", "a", 0.9, 0.9),
        finding("unit_change", "dist", 0.97, detail={"explanation": sentence}),
        finding("out_of_range", "dist", 1.0, 1.0),
        finding("ks", "dist", 1.0),
    ]
    (found,) = diagnose(faults)
    assert found.trouble is Trouble.DATA
    assert found.severity is Severity.CRITICAL
    assert found.summary == f"dist {sentence} (920 rows); and 1 more column: a"


def test_the_segment_a_breach_is_in_or_that_explains_it_is_told() -> None:
    whole = finding("ks", "temp", 0.4, detail={"segment": "all of it is origin=LGA"})
    assert diagnose([whole])[0].summary.endswith("rows); all of it is origin=LGA")
    assert diagnose([finding("ks", "temp", 0.4, segment="origin=LGA")])[0].summary.endswith("rows) where origin=LGA")
    bug = finding("missing", "temp", 0.4, 0.4, Kind.QUALITY, segment="origin=<b>\nLGA")
    assert "where origin=<b> LGA" in diagnose([bug])[0].summary, "on one line; whoever shows it escapes it"


# The joint distribution


def apart(*columns: tuple[str, float], detector: str = "domain_classifier", **other: object) -> Finding:
    share = max(size for _, size in columns)
    detail = {"columns": [[name, size] for name, size in columns]}
    return finding(detector, "joint distribution", share, share, detail=detail, **other)


def test_columns_that_no_longer_go_together_are_drift_and_named() -> None:
    (found,) = diagnose([apart(("temp", 0.93), ("dewp", 0.61), ("wind", 0.2))])
    assert (found.trouble, found.severity, found.subjects) == (
        Trouble.DRIFT,
        Severity.WARNING,
        ("joint distribution",),
    )
    assert found.summary == ("temp and dewp no longer go together with the other columns: relation lost 93% (920 rows)")
    assert "what fills temp" in found.action
    (one,) = diagnose([apart(("temp", 0.93))])
    assert one.summary.startswith("temp no longer goes together with the other columns: ")
    (many,) = diagnose([apart(*((name, 0.9) for name in "abcde"), detector="pca_reconstruction")])
    assert many.summary == (
        "a, b and 3 more no longer go together with the other columns: reconstruction error 90% (920 rows)"
    )
    (three,) = diagnose([apart(("a", 0.9), ("b", 0.9), ("c", 0.9))])
    assert three.summary.startswith("a, b and c no longer go together")


def test_of_two_detectors_the_sharper_one_says_who_it_was() -> None:
    blurred = apart(("humid", 0.4), ("dewp", 0.3), detector="pca_reconstruction", threshold=0.1)
    (found,) = diagnose([blurred, apart(("dewp", 0.9))])
    assert found.summary.startswith("dewp no longer goes together")
    assert [one.detector for one in found.evidence] == ["pca_reconstruction", "domain_classifier"]


def test_beside_columns_that_moved_it_is_told_after_them() -> None:
    joint, ks = apart(("temp", 0.93), ("dewp", 0.7)), finding("ks", "wind", 0.3, 0.3)
    (found,) = diagnose([joint, ks])
    assert found.subjects == ("wind", "joint distribution")
    assert found.summary == (
        "wind drifted: KS 0.30 (920 rows); temp and dewp no longer go together with the other columns"
    )
    assert found.evidence == (ks, joint)


def test_a_column_with_a_data_bug_explains_why_it_no_longer_goes_with_the_others() -> None:
    bug = finding("spike", "temp", 0.4, 0.4)
    (found,) = diagnose([apart(("dewp", 0.9), ("temp", 0.8)), bug])
    assert found.trouble is Trouble.DATA
    assert "dewp" not in found.summary
    data, drift = diagnose([apart(("fare", 0.9), ("temp", 0.1)), bug])
    assert (data.trouble, drift.trouble) == (Trouble.DATA, Trouble.DRIFT)
    assert drift.summary.startswith("fare no longer goes together")


def test_what_only_a_provisional_threshold_tells_of_never_pages() -> None:
    detail = {"provisional": "learned from 14 days"}
    lost = finding("missing", "temp", 0.9, 0.8)
    (sure,) = diagnose([lost])
    (unsure,) = diagnose([replace(lost, detail=detail)])
    (both,) = diagnose([replace(lost, detail=detail), finding("vanished", "temp", 1.0, 1.0)])
    assert [one.severity for one in (sure, unsure, both)] == [Severity.CRITICAL, Severity.WARNING, Severity.CRITICAL]
    assert unsure.summary == f"{sure.summary}; threshold provisional, learned from 14 days"
    assert "provisional" not in both.summary
