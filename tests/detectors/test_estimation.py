"""Performance without labels: equal to its oracles where they exist, and right as often as it says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics

from detectors.boosting import fit_trees
from detectors.calibrators import choose, fit
from detectors.day_variation import day_covariance
from detectors.estimation import Estimator, Rows
from detectors.estimator_bytes import from_bytes, to_bytes
from detectors.expected import Groups, Law, draw_chances, measures
from detectors.label_model import LabelModel
from detectors.logistic import clustered_covariance, fit_logistic
from detectors.loss_estimation import LossEstimator, RegressionRows
from detectors.multiclass_estimation import ClassEstimator, ClassRows
from detectors.overlap import Reach
from detectors.result import DetectorError, FloatArray
from detectors.shift_kind import Classes, shift_kind, within_classes
from detectors.surprise import drifted, realised, surprises
from detectors.thin import thinned

RNG = np.random.default_rng


def world(
    seed: int, rows: int, shift: float = 0.0, days: int = 14, effect: float = 0.0, turn: float = 1.0
) -> tuple[Rows, FloatArray]:
    """Rows whose score knows one of two features; labels follow both. `effect`: how much days differ."""
    rng = RNG(seed)
    features = rng.normal(size=(rows, 3))
    features[:, 1] += shift
    day = np.arange(rows) % days
    own = rng.normal(0.0, effect, days)[day]
    chance = expit(turn * features[:, 0] + 0.8 * features[:, 1] - 0.5 + own)
    score = expit(1.5 * features[:, 0] - 0.5)
    return Rows(score, (score > 0.5).astype(np.int64), day, features), (rng.random(rows) < chance).astype(float)


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator.learn(*world(1, 8000), np.zeros(3, dtype=bool))


@pytest.mark.parametrize("levels", [0, 20])
def test_measures_of_known_labels_are_scikit_learns(levels: int) -> None:
    rng = RNG(3)
    score = rng.random(700)
    score = np.round(score * levels) / levels if levels else score
    said, label = (score > 0.4).astype(np.int64), (rng.random(700) < score).astype(float)
    found = realised(Rows(score, said, np.zeros(700, dtype=np.int64)), label)
    expected = {
        "roc_auc": metrics.roc_auc_score(label, score),
        "average_precision": metrics.average_precision_score(label, score),
        "f1": metrics.f1_score(label, said),
        "precision": metrics.precision_score(label, said),
        "recall": metrics.recall_score(label, said),
        "accuracy": metrics.accuracy_score(label, said),
        "log_loss": metrics.log_loss(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "positives": label.mean(),
    }
    assert found == pytest.approx(expected, abs=1e-9)


def test_labels_of_one_class_have_no_ranking() -> None:
    rows = Rows(np.array([0.1, 0.9]), np.array([0, 1]), np.zeros(2, dtype=np.int64))
    assert "roc_auc" not in realised(rows, np.ones(2))
    assert realised(rows, np.ones(2))["recall"] == 0.5


def test_rows_taken_together_change_a_ranking_by_next_to_nothing() -> None:
    rng = RNG(4)
    score, label = rng.random(20_000), (rng.random(20_000) < 0.3).astype(float)
    odds = np.zeros(len(score))
    for exact in (True, False):
        groups = Groups.of(score, (score > 0.5).astype(np.int64), odds, exact=exact)
        seen = np.bincount(groups.place, label, len(groups.rows)).astype(float)[None]
        assert measures(groups, seen)["roc_auc"][0] == pytest.approx(metrics.roc_auc_score(label, score), abs=2e-4)


def test_logistic_regression_is_scikit_learns_and_its_error_that_of_days() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = RNG(5)
    design = np.column_stack([np.ones(4000), rng.normal(size=4000)])
    day = np.arange(4000) % 40
    label = (rng.random(4000) < expit(design[:, 1] + rng.normal(0.0, 0.7, 40)[day])).astype(float)
    weight = rng.random(4000) + 0.5
    beta = fit_logistic(design, label, weight, ridge=0.0)
    oracle = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(design, label, sample_weight=weight)
    assert beta == pytest.approx(oracle.coef_[0], abs=1e-5)
    by_day, by_row = (clustered_covariance(design, label, weight, beta, one)[0, 0] for one in (day, np.arange(4000)))
    assert by_day > 4.0 * by_row


def test_trees_learn_what_a_line_cannot() -> None:
    rng = RNG(6)
    bins = rng.integers(0, 16, (4000, 3)).astype(np.uint8)
    chance = np.where((bins[:, 0] > 7) ^ (bins[:, 1] > 7), 0.8, 0.2)
    label = (rng.random(4000) < chance).astype(float)
    said = expit(fit_trees(bins[:3000], label[:3000], rounds=40).predict(bins[3000:]))
    assert np.abs(said - chance[3000:]).mean() < 0.08
    with pytest.raises(DetectorError, match="nothing to learn"):
        fit_trees(bins[:0], label[:0])


@pytest.mark.parametrize(("bend", "expected"), [(1.0, "identity"), (0.5, "platt")])
def test_the_calibrator_is_the_simplest_that_holds_on_other_days(bend: float, expected: str) -> None:
    rng = RNG(7)
    odds = rng.normal(0.0, 1.5, 6000)
    label = (rng.random(6000) < expit(bend * odds)).astype(float)
    day = np.arange(6000) % 12
    chosen, losses = choose(expit(odds), None, label, day, day % 4)
    assert chosen.kind == expected
    assert losses[expected] <= min(losses.values()) + 0.002
    assert np.abs(expit(chosen.odds(expit(odds), None)) - expit(bend * odds)).mean() < 0.02


def test_isotonic_regression_is_scikit_learns() -> None:
    from sklearn.isotonic import IsotonicRegression

    rng = RNG(8)
    score = rng.random(500)
    label = (rng.random(500) < score**2).astype(float)
    found = expit(fit("isotonic", score, None, label, np.empty(0)).odds(score, None))
    oracle = IsotonicRegression(out_of_bounds="clip").fit_transform(score, label)
    assert found == pytest.approx(np.clip(oracle, 1 / 502, 1 - 1 / 502), abs=1e-9)


@pytest.mark.parametrize("effect", [0.0, 0.6])
def test_how_much_days_differ_is_found(effect: float) -> None:
    rng = RNG(9)
    day = np.repeat(np.arange(60), 300)
    odds = rng.normal(-0.5, 1.0, len(day))
    label = (rng.random(len(day)) < expit(odds + rng.normal(0.0, effect, 60)[day])).astype(float)
    found = day_covariance(odds, label, day, -0.5)
    assert np.sqrt(found[0, 0]) == pytest.approx(effect, abs=0.12)
    assert np.sqrt(found[1, 1]) < 0.15
    assert not day_covariance(odds[:900], label[:900], day[:900], 0.0).any()


def test_days_that_do_not_differ_are_found_to_differ_by_next_to_nothing() -> None:
    found = []
    for seed in range(8):
        rng, day = RNG(seed), np.repeat(np.arange(28), 500)
        odds = rng.normal(-0.5, 1.0, len(day))
        label = (rng.random(len(day)) < expit(odds)).astype(float)
        found.append(day_covariance(odds, label, day, -0.5)[0, 0])
    # What one day's own level is known to, squared, is 0.011.
    assert np.mean(found) < 0.002
    assert np.median(found) < 0.001


@pytest.mark.parametrize("days", [1, 5, 40])
def test_chances_that_are_true_on_the_mean_of_days_stay_so_however_much_days_differ(days: int) -> None:
    odds = RNG(12).normal(-1.5, 1.0, 4000)
    groups = Groups.of(expit(odds), np.zeros(4000, dtype=np.int64), odds)
    law = Law(np.zeros(2), np.zeros((2, 2)), np.diag([0.5, 0.1]), -1.5, 30)
    chance, _ = draw_chances(groups, law, days, 2000, RNG(13))
    assert (chance @ groups.rows / 4000).mean() == pytest.approx(expit(odds).mean(), abs=0.005)


def test_what_only_tells_of_days_next_to_those_learned_from_is_not_taken_for_a_guide() -> None:
    """The level of the labels wanders; a feature like the temperature says which part of the month it is."""
    rng, days = RNG(14), 32
    day = np.repeat(np.arange(days), 300)
    level = 0.8 * np.sin(np.arange(days) / 3.0)
    features = np.column_stack([day + rng.normal(0.0, 1.0, len(day)), rng.normal(size=len(day))])
    odds = rng.normal(-1.0, 1.0, len(day))
    label = (rng.random(len(day)) < expit(odds + level[day])).astype(float)
    rows = Rows(expit(odds), (odds > 0.0).astype(np.int64), day, features)
    found = Estimator.learn(rows, label)
    assert not found.calibrator.with_features
    assert found.model is None
    _, modelled = LabelModel.fit(features, np.zeros(2, dtype=bool), rows.score, label, day % 4)
    assert choose(rows.score, modelled, label, day, day % 4)[0].with_features


def test_positives_add_up_in_each_predicted_class() -> None:
    rng = RNG(15)
    odds = rng.normal(-0.5, 1.2, 12_000)
    said = (odds > 0.3).astype(np.int64)
    # Where positives are predicted there are fewer than the score says: a step that no smooth curve has.
    label = (rng.random(len(odds)) < expit(odds - 0.6 * said)).astype(float)
    found = Estimator.learn(Rows(expit(odds), said, np.arange(12_000) % 20), label)
    for one in (0, 1):
        assert expit(found.odds[said == one]).mean() == pytest.approx(label[said == one].mean(), abs=0.001)
    again = from_bytes(to_bytes(found))
    assert isinstance(again, Estimator)
    assert again.by_class == pytest.approx(found.by_class)


def test_weights_are_the_density_ratio_and_one_where_nothing_moved() -> None:
    rng = RNG(10)
    reference = rng.normal(size=(6000, 2))
    reach = Reach.of(reference, np.arange(6000) % 2, np.zeros(2, dtype=bool), np.zeros(6000))
    same = reach.overlap(rng.normal(size=(3000, 2)))
    assert same.share > 0.95
    moved = reach.overlap(rng.normal([0.7, 0.0], 1.0, size=(3000, 2)))
    true = np.exp(0.7 * reference[:, 0] - 0.245)
    assert np.corrcoef(np.log(moved.weight), np.log(true))[0, 1] > 0.9
    assert 0.4 < moved.share < 0.85
    assert not moved.reason
    far = reach.overlap(rng.normal([6.0, 0.0], 0.5, size=(3000, 2)))
    assert far.reason


def test_estimates_follow_a_shift_that_scores_alone_do_not_show(estimator: Estimator) -> None:
    rows, label = world(2, 6000, shift=0.6)
    found, true = estimator.estimate(rows, RNG(0)), realised(rows, label)
    assert estimator.calibrator.with_features
    assert not found.reason
    for name in ("roc_auc", "accuracy", "f1", "positives", "log_loss"):
        assert found.of[name].value == pytest.approx(true[name], abs=0.025), name
    plain = Estimator.learn(*(lambda r, y: (Rows(r.score, r.said, r.day), y))(*world(1, 8000)))
    blind = plain.estimate(Rows(rows.score, rows.said, rows.day), RNG(0))
    assert abs(blind.of["positives"].value - true["positives"]) > 0.07


def test_intervals_hold_as_often_as_they_say_on_days_that_differ() -> None:
    def scored(seed: int, rows: int, days: int) -> tuple[Rows, FloatArray]:
        found, label = world(seed, rows, days=days, effect=0.4)
        return Rows(found.score, found.said, found.day), label

    held = []
    for seed in range(2):
        taught = Estimator.learn(*scored(20 + seed, 6000, 20))
        for window in range(20):
            rows, label = scored(1000 * seed + window, 500, 1)
            found, true = taught.estimate(rows, RNG(window)), realised(rows, label)
            held += [found.of[name].low <= true[name] <= found.of[name].high for name in ("positives", "accuracy")]
    assert 0.8 <= np.mean(held) <= 0.98


def test_labels_surprise_where_their_law_changed_and_not_where_only_rows_did(estimator: Estimator) -> None:
    for shift, turn, expected in ((0.0, 1.0, False), (0.8, 1.0, False), (0.0, -0.3, True)):
        rows, label = world(30, 3000, shift=shift, turn=turn)
        found = surprises(estimator, rows, label, RNG(0))
        assert any(drifted(one, name, len(found.of)) for name, one in found.of.items()) is expected


def test_an_estimator_survives_its_bytes(estimator: Estimator) -> None:
    rows, _ = world(2, 500)
    stored = to_bytes(estimator)
    again = from_bytes(stored)
    assert isinstance(again, Estimator)
    first, second = (one.estimate(rows, RNG(0)).of for one in (estimator, again))
    assert {n: e.value for n, e in first.items()} == pytest.approx({n: e.value for n, e in second.items()}, abs=1e-4)
    for damaged in (b"", stored[:-100], b"PK" + stored[5:]):
        with pytest.raises(DetectorError):
            from_bytes(damaged)


def test_an_estimator_stored_before_classes_were_made_to_add_up_is_read(estimator: Estimator) -> None:
    with np.load(io.BytesIO(to_bytes(estimator)), allow_pickle=False) as stored:
        older = {name: stored[name] for name in stored.files if name != "by_class"}
    assert len(older) == len(stored.files) - 1
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **older)
    again = from_bytes(buffer.getvalue())
    assert isinstance(again, Estimator)
    assert not again.by_class.any()


def test_too_little_is_said_and_not_guessed(estimator: Estimator) -> None:
    rows, label = world(1, 150)
    with pytest.raises(DetectorError, match="too few"):
        Estimator.learn(rows, label)
    rows, label = world(1, 500)
    with pytest.raises(DetectorError, match="0 positives"):
        Estimator.learn(rows, np.zeros(500))
    with pytest.raises(DetectorError, match="features"):
        estimator.estimate(Rows(rows.score, rows.said, rows.day), RNG(0))
    empty = np.empty(0)
    with pytest.raises(DetectorError, match="no rows"):
        estimator.estimate(Rows(empty, empty.astype(int), empty.astype(int), np.empty((0, 3))), RNG(0))


def test_scores_that_are_no_probabilities_rank_all_the_same() -> None:
    rows, label = world(1, 4000)
    margin = Rows(np.log(rows.score / (1.0 - rows.score)) * 3.0, rows.said, rows.day)
    found = Estimator.learn(margin, label).estimate(margin, RNG(0)).of
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(label, rows.score), abs=0.02)
    assert "log_loss" not in found


def test_the_errors_of_a_regression_are_estimated_where_they_are_larger() -> None:
    def side(seed: int, shift: float) -> tuple[RegressionRows, FloatArray]:
        rng = RNG(seed)
        features = rng.normal(size=(5000, 2))
        features[:, 1] += shift
        truth = features[:, 0] + rng.normal(size=5000) * np.exp(0.5 * features[:, 1])
        return RegressionRows(features[:, 0], np.arange(5000) % 14, features), truth

    taught = from_bytes(to_bytes(LossEstimator.learn(*side(1, 0.0))))
    assert isinstance(taught, LossEstimator)
    for shift in (0.0, 0.8):
        rows, truth = side(2, shift)
        found, true = taught.estimate(rows).of, float(np.abs(truth - rows.prediction).mean())
        assert found["mae"].value == pytest.approx(true, rel=0.06)
        assert found["mae"].low < true < found["mae"].high
    with pytest.raises(DetectorError, match="other features"):
        taught.estimate(RegressionRows(rows.prediction, rows.day))


@pytest.mark.parametrize("confident", [True, False])
def test_the_accuracy_of_several_classes_is_estimated(confident: bool) -> None:
    names = np.array(["ant", "bee", "cat"])

    def side(seed: int, scale: float) -> tuple[ClassRows, np.ndarray]:
        rng = RNG(seed)
        odds = rng.normal(size=(5000, 3)) * scale
        said = names[odds.argmax(axis=1)]
        true = names[(odds + rng.gumbel(size=odds.shape)).argmax(axis=1)]
        sure = np.exp(odds).max(axis=1) / np.exp(odds).sum(axis=1)
        return ClassRows(said, np.arange(5000) % 14, sure if confident else None, odds), true

    taught = from_bytes(to_bytes(ClassEstimator.learn(*side(1, 1.0))))
    assert isinstance(taught, ClassEstimator)
    rows, true = side(2, 1.4)
    found = taught.estimate(rows, RNG(0)).of
    assert found["accuracy"].value == pytest.approx((rows.said == true).mean(), abs=0.03)
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(true, rows.said, average="macro"), abs=0.03)
    other = ClassRows(
        np.full(500, "dog"),
        np.arange(500) % 2,
        None if rows.confidence is None else rows.confidence[:500],
        None if rows.features is None else rows.features[:500],
    )
    assert "does not have" in taught.estimate(other, RNG(0)).reason


def test_a_prior_shift_is_told_from_a_covariate_shift() -> None:
    rng = RNG(11)

    def scores(rows: int, rate: float, apart: float = 1.5) -> tuple[FloatArray, FloatArray]:
        label = (rng.random(rows) < rate).astype(float)
        return rng.normal(apart * label, 1.0), label

    score, label = scores(6000, 0.2)
    day = np.arange(6000) % 15
    prior, its = scores(2000, 0.5)
    known = Classes.of(score, label, day)
    assert known is not None
    fitted = known.fit(prior)
    assert fitted is not None
    assert fitted.positives == pytest.approx(0.5, abs=0.05)
    assert fitted.pvalue > 0.05
    moved = known.fit(rng.normal(3.0, 0.3, 2000))
    assert moved is not None
    assert moved.pvalue < 0.1
    assert known.fit(prior[:5]) is None
    assert Classes.of(score, np.zeros(len(label)), day) is None
    classes = within_classes(score, label, prior, its)
    assert shift_kind(True, True, classes, True) == "prior shift"
    assert shift_kind(True, True, within_classes(score, label, *scores(2000, 0.5, apart=0.2)), True) == "concept drift"
    assert shift_kind(False, True, classes, False) == "covariate shift"
    assert shift_kind(False, False, classes, False) == "none"
    assert shift_kind(True, False, None, False) == "not enough data"


def test_a_thinned_half_is_of_all_days_alike() -> None:
    places = thinned(8000, 4000)
    assert len(places) > 3500
    assert np.bincount(places % 2).min() > 0.4 * len(places)
    assert np.array_equal(thinned(5, 10), np.arange(5))
