"""An ordinary model, honestly scored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from monitor.demo.model import DECISION_THRESHOLD, DelayModel, month_of, train


@pytest.fixture(scope="module")
def model(year) -> DelayModel:
    return train(year[month_of(year) == 1])


def test_on_months_it_has_not_seen_the_model_ranks_as_promised(year, model) -> None:
    rest = year[(month_of(year) > 1) & year["late"].notna()]
    scores = rest.assign(score=model.score(rest))
    aucs = [roc_auc_score(month["late"], month["score"]) for _, month in scores.groupby(month_of(scores))]
    assert len(aucs) == 11
    assert min(aucs) > 0.60
    assert max(aucs) < 0.72


def test_predicted_and_true_rate_of_the_baseline_month_start_out_level(year, model) -> None:
    february = year[(month_of(year) == 2) & year["late"].notna()]
    predicted = (model.score(february) > DECISION_THRESHOLD).mean()
    assert abs(predicted - february["late"].mean()) < 0.03


def test_the_same_flights_give_the_same_scores(year, model) -> None:
    march = year[month_of(year) == 3]
    again = train(year[month_of(year) == 1])
    np.testing.assert_array_equal(again.score(march), model.score(march))


def test_a_flight_is_scored_the_same_in_any_company(year, model) -> None:
    some = year[month_of(year) == 6].head(200)
    np.testing.assert_array_equal(model.score(some)[50:60], model.score(some.iloc[50:60]))


def test_values_never_seen_and_missing_values_are_scored(year, model) -> None:
    some = year.tail(20).copy()
    some["carrier"], some["destination"] = "ZZ", "NOWHERE"
    some[["temperature", "seats", "pressure"]] = np.nan
    scores = model.score(some)
    assert ((scores > 0) & (scores < 1)).all()
