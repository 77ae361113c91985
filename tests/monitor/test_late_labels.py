"""Labels as they really come: late, in any order, more than once, corrected, and at last not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detectors.performance import log_loss, roc_auc
from detectors.result import Finding, Kind, Status
from monitor.cycle import Outcome
from monitor.store import baselines, evaluations
from monitor.windows import Aspect
from tests.support.flow import DAY, HOUR, START, Flow, events_of, findings_of, labels_for, rows

DAYS = 9


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def stamps(times: np.ndarray) -> pa.Array:
    return pa.array(times.astype(np.int64), pa.int64()).cast(pa.timestamp("us", "UTC"))


def delayed(table: pa.Table, rng: np.random.Generator, median: timedelta = 20 * HOUR) -> pa.Table:
    """Labels by a heavy-tailed law, positives twice as late; a tenth wrong at first, a tenth told twice; shuffled."""
    label = labels_for(table, START, seed=int(rng.integers(1000))).column("label").to_numpy()
    n = len(label)
    served = table.column("ts").cast(pa.int64()).to_numpy()
    delay = rng.pareto(1.5, n) * median.total_seconds() * np.where(label == 1, 2.0, 1.0)
    first = served + delay * 1e6
    told = [(label, first)]
    wrong = rng.random(n) < 0.1
    told[0] = (np.where(wrong, 1 - label, label), first)
    told.append((label[wrong], first[wrong] + rng.exponential(86400e6, n)[wrong]))
    twice = rng.random(n) < 0.1
    told.append((label[twice & ~wrong], first[twice & ~wrong] + 3600e6))
    ids = table.column("id").to_numpy()
    who = [ids, ids[wrong], ids[twice & ~wrong]]
    order = rng.permutation(sum(map(len, who)))
    return pa.table(
        {
            "id": pa.array(np.concatenate(who)[order]),
            "label": pa.array(np.concatenate([one for one, _ in told])[order]),
            "received_at": stamps(np.concatenate([at for _, at in told])[order]),
        }
    )


def of(outcomes: list[Outcome], number: int, **wanted: object) -> list[Finding]:
    found = findings_of(outcomes, **wanted)
    return [one for one in found if one.window.start == START + number * DAY]


def test_the_final_performance_is_that_of_all_labels_and_each_look_is_kept(flow: Flow) -> None:
    rng = np.random.default_rng(0)
    table = pa.concat_tables([rows(START + day * DAY, 24, per_hour=15, seed=day) for day in range(DAYS)])
    flow.put(table)
    told = delayed(table, rng)
    flow.put_labels(told)
    engine = flow.engine({"m": {"label_horizon": "5d"}})
    outcomes = list(engine.advance(START + (DAYS + 3) * DAY))

    order = np.argsort(told.column("received_at").cast(pa.int64()).to_numpy(), kind="stable")
    received = told.column("received_at").to_pylist()
    ids, values = told.column("id").to_pylist(), told.column("label").to_pylist()
    for number in (4, 6):
        looks = of(outcomes, number, detector="auc")
        part = table.slice(number * 360, 360)
        assert [one.revision for one in looks] == list(range(len(looks)))
        assert len(looks) > 2
        for look in looks:
            latest = {ids[place]: values[place] for place in order if received[place] < look.evaluated_at}
            known = [latest.get(name) for name in part.column("id").to_pylist()]
            there = np.array([value is not None for value in known])
            truth, score = np.array([v for v in known if v is not None]), part.column("score").to_numpy()[there]
            assert look.n <= there.sum()
            if not look.detail.get("preliminary"):
                assert look.statistic == pytest.approx(roc_auc(truth, score).value, abs=1e-6)
                (loss,) = [one for one in of(outcomes, number, detector="log_loss") if one.revision == look.revision]
                assert loss.statistic == pytest.approx(log_loss(truth, score).value, abs=1e-6)
        assert not looks[-1].detail.get("preliminary")
        assert sum(bool(look.detail.get("first_judged")) for look in looks) <= 1
        with flow.store().read() as connection:
            for before, after in pairwise(looks):
                (then,) = [
                    finding.statistic
                    for one in evaluations.find(
                        connection, "m", aspect=Aspect.PERFORMANCE, as_of=after.evaluated_at - timedelta(seconds=1)
                    )
                    if one.window == before.window
                    for finding in one.findings
                    if finding.detector == "auc"
                ]
                assert then == (None if before.statistic is None else pytest.approx(before.statistic, rel=1e-6))


def known_from(flow: Flow, upto: int, after: timedelta, late_positive: timedelta | None = None) -> None:
    """Days whose labels come a fixed time after their rows (positives later)."""
    table = pa.concat_tables([rows(START + day * DAY, 24, per_hour=20, seed=day) for day in range(upto)])
    flow.put(table)
    labels = labels_for(table, START)
    served = table.column("ts").cast(pa.int64()).to_numpy()
    wait = np.full(len(served), after.total_seconds())
    if late_positive is not None:
        wait[labels.column("label").to_numpy() == 1] = late_positive.total_seconds()
    flow.put_labels(labels.set_column(2, "received_at", stamps(served + wait * 1e6)))


def test_where_no_positive_can_have_come_yet_nothing_is_said(flow: Flow) -> None:
    known_from(flow, 8, 2 * HOUR, late_positive=3 * DAY)
    outcomes = list(flow.engine().advance(START + 11 * DAY))
    looks = of(outcomes, 6, detector="log_loss")
    assert looks[0].status is Status.INSUFFICIENT
    assert looks[0].detail["reason"] == "no label of every class can have come yet"
    assert looks[-1].status is Status.OK
    assert looks[-1].detail["first_judged"]
    assert looks[-1].evaluated_at == START + 10 * DAY


def test_a_preliminary_figure_is_weighed_for_the_labels_still_to_come(flow: Flow) -> None:
    known_from(flow, 8, 2 * HOUR, late_positive=30 * HOUR)
    outcomes = list(flow.engine({"m": {"label_wait": "12h"}}).advance(START + 10 * DAY))
    first, last = of(outcomes, 6, detector="rate_bias")
    assert (first.status, first.detail["preliminary"]) == (Status.INSUFFICIENT, True)
    assert first.detail["true_rate"] == pytest.approx(last.detail["true_rate"], abs=0.15)
    assert first.detail["coverage"] < 0.85
    assert (last.status, last.detail["first_judged"]) == (Status.OK, True)


def test_a_feed_that_stops_is_an_incident_of_its_own_and_ends_with_the_next_label(flow: Flow) -> None:
    known_from(flow, 8, 26 * HOUR)
    for number in range(8, 13):
        flow.put(rows(START + number * DAY, 24, per_hour=20, seed=number))
    late = rows(START + 8 * DAY, 24, per_hour=20, seed=8)
    flow.put_labels(labels_for(late, START + 12 * DAY + HOUR, seed=8))
    outcomes = list(flow.engine().advance(START + 14 * DAY))
    said = [event for event in events_of(outcomes) if event[2] == "labels"]
    assert (said[0][1], said[-1][1]) == ("opened", "resolved")
    assert {event[1] for event in said[1:-1]} <= {"updated"}
    assert said[0][0] == START + 10 * DAY
    assert said[-1][0] == START + 13 * DAY
    (found,) = [one for one in findings_of(outcomes, detector="label_feed") if one.evaluated_at == said[0][0]]
    assert (found.kind, found.status) == (Kind.VOLUME, Status.BREACH)
    assert found.detail["expected"] > 20


def test_rows_that_never_get_a_label_are_insufficient(flow: Flow) -> None:
    known_from(flow, 5, 2 * HOUR)
    flow.put(rows(START + 5 * DAY, 24, per_hour=20, seed=8))
    known = rows(START + 6 * DAY, 24, per_hour=20, seed=9)
    flow.put(known)
    flow.put_labels(labels_for(known, START + 7 * DAY, seed=9))
    outcomes = list(flow.engine({"m": {"label_horizon": "2d"}}).advance(START + 9 * DAY))
    assert {one.status for one in of(outcomes, 5, kind=Kind.PERFORMANCE)} == {Status.INSUFFICIENT}
    assert {one.status for one in of(outcomes, 6, detector="auc")} == {Status.OK}


def test_labels_of_the_baselines_own_days_that_come_later_count_in_it_and_nothing_new_leaves_no_row(flow: Flow) -> None:
    known_from(flow, 6, 2 * HOUR)
    outcomes = list(flow.engine().advance(START + 7 * DAY + 2 * HOUR))
    assert {one.revision for one in findings_of(outcomes, kind=Kind.PERFORMANCE)} == {0}
    with flow.store().read() as connection:
        found = baselines.current(connection, "m", "1")
    assert found is not None
    assert found.performance["auc"].n == 3 * 480
