"""The reason of an incident, from the log to its first line: found once, kept, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detectors.reason import ATTRIBUTION
from detectors.surrogate import Surrogate
from monitor.judging.moment import Judging
from monitor.reasons.find import reference_rows
from monitor.reasons.rows import target_of
from monitor.reporting.importance import importance_of
from monitor.store import baselines
from monitor.store.surrogates import SURROGATES
from tests.support.flow import (
    DAY,
    HOUR,
    START,
    Flow,
    events_of,
    findings_of,
    labels_for,
    rows,
    table_rows,
    with_column,
)


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def fill(flow: Flow, shift: float, without: str | None = None) -> None:
    for number in range(6):
        made = rows(START + number * DAY, 24, seed=number, shift=shift if number == 5 else 0.0)
        flow.put(made if without is None else made.drop_columns([without]))


def test_an_incident_begins_with_its_reason(flow: Flow) -> None:
    fill(flow, 1.5)
    outcomes = list(flow.engine({"m": {"segments": ["colour"]}}).advance(START + 6 * DAY + HOUR))
    (found,) = findings_of(outcomes, detector=ATTRIBUTION)
    assert (found.subject, found.kind.value, found.status.value) == ("score", "prediction", "ok")
    told = found.detail
    assert told["terms"][0]["features"] == ["x"]  # type: ignore[index]
    parts = sum(term["points"] for term in told["terms"])  # type: ignore[union-attr]
    assert parts + told["other_terms"] + told["residual"] == pytest.approx(found.statistic, abs=1e-4)  # type: ignore[operator]
    assert told["importance"][0][0] == "x"  # type: ignore[index]
    moved, far = told["drift"]["features"][0]  # type: ignore[index]
    assert (moved, far > 0.4) == ("x", True)
    assert 0.0 < told["drift"]["weighted"] <= far  # type: ignore[index]
    assert [part["column"] for part in told["segments"]] == ["colour"]  # type: ignore[union-attr]
    (_, _, summary) = next((e.event, e.incident.trouble, e.incident.summary) for o in outcomes for e in o.events)
    assert summary.startswith("x is up; most of the rise in the mean score (+")
    assert "caused" not in summary
    assert len(events_of(outcomes)) == 1
    # What was learned of the model for this also ranks the features of its page.
    settings = flow.config({"m": {"segments": ["colour"]}}).settings.models["m"]
    with flow.store().read() as connection:
        known = importance_of(connection, settings, baselines.current(connection, "m", "1"))
        assert importance_of(connection, settings, None).shares == {}
    assert known.source == "learned from its predictions"
    assert max(known.shares, key=lambda name: known.shares[name]) == "x"
    assert sum(known.shares.values()) == pytest.approx(1.0)


def test_the_surrogate_is_kept_beside_the_baseline_and_used_again(flow: Flow) -> None:
    fill(flow, 1.5)
    list(flow.engine().advance(START + 6 * DAY + HOUR))
    (kept,) = table_rows(flow.store(), SURROGATES)
    assert Surrogate.from_bytes(kept[2]).fit > 0.8
    flow.put(rows(START + 6 * DAY, 24, seed=6, shift=4.0))
    outcomes = list(flow.engine().advance(START + 7 * DAY + HOUR))
    assert findings_of(outcomes, detector=ATTRIBUTION)
    assert table_rows(flow.store(), SURROGATES) == [kept]


def test_nothing_is_read_or_kept_while_nothing_happens_or_nobody_wants_it(flow: Flow) -> None:
    fill(flow, 0.0)
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    assert not findings_of(outcomes, detector=ATTRIBUTION)
    assert table_rows(flow.store(), SURROGATES) == []
    flow.put(rows(START + 6 * DAY, 24, seed=6, shift=2.0))
    outcomes = list(flow.engine({"m": {"reasons": {"enabled": False}}}).advance(START + 7 * DAY + HOUR))
    assert events_of(outcomes)
    assert table_rows(flow.store(), SURROGATES) == []


def test_a_model_without_predictions_has_incidents_without_reasons(flow: Flow) -> None:
    for number in range(6):
        made = rows(START + number * DAY, 24, seed=number, shift=1.5 if number == 5 else 0.0)
        flow.put(made.drop_columns(["score", "pred"]), columns={"timestamp": "ts", "id": "id", "version": "version"})
    outcomes = list(
        flow.engine({"m": {"columns": {"timestamp": "ts", "id": "id", "version": "version"}}}).advance(
            START + 6 * DAY + HOUR
        )
    )
    assert events_of(outcomes)
    assert not findings_of(outcomes, detector=ATTRIBUTION)


def test_of_classes_the_rate_that_moved_most_is_explained(flow: Flow) -> None:
    columns = {"timestamp": "ts", "id": "id", "version": "version", "prediction": "pred"}
    for number in range(6):
        made = rows(START + number * DAY, 24, seed=number, shift=1.5 if number == 5 else 0.0)
        x = made.column("x").to_numpy()
        kinds = np.array(["low", "mid", "high"])[np.digitize(x, [-0.5, 0.8])]
        flow.put(with_column(made.drop_columns(["score"]), "pred", pa.array(kinds)), columns=columns)
    models = {"m": {"columns": columns, "task": "multiclass"}}
    outcomes = list(flow.engine(models).advance(START + 6 * DAY + HOUR))
    (found,) = findings_of(outcomes, detector=ATTRIBUTION)
    assert found.detail["measure"] == "rate of pred = high"
    assert found.detail["terms"][0]["features"] == ["x"]  # type: ignore[index]


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 1.0), (2.0, 0.2)])
def test_the_loss_of_a_model_that_got_worse_is_divided_among_the_features(
    flow: Flow, shift: float, truth: float
) -> None:
    for number in range(6):
        # At x near 2 the model is sure and right; at 0 it is not sure, and says so; or labels are others than it says.
        late = number == 5
        table = flow.put(rows(START + number * DAY, 24, 40, seed=number, shift=shift if late else 2.0))
        flow.put_labels(labels_for(table, START + (number + 1) * DAY + HOUR, seed=number, truth=truth if late else 1.0))
    baseline = {"from": f"{START:%Y-%m-%d}", "to": f"{START + 5 * DAY:%Y-%m-%d}"}
    model = {"baseline": baseline, "label_wait": "1d", "detectors": {}}
    outcomes = list(flow.engine({"m": model}, start=START + 5 * DAY).advance(START + 7 * DAY + HOUR))
    found = [one for one in findings_of(outcomes, detector=ATTRIBUTION) if one.subject == "log loss"]
    assert len(found) == 1
    told, change = found[0].detail, found[0].statistic
    (loss,) = (one for one in findings_of(outcomes, detector="log_loss") if one.window == found[0].window)
    assert told["now"] == pytest.approx(loss.statistic, abs=1e-4)
    assert told["before"] == pytest.approx(loss.detail["baseline"], abs=1e-4)
    parts = sum(term["points"] for term in told["terms"])  # type: ignore[union-attr]
    assert parts + told["other_terms"] + told["residual"] == pytest.approx(change, abs=1e-4)  # type: ignore[operator]
    if truth == 1.0:
        assert told["terms"][0]["features"] == ["x"]  # type: ignore[index]
        assert str(told["because"]).startswith("x is down; ")
        assert "of the rise in the log loss (+" in str(told["because"])
    else:
        assert str(told["because"]).startswith("the log loss rose from 0.")
        assert "not explain" in str(told["unexplained"])


def test_the_users_own_importance_is_told_in_place_of_the_learned(flow: Flow) -> None:
    fill(flow, 1.5)
    models = {"m": {"reasons": {"importance": {"amount": 3, "x": 1}}}}
    outcomes = list(flow.engine(models).advance(START + 6 * DAY + HOUR))
    (found,) = findings_of(outcomes, detector=ATTRIBUTION)
    assert found.detail["importance"] == [["amount", 0.75], ["x", 0.25]]


def test_rows_are_thinned_evenly(flow: Flow) -> None:
    fill(flow, 0.0)
    list(flow.engine().advance(START + 6 * DAY + HOUR))
    world = flow.world()
    judging = Judging(world, "m", world.config.settings.models["m"], world.open_log("m"), None, START + 6 * DAY)
    with flow.store().read() as connection:
        baseline = baselines.current(connection, "m", "1")
    assert baseline is not None
    target = target_of(judging.settings, baseline.profile, baseline.profile)
    assert target is not None
    assert (target.column, target.share) == ("score", True)
    found = reference_rows(judging, baseline, target)
    assert found is not None
    assert len(found) == baseline.rows
    import monitor.reasons.find as find

    most, find.MOST_ROWS = find.MOST_ROWS, 500
    try:
        thin = reference_rows(judging, baseline, target)
    finally:
        find.MOST_ROWS = most
    assert thin is not None
    assert len(thin) == baseline.rows // 3
    assert np.array_equal(thin.predicted, found.predicted[::3])
