"""The deep dive: Evidently run for real once, its bounds, and what it is given."""

from __future__ import annotations

import datetime
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reports.context import Period
from reports.deep_dive import SAMPLE_ROWS, make_deep_dive
from reports.errors import ReportError
from reports.evidently_run import checks, comparable, harmless_names, with_policy
from tests.support.report_context import HOSTILE, WEEK

EVIL = HOSTILE[0]


def table(rows: int, shift: float, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "temp": rng.normal(40 + 9 * shift, 9, rows),
            "wind": np.where(rng.random(rows) < 0.01, np.inf, rng.normal(11, 5, rows)),
            EVIL: rng.choice(["a", "b", EVIL], rows, p=[0.5, 0.3, 0.2]),
            "night": rng.random(rows) < 0.3,
            "tail": [f"N{number}" for number in rng.integers(0, 3000, rows)],
            "gone": pa.nulls(rows, pa.float64()),
        }
    )


@pytest.mark.slow
def test_evidently_compares_a_sample_and_its_page_can_harm_no_one(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "evidently-flight-delay.html"
    dive = make_deep_dive(table(12_000, 0, 1), table(3_000, 1.0, 2), out)
    assert dive.error is None
    assert dive.path == out
    assert (dive.rows_reference, dive.rows_production) == (SAMPLE_ROWS, 3_000)
    assert set(dive.statistics) == {"temp", "wind", EVIL, "night"}
    assert dive.statistics["temp"].drifted
    assert dive.statistics["temp"].value is not None
    assert dive.statistics["temp"].value > 0.5, "a shift of one standard deviation in normed Wasserstein distance"
    assert not dive.statistics["night"].drifted
    assert dive.left_out == {"tail": "more than 200 different values", "gone": "no values"}
    page = out.read_text(encoding="utf-8")
    assert EVIL not in page
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert os.listdir(out.parent) == [out.name], "nothing else is left behind"
    link = dive.link(WEEK)
    assert link.path == "evidently-flight-delay.html"
    assert link.checks[0].column == "temp", "what drifted comes first"


@pytest.mark.slow
def test_a_deep_dive_that_takes_too_long_is_stopped_and_said(tmp_path: Path) -> None:
    dive = make_deep_dive(table(100, 0, 1), table(100, 0, 2), tmp_path / "out.html", timeout=0.5)
    assert dive.path is None
    assert dive.error == "Evidently took longer than 0.5 s and was stopped."
    assert os.listdir(tmp_path) == []
    assert dive.link(WEEK).error == dive.error


@pytest.mark.slow
def test_a_deep_dive_that_takes_too_much_memory_fails_alone(tmp_path: Path) -> None:
    dive = make_deep_dive(table(100, 0, 1), table(100, 0, 2), tmp_path / "out.html", memory_mb=200)
    assert dive.path is None
    assert dive.error == "Evidently did not finish within 200 MB of memory."
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_nothing_comparable_is_said(tmp_path: Path) -> None:
    empty = pa.table({"gone": pa.nulls(10)})
    dive = make_deep_dive(empty, empty, tmp_path / "out.html")
    assert dive.error is not None
    assert "no column can be compared" in dive.error


def test_no_rows_need_no_process(tmp_path: Path) -> None:
    dive = make_deep_dive(table(10, 0, 1), table(0, 0, 2), tmp_path / "out.html", timeout=0)
    assert dive.error == "There were no rows to compare."


def test_each_kind_of_column_has_a_defined_outcome() -> None:
    reference = pa.table(
        {
            "int": pa.array([1, 2], pa.int32()),
            "decimal": pa.array([Decimal("1.5"), Decimal("2.5")]),
            "bool": [True, False],
            "dictionary": pa.array(["a", "b"]).dictionary_encode(),
            "time": pa.array([datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC)] * 2),
            "list": [[1], [2]],
            "typed": [1.0, 2.0],
            "infinite": [float("inf"), float("nan")],
            "dropped": [1, 2],
        }
    )
    production = reference.drop_columns(["typed", "dropped"]).append_column("typed", pa.array(["1", "2"]))
    production = production.append_column("new", pa.array([1, 2]))
    kinds, left_out = comparable(reference, production)
    assert kinds == {"int": "number", "decimal": "number", "bool": "category", "dictionary": "category"}
    assert left_out == {
        "time": "values of type timestamp[us, tz=UTC] are not compared",
        "list": f"values of type {reference.schema.field('list').type} are not compared",
        "typed": "was double, is string",
        "infinite": "no finite values",
        "dropped": "not in production",
        "new": "not in the reference",
    }


def test_names_are_made_harmless_and_stay_different() -> None:
    names = harmless_names(["<a>", "‹a›", "<a>\n", "plain"])
    assert len(set(names.values())) == 4
    assert not any(set(shown) & set("<>&\\\n") for shown in names.values())
    assert names["plain"] == "plain"


def test_the_policy_goes_first_into_the_head() -> None:
    assert with_policy("<html><head><style></style>").startswith('<html><head><meta http-equiv="Content-Security')
    with pytest.raises(ReportError):
        with_policy("<html>")


def test_the_verdict_is_the_tests_status_not_its_description() -> None:
    params = {"type": "evidently:metric_v2:ValueDrift", "column": "x", "method": "K-S p_value", "threshold": 0.05}
    result = {
        "metrics": [{"id": "1", "value": float("nan")}],
        "tests": [
            {"metric_config": {"metric_id": "0", "params": {"type": "evidently:metric_v2:DriftedColumnsCount"}}},
            {"status": "FAIL", "metric_config": {"metric_id": "1", "params": params}},
        ],
    }
    assert checks(result, {"<x>": "x"}) == [
        {"column": "<x>", "method": "K-S p_value", "value": None, "threshold": 0.05, "drifted": True}
    ]


def test_a_link_covers_its_period(tmp_path: Path) -> None:
    dive = make_deep_dive(table(0, 0, 1), table(0, 0, 2), tmp_path / "out.html")
    assert dive.link(WEEK).period == Period(WEEK.start, WEEK.end)
