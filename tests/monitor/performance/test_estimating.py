"""Performance without labels, from log to ledger: learned from the baseline, told before labels, held to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from detectors.result import Finding, Status
from monitor.store import estimators
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, labels_for, rows, table_rows

DAYS = 8
READY = START + DAYS * DAY
FIRST, LAST = (moment.strftime("%Y-%m-%d") for moment in (START, READY))
# Labels come two hours after their day; performance is judged a day after it.
MODEL: dict[str, Any] = {"baseline": {"from": FIRST, "to": LAST}, "label_wait": "1d", "detectors": {}}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def lived(flow: Flow, model: Mapping[str, Any], later: list[tuple[float, float]]) -> list[Finding]:
    """The baseline's days, then days with a `shift` and labels true to the score in a share of the rows."""
    for number, (shift, truth) in enumerate([(0.0, 1.0)] * DAYS + later):
        table = flow.put(rows(START + number * DAY, 24, 20, seed=number, shift=shift))
        flow.put_labels(labels_for(table, START + (number + 1) * DAY + 2 * HOUR, seed=number, truth=truth))
    engine = flow.engine({"m": model}, start=READY + DAY)
    return findings_of(list(engine.advance(READY + (len(later) + 1) * DAY + 2 * HOUR)))


def one(found: list[Finding], detector: str, day: int) -> Finding:
    end = READY + (day + 1) * DAY
    matching = [finding for finding in found if finding.detector == detector and finding.window.end == end]
    assert len(matching) == 1, [finding.detector for finding in found if finding.window.end == end]
    return matching[0]


def test_estimates_come_with_the_window_and_labels_are_held_to_them(flow: Flow) -> None:
    found = lived(flow, MODEL, [(0.0, 1.0), (0.0, 1.0), (0.8, 1.0), (0.0, 0.0)])
    for day in (1, 2, 3):
        for estimated, realised in (("estimated_roc_auc", "auc"), ("estimated_accuracy", "accuracy")):
            guess, true = one(found, estimated, day), one(found, realised, day)
            assert guess.evaluated_at < true.evaluated_at, "an estimate is there before labels are"
            assert guess.n == 480
            low, high = guess.detail["low"], guess.detail["high"]
            assert isinstance(low, float)
            assert isinstance(high, float)
            assert low < (guess.statistic or 0.0) < high
            if day != 3:
                slack = high - low
                assert low - slack < (true.statistic or 0.0) < high + slack
    # More positives come, as their scores say: nothing about them is surprising.
    assert (one(found, "estimated_positives", 2).statistic or 0.0) > 0.6
    assert one(found, "concept_drift", 1).status is Status.OK
    assert one(found, "concept_drift", 2).status is Status.OK
    # Labels are a coin's toss: no estimate can see it, the labels do at once.
    assert one(found, "estimated_roc_auc", 3).status is Status.OK
    drift = one(found, "concept_drift", 3)
    assert drift.status is Status.BREACH
    assert drift.detail["shift"] == "concept drift"
    assert drift.detail["coverage"] == 1.0


def test_what_is_learned_is_learned_once_and_kept(flow: Flow) -> None:
    lived(flow, MODEL, [(0.0, 1.0), (0.0, 1.0)])
    kept = table_rows(flow.store(), estimators.ESTIMATORS)
    assert len(kept) == 1
    assert kept[0][1]
    assert kept[0][4] < READY + 2 * DAY
    engine = flow.engine({"m": MODEL}, start=None)
    flow.put(rows(READY + 3 * DAY, 24, 20, seed=99))
    found = findings_of(list(engine.advance(READY + 4 * DAY + 2 * HOUR)))
    assert one(found, "estimated_roc_auc", 3).status is Status.OK
    assert table_rows(flow.store(), estimators.ESTIMATORS) == kept


def test_without_labels_of_the_baseline_it_says_why(flow: Flow) -> None:
    for number in range(DAYS + 1):
        flow.put(rows(START + number * DAY, 24, 20, seed=number))
    flow.put_labels(labels_for(rows(START, 1, 20), START + DAY))
    engine = flow.engine({"m": MODEL}, start=READY + timedelta(hours=1))
    found = findings_of(list(engine.advance(READY + DAY + 2 * HOUR)))
    told = one(found, "estimated_performance", 0)
    assert told.status is Status.INSUFFICIENT
    assert "too few" in str(told.detail["reason"])


def test_it_can_be_switched_off_as_a_whole_and_one_by_one(flow: Flow) -> None:
    off = {**MODEL, "detectors": {"estimated_f1": {"enabled": False}, "concept_drift": {"enabled": False}}}
    found = {finding.detector for finding in lived(flow, off, [(0.0, 1.0), (0.0, 1.0)])}
    assert "estimated_roc_auc" in found
    assert not {"estimated_f1", "concept_drift"} & found
    engine = flow.engine({"m": {**MODEL, "detectors": {"estimated_performance": {"enabled": False}}}}, start=None)
    flow.put(rows(READY + 3 * DAY, 24, 20, seed=99))
    found = {finding.detector for finding in findings_of(list(engine.advance(READY + 4 * DAY + 2 * HOUR)))}
    assert found
    assert not [name for name in found if name.startswith("estimated") or name == "concept_drift"]
