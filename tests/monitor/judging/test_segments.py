"""Segments of a window are judged like the whole, and the one that explains a breach is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detectors import Finding, Grid, Status, Window
from monitor.evaluate import Context
from monitor.judging.segments import judge_everything
from monitor.settings import ModelSettings
from tests.support.flow import DAY, HOUR, START, Flow, findings_of, rows, with_column

END = datetime(2024, 3, 5, tzinfo=UTC)
CONTEXT = Context("m", "1", Window("1d", END - timedelta(days=1), END), 0, END)
PORTS = np.array(["JFK", "LGA", "EWR"])


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def table(change: Callable[[dict[str, Any], np.random.Generator], None] | None = None, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    n = 6000
    data: dict[str, Any] = {
        "port": PORTS[rng.choice(3, n, p=[0.5, 0.3, 0.2])],
        "hall": rng.integers(0, 4, n).astype(str),
        "x": rng.normal(size=n),
        "colour": rng.choice(["red", "green"], n),
    }
    # LGA differs from the rest to begin with, so that its share matters.
    data["x"] += np.where(data["port"] == "LGA", 3.0, 0.0)
    if change:
        change(data, rng)
    return pa.table(data)


def judged(production: pa.Table, *, explain: bool = False, minimum_rows: int = 100) -> list[Finding]:
    reference = table()
    grid = Grid.fit(reference, segments=["port", "hall"])
    settings = ModelSettings.model_validate({"segments": ["port", "hall"], "minimum_rows": minimum_rows})
    profiles = grid.profile(reference), grid.profile(production)
    return judge_everything(CONTEXT, settings, *profiles, explain=explain)


def breaches(found: list[Finding]) -> set[tuple[str, str, str | None]]:
    return {(one.subject, one.detector, one.segment) for one in found if one.status is Status.BREACH}


def test_nothing_breaches_where_nothing_changed() -> None:
    found = judged(table(seed=1), explain=True)
    assert breaches(found) == set()
    segments = {one.segment for one in found}
    assert segments == {None, *(f"port={port}" for port in (*PORTS, "(other)")), *(f"hall={n}" for n in "0123"),
                        "hall=(other)"}  # fmt: skip
    assert {one.status for one in found if one.segment == "port=(other)"} == {Status.INSUFFICIENT}
    assert not [one for one in judged(table(seed=1)) if one.segment], "only breaches of segments are kept"


def test_a_change_in_one_segment_is_found_there_and_explains_the_whole() -> None:
    def change(data: dict[str, Any], _: np.random.Generator) -> None:
        data["x"] = data["x"] + np.where(data["port"] == "LGA", 2.5, 0.0)

    found = judged(table(change, seed=2))
    assert ("x", "ks", None) in breaches(found)
    assert {segment for subject, _, segment in breaches(found) if subject == "x"} >= {None, "port=LGA"}
    assert not {"port=JFK", "port=EWR"} & {segment for _, _, segment in breaches(found)}
    whole = next(one for one in found if (one.subject, one.detector, one.segment) == ("x", "ks", None))
    assert whole.detail["segment"] == "all of it is port=LGA"


def test_a_change_too_small_for_the_whole_is_found_in_its_segment() -> None:
    def change(data: dict[str, Any], rng: np.random.Generator) -> None:
        hit = (data["port"] == "EWR") & (rng.random(len(data["x"])) < 0.2)
        data["x"] = np.where(hit, np.nan, data["x"])

    found = judged(table(change, seed=3))
    assert breaches(found) >= {("x", "missing", "port=EWR")}
    assert ("x", "missing", None) not in breaches(found), "4% of all rows"
    one = next(each for each in found if each.segment == "port=EWR" and each.detector == "missing")
    assert one.n == pytest.approx(1200, rel=0.1)
    assert one.statistic == pytest.approx(0.2, abs=0.04)


def test_a_change_of_mix_is_told_from_a_change_within() -> None:
    def change(data: dict[str, Any], rng: np.random.Generator) -> None:
        data["port"] = PORTS[rng.choice(3, len(data["x"]), p=[0.1, 0.85, 0.05])]
        data["x"] = rng.normal(size=len(data["x"])) + np.where(data["port"] == "LGA", 3.0, 0.0)

    found = judged(table(change, seed=4))
    assert ("x", "ks", None) in breaches(found)
    assert not [segment for subject, _, segment in breaches(found) if subject == "x" and str(segment)[:4] == "port"]
    whole = next(one for one in found if (one.subject, one.detector, one.segment) == ("x", "ks", None))
    assert whole.detail["segment"] == "the mix of port changed, not what is inside its values"


def test_a_change_everywhere_is_laid_at_no_segments_door() -> None:
    def change(data: dict[str, Any], _: np.random.Generator) -> None:
        data["x"] = data["x"] + 1.0

    whole = next(one for one in judged(table(change, seed=5)) if (one.subject, one.segment) == ("x", None))
    assert whole.status is Status.BREACH
    assert "segment" not in whole.detail


def test_segments_go_the_whole_way_from_the_log_to_the_incident(flow: Flow) -> None:
    def port(table: pa.Table, seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        return with_column(table, "port", PORTS[rng.choice(3, table.num_rows, p=[0.5, 0.3, 0.2])])

    flow.put(port(rows(hours=24, per_hour=100), 0))
    later = port(rows(START + DAY, 24, 100, seed=1), 1)
    hit = np.asarray(later.column("port")) == "EWR"
    flow.put(with_column(later, "amount", pa.array(np.asarray(later.column("amount")), mask=hit)))
    models = {"m": {"horizons": ["1d"], "segments": ["port"], "baseline": {"from": "2024-03-04", "to": "2024-03-05"}}}
    engine = flow.engine(models, start=START + DAY)
    outcomes = list(engine.advance(START + 2 * DAY + HOUR))
    found = {
        (one.subject, one.detector, one.segment): one for one in findings_of(outcomes) if one.status is Status.BREACH
    }
    assert found["amount", "missing", "port=EWR"].statistic == 1.0
    assert found["amount", "missing", None].detail["segment"] == "all of it is port=EWR"
    assert {segment for subject, _, segment in found if subject == "amount"} == {None, "port=EWR"}
    incident = next(event.incident for outcome in outcomes for event in outcome.events)
    assert incident.subjects == ("amount",)
