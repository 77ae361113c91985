"""Whether the baseline was trained on: by time, by ids, and when it does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from detectors.result import Status
from monitor.settings import ModelSettings
from tests.support.flow import DAY, START, Flow, events_of, findings_of, labels_for, rows


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("training", "share"),
    [
        ({"from": "2024-03-01", "to": "2024-03-05"}, 1 / 3),
        ({"from": "2024-02-01", "to": "2024-03-04"}, 0.0),
        ({"file": "train.parquet"}, 0.5),
        ({"file": "train.parquet", "out_of_fold": True}, None),
    ],
)
def test_the_share_of_the_baseline_that_was_trained_on(
    flow: Flow, training: dict[str, object], share: float | None
) -> None:
    table = flow.put(rows(START, hours=5 * 24))
    flow.put_labels(labels_for(table, START + DAY))
    pq.write_table(table.slice(0, 720).select(["id", "x"]), flow.folder / "train.parquet")
    outcomes = list(flow.engine({"m": {"training": training}}).advance(START + 5 * DAY))
    found = findings_of(outcomes, detector="training_overlap")
    if share is None:
        assert found == []
        return
    assert found[-1].statistic == pytest.approx(share)
    assert found[-1].status is (Status.BREACH if share else Status.OK)
    opened = [event for event in events_of(outcomes) if event[2] == "labels"]
    assert bool(opened) is bool(share)


def test_training_is_an_interval_or_a_file() -> None:
    for wrong in ({}, {"from": "2024-01-01"}, {"from": "2024-01-01", "to": "2024-02-01", "file": "x.csv"}):
        with pytest.raises(ValidationError, match="either"):
            ModelSettings.model_validate({"training": wrong})
