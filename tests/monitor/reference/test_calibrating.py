"""A false-alarm budget from the config to the incident: learned from the baseline's days, kept, obeyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import Finding, IntArray, Severity, Status, Window
from monitor.judging import moment
from monitor.reference import day_sums
from monitor.reference.calibrating import learn, learned_rule
from monitor.settings import ModelSettings
from monitor.store import baselines, calibrations, profiles
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, rows, with_column

DAYS = 28
READY = START + DAYS * DAY


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def day(number: int, shift: float = 0.0) -> pa.Table:
    """A day of 20 rows an hour whose level is its own, as days are."""
    level = np.random.default_rng([7, number]).normal(0.0, 0.3)
    return rows(START + number * DAY, 24, 20, seed=number, shift=level + shift)


def model(**more: Any) -> dict[str, Any]:
    first, last = (moment.strftime("%Y-%m-%d") for moment in (START, READY))
    return {"m": {"horizons": ["1d"], "baseline": {"from": first, "to": last}, "false_alarms": "1 per 30d", **more}}


def lived(flow: Flow, spec: dict[str, Any], later: list[pa.Table]) -> list[Any]:
    for number in range(DAYS):
        flow.put(day(number))
    for table in later:
        flow.put(table)
    return list(flow.engine(spec, start=READY).advance(READY + len(later) * DAY + HOUR))


def breaches(outcomes: list[Any]) -> dict[tuple[datetime, str, str], Finding]:
    found = (one for one in findings_of(outcomes) if one.status is Status.BREACH)
    return {(one.window.start, one.subject, one.detector): one for one in found}


@pytest.mark.parametrize(
    ("text", "budget"), [("1 per 30d", 1.0), ("2 per 4w", 60 / 28), ("0.5 per 30d", 0.5), ("1 per 720h", 1.0)]
)
def test_a_budget_is_counted_in_thirty_days(text: str, budget: float) -> None:
    assert ModelSettings.model_validate({"false_alarms": text}).budget == pytest.approx(budget)
    assert ModelSettings().budget is None


def test_days_that_vary_as_they_always_did_are_no_news_and_a_day_that_does_not_is(flow: Flow) -> None:
    later = [day(DAYS + number) for number in range(4)] + [day(DAYS + 4, shift=3.0)]
    outcomes = lived(flow, model(), later)
    found = breaches(outcomes)
    assert {start for start, *_ in found} == {READY + 4 * DAY}
    assert {(subject, detector) for _, subject, detector in found} >= {("x", "unusual"), ("x", "ks"), ("x", "psi")}
    assert ("amount", "unusual") not in {key[1:] for key in found}
    unusual = found[READY + 4 * DAY, "x", "unusual"]
    assert unusual.statistic is not None
    assert unusual.threshold is not None
    assert unusual.statistic > unusual.threshold > 3.0
    assert unusual.detail["view"] == "level"
    assert found[READY + 4 * DAY, "x", "ks"].threshold is None, "what happened, not what is judged"
    events = [event for outcome in outcomes for event in outcome.events]
    assert [event.incident.trouble.value for event in events] == ["drift"]
    assert "x" in events[0].incident.subjects

    # By fixed thresholds the same healthy days alarm: their levels differ as days do.
    assert [one for one in findings_of(outcomes) if one.detector == "ks" and (one.statistic or 0.0) > 0.15]


def test_what_is_learned_is_kept_and_the_budget_may_change(flow: Flow) -> None:
    lived(flow, model(), [day(DAYS)])
    store = flow.store()
    with store.read() as connection:
        baseline = baselines.current(connection, "m", "1")
        assert baseline is not None
        stored = calibrations.get(connection, baseline.id)
    assert stored is not None
    assert stored.data is not None
    log = flow.world(model()).open_log("m")
    for budget, text in ((1.0, "1 per 30d"), (4.0, "4 per 30d")):
        settings = ModelSettings.model_validate({**model()["m"], "false_alarms": text})
        found = learn(store, log, settings, baseline)
        assert found is not None
        assert (found.parts.whole.budget, found.parts.whole.days) == (budget, DAYS)
    assert learn(store, log, ModelSettings.model_validate({"baseline": model()["m"]["baseline"]}), baseline) is None
    with store.begin() as connection:
        calibrations.save(connection, baseline.id, replace(stored, data=b"learned by another version"))
    again = learn(store, log, flow.config(model()).settings.models["m"], baseline)
    assert again is not None
    assert again.parts.whole.days == DAYS


def test_of_a_sliding_window_one_day_is_worked_out_anew(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(parts: LearnedParts, profile: Profile) -> IntArray:
        looked_at.append(profile.rows)
        return day_sums.sums_of(parts, profile)

    # Only where windows are judged: whoever asks `day_sums` itself is not counted.
    monkeypatch.setattr(moment, "day_sums", SimpleNamespace(**{**vars(day_sums), "sums_of": counted}))
    later = [day(DAYS + number) for number in range(3)]
    spec = model(horizons=["1d", "7d"], segments=["colour"], minimum_rows=50)
    outcomes = lived(flow, spec, later)
    assert len(looked_at) == 7 + 3, "a week at first, then a day each"

    # The same as from all days' counts.
    store, settings = flow.store(), flow.config(spec).settings.models["m"]
    with store.read() as connection:
        baseline = baselines.current(connection, "m", "1")
        assert baseline is not None
        week = [(READY + number * DAY, READY + (number + 1) * DAY) for number in range(-4, 3)]
        pieces = profiles.pieces(connection, "m", "1", baseline.grid, week, [])
    assert all(piece.sums for piece in pieces)
    taught = learn(store, flow.world(spec).open_log("m"), settings, baseline)
    assert taught is not None
    assert taught.parts.segments
    rule = learned_rule(taught.parts, settings, [(piece.start.date(), piece.profile) for piece in pieces])
    assert rule is not None
    told = {
        one.subject: one.statistic
        for one in findings_of(outcomes)
        if one.detector == "unusual" and one.window == Window("7d", week[0][0], week[-1][1]) and one.segment is None
    }
    assert told == {baseline.grid.names[one.place]: one.score for one in rule.unusual() if one.place >= 0}


def test_too_few_days_teach_nothing_and_fixed_thresholds_hold(flow: Flow) -> None:
    short = model(baseline={"from": (READY - 3 * DAY).strftime("%Y-%m-%d"), "to": READY.strftime("%Y-%m-%d")})
    outcomes = lived(flow, short, [day(DAYS, shift=3.0)])
    found = breaches(outcomes)
    assert (READY, "x", "ks") in found
    assert found[READY, "x", "ks"].threshold == 0.15
    assert "sampling noise alone" in str(found[READY, "x", "ks"].detail["provisional"])
    with flow.store().read() as connection:
        baseline = baselines.current(connection, "m", "1")
        assert baseline is not None
        stored = calibrations.get(connection, baseline.id)
    assert stored is not None
    assert stored.data is None
    assert "too few" in stored.reason


def test_an_hour_tells_of_breakage_and_of_nothing_else(flow: Flow) -> None:
    table = day(DAYS, shift=3.0)
    late = np.asarray(table.column("ts").cast(pa.int64())) >= int((READY + 12 * HOUR).timestamp() * 1e6)
    broken = with_column(table, "amount", pa.array(np.asarray(table.column("amount")), mask=late))
    outcomes = lived(flow, model(horizons=["1h"], minimum_rows=10), [broken])
    found = breaches(outcomes)
    assert {(subject, detector) for _, subject, detector in found} == {("amount", "missing")}
    assert min(start for start, *_ in found) == READY + 12 * HOUR


def test_a_fixed_threshold_stays_fixed_beside_the_budget(flow: Flow) -> None:
    outcomes = lived(flow, model(detectors={"ks": {"threshold": 0.99}}), [day(DAYS, shift=3.0)])
    found = breaches(outcomes)
    assert (READY, "x", "ks") not in found
    assert (READY, "x", "psi") in found


def test_half_the_rows_are_unusual_where_days_are_alike(flow: Flow) -> None:
    few = rows(READY, 24, 10, seed=99)
    found = breaches(lived(flow, model(), [few]))
    assert (READY, "rows", "volume") in found


def steady_red(number: int, shift: float = 0.0) -> pa.Table:
    """A day whose level is its own, but for the red rows, which are moved by `shift`."""
    table = rows(START + number * DAY, 24, 20, seed=number)
    level = np.random.default_rng([7, number]).normal(0.0, 0.3)
    red = table.column("colour").to_numpy() == "red"
    return with_column(table, "x", pa.array(table.column("x").to_numpy() + np.where(red, shift, level)))


def test_a_segment_alarms_by_its_own_days_and_tells_where_the_whole_does(flow: Flow) -> None:
    for number in range(DAYS):
        flow.put(steady_red(number))
    for table in (steady_red(DAYS), steady_red(DAYS + 1, shift=0.6), day(DAYS + 2, shift=3.0)):
        flow.put(table)
    spec = model(segments=["colour"], minimum_rows=50)
    outcomes = list(flow.engine(spec, start=READY).advance(READY + 3 * DAY + HOUR))
    told = [one for one in findings_of(outcomes) if one.status is Status.BREACH]
    assert {one.window.start for one in told} == {READY + DAY, READY + 2 * DAY}
    alone = [one for one in told if one.window.start == READY + DAY]
    assert {one.segment for one in alone} == {"colour=red"}
    assert {(one.subject, one.detector) for one in alone} >= {("x", "unusual"), ("x", "ks")}
    together = {one.segment for one in told if one.window.start == READY + 2 * DAY}
    assert together >= {None, "colour=red"}


def test_a_threshold_from_a_short_history_warns_and_says_so_and_what_needs_none_pages(flow: Flow) -> None:
    short = model(baseline={"from": (READY - 14 * DAY).strftime("%Y-%m-%d"), "to": READY.strftime("%Y-%m-%d")})
    table = day(DAYS, shift=4.0)
    gone = with_column(table, "amount", pa.nulls(table.num_rows, pa.float64()))
    outcomes = lived(flow, short, [gone])
    found = breaches(outcomes)
    assert "learned from 14 days" in str(found[READY, "x", "unusual"].detail["provisional"])
    assert "provisional" not in found[READY, "amount", "missing"].detail
    opened = {event.incident.trouble.value: event.incident for outcome in outcomes for event in outcome.events}
    assert opened["drift"].severity is Severity.WARNING
    assert "threshold provisional, learned from 14 days" in opened["drift"].summary
    assert opened["data"].severity is Severity.CRITICAL
    assert "provisional" not in opened["data"].summary
