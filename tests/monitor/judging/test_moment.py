"""What becomes of a window: of good rows, late rows, bad rows and none. Other models are never touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from alerts.by_hand import close
from alerts.incident import Verdict
from alerts.intents import INTENTS
from detectors.result import Finding, Kind, Status, Window
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.store import baselines, evaluations, incidents
from monitor.store.baselines import BASELINES
from monitor.store.evaluations import Evaluation
from monitor.windows import Aspect
from tests.support.flow import (
    DAY,
    HOUR,
    START,
    CountingLog,
    Flow,
    counted,
    events_of,
    findings_of,
    labels_for,
    rows,
    table_rows,
    with_column,
)

SETTLE = timedelta(minutes=15)
N = 480


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def day(number: int, **more: Any) -> pa.Table:
    return rows(START + number * DAY, 24, seed=number, **more)


def replaced(number: int, name: str, values: Any) -> pa.Table:
    return with_column(day(number), name, values)


def judged(outcomes: list[Outcome], horizon: str = "1d", aspect: Aspect = Aspect.INPUTS) -> list[Evaluation]:
    return [
        one
        for outcome in outcomes
        for one in outcome.evaluations
        if one.window.horizon == horizon and one.aspect is aspect
    ]


def of(outcomes: list[Outcome], number: int, **wanted: Any) -> list[Finding]:
    """The findings about day `number`."""
    window = Window("1d", START + number * DAY, START + (number + 1) * DAY)
    return findings_of(outcomes, window=window, **wanted)


def breaches(outcomes: list[Outcome], number: int) -> set[tuple[str, str]]:
    return {(one.subject, one.detector) for one in of(outcomes, number, status=Status.BREACH)}


def stable(flow: Flow, days: int = 5, model: str = "m") -> None:
    for number in range(days):
        flow.put(day(number), model)


# Baselines as they become ready


def test_breakage_is_seen_while_learning_and_drift_once_it_has_been_learned(flow: Flow) -> None:
    flow.put(day(0))
    flow.put(with_column(day(1, shift=0.7), "amount", pa.array([None] * N, pa.float64())))
    for number in range(2, 5):
        flow.put(day(number))
    flow.put(day(5, shift=3.0))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    by_day = {one.window.start: one for one in judged(outcomes)}
    first = by_day[START]
    assert [(f.detector, f.status, f.detail["reason"]) for f in first.findings if f.detector == "baseline"] == [
        ("baseline", Status.INSUFFICIENT, "learning, ready 7 March 2024")
    ]
    assert breaches(outcomes, 1) == {("amount", "missing")}, "a broken column, but no drift is judged yet"
    assert not of(outcomes, 1, kind=Kind.PREDICTION)
    assert {f.detector for f in of(outcomes, 1, kind=Kind.FEATURE)} == {"baseline"}
    assert not [f for f in of(outcomes, 3) if f.detector == "baseline"], "ready on the very day"
    assert ("x", "ks") in breaches(outcomes, 5)
    with flow.store().read() as connection:
        found = baselines.current(connection, "m", "1")
    assert found is not None
    assert (found.provisional, found.rows) == (False, 2 * N), "the day of the open incident is no reference"


def test_drift_opens_one_incident_and_clean_days_resolve_it(flow: Flow) -> None:
    stable(flow, 5)
    flow.put(day(5, shift=2.0))
    for number in range(6, 10):
        flow.put(day(number))
    outcomes = list(flow.engine().advance(START + 10 * DAY + HOUR))
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "drift"), ("resolved", "drift")]
    assert [event[0] for event in events_of(outcomes)] == [START + 6 * DAY + SETTLE, START + 9 * DAY + SETTLE]
    assert len(table_rows(flow.store(), INTENTS)) == 2


def test_each_version_is_judged_apart_from_its_first_row_on(flow: Flow) -> None:
    stable(flow, 4)
    flow.put(day(4).slice(0, N // 2))
    flow.put(rows(START + 4 * DAY + 12 * HOUR, 36, version="2", seed=42))
    flow.put(day(5))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    found = {(one.window.start, one.version): one for one in judged(outcomes)}
    assert (START + 3 * DAY, "2") not in found
    assert found[START + 4 * DAY, "1"].rows == N // 2
    assert found[START + 4 * DAY, "2"].rows == N // 2
    assert found[START + 5 * DAY, "2"].rows == N
    assert found[START + 5 * DAY, "1"].baseline != found[START + 5 * DAY, "2"].baseline
    volume = [one.version for one in of(outcomes, 5, detector="volume")]
    assert len(volume) == 1, "rows are counted over all versions, once"
    assert of(outcomes, 5, detector="volume")[0].n == 2 * N
    with flow.store().read() as connection:
        new = baselines.current(connection, "m", "2")
    assert new is not None
    assert new.origin.startswith("inherited from version 1")


def test_a_deployment_alone_is_no_incident(flow: Flow) -> None:
    stable(flow, 6)
    for number in range(6, 9):
        flow.put(day(number, version="2"))
    outcomes = list(flow.engine().advance(START + 9 * DAY + HOUR))
    assert events_of(outcomes) == []
    assert {one.version for one in judged(outcomes) if one.window.start >= START + 6 * DAY} == {"2"}


@pytest.mark.parametrize("spec", [{"rolling": "3d"}, {"seasonal": "3d"}])
def test_a_moving_reference_follows_what_is_no_incident_and_keeps_its_anchor(flow: Flow, spec: dict[str, str]) -> None:
    stable(flow, 6)
    for number in range(6, 12):
        flow.put(day(number, shift=2.0))
    engine = flow.engine({"m": {"baseline": spec}})
    outcomes = list(engine.advance(START + 9 * DAY + HOUR))
    store = flow.store()
    with store.begin() as connection:
        (incident,) = incidents.listing(connection, model="m", open_only=True)
        said = close(incident, Verdict.FALSE_ALARM, "ada", START + 9 * DAY + HOUR)
        incidents.apply(connection, [said.incident], [said])
    outcomes += list(engine.advance(START + 12 * DAY + HOUR))
    drifted = {number for number in range(12) if ("x", "ks") in breaches(outcomes, number)}
    assert drifted == set(range(6, 12)), "while it is open its days are no reference, and the anchor stays"
    against = {number: of(outcomes, number, subject="x", detector="ks")[0].detail.get("against") for number in (8, 11)}
    assert against == {8: None, 11: "the first baseline (4 March 2024 to 6 March 2024)"}
    fixed = [one.baseline for one in judged(outcomes) if one.window.start >= START + 4 * DAY]
    assert len(set(fixed)) == 1


def test_an_hour_is_compared_with_whole_days_before_it_or_the_same_hour_of_the_last_season(flow: Flow) -> None:
    for number in range(5):
        flow.put(rows(START + number * DAY, 24, 60, seed=number))
    # From here on nights differ from days.
    for number in range(5, 7):
        flow.put(rows(START + number * DAY, 12, 60, seed=number, shift=4.0))
        flow.put(rows(START + number * DAY + 12 * HOUR, 12, 60, seed=100 + number))
    models = {"m": {"baseline": {"seasonal": "1d"}, "horizons": ["1h"], "features": {"exclude": ["amount", "colour"]}}}
    outcomes = list(flow.engine(models, start=START + 5 * DAY).advance(START + 7 * DAY))
    hours = {f.window.start for f in findings_of(outcomes, subject="x", detector="ks", status=Status.BREACH)}
    assert hours == {START + 5 * DAY + hour * HOUR for hour in range(12)}, "only against the day before it began"
    models["m"]["baseline"] = {"rolling": "1d"}
    other = Flow(flow.folder)
    other.state = "sqlite://"
    again = list(other.engine(models, start=START + 5 * DAY).advance(START + 5 * DAY + 2 * HOUR))
    found = findings_of(again, subject="x", detector="ks", window=Window("1h", START + 5 * DAY, START + 5 * DAY + HOUR))
    assert found[0].statistic is not None
    assert found[0].statistic > 0.9, "nothing of the window itself is in its reference"
    other.close()


# Late rows


def test_late_rows_make_a_revision_and_never_page_for_the_past(flow: Flow) -> None:
    stable(flow, 6)
    engine = flow.engine({"m": {"horizons": ["1d", "7d"]}})
    list(engine.advance(START + 6 * DAY + HOUR))
    before = len(table_rows(flow.store(), INTENTS))
    flow.put(rows(START + 4 * DAY, 24, 100, seed=77, shift=5.0))
    flow.put(day(6))
    outcomes = list(engine.advance(START + 7 * DAY + HOUR))
    revised = [one for one in judged(outcomes) if one.revision == 1]
    assert [one.window.start for one in revised] == [START + 4 * DAY], "that day alone"
    assert revised[0].rows == N + 2400
    assert ("x", "ks") in breaches(outcomes, 4)
    weeks = [one.window.end for one in judged(outcomes, "7d") if one.revision == 1]
    assert weeks == [START + 5 * DAY, START + 6 * DAY], "and the weeks that hold it"
    opened_for = [one.incident.window for outcome in outcomes for one in outcome.events]
    assert {(window.horizon, window.end) for window in opened_for} == {("7d", START + 7 * DAY)}, "the newest week alone"
    assert len(table_rows(flow.store(), INTENTS)) == before + len(opened_for)
    assert list(engine.advance(START + 7 * DAY + HOUR)) == []


def test_rows_that_come_twice_as_late_make_a_second_revision_and_no_change_makes_none(flow: Flow) -> None:
    stable(flow, 5)
    engine = flow.engine()
    list(engine.advance(START + 5 * DAY + HOUR))
    for number in (5, 6, 7):
        flow.put(day(number))
        if number < 7:
            flow.put(rows(START + 3 * DAY + number * HOUR, 1, 5, seed=number, prefix="late"))
        list(engine.advance(START + (number + 1) * DAY + HOUR))
    with flow.store().read() as connection:
        found = list(evaluations.find(connection, "m", aspect=Aspect.INPUTS, latest=False, findings=False))
    of_day = [(one.revision, one.rows) for one in found if one.window.start == START + 3 * DAY]
    assert of_day == [(0, N), (1, N + 5), (2, N + 10)]
    assert {one.revision for one in found if one.window.start != START + 3 * DAY} == {0}


def test_rows_a_week_late_are_not_looked_for(flow: Flow) -> None:
    stable(flow, 16)
    engine = flow.engine()
    list(engine.advance(START + 15 * DAY + HOUR))
    flow.put(rows(START + 4 * DAY, 1, 5, seed=1, prefix="late"))
    outcomes = list(engine.advance(START + 16 * DAY + HOUR))
    assert {one.revision for one in judged(outcomes)} == {0}


def test_late_rows_of_a_window_judged_before_its_baseline_was_ready_do_not_judge_it_anew(flow: Flow) -> None:
    stable(flow, 5)
    engine = flow.engine()
    list(engine.advance(START + 5 * DAY + HOUR))
    flow.put(rows(START + DAY, 24, 100, seed=77, shift=5.0))
    flow.put(day(5))
    outcomes = list(engine.advance(START + 6 * DAY + HOUR))
    assert [one.window.start for one in judged(outcomes)] == [START + 5 * DAY]


def test_only_what_changed_is_read(flow: Flow) -> None:
    stable(flow, 5)
    logs: list[CountingLog] = []
    engine = Engine(counted(flow.world({"m": {"horizons": ["1h", "1d"], "columns": NO_LABELS}}), logs), as_it_was=True)
    engine.start("m", START + 4 * DAY)
    list(engine.advance(START + 5 * DAY + HOUR))
    for log in logs:
        log.spans.clear()
    flow.put(rows(START + 5 * DAY, 1, seed=5))
    list(engine.advance(START + 5 * DAY + HOUR + SETTLE))
    assert [span for log in logs for span in log.spans] == [(START + 5 * DAY, START + 5 * DAY + HOUR)]


NO_LABELS = {"timestamp": "ts", "version": "version", "score": "score", "prediction": "pred"}


# Bad input: each has a defined status


def run_day(flow: Flow, table: pa.Table, number: int = 5, **model: Any) -> list[Outcome]:
    """Judge five good days, then one of `table`, beside a second model that stays good."""
    stable(flow, number)
    stable(flow, number + 1, "good")
    flow.put(table)
    engine = flow.engine({"m": model, "good": {}})
    outcomes = list(engine.advance(START + (number + 1) * DAY + HOUR))
    assert not [outcome for outcome in outcomes if outcome.model == "good" and (outcome.events or outcome.blind)]
    assert len(judged([one for one in outcomes if one.model == "good"])) == number + 2
    return [outcome for outcome in outcomes if outcome.model == "m"]


def test_a_vanished_column_is_a_breach_of_its_own(flow: Flow) -> None:
    outcomes = run_day(flow, day(5).drop_columns(["x"]))
    assert breaches(outcomes, 5) == {("x", "vanished")} or ("x", "missing") in breaches(outcomes, 5)
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "data")]
    assert of(outcomes, 5, subject="x", detector="ks")[0].status is Status.INSUFFICIENT
    assert of(outcomes, 5, subject="colour", detector="psi")[0].status is Status.OK


def test_a_column_of_nulls_is_missing(flow: Flow) -> None:
    outcomes = run_day(flow, replaced(5, "x", pa.array([None] * N, pa.float64())))
    assert breaches(outcomes, 5) == {("x", "missing")}
    (found,) = of(outcomes, 5, subject="x", detector="missing")
    assert (found.statistic, found.n, found.detail["before"], found.detail["after"]) == (1.0, N, "0%", "100%")
    assert of(outcomes, 5, subject="x", detector="ks")[0].status is Status.INSUFFICIENT


def test_nan_and_infinities_are_counted_not_computed_with(flow: Flow) -> None:
    values = day(5).column("x").to_numpy().copy()
    values[:100], values[100:150], values[150:160] = np.nan, np.inf, -np.inf
    outcomes = run_day(flow, replaced(5, "x", values))
    assert breaches(outcomes, 5) == {("x", "missing"), ("x", "non_finite")}
    for finding in of(outcomes, 5):
        for figure in (finding.statistic, finding.pvalue, finding.threshold, finding.effect):
            assert figure is None or np.isfinite(figure)


def test_one_absurd_outlier_changes_no_verdict(flow: Flow) -> None:
    values = day(5).column("x").to_numpy().copy()
    values[7] = 1e300
    assert breaches(run_day(flow, replaced(5, "x", values)), 5) == set()


def test_a_hundred_thousand_distinct_strings_are_excluded_or_unseen_but_never_kept(flow: Flow) -> None:
    many = [f"session-{number}" for number in range(100_000)]
    for number in range(5):
        flow.put(with_column(day(number), "session", many[number * N : (number + 1) * N]))
    busy = rows(START + 5 * DAY, 24, 100_000 // 24 + 1, seed=5).slice(0, 100_000)
    busy = with_column(busy, "session", many)
    flow.put(with_column(busy, "colour", many))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    with flow.store().read() as connection:
        found = baselines.current(connection, "m", "1")
    assert found is not None
    assert [column.name for column in found.grid.excluded] == ["session"]
    assert "near-unique" in found.grid.excluded[0].reason
    assert ("colour", "unseen") in breaches(outcomes, 5)
    assert not [one for one in findings_of(outcomes) if one.subject == "session"]
    stored = (flow.folder / "state.db").read_bytes()
    assert b"session-99999" not in stored


HOSTILE = '<img src=x onerror=alert(1)>\r\n*bold* `code` {{7*7}} "\u202e'


def test_hostile_names_and_categories_go_through_unharmed(flow: Flow) -> None:
    for number in range(6):
        values = [HOSTILE if (number == 5 and i % 2) else "fine" for i in range(N)]
        flow.put(with_column(day(number), HOSTILE, values))
    outcomes = list(flow.engine().advance(START + 6 * DAY + HOUR))
    assert (HOSTILE, "unseen") in breaches(outcomes, 5)
    with flow.store().read() as connection:
        kept = list(evaluations.find(connection, "m", aspect=Aspect.INPUTS))
    assert {f.subject for f in kept[-1].findings if f.detector == "unseen" and f.status is Status.BREACH} == {HOSTILE}
    (event,) = [event for outcome in outcomes for event in outcome.events]
    assert "\n" not in event.incident.summary
    assert event.incident.subjects == (HOSTILE,)


def test_the_values_of_a_private_column_are_nowhere(flow: Flow) -> None:
    names = ["alice-of-wonderland", "bob-the-builder"]
    for number in range(6):
        chosen = [names[i % 2] if number < 5 else "mallory-in-the-middle" for i in range(N)]
        flow.put(with_column(with_column(day(number), "who", chosen), "salary", [123456.5 + number * 1e6] * N))
    outcomes = list(flow.engine({"m": {"features": {"private": ["who", "salary"]}}}).advance(START + 6 * DAY + HOUR))
    assert {("who", "unseen"), ("who", "psi"), ("salary", "ks")} <= breaches(outcomes, 5)
    said = repr(outcomes) + repr(table_rows(flow.store(), INTENTS)) + repr(table_rows(flow.store(), BASELINES))
    said += repr([found.to_json() for found in findings_of(outcomes)])
    for secret in (*names, "mallory", "123456", "5123456", "5.12346e+06", "5.123e+06"):
        assert secret not in said


def test_rows_of_the_future_wait_for_their_time(flow: Flow) -> None:
    outcomes = run_day(flow, pa.concat_tables([day(5), rows(START + 400 * DAY, 24, seed=6)]))
    assert judged(outcomes)[-1].rows == N
    assert breaches(outcomes, 5) == set()


def test_rows_that_are_older_than_the_log_was_watched_do_no_harm(flow: Flow) -> None:
    outcomes = run_day(flow, pa.concat_tables([day(5), rows(datetime(1970, 1, 2, tzinfo=START.tzinfo), 24, seed=6)]))
    assert judged(outcomes)[-1].rows == N
    assert breaches(outcomes, 5) == set()


def test_duplicate_ids_are_rows_like_others(flow: Flow) -> None:
    outcomes = run_day(flow, replaced(5, "id", ["the same"] * N))
    assert judged(outcomes)[-1].rows == N
    assert breaches(outcomes, 5) == {("id", "duplicates")}, "and that they repeat is told"


def test_too_few_rows_are_insufficient_and_nothing_is_said_of_drift(flow: Flow) -> None:
    outcomes = run_day(flow, day(5, per_hour=2, shift=5.0), minimum_rows=100)
    assert breaches(outcomes, 5) == {("rows", "volume")}
    drift = of(outcomes, 5, kind=Kind.FEATURE) + of(outcomes, 5, kind=Kind.PREDICTION)
    assert {found.status for found in drift} == {Status.INSUFFICIENT}


def test_a_day_without_rows_is_silence_and_nothing_else(flow: Flow) -> None:
    stable(flow, 6)
    engine = flow.engine()
    outcomes = list(engine.advance(START + 7 * DAY + HOUR))
    assert breaches(outcomes, 6) == {("rows", "volume")}
    assert [event[1:] for event in events_of(outcomes)] == [("opened", "silence")]
    flow.put(day(7))
    outcomes = list(engine.advance(START + 8 * DAY + HOUR))
    assert [event[1:] for event in events_of(outcomes)] == [("resolved", "silence")]


def test_silence_goes_on_as_one_incident_for_as_long_as_it_lasts(flow: Flow) -> None:
    stable(flow, 8)
    outcomes = list(flow.engine({"m": {"horizons": ["1d", "7d"]}}).advance(START + 20 * DAY + HOUR))
    assert [event[1] for event in events_of(outcomes)].count("opened") == 1
    assert {event[2] for event in events_of(outcomes)} == {"silence"}
    assert "resolved" not in [event[1] for event in events_of(outcomes)]


def empty(flow: Flow, table: pa.Table, **model: Any) -> list[Outcome]:
    if table.num_rows:
        flow.put(table)
    else:
        DeltaTable.create((flow.folder / "log" / "m").as_uri(), table.schema)
    stable(flow, 2, "good")
    outcomes = list(flow.engine({"m": model, "good": {}}).advance(START + 2 * DAY + HOUR))
    assert len(judged([one for one in outcomes if one.model == "good"])) == 3
    return [outcome for outcome in outcomes if outcome.model == "m"]


def test_a_log_without_rows_is_insufficient(flow: Flow) -> None:
    outcomes = empty(flow, day(0).slice(0, 0))
    assert {finding.status for finding in findings_of(outcomes)} == {Status.INSUFFICIENT}
    assert events_of(outcomes) == []
    assert len(judged(outcomes)) == 3


def test_a_log_without_the_time_column_is_blindness_that_names_it(flow: Flow) -> None:
    outcomes = empty(flow, day(0), columns={"timestamp": "when"})
    assert [outcome.blind is not None and "'when'" in outcome.blind for outcome in outcomes] == [True]


def test_a_log_without_any_column_to_watch_is_blindness_that_says_so(flow: Flow) -> None:
    outcomes = empty(flow, day(0).select(["ts", "id", "version"]))
    assert outcomes[-1].blind is not None
    assert "no column can be watched" in outcomes[-1].blind
    assert events_of(outcomes)[-1][1:] == ("opened", "blind")


def test_a_version_longer_than_the_database_holds_and_full_of_control_characters(flow: Flow) -> None:
    outcomes = run_day(flow, replaced(5, "version", ["v" * 5000 + "\x00\n"] * N))
    (found,) = {one.version for one in judged(outcomes) if one.window.start == START + 5 * DAY}
    assert len(found) <= 180
    assert found.isprintable()


def test_more_versions_than_anyone_would_deploy_are_all_judged(flow: Flow) -> None:
    outcomes = run_day(flow, replaced(5, "version", [str(i % 30) for i in range(N)]))
    assert len({one.version for one in judged(outcomes) if one.window.start == START + 5 * DAY}) == 30
    assert not [event for event in events_of(outcomes) if event[2] != "silence"]


# Types that change: files of their own, as the users' own logs are


def test_a_column_that_changes_its_type_is_a_data_bug(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    flow = Flow(tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    for number in range(6):
        table = day(number)
        if number == 5:
            table = with_column(table, "x", pa.array([f"about {value:.1f}" for value in table.column("x").to_pylist()]))
            table = with_column(table, "colour", pa.array(np.arange(N)))
        pq.write_table(table, files / f"{number}.parquet")
    model = {"m": {"log": {"parquet": str(files)}}}
    outcomes = list(flow.engine(model).advance(START + 6 * DAY + HOUR))
    assert ("x", "type_change") in breaches(outcomes, 5)
    assert {event[2] for event in events_of(outcomes)} == {"data"}
    subjects = [event.incident.subjects for outcome in outcomes for event in outcome.events]
    assert "x" in subjects[0]
    flow.close()


# Performance


def labelled(
    flow: Flow, number: int, *, received: datetime | None = None, truth: float = 1.0, share: float = 1.0
) -> None:
    table = flow.put(day(number, per_hour=60))
    some = table.slice(0, int(table.num_rows * share))
    if share:
        flow.put_labels(labels_for(some, received or START + (number + 1) * DAY + HOUR, seed=number, truth=truth))


def performance(outcomes: list[Outcome], number: int) -> dict[str, Status]:
    found = [one for one in of(outcomes, number, kind=Kind.PERFORMANCE) if one.detail.get("judged", True)]
    return {one.detector: one.status for one in found}


def test_performance_is_judged_once_labels_had_time_to_come(flow: Flow) -> None:
    for number in range(4):
        labelled(flow, number)
    labelled(flow, 4, truth=0.0)
    for number in (5, 6):
        flow.put(day(number, per_hour=60))
    outcomes = list(flow.engine().advance(START + 7 * DAY))
    assert set(performance(outcomes, 3)) == {"auc", "log_loss", "accuracy", "rate_bias"}
    # The baseline is the first three days: their labels had come when it was made, but for the third day's.
    assert performance(outcomes, 3)["auc"] is Status.OK
    assert performance(outcomes, 4)["auc"] is Status.BREACH
    assert events_of(outcomes) == [(START + 6 * DAY, "opened", "performance")]
    (auc,) = of(outcomes, 4, detector="auc")
    assert (auc.n, auc.detail["coverage"]) == (1440, 1.0)
    assert auc.evaluated_at == START + 6 * DAY


def test_labels_that_never_come_are_insufficient_not_fine(flow: Flow) -> None:
    for number in range(4):
        labelled(flow, number)
    labelled(flow, 4, share=0.0)
    outcomes = list(flow.engine().advance(START + 7 * DAY))
    assert set(performance(outcomes, 4).values()) == {Status.INSUFFICIENT}
    assert {one.n for one in of(outcomes, 4, kind=Kind.PERFORMANCE)} == {0}


def test_labels_of_some_rows_are_judged_with_their_coverage(flow: Flow) -> None:
    for number in range(4):
        labelled(flow, number)
    labelled(flow, 4, share=0.25)
    outcomes = list(flow.engine().advance(START + 7 * DAY))
    assert performance(outcomes, 4)["auc"] is Status.OK
    assert {one.detail["coverage"] for one in of(outcomes, 4, detector="auc")} == {0.25}
    assert {one.n for one in of(outcomes, 4, detector="auc")} == {360}


def test_labels_that_come_after_the_first_look_are_judged_when_they_are_there(flow: Flow) -> None:
    for number in range(4):
        labelled(flow, number)
    labelled(flow, 4, truth=0.0, received=START + 6 * DAY + timedelta(seconds=1))
    outcomes = list(flow.engine().advance(START + 7 * DAY))
    found = of(outcomes, 4, detector="auc")
    assert [(one.revision, one.status) for one in found] == [(0, Status.INSUFFICIENT), (1, Status.BREACH)]
    assert found[1].evaluated_at == START + 7 * DAY
    assert (START + 7 * DAY, "opened", "performance") in events_of(outcomes), "it is judged for the first time"


def test_a_day_without_rows_has_no_performance_to_judge(flow: Flow) -> None:
    for number in range(4):
        labelled(flow, number)
    outcomes = list(flow.engine().advance(START + 7 * DAY))
    assert performance(outcomes, 5) == {"performance": Status.INSUFFICIENT}


def test_a_regression_is_judged_by_its_errors(flow: Flow) -> None:
    columns = {"timestamp": "ts", "id": "id", "version": "version", "prediction": "amount"}
    for number in range(5):
        table = flow.put(day(number, per_hour=60), columns=columns)
        rng = np.random.default_rng(number)
        truth = table.column("amount").to_numpy() + rng.normal(0.0, 1.0 if number < 4 else 3.0, table.num_rows)
        received = pa.array([START + (number + 1) * DAY + HOUR] * table.num_rows, pa.timestamp("us", "UTC"))
        flow.put_labels(pa.table({"id": table.column("id"), "label": truth, "received_at": received}))
    outcomes = list(flow.engine({"m": {"task": "regression", "columns": columns}}).advance(START + 7 * DAY))
    assert set(performance(outcomes, 3)) == {"mae", "rmse"}
    assert performance(outcomes, 3)["mae"] is Status.OK
    assert performance(outcomes, 4) == {"mae": Status.BREACH, "rmse": Status.BREACH}
