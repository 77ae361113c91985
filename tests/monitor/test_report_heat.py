"""The heat map of a wide model, from the judgements of its days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detectors.result import Kind, Status, Window
from monitor.reporting import pictures
from monitor.reporting.gather import Gathered
from monitor.settings import ModelSettings
from monitor.store.evaluations import Past
from reports.context import Period

DAY = timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)


def gathered(features: int, days: int = 10, horizon: str = "1d") -> Gathered:
    """Feature n reaches n hundredths of its threshold a day of the month; 99 is over it on the last day alone."""
    history = []
    for day in range(days):
        window = Window(horizon, START + day * DAY, START + (day + 1) * DAY)
        figures = {
            (f"f{n:02}", "ks"): (0.1 * n * (day + 1) / 100, 0.1, Status.INSUFFICIENT if day == 3 else Status.OK)
            for n in range(features)
        }
        figures["f00", "missing"] = (0.9, 0.1, Status.BREACH)
        history.append(Past(window, "b", 100, {Kind.FEATURE: Status.OK}, figures))
    empty: tuple[()] = ()
    period = Period(START, START + days * DAY)
    return Gathered(
        "m",
        ModelSettings(),
        period,
        empty,
        tuple(history),
        empty,
        empty,
        empty,
        empty,
        {},
        {},
        None,
        None,
        empty,
        7.0,
        period.end,
    )


def test_the_features_furthest_over_come_first_and_quiet_ones_have_no_row() -> None:
    heat = pictures.heat(gathered(30))
    assert heat is not None
    assert [row.name for row in heat.rows] == [f"f{n:02}" for n in range(29, 4, -1)], "half way to it on the tenth day"
    assert len(heat.days) == 10
    assert heat.rows[0].ratios[3] is None, "a day with too little data has no square"
    assert abs((heat.rows[0].ratios[9] or 0) - 2.9) < 1e-9


def test_a_model_with_few_features_and_one_not_judged_by_the_day_have_none() -> None:
    assert pictures.heat(gathered(10)) is None
    assert pictures.heat(gathered(30, horizon="7d")) is None
