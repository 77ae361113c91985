"""How rows come is judged from counts alone: how many, how fresh, how late, by which clock, how often twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from detectors.diagnosis import diagnose
from detectors.result import Finding, Kind, Severity, Status, Window
from detectors.trouble import Trouble
from monitor.evaluate import Context
from monitor.judging.arrivals import judge_duplicates, judge_late, judge_volume
from monitor.judging.volumes import History
from monitor.settings import ModelSettings
from tests.support.flow import DAY, START

CONTEXT = Context("m", "1", Window("1d", START, START + DAY), 2, START + DAY, "base", "conf", "0.1.0")


def model(**more: Any) -> ModelSettings:
    return ModelSettings.model_validate(more)


def test_a_shifted_clock_and_late_rows_are_told() -> None:
    usual = tuple(tuple(50 + 40 * (h % 24 in range(8, 18)) + d for h in range(24)) for d in range(7))
    moved = tuple(usual[0][(h + 5) % 24] for h in range(24))
    for hours, lag in ((usual[3], 0.0), (moved, -5.0)):
        found = volume(1000, history=replace(WEEKS, hours=(hours, usual)))["clock_shift"]
        assert (found.statistic, found.status) == (lag, Status.BREACH if lag else Status.OK)
    assert "timestamps look shifted by -5 h" in diagnose([found])[0].summary
    assert "clock_shift" not in volume(1000)
    off = volume(1000, history=replace(WEEKS, hours=(moved, usual)), detectors={"clock_shift": {"enabled": False}})
    assert "clock_shift" not in off
    (late,) = judge_late(CONTEXT, model(), 800, 1000)
    assert (late.status, late.statistic, late.subject) == (Status.BREACH, 0.2, "late rows")
    assert "20% of the rows came after" in diagnose([late])[0].summary
    assert judge_late(CONTEXT, model(), 990, 1000)[0].status is Status.OK
    assert judge_late(replace(CONTEXT, revision=0), model(), 0, 1000) == []
    assert judge_late(CONTEXT, model(detectors={"late_rows": {"enabled": False}}), 0, 1000) == []


WEEKS = History((1000, 1020, 980, 1010), (60.0, 90.0, 45.0, 80.0))


def volume(count: int, age: float | None = 60.0, history: History = WEEKS, **more: Any) -> dict[str, Finding]:
    found = judge_volume(CONTEXT, model(**more), count, age, history)
    for one in found:
        json.dumps(one.to_json(), allow_nan=False)
        assert one.kind is Kind.VOLUME
    return {one.detector: one for one in found}


@pytest.mark.parametrize(
    ("count", "status"),
    [
        (1000, Status.OK),
        (700, Status.OK),
        (500, Status.BREACH),
        (1, Status.BREACH),
        (0, Status.BREACH),
        (1900, Status.OK),
        (3100, Status.BREACH),
    ],
)
def test_half_the_rows_or_a_multiple_are_news(count: int, status: Status) -> None:
    found = volume(count)["volume"]
    assert found.status is status
    assert found.detail == {"before": "1,005 rows", "after": f"{count:,} rows"}


def test_without_enough_history_even_no_rows_are_insufficient() -> None:
    for history in (History((), ()), History((1000, 1000), (1.0, 1.0)), History((0, 0, 0), ())):
        assert volume(0, None, history)["volume"].status is Status.INSUFFICIENT
        assert volume(5000, None, history)["volume"].status is Status.INSUFFICIENT


def test_counts_that_vary_wildly_by_themselves_are_no_news() -> None:
    assert volume(40, history=History((10, 100, 400, 90), (1.0,) * 4))["volume"].status is Status.OK


@pytest.mark.parametrize(
    ("age", "history", "status"),
    [
        (7200.0, History((100,) * 4, (600.0, 300.0, 500.0, 400.0)), Status.BREACH),
        (1700.0, History((100,) * 4, (600.0, 300.0, 500.0, 400.0)), Status.OK),
        (3599.0, History((100,) * 4, (1.0, 1.0, 1.0, 1.0)), Status.OK),
        (7200.0, History((100,) * 4, (600.0, 300.0)), Status.INSUFFICIENT),
        (7200.0, History((100,) * 4, (0.0, 0.0, 0.0)), Status.INSUFFICIENT),
        (-50.0, History((100,) * 4, (600.0, 300.0, 500.0, 400.0)), Status.OK),
    ],
)
def test_rows_that_stopped_coming_are_news_when_they_usually_come_later(
    age: float, history: History, status: Status
) -> None:
    assert volume(100, age, history)["freshness"].status is status


def test_of_no_rows_no_age_is_told_and_both_can_be_switched_off() -> None:
    assert set(volume(0, None)) == {"volume"}
    assert set(volume(10, 5.0, detectors={"volume": {"enabled": False}})) == {"freshness"}
    assert set(volume(10, 5.0, detectors={"freshness": {"enabled": False}})) == {"volume"}
    assert volume(700, detectors={"volume": {"threshold": 0.2}})["volume"].status is Status.BREACH


def repeated(ids: int, repeats: int, **more: Any) -> list[Finding]:
    return judge_duplicates(CONTEXT, model(columns={"id": "request"}, **more), ids, repeats)


def test_ids_that_come_again_are_a_data_bug_and_a_few_are_not() -> None:
    (storm,) = repeated(3000, 360)
    assert (storm.status, storm.kind, storm.subject, storm.statistic) == (Status.BREACH, Kind.QUALITY, "request", 0.12)
    (diagnosis,) = diagnose([storm])
    assert (diagnosis.trouble, diagnosis.severity) == (Trouble.DATA, Severity.WARNING)
    assert diagnosis.summary == (
        "request came more than once: 12% of the rows repeat one of the same hour (3,000 rows)"
    )
    assert repeated(3000, 20)[0].status is Status.OK
    assert repeated(3000, 31)[0].status is Status.OK, "1.03% of 3,000 may be chance"
    assert repeated(50, 25)[0].status is Status.INSUFFICIENT
    assert repeated(0, 0) == []
    assert judge_duplicates(CONTEXT, model(), 3000, 360) == [], "no id column"
    assert repeated(3000, 360, detectors={"duplicates": {"enabled": False}}) == []
    assert repeated(3000, 360, detectors={"duplicates": {"threshold": 0.2}})[0].status is Status.OK
