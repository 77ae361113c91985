"""Hour profiles, day sums, and that a sum of what is stored is what a direct count gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Grid, Profile
from monitor.store import Store, open_store, profiles, versions
from monitor.store.profiles import HourProfile, SlotState
from tests.support.flow import DAY, HOUR, START, rows

FEATURES = ["x", "colour"]
Made = list[tuple[datetime, datetime, Profile]]


@cache
def table_of(slot: int, seed: int = 0) -> pa.Table:
    return rows(START + slot * HOUR, 1, 5 + (slot * 7 + seed) % 11, seed=seed).select(FEATURES)


@cache
def grid() -> Grid:
    return Grid.fit(pa.concat_tables([table_of(slot) for slot in range(48)]))


def hour(slot: int, seed: int = 0, version: str = "1", token: str = "t") -> HourProfile:
    profile = grid().profile(table_of(slot, seed))
    return HourProfile.of(version, grid().id, START + slot * HOUR, token, profile)


def state(slot: int, rows_: int = 5, token: str = "t") -> SlotState:
    return SlotState(START + slot * HOUR, token, rows_, START + slot * HOUR)


def total(
    store: Store, spans: list[tuple[datetime, datetime]], made: Made | None = None, version: str = "1"
) -> Profile:
    with store.read() as connection:
        return profiles.total(connection, "m", version, grid(), spans, made if made is not None else [])


def put(store: Store, hours: list[HourProfile], model: str = "m") -> None:
    with store.begin() as connection:
        profiles.replace(connection, model, [], hours)


def keep(store: Store, made: Made) -> None:
    with store.begin() as connection:
        profiles.keep_days(connection, "m", "1", grid(), made)


TWO_DAYS = [(START, START + DAY), (START + DAY, START + 2 * DAY)]


def test_a_sum_is_what_counting_all_rows_at_once_gives(store: Store) -> None:
    put(store, [hour(slot) for slot in range(48)])
    direct = grid().profile(pa.concat_tables([table_of(slot) for slot in range(48)]))
    made: Made = []
    assert total(store, TWO_DAYS, made) == direct
    assert [(start, end) for start, end, _ in made] == TWO_DAYS
    keep(store, made)
    again: Made = []
    assert total(store, TWO_DAYS, again) == direct
    assert again == [], "days that are kept are not summed twice"
    piece = [(START + 5 * HOUR, START + 7 * HOUR)]
    assert total(store, piece) == grid().profile(pa.concat_tables([table_of(5), table_of(6)]))


def test_a_day_that_was_summed_for_one_window_is_not_summed_for_the_next(store: Store) -> None:
    put(store, [hour(slot) for slot in range(48)])
    made: Made = []
    day = total(store, TWO_DAYS[1:], made)
    put(store, [hour(30, seed=1)])
    assert total(store, TWO_DAYS, made) == day + total(store, TWO_DAYS[:1])
    assert sorted((start, end) for start, end, _ in made) == TWO_DAYS


def test_what_a_calibration_makes_of_a_day_is_kept_with_it_and_goes_with_it(store: Store) -> None:
    def read() -> list[profiles.Piece]:
        with store.read() as connection:
            return profiles.pieces(connection, "m", "1", grid(), TWO_DAYS, [])

    def keep_sums(days: dict[bytes, profiles.Piece]) -> None:
        kept = [profiles.DaySums(day.start, day.end, day.profile.rows, sums) for sums, day in days.items()]
        with store.begin() as connection:
            profiles.keep_sums(connection, "m", "1", grid().id, "key", kept)

    put(store, [hour(slot) for slot in range(48)])
    made: Made = []
    total(store, TWO_DAYS, made)
    keep(store, made)
    keep_sums(dict(zip((b"one", b"two"), read(), strict=True)))
    assert [(piece.taught, piece.sums) for piece in read()] == [("key", b"one"), ("key", b"two")]
    before = read()
    put(store, [hour(3, seed=1)])
    made = []
    total(store, TWO_DAYS, made)
    keep(store, made)
    assert [piece.sums for piece in read()] == [None, b"two"]
    assert read()[0].profile.rows != before[0].profile.rows
    keep_sums({b"of the day as it was": before[0]})
    assert read()[0].sums is None


def test_a_replaced_hour_is_counted_once_and_its_day_made_anew(store: Store) -> None:
    put(store, [hour(slot) for slot in range(48)])
    made: Made = []
    total(store, TWO_DAYS, made)
    keep(store, made)
    for _ in range(2):
        put(store, [hour(3, seed=1)])
        made = []
        found = total(store, TWO_DAYS, made)
        tables = [table_of(slot, seed=1 if slot == 3 else 0) for slot in range(48)]
        assert found == grid().profile(pa.concat_tables(tables))
        assert [(start, end) for start, end, _ in made] == TWO_DAYS[:1], "the other day is untouched"
        keep(store, made)


def test_other_models_versions_and_empty_hours_do_not_count(store: Store) -> None:
    put(store, [hour(0), hour(1, version="2"), HourProfile.of("1", grid().id, START + 2 * HOUR, "t", None)])
    put(store, [hour(0, seed=1)], model="other")
    assert total(store, TWO_DAYS) == grid().profile(table_of(0))
    assert total(store, TWO_DAYS, version="2") == grid().profile(table_of(1))
    assert total(store, TWO_DAYS, version="3") == Profile.empty(grid())
    assert total(store, []) == Profile.empty(grid())


def test_a_day_without_rows_is_kept_as_such(store: Store) -> None:
    made: Made = []
    assert total(store, TWO_DAYS[:1], made) == Profile.empty(grid())
    keep(store, made)
    again: Made = []
    assert total(store, TWO_DAYS[:1], again) == Profile.empty(grid())
    assert again == []
    put(store, [hour(4)])
    assert total(store, TWO_DAYS[:1]) == grid().profile(table_of(4)), "rows that came late are seen"


def test_slot_states_are_replaced_and_remember_what_is_pending(store: Store) -> None:
    with store.begin() as connection:
        profiles.replace(connection, "m", [state(0), state(1, rows_=0), state(2)], [])
        profiles.replace(connection, "m", [state(1, rows_=9, token="new")], [])
        profiles.looked_at(connection, "m", [START, START + HOUR])
        profiles.looked_at(connection, "m", [])
        found = profiles.slot_states(connection, "m", START, START + 2 * HOUR)
        later = profiles.slot_states(connection, "m", START + 2 * HOUR, START + DAY)
    assert found == {
        START: SlotState(START, "t", 5, START, pending=False),
        START + HOUR: SlotState(START + HOUR, "new", 9, START + HOUR, pending=False),
    }
    assert [one.pending for one in later.values()] == [True]


def test_contents_and_tokens_are_by_version_and_slot(store: Store) -> None:
    put(store, [hour(0, token="a"), HourProfile.of("2", grid().id, START, "b", None)])
    with store.read() as connection:
        grids = {"1": grid(), "2": grid(), "3": grid()}
        assert profiles.profiled(connection, "m", {v: g.id for v, g in grids.items()}, START, START + HOUR) == {
            ("1", START): "a",
            ("2", START): "b",
        }
        assert profiles.contents(connection, "m", grids, START, START + HOUR) == {
            ("1", START): grid().profile(table_of(0)),
            ("2", START): None,
        }
        assert profiles.contents(connection, "m", grids, START + HOUR, START + DAY) == {}


def test_discarded_slots_leave_no_trace_in_any_sum(store: Store) -> None:
    put(store, [hour(slot) for slot in range(24)])
    with store.begin() as connection:
        profiles.replace(connection, "m", [state(slot) for slot in range(24)], [])
    made: Made = []
    total(store, TWO_DAYS[:1], made)
    keep(store, made)
    with store.begin() as connection:
        profiles.discard(connection, "m", [START + 3 * HOUR, START + 23 * HOUR])
    tables = [table_of(slot) for slot in range(23) if slot != 3]
    assert total(store, TWO_DAYS[:1]) == grid().profile(pa.concat_tables(tables))
    with store.read() as connection:
        assert len(profiles.slot_states(connection, "m", START, START + DAY)) == 22


def test_hours_are_forgotten_before_days(store: Store) -> None:
    put(store, [hour(slot) for slot in range(48)])
    made: Made = []
    total(store, TWO_DAYS, made)
    keep(store, made)
    with store.begin() as connection:
        profiles.replace(connection, "m", [state(slot) for slot in range(48)], [])
        profiles.forget(connection, START + DAY, START)
    direct = grid().profile(pa.concat_tables([table_of(slot) for slot in range(48)]))
    assert total(store, TWO_DAYS) == direct, "the first day is still there as a day"
    with store.read() as connection:
        assert min(profiles.slot_states(connection, "m", START, START + 2 * DAY)) == START + DAY
    with store.begin() as connection:
        profiles.forget(connection, START + DAY, START + DAY + HOUR)
    assert total(store, TWO_DAYS[:1]) == Profile.empty(grid())


operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 47), st.integers(0, 3)),
        st.tuples(st.just("sum"), st.integers(0, 1), st.integers(1, 2)),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def memory() -> Iterator[Store]:
    opened = open_store("sqlite://")
    yield opened
    opened.close()


@settings(max_examples=20, deadline=None)
@given(steps=operations)
def test_however_hours_come_and_sums_are_kept_the_sum_is_exact(
    memory: Store, steps: list[tuple[str, int, int]]
) -> None:
    store = memory
    with store.begin() as connection:
        profiles.forget(connection, START + 9 * DAY, START + 9 * DAY)
    current: dict[int, int] = {}
    for kind, first, second in [*steps, ("sum", 0, 2)]:
        if kind == "put":
            current[first] = second
            put(store, [hour(first, seed=second)])
        else:
            made: Made = []
            spans = TWO_DAYS[first : first + second]
            low, high = first * 24, (first + len(spans)) * 24
            expected = Profile.empty(grid())
            for slot, seed in current.items():
                if low <= slot < high:
                    expected = expected + grid().profile(table_of(slot, seed))
            assert total(store, spans, made) == expected
            keep(store, made)


def test_a_day_whose_hours_changed_since_it_was_summed_is_not_kept(store: Store) -> None:
    put(store, [hour(slot) for slot in range(24)])
    made: Made = []
    total(store, TWO_DAYS[:1], made)
    put(store, [hour(7, seed=3)])
    keep(store, made)
    tables = [table_of(slot, seed=3 if slot == 7 else 0) for slot in range(24)]
    assert total(store, TWO_DAYS[:1]) == grid().profile(pa.concat_tables(tables))


def test_two_who_read_the_same_hours_at_once_both_get_through(store: Store) -> None:
    gate, failures = threading.Barrier(2), list[BaseException]()

    def read() -> None:
        try:
            with store.begin() as connection:
                if store.engine.dialect.name != "sqlite":  # which lets one writer in at a time
                    gate.wait(30)
                profiles.replace(connection, "m", [state(slot) for slot in range(24)], [hour(s) for s in range(24)])
                versions.seen(connection, "m", "1", START, START + DAY)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert total(store, TWO_DAYS[:1]) == grid().profile(pa.concat_tables([table_of(slot) for slot in range(24)]))
