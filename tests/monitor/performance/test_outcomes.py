"""Predictions joined with their labels."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from monitor.performance.outcomes import Outcomes, read_outcomes
from monitor.prediction_log.base import LogMismatch
from monitor.prediction_log.open import open_labels
from monitor.settings import ModelSettings
from tests.support.flow import COLUMNS, DAY, HOUR, START, Flow, labels_for, rows, with_column


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    made = Flow(tmp_path)
    made.write()
    return made


def settings_of(flow: Flow, **more: object) -> ModelSettings:
    given = {"columns": COLUMNS, "log": {"delta": str(flow.folder / "log")}, **more}
    return ModelSettings.model_validate(given)


def read(
    flow: Flow, until: datetime = START + 9 * DAY, start: datetime = START, end: datetime = START + DAY, **more: object
) -> dict[str, Outcomes]:
    settings = settings_of(flow, **more)
    labels = open_labels(settings, settings.log, "m")
    assert labels is not None
    return read_outcomes(
        flow.log(columns=settings.columns.model_dump(exclude_none=True)), labels, settings, start, end, until
    )


def label_table(ids: list[str | None], labels: object, received: datetime = START + DAY) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "label": labels,
            "received_at": pa.array([received] * len(ids), pa.timestamp("us", "UTC")),
        }
    )


def test_every_labelled_row_is_an_outcome_by_version(flow: Flow) -> None:
    one, two = flow.put(rows(hours=24)), flow.put(rows(hours=24, version="2", seed=1))
    labels = labels_for(one, START + DAY)
    flow.put_labels(labels)
    flow.put_labels(labels_for(two.slice(0, 100), START + DAY))
    found = read(flow)
    assert set(found) == {"1", "2"}
    assert (found["1"].rows, found["1"].labelled, found["1"].coverage) == (480, 480, 1.0)
    assert (found["2"].rows, found["2"].labelled) == (480, 100)
    assert found["2"].coverage == pytest.approx(100 / 480)
    truth = dict(zip(labels.column("id").to_pylist(), labels.column("label").to_pylist(), strict=True))
    pairs = sorted(zip(found["1"].score.tolist(), found["1"].label.tolist(), strict=True))
    assert pairs == sorted(
        (score, truth[name])
        for score, name in zip(one.column("score").to_pylist(), one.column("id").to_pylist(), strict=True)
    )


def test_labels_count_from_when_they_were_received_and_the_latest_wins(flow: Flow) -> None:
    table = flow.put(rows(hours=1))
    ids = table.column("id").to_pylist()
    flow.put_labels(label_table(ids, pa.array([0] * 20), START + DAY))
    flow.put_labels(label_table(ids[:5], pa.array([1] * 5), START + 2 * DAY))
    assert read(flow, START + DAY)["1"].labelled == 0, "received before `until`, not at it"
    assert read(flow, START + DAY + HOUR)["1"].label.sum() == 0
    assert read(flow, START + 3 * DAY)["1"].label.sum() == 5


def test_without_labels_there_are_rows_and_no_outcomes(flow: Flow) -> None:
    flow.put(rows(hours=1))
    found = read(flow)["1"]
    assert (found.rows, found.labelled, found.coverage) == (20, 0, 0.0)


def test_without_rows_there_is_nothing(flow: Flow) -> None:
    flow.put(rows(hours=1))
    assert read(flow, start=START + DAY, end=START + 2 * DAY) == {}


def test_duplicate_ids_each_have_the_label(flow: Flow) -> None:
    table = flow.put(rows(hours=1))
    flow.put(table)
    flow.put_labels(labels_for(table, START + DAY))
    assert read(flow)["1"].labelled == 40


def test_missing_labels_scores_and_predictions_are_left_out(flow: Flow) -> None:
    table = rows(hours=1)
    scores = [None, float("nan"), float("inf"), *table.column("score").to_pylist()[3:]]
    preds = table.column("pred").to_pylist()
    table = with_column(table, "score", pa.array(scores, pa.float64()))
    table = with_column(table, "pred", pa.array([*preds[:3], None, *preds[4:]], pa.int64()))
    flow.put(table)
    ids = table.column("id").to_pylist()
    flow.put_labels(label_table(ids, pa.array([None if i == 4 else 1 for i in range(20)], pa.int64())))
    found = read(flow)["1"]
    assert (found.rows, found.labelled) == (20, 15)
    assert np.isfinite(found.score).all()
    assert len(found.prediction) == len(found.label) == len(found.score) == 15


@pytest.mark.parametrize(
    ("labels", "positive", "expected"),
    [
        (pa.array([1, 0, 1]), 1, [1, 0, 1]),
        (pa.array([1.0, 0.0, 1.0]), 1, [1, 0, 1]),
        (pa.array([True, False, True]), 1, [1, 0, 1]),
        (pa.array([True, False, True]), True, [1, 0, 1]),
        (pa.array(["late", "on time", "late"]), "late", [1, 0, 1]),
        (pa.array(["1", "0", "1"]), 1, [1, 0, 1]),
        (pa.array([2, 1, 2]), 2, [1, 0, 1]),
        (pa.array([2, 1, 2]), "2", [1, 0, 1]),
    ],
)
def test_the_positive_class_is_what_the_config_says(
    flow: Flow, labels: pa.Array, positive: object, expected: list[int]
) -> None:
    table = flow.put(rows(hours=1, per_hour=3))
    flow.put_labels(label_table(table.column("id").to_pylist(), labels))
    columns = {key: name for key, name in COLUMNS.items() if key != "prediction"}
    found = read(flow, positive=positive, columns=columns)["1"]
    assert sorted(zip(found.score.tolist(), found.label.tolist(), strict=True)) == sorted(
        zip(table.column("score").to_pylist(), expected, strict=True)
    )


def test_without_a_prediction_the_score_decides_at_the_configured_threshold(flow: Flow) -> None:
    table = flow.put(rows(hours=2))
    flow.put_labels(labels_for(table, START + DAY))
    columns = {key: name for key, name in COLUMNS.items() if key != "prediction"}
    found = read(flow, columns=columns, decision_threshold=0.8)["1"]
    assert found.prediction.tolist() == [int(score >= 0.8) for score in found.score]
    assert 0 < found.prediction.sum() < len(found.score)


def test_classes_are_texts_and_regression_is_numbers(flow: Flow) -> None:
    table = with_column(rows(hours=1, per_hour=3), "pred", ["red", "green", "blue"])
    flow.put(table)
    flow.put_labels(label_table(table.column("id").to_pylist(), pa.array(["red", "red", "blue"])))
    found = read(flow, task="multiclass")["1"]
    assert sorted(zip(found.prediction.tolist(), found.label.tolist(), strict=True)) == [
        ("blue", "blue"), ("green", "red"), ("red", "red"),
    ]  # fmt: skip


def test_regression_uses_the_prediction_or_else_the_score(flow: Flow) -> None:
    table = with_column(rows(hours=1, per_hour=4), "pred", [1.0, 2.0, float("nan"), 4.0])
    flow.put(table)
    flow.put_labels(label_table(table.column("id").to_pylist(), pa.array([1.5, float("inf"), 3.0, 4.0])))
    found = read(flow, task="regression")["1"]
    assert sorted(zip(found.prediction.tolist(), found.label.tolist(), strict=True)) == [(1.0, 1.5), (4.0, 4.0)]
    assert found.score is None
    columns = {key: name for key, name in COLUMNS.items() if key != "prediction"}
    assert read(flow, task="regression", columns=columns)["1"].labelled == 3


def test_ids_that_are_numbers_meet_labels_that_are_texts(flow: Flow) -> None:
    table = with_column(rows(hours=1, per_hour=3), "id", [11, 12, 13])
    flow.put(table)
    flow.put_labels(label_table(["12", "13", "99", None], pa.array([1, 1, 1, 1])))
    assert read(flow)["1"].labelled == 2


def test_labels_that_are_no_numbers_are_the_owners_mistake(flow: Flow) -> None:
    table = flow.put(with_column(rows(hours=1, per_hour=3), "pred", [1.0, 2.0, 3.0]))
    flow.put_labels(label_table(table.column("id").to_pylist(), pa.array(["one", "two", "three"])))
    with pytest.raises(LogMismatch, match="number") as caught:
        read(flow, task="regression")
    assert "three" not in str(caught.value), "values may be private"


def test_without_an_id_nothing_can_be_joined(flow: Flow) -> None:
    flow.put(rows(hours=1))
    labels = open_labels(settings_of(flow), settings_of(flow).log, "m")
    assert labels is not None
    settings = settings_of(flow, columns={key: name for key, name in COLUMNS.items() if key != "id"})
    with pytest.raises(LogMismatch, match=r"columns\.id"):
        read_outcomes(flow.log(), labels, settings, START, START + DAY, START + DAY)


def test_a_log_that_lost_its_score_still_has_outcomes_of_the_prediction(flow: Flow) -> None:
    table = flow.put(rows(hours=1).drop_columns(["score"]))
    flow.put_labels(label_table(table.column("id").to_pylist(), pa.array([1] * 20)))
    found = read(flow)["1"]
    assert (found.labelled, found.score) == (20, None)
    assert found.prediction is not None
