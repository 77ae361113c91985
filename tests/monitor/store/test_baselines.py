"""Baselines in the store: one is current, the others stay."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from detectors import Grid
from detectors.performance import Measured
from monitor.store import Store, baselines
from monitor.store.baselines import Baseline
from tests.support.flow import DAY, HOUR, START, rows


@cache
def baseline() -> Baseline:
    table = rows(per_hour=10).select(["x", "colour"])
    grid = Grid.fit(table)
    return Baseline(
        id="one",
        model="m",
        version="1",
        spec='{"learn":"3d"}',
        grid=grid,
        profile=grid.profile(table),
        performance={"auc": Measured(0.7, 0.01, 400), "log_loss": Measured(0.5, 0.02, 400)},
        start=START,
        end=START + DAY,
        rows=240,
        origin="4 March 2024",
        provisional=False,
        created_at=START + DAY,
    )


def save(store: Store, *made: Baseline) -> None:
    for one in made:
        with store.begin() as connection:
            baselines.save(connection, one)


def test_a_baseline_comes_back_as_it_was(store: Store) -> None:
    from_file = replace(baseline(), id="two", version="2", start=None, end=None, performance={})
    save(store, baseline(), from_file)
    with store.read() as connection:
        assert baselines.current(connection, "m", "1") == baseline()
        assert baselines.get(connection, "two") == from_file
        assert baselines.get(connection, "three") is None
        assert baselines.current(connection, "other", "1") is None


def test_what_its_days_say_together_is_kept_with_it_or_added_later(store: Store) -> None:
    learned = replace(baseline(), joint=b"model", sample_rate=0.1 + 0.2)
    in_vain = replace(baseline(), id="two", version="2", joint_reason="too few days", sample_rate=1.0)
    save(store, learned, replace(in_vain, joint_reason="", sample_rate=None))
    with store.begin() as connection:
        baselines.keep_joint(connection, in_vain)
    with store.read() as connection:
        assert baselines.current(connection, "m", "1") == learned
        assert baselines.current(connection, "m", "2") == in_vain


def test_the_last_one_saved_is_current_and_earlier_ones_stay(store: Store) -> None:
    later = replace(baseline(), id="two", created_at=START + 2 * DAY)
    save(store, baseline(), later)
    with store.read() as connection:
        assert baselines.current(connection, "m", "1") == later
        assert baselines.get(connection, "one") == baseline()
        assert [(one["id"], one["current"]) for one in baselines.listing(connection, "m")] == [
            ("one", False),
            ("two", True),
        ]
    save(store, baseline())
    with store.read() as connection:
        found = baselines.current(connection, "m", "1")
        assert found is not None
        assert found.id == "one"
        assert len(baselines.listing(connection)) == 2, "saving again is no second row"


def test_what_a_new_version_may_inherit_is_the_newest_that_is_ready(store: Store) -> None:
    second = replace(baseline(), id="two", version="2", created_at=START + 2 * DAY)
    learning = replace(baseline(), id="three", version="3", created_at=START + 3 * DAY, provisional=True)
    other = replace(baseline(), id="four", model="other", created_at=START + 4 * DAY)
    save(store, second, baseline(), learning, other)
    with store.read() as connection:
        found = baselines.newest(connection, "m")
        assert found is not None
        assert found.id == "two"
        assert baselines.newest(connection, "nobody") is None


def test_a_baseline_made_in_the_same_instant_as_another_is_still_the_one_current(store: Store) -> None:
    save(store, baseline(), replace(baseline(), id="two", rows=1))
    with store.read() as connection:
        found = baselines.current(connection, "m", "1")
        assert found is not None
        assert found.id == "two"
        assert found.created_at - HOUR < START + DAY
