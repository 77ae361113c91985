"""The ledger: a key once, revisions in order, findings as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.result import Finding, Kind, Status, Window
from monitor.store import Store, evaluations
from monitor.store.errors import AlreadyEvaluated
from monitor.store.evaluations import DONE, SKIPPED, Evaluation
from monitor.store.finding_blobs import columns_of, encode, figures_of
from monitor.windows import Aspect
from tests.support.flow import DAY, HOUR, START

HOSTILE = '<script>alert("x")</script>\n*bold* \u202e\x00 é 漢'


def window(day: int = 0, horizon: str = "1d") -> Window:
    return Window(horizon, START + day * DAY, START + (day + 1) * DAY)


def finding(of: Evaluation, **more: object) -> Finding:
    usual: dict[str, object] = {
        "model": of.model,
        "version": of.version,
        "window": of.window,
        "segment": None,
        "subject": "x",
        "kind": Kind.FEATURE,
        "detector": "ks",
        "statistic": 0.25,
        "pvalue": 1e-12,
        "threshold": 0.15,
        "effect": 0.25,
        "status": Status.BREACH,
        "n": 1000,
        "revision": of.revision,
        "evaluated_at": of.evaluated_at,
        "baseline_id": of.baseline,
        "config_hash": of.config_hash,
        "program": of.program,
        "detail": {"before": "median 1", "bound": 0.002},
    }
    return Finding(**{**usual, **more})  # type: ignore[arg-type]  # the values above have the fields' types


def made(day: int = 0, **more: object) -> Evaluation:
    one = Evaluation(
        model="m",
        version="1",
        baseline="b",
        window=window(day),
        aspect=Aspect.INPUTS,
        revision=0,
        status=DONE,
        reason="",
        rows=1000,
        source=f"source {day}",
        evaluated_at=START + (day + 1) * DAY + HOUR,
        due_at=START + (day + 1) * DAY + timedelta(minutes=15),
        config_hash="c",
        program="0.1.0",
    )
    one = replace(one, **more)  # type: ignore[arg-type]  # tests name fields of the dataclass
    return replace(one, findings=(finding(one), finding(one, status=Status.OK, statistic=None, pvalue=None)))


def record(store: Store, *found: Evaluation) -> None:
    with store.begin() as connection:
        for one in found:
            evaluations.record(connection, one)


def listed(store: Store, **wanted: object) -> list[Evaluation]:
    with store.read() as connection:
        return list(evaluations.find(connection, **wanted))  # type: ignore[arg-type]  # keywords of find


def test_a_row_comes_back_as_it_was(store: Store) -> None:
    one = made()
    hostile = made(1, version="", baseline="", reason="why not")
    hostile = replace(
        hostile, findings=(finding(hostile, subject=HOSTILE, detail={"before": HOSTILE}, segment=HOSTILE),)
    )
    nothing = replace(made(2), findings=())
    record(store, one, hostile, nothing)
    assert listed(store) == [one, hostile, nothing]
    assert listed(store, findings=False) == [replace(each, findings=()) for each in (one, hostile, nothing)]


def test_figures_are_kept_to_seven_digits(store: Store) -> None:
    one = made()
    record(store, replace(one, findings=(finding(one, statistic=1 / 3, pvalue=1.23456789e-300, effect=-1e300),)))
    (found,) = listed(store)[0].findings
    assert (found.statistic, found.pvalue, found.effect) == (0.3333333, 1.234568e-300, -1e300)


def test_a_key_is_recorded_once(store: Store) -> None:
    record(store, made())
    with pytest.raises(AlreadyEvaluated, match="evaluated before"):
        record(store, made(1), made())
    assert [one.window for one in listed(store)] == [window()], "nothing of the second transaction is there"
    record(
        store,
        made(revision=1),
        made(version="2"),
        made(baseline="c"),
        made(aspect=Aspect.PERFORMANCE),
        made(model="other"),
        made(window=Window("7d", START, START + 7 * DAY)),
        made(1),
    )


def test_the_newest_look_is_the_one_found_unless_asked_for_an_earlier_day(store: Store) -> None:
    first = made()
    second = made(revision=1, evaluated_at=START + 3 * DAY)
    rebased = made(baseline="c", evaluated_at=START + 4 * DAY)
    record(store, first, second, rebased)
    assert listed(store) == [rebased]
    assert listed(store, as_of=START + 3 * DAY) == [second]
    assert listed(store, as_of=START + 2 * DAY) == [first]
    assert listed(store, as_of=START) == []
    assert listed(store, latest=False) == [first, second, rebased]


def test_windows_are_found_by_what_they_are(store: Store) -> None:
    week = made(6, window=Window("7d", START, START + 7 * DAY))
    other = made(3, version="2")
    performance = made(3, aspect=Aspect.PERFORMANCE)
    skipped = made(4, status=SKIPPED, version="", baseline="")
    record(store, made(0), made(3), week, other, performance, skipped, made(3, model="other"))
    assert len(listed(store, model="m")) == 5
    assert listed(store, model="m", horizon="7d") == [week]
    assert listed(store, model="m", version="2") == [other]
    assert listed(store, aspect=Aspect.PERFORMANCE) == [performance]
    assert skipped not in listed(store)
    assert skipped in listed(store, done=False)
    between = listed(store, model="m", start=START + DAY, end=START + 4 * DAY, aspect=Aspect.INPUTS)
    assert between == [made(3), other], "ends in (start, end]"


def test_revisions_count_up_by_key(store: Store) -> None:
    def next_one(baseline: str = "b", aspect: Aspect = Aspect.INPUTS) -> int:
        with store.read() as connection:
            return evaluations.next_revision(connection, "m", "1", baseline, window(), aspect)

    def source(baseline: str = "b") -> str | None:
        with store.read() as connection:
            return evaluations.latest_source(connection, "m", "1", baseline, window(), Aspect.INPUTS)

    assert (next_one(), source()) == (0, None)
    record(store, made(source="a"))
    assert (next_one(), source()) == (1, "a")
    record(store, made(revision=1, source="b"))
    assert (next_one(), source()) == (2, "b")
    assert (next_one("other"), source("other")) == (0, None)
    assert next_one(aspect=Aspect.PERFORMANCE) == 0


def test_what_was_skipped_is_not_done(store: Store) -> None:
    due = START + DAY + timedelta(minutes=15)
    record(store, made(due_at=due), made(5, due_at=due, status=SKIPPED, version="", baseline=""), made(1))
    with store.read() as connection:
        assert evaluations.windows_done(connection, "m", due) == {(window(), Aspect.INPUTS)}


def run(number: int, rows: int, revision: int = 0, version: str = "1") -> Evaluation:
    start = START + number * DAY
    return made(window=Window(f"run:{number}", start, start + HOUR), rows=rows, revision=revision, version=version)


def test_runs_are_known_by_their_newest_look(store: Store) -> None:
    record(store, run(1, 100), run(1, 150, 1), run(2, 200), run(3, 0), run(4, 400), made(6))
    missed = made(window=Window("run:missed", START + 5 * DAY, START + 6 * DAY), rows=0, version="", baseline="")
    record(store, missed)
    with store.read() as connection:
        found = evaluations.latest_run(connection, "m", "1", "run:1")
        assert found == replace(run(1, 150, 1), findings=())
        assert evaluations.latest_run(connection, "m", "2", "run:1") is None
        before = START + 9 * DAY
        assert evaluations.run_rows(connection, "m", before, "run:9", 4) == [400, 200, 150]
        assert evaluations.run_rows(connection, "m", before, "run:4", 1) == [200]
        assert evaluations.run_rows(connection, "m", START + 2 * DAY, "run:9", 4) == [150]


def test_old_windows_are_forgotten(store: Store) -> None:
    record(store, made(0), made(1), made(2))
    with store.begin() as connection:
        evaluations.forget(connection, START + 2 * DAY)
    assert [one.window for one in listed(store)] == [window(1), window(2)]


def test_the_past_is_what_the_newest_judgements_say_in_short(store: Store) -> None:
    """The quick way of reading agrees with the whole one, for all that it tells."""
    judged = []
    for day, status in enumerate((Status.BREACH, Status.OK, Status.INSUFFICIENT)):
        one = made(day)
        found = [
            finding(one, status=status),
            finding(one, subject="y", detector="psi", status=Status.OK, statistic=None),
            finding(one, subject="x", segment="a = 1", status=Status.BREACH),
            finding(one, kind=Kind.QUALITY, detector="missing", status=Status.OK),
        ]
        judged.append(replace(one, findings=tuple(found)))
    again = replace(judged[1], revision=1, evaluated_at=judged[1].evaluated_at + HOUR, findings=judged[1].findings[:1])
    with store.begin() as connection:
        for one in (*judged, again):
            evaluations.record(connection, one)
    with store.read() as connection:
        told = evaluations.past(connection, "m", START, START + 9 * DAY, {"1d"}, "1d")
        none = evaluations.past(connection, "m", START, START + 9 * DAY, set(), "1d")
        other = evaluations.past(connection, "m", START, START + 9 * DAY, {"1d"}, "7d")
    assert told == [evaluations.past_of(one) for one in (judged[0], again, judged[2])]
    assert told[0].figures["x", "ks"] == (0.25, 0.15, Status.BREACH)
    assert told[0].statuses == {Kind.FEATURE: Status.BREACH, Kind.QUALITY: Status.OK}
    assert none == []
    assert [bool(one.figures) for one in other] == [True, False, True], "of another horizon only what breached"


def test_what_is_read_without_details_is_the_same_otherwise() -> None:
    one = made()
    found = [finding(one, subject=HOSTILE, detail={"before": '],[{"', "columns": [[1, 2], []]}), finding(one)]
    blob = encode(found)
    assert figures_of(blob) == columns_of(blob)[:-1]
    assert figures_of(blob)[1] == [HOSTILE, "x"]
    assert figures_of(encode([])) == [[]] * 10
