"""Two versions in one week: what they were asked, what they said and how well, on the model's page of its report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.reporting.gather import gather
from monitor.reporting.side_by_side import side_by_side
from reports.context import Period, State
from tests.support.flow import DAY, HOUR, START, Flow, labels_for, rows

SETTINGS = {"baseline": {"from": "2024-03-04", "to": "2024-03-06"}, "label_wait": "1d", "detectors": {}}


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


def test_a_week_in_which_the_version_changed_has_both_side_by_side(flow: Flow) -> None:
    for number in range(6):
        # The second version's scores say nothing of its labels.
        version, truth = ("1", 1.0) if number < 4 else ("2", 0.0)
        table = flow.put(rows(START + number * DAY, 24, 40, seed=number, version=version))
        flow.put_labels(labels_for(table, START + (number + 1) * DAY + HOUR, seed=number, truth=truth))
    engine = flow.engine({"m": SETTINGS})
    for _ in engine.advance(START + 6 * DAY + HOUR):
        pass
    world = engine.world
    now = START + 8 * DAY
    with world.store.read() as connection:
        week = gather(connection, "m", world.config.settings.models["m"], Period(START, START + 7 * DAY), now)
        before = gather(connection, "m", world.config.settings.models["m"], Period(START, START + 3 * DAY), now)
    found = side_by_side(world, week, now)
    assert found is not None
    assert (found.old, found.new) == ("1", "2")
    lines = {row.measure: row for row in found.rows}
    assert (lines["rows"].old, lines["rows"].new) == (4 * 960.0, 2 * 960.0)
    assert lines["rows"].note == "not on the same days: what differs may be the days"
    assert (lines["AUC"].state, lines["AUC"].note) == (State.BREACH, "worse")
    assert (lines["mean score"].state, lines["mean score"].note) == (State.OK, "no clear difference")
    assert lines["true rate"].unit == "share"
    assert side_by_side(world, before, now) is None, "one version alone"
