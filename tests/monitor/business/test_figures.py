"""Business metrics: their values, what they may not do, when they breach, and what they go together with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from typer.testing import CliRunner

from detectors.lagged import lagged_correlation
from detectors.result import Kind, Status, Window
from detectors.usual_value import unusual_value
from monitor.business.figures import NoFigure, figure
from monitor.cli import app
from monitor.performance.outcomes import Outcomes
from monitor.reporting import pictures
from monitor.reporting.gather import gather
from monitor.settings import BusinessSettings, ModelSettings
from reports.context import Period, State
from tests.support.flow import COLUMNS, DAY, START, Flow, events_of, findings_of, rows, with_column

TODAY = Window("1d", START, START + DAY)


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def value(flow: Flow, given: dict[str, object], outcomes: list[Outcomes] | None = None) -> tuple[float, int]:
    settings = ModelSettings.model_validate({"columns": COLUMNS})
    found = figure(settings, BusinessSettings.model_validate(given), flow.log(), TODAY, outcomes or [])
    return found.value, found.n


def test_a_column_an_expression_and_a_query_give_the_days_number(flow: Flow) -> None:
    table = flow.put(rows())
    flow.put(rows(START + DAY))
    amount = table.column("amount").to_numpy()
    red = np.array(table.column("colour").to_pylist()) == "red"
    assert value(flow, {"column": "amount"}) == (pytest.approx(amount.mean()), 480)
    ratio = {"sql": "SUM(CASE WHEN colour = 'red' THEN amount END) / COUNT(*)"}
    assert value(flow, ratio)[0] == pytest.approx(amount[red].sum() / 480)
    url = f"sqlite:///{flow.folder / 'shop.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (at timestamp, price float)"))
        connection.execute(sa.text("INSERT INTO orders VALUES ('2024-03-04 10:00', 5), ('2024-03-05 10:00', 7)"))
    engine.dispose()
    query = "SELECT SUM(price), COUNT(*) FROM orders WHERE at >= :start AND at < :end"
    assert value(flow, {"url": url, "query": query}) == (5.0, 1)


def test_the_cost_of_errors_is_that_of_the_confusion_matrix(flow: Flow) -> None:
    times = np.arange(4)
    one = Outcomes(times, times, np.array([1, 1, 0, 0]), None, np.array([1, 0, 1, 0]))
    assert value(flow, {"costs": {"tp": -10, "fp": 5, "fn": 100}}, [one]) == (23.75, 4)
    with pytest.raises(NoFigure, match="no labels"):
        value(flow, {"costs": {}})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"sql": "SUM(nope)"}, "no such column: nope"),
        ({"sql": "1) FROM log; DROP TABLE log --"}, "not an expression"),
        ({"sql": "(SELECT 1 FROM sqlite_master)"}, "not an expression"),
        ({"sql": "load_extension('x')"}, "not an expression"),
        ({"sql": "'a text'"}, "gave no number"),
        ({"sql": "MAX(NULL)"}, "gave nothing"),
        ({"column": "nope"}, "no column nope"),
        ({"url": "sqlite://", "query": "SELECT * FROM nowhere"}, "query failed"),
    ],
)
def test_what_is_no_number_of_the_log_is_told(flow: Flow, given: dict[str, object], reason: str) -> None:
    flow.put(rows(hours=1))
    with pytest.raises(NoFigure, match=reason):
        value(flow, given)


def test_a_metric_has_one_form() -> None:
    for wrong in ({}, {"sql": "1", "column": "x"}, {"url": "sqlite://"}, {"query": "SELECT 1"}):
        with pytest.raises(ValidationError):
            BusinessSettings.model_validate(wrong)


def test_a_day_is_unusual_by_what_days_do() -> None:
    rng = np.random.default_rng(0)
    alarms = [
        unusual_value(rng.normal(10, 2, 40), np.arange(40) % 7, float(rng.normal(10, 2)), 40 % 7).pvalue < 0.01
        for _ in range(3000)
    ]
    assert np.mean(alarms) == pytest.approx(0.02, abs=0.008), "one-sided, on either side"
    week = np.tile([10.0, 10, 10, 10, 10, 50, 50], 6) + rng.normal(0, 1, 42)
    assert unusual_value(week, np.arange(42) % 7, 50.0, 5).pvalue > 0.01
    assert unusual_value(week, np.arange(42) % 7, 50.0, 1).pvalue < 1e-6
    assert np.isnan(unusual_value(week[:13], np.arange(13) % 7, 50.0, 1).score)
    assert np.isnan(unusual_value(np.ones(30), np.arange(30) % 7, 2.0, 1).score)


def test_what_follows_is_found_with_its_lag_and_chance_is_not() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(2, 120))
    cause = np.convolve(noise[0], [0.6, 0.4], "same")
    follows = np.concatenate((rng.normal(size=3), cause[:-3])) * 0.8 + noise[1] * 0.4 + np.arange(120) * 0.05
    found = lagged_correlation(cause, follows)
    assert (found.lag, found.related, found.days) == (3, True, 120)
    assert found.low < found.correlation < found.high
    trends = lagged_correlation(np.arange(120) + rng.normal(size=120), np.arange(120) + rng.normal(size=120))
    assert not trends.related
    assert np.isnan(lagged_correlation(cause[:20], follows[:20]).correlation)
    assert np.isnan(lagged_correlation(np.ones(120), follows).correlation)


def test_independent_series_seldom_go_together() -> None:
    rng = np.random.default_rng(2)
    series = np.zeros((2, 60, 60))
    for day in range(1, 60):
        series[:, :, day] = 0.5 * series[:, :, day - 1] + rng.normal(size=(2, 60))
    found = [lagged_correlation(a, b, most=3).related for a, b in zip(*series, strict=True)]
    assert np.mean(found) <= 0.12


def test_a_metric_is_watched_without_labels_and_told_by_the_command(flow: Flow) -> None:
    days = 20
    drop = np.where(np.repeat(np.arange(days), 96) == days - 2, 0.3, 1.0)
    table = pa.concat_tables([rows(START + day * DAY, 24, per_hour=4, seed=day) for day in range(days)])
    rng = np.random.default_rng(0)
    flow.put(with_column(table, "sold", (rng.random(days * 96) < 0.5 * drop).astype(float)))
    model = {
        "business": {"conversion": {"column": "sold"}, "floor": {"sql": "AVG(sold)", "min": 0.25}},
        "columns": {"timestamp": "ts", "version": "version", "score": "score"},
    }
    outcomes = list(flow.engine({"m": model}).advance(START + (days + 1) * DAY))
    found = findings_of(outcomes, kind=Kind.BUSINESS)
    status = {(one.subject, (one.window.start - START) // DAY): one.status for one in found}
    assert status["conversion", days - 2] is Status.BREACH
    assert status["floor", days - 2] is Status.BREACH
    assert status["conversion", days - 3] is Status.OK
    assert status["conversion", 3] is Status.INSUFFICIENT
    assert [event for event in events_of(outcomes) if event[1] == "opened" and event[2] == "performance"]
    assert not findings_of(outcomes, kind=Kind.PERFORMANCE)
    said = CliRunner().invoke(
        app, ["business", "m", "-c", str(flow.path), "--from", "2024-03-01", "--to", "2024-04-01"]
    )
    assert said.exit_code == 0, said.output
    assert "conversion" in said.output
    assert "too few" in said.output
    with flow.store().read() as connection:
        known = flow.config({"m": model}).settings.models["m"]
        gathered = gather(connection, "m", known, Period(START + 13 * DAY, START + 20 * DAY))
    shown = {one.metric: one for one in pictures.business(gathered)}
    assert set(shown) == {"conversion", "floor"}
    assert State.BREACH in {point.state for point in shown["conversion"].points}
    assert shown["floor"].threshold == 0.25
