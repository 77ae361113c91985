"""Stored hour profiles follow the log: what changed is read again, nothing else, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from detectors import Grid, Profile
from detectors.sample import Sample, SampleRule, take
from monitor.profiling.sync import sync
from monitor.settings import ModelSettings
from monitor.store import Store, open_store, profiles, samples, versions
from monitor.store.samples import SAMPLES
from monitor.windows import days
from tests.support.flow import COLUMNS, DAY, HOUR, START, CountingLog, Flow, rows, table_rows, with_column

FEATURES = ["x", "amount", "colour", "score", "pred"]
GRID = Grid.fit(rows(hours=48, seed=9).select(FEATURES))
RULE = SampleRule(0.5)


@dataclass
class Synced:
    """A flow's log kept in step with its store, by hand."""

    flow: Flow
    log: CountingLog
    store: Store
    settings: ModelSettings

    def sync(
        self,
        start: datetime = START,
        end: datetime = START + DAY,
        grids: Mapping[str, Grid] | None = None,
        rules: Mapping[str, SampleRule] | None = None,
    ) -> tuple[datetime, ...]:
        self.log.spans.clear()
        grids = {"1": GRID} if grids is None else grids
        return sync(self.store, self.log, "m", self.settings, grids, start, end, rules=rules)

    def judged(self, changed: tuple[datetime, ...]) -> None:
        with self.store.begin() as connection:
            profiles.looked_at(connection, "m", changed)

    def total(self, start: datetime = START, end: datetime = START + DAY, version: str = "1") -> Profile:
        with self.store.read() as connection:
            return profiles.total(connection, "m", version, GRID, list(days(start, end, self.settings.zone)), [])

    def sampled(self, start: datetime = START, end: datetime = START + DAY, rule: SampleRule = RULE) -> Sample:
        with self.store.read() as connection:
            return samples.total(connection, "m", "1", GRID, rule.rate, start, end)

    def counted(self, start: datetime = START, end: datetime = START + DAY) -> int:
        with self.store.read() as connection:
            return sum(state.rows for state in profiles.slot_states(connection, "m", start, end).values())

    def in_zone(self, zone: str) -> None:
        self.settings = self.settings.model_copy(update={"timezone": zone})


@pytest.fixture
def synced(tmp_path: Path) -> Iterator[Synced]:
    flow, store = Flow(tmp_path), open_store("sqlite://")
    yield Synced(flow, CountingLog(flow.log()), store, ModelSettings.model_validate({"columns": COLUMNS}))
    store.close()


def direct(*tables: pa.Table) -> Profile:
    total = Profile.empty(GRID)
    for table in tables:
        total = total + GRID.profile(table)
    return total


def between(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    return table.filter(pc.and_(pc.greater_equal(table.column("ts"), start), pc.less(table.column("ts"), end)))


def test_an_empty_span_reads_nothing(synced: Synced) -> None:
    synced.flow.put(rows())
    assert synced.sync(START, START) == ()
    assert synced.log.spans == []


def test_the_sum_of_the_hours_is_the_profile_of_the_rows(synced: Synced) -> None:
    table = synced.flow.put(rows(hours=48))
    changed = synced.sync(end=START + 2 * DAY)
    assert len(changed) == 48
    assert synced.total(end=START + 2 * DAY) == direct(table)
    assert synced.counted() == 480
    assert synced.sync(end=START + 2 * DAY) == changed, "until they have been looked at they are news"
    assert synced.log.spans == [], "but nothing is read twice"
    synced.judged(changed)
    assert synced.sync(end=START + 2 * DAY) == ()


def test_only_hours_with_new_rows_are_read_again(synced: Synced) -> None:
    first = synced.flow.put(rows())
    synced.judged(synced.sync())
    late = synced.flow.put(rows(START + 5 * HOUR, 2, seed=1))
    assert synced.sync() == (START + 5 * HOUR, START + 6 * HOUR)
    assert synced.log.spans == [(START + 5 * HOUR, START + 7 * HOUR)]
    assert synced.total() == direct(first, late)
    assert synced.counted() == 520


def test_hours_far_apart_are_read_apart_and_a_long_gap_a_day_at_a_time(synced: Synced) -> None:
    synced.flow.put(rows(hours=72, per_hour=2))
    synced.sync(end=START + 3 * DAY)
    assert all(end - start <= DAY + HOUR for start, end in synced.log.spans)
    assert sum((end - start for start, end in synced.log.spans), timedelta()) == 3 * DAY
    synced.flow.put(rows(START + 3 * HOUR, 1, seed=1))
    synced.flow.put(rows(START + 20 * HOUR, 1, seed=1))
    synced.sync(end=START + 3 * DAY)
    assert synced.log.spans == [(START + h * HOUR, START + (h + 1) * HOUR) for h in (3, 20)]


def test_a_quiet_hour_is_not_asked_for_again_and_again(synced: Synced) -> None:
    synced.flow.put(rows(hours=3))
    synced.judged(synced.sync())
    assert synced.sync() == ()
    assert synced.log.spans == []
    assert synced.counted() == 60


def delete(flow: Flow, predicate: str) -> None:
    DeltaTable((flow.folder / "log" / "m").as_uri()).delete(predicate)


def test_deleted_rows_go(synced: Synced) -> None:
    table = synced.flow.put(rows())
    synced.judged(synced.sync())
    gone = table.column("id").to_pylist()[100]
    delete(synced.flow, f"id = '{gone}'")
    assert synced.sync() == (START + 5 * HOUR,)
    assert synced.total() == direct(table.slice(0, 100), table.slice(101))
    assert synced.counted() == 479


def test_an_hour_that_lost_all_its_rows_is_empty(synced: Synced) -> None:
    table = synced.flow.put(rows())
    synced.judged(synced.sync())
    delete(synced.flow, "ts < '2024-03-04T01:00:00Z'")
    assert synced.sync() == (START,)
    assert synced.total() == direct(table.slice(20))
    synced.judged((START,))
    assert synced.sync() == ()
    assert synced.log.spans == []


def test_rows_put_in_place_of_as_many_others_are_news(synced: Synced) -> None:
    table = synced.flow.put(rows())
    synced.judged(synced.sync())
    one = table.slice(100, 1)
    delete(synced.flow, f"id = '{one.column('id')[0].as_py()}'")
    corrected = synced.flow.put(with_column(one, "x", [1000.0]))
    assert synced.sync() == (START + 5 * HOUR,)
    assert synced.total() == direct(table.slice(0, 100), table.slice(101), corrected)


def test_a_compacted_log_is_read_again_and_is_no_news(synced: Synced) -> None:
    first, second = synced.flow.put(rows()), synced.flow.put(rows(seed=1))
    synced.judged(synced.sync())
    assert synced.flow.log().compact_closed_days((START + DAY).date()) > 0
    assert synced.sync() == ()
    assert synced.log.spans != []
    assert synced.total() == direct(first, second)
    assert synced.counted() == 960


def test_several_versions_in_one_hour_are_counted_apart(synced: Synced) -> None:
    one, two = synced.flow.put(rows(version="1")), synced.flow.put(rows(version="2", seed=1))
    synced.sync(grids={"1": GRID, "2": GRID})
    assert synced.total(version="1") == direct(one)
    assert synced.total(version="2") == direct(two)
    assert synced.counted() == 960, "the slots count the rows of all versions"


def test_a_version_nobody_expected_is_noted_and_read_once_it_has_a_grid(synced: Synced) -> None:
    one = synced.flow.put(rows(version="1"))
    two = synced.flow.put(rows(START + 12 * HOUR, 12, version="2", seed=1))
    synced.judged(synced.sync())
    with synced.store.read() as connection:
        known = versions.versions(connection, "m")
    assert list(known) == ["1", "2"]
    assert known["2"][0] == START + 12 * HOUR
    assert synced.sync(grids={"1": GRID, "2": GRID}) == (), "a grid more is no news of the rows"
    assert synced.total(version="1") == direct(one)
    assert synced.total(version="2") == direct(two)
    synced.sync(grids={"1": GRID, "2": GRID})
    assert synced.log.spans == []


def test_rows_without_a_version_are_unversioned(synced: Synced) -> None:
    table = rows(hours=2)
    mixed = with_column(table, "version", pa.array([None, "1"] * 20, pa.string()))
    synced.flow.put(mixed)
    synced.sync(grids={"1": GRID, "unversioned": GRID})
    assert synced.total(version="unversioned") == direct(mixed.take(list(range(0, 40, 2))))
    assert synced.total(version="1") == direct(mixed.take(list(range(1, 40, 2))))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_days_of_any_clock_are_exact(synced: Synced, zone: str) -> None:
    # Lord Howe's clock goes back half an hour on 7 April 2024, New York's went forward on 10 March.
    synced.in_zone(zone)
    start = datetime.fromisoformat("2024-04-05T00:00:00+00:00")
    table = synced.flow.put(rows(start, 96, 7))
    synced.sync(start - DAY, start + 6 * DAY)
    for first, last in days(start, start + 4 * DAY, synced.settings.zone):
        inside = between(table, first, last)
        assert synced.total(first, last - timedelta(seconds=1)) == direct(inside)
        assert synced.counted(first, last) == inside.num_rows
    synced.sync(start - DAY, start + 6 * DAY)
    assert synced.log.spans == []


def test_a_late_row_off_the_full_hour_changes_the_slots_that_touch_its_hour(synced: Synced) -> None:
    synced.in_zone("Asia/Kolkata")
    begin = START - timedelta(hours=5, minutes=30)
    synced.flow.put(rows(begin, 24))
    synced.judged(synced.sync(begin, begin + DAY))
    late = START + timedelta(hours=3, minutes=40)
    synced.flow.put(rows(late, 0.05, seed=1))
    assert synced.sync(begin, begin + DAY) == (START + timedelta(hours=3, minutes=30),)
    assert synced.counted(begin, begin + DAY) == 481


def test_a_model_that_moves_to_another_clock_counts_nothing_twice(synced: Synced) -> None:
    table = synced.flow.put(rows(hours=72))
    synced.judged(synced.sync(end=START + 3 * DAY))
    synced.total(end=START + 3 * DAY)
    for zone in ("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "UTC"):
        synced.in_zone(zone)
        first, last = next(days(START + DAY, START + 2 * DAY, synced.settings.zone))
        synced.sync(START - 2 * DAY, START + 5 * DAY)
        inside = between(table, first, last)
        assert synced.counted(first, last) == inside.num_rows
        assert synced.total(first, last - timedelta(seconds=1)) == direct(inside)


# Samples


def same(found: Sample, *tables: pa.Table, rule: SampleRule = RULE) -> bool:
    return found.to_bytes() == take(GRID, pa.concat_tables(tables), "id", rule).to_bytes()


def test_without_a_rule_nothing_is_sampled(synced: Synced) -> None:
    synced.flow.put(rows())
    synced.sync()
    synced.sync(rules={})
    assert table_rows(synced.store, SAMPLES) == []


def test_the_samples_of_the_hours_are_the_sample_of_the_rows_and_replaced_with_them(synced: Synced) -> None:
    first = synced.flow.put(rows())
    synced.judged(synced.sync(rules={"1": RULE}))
    assert same(synced.sampled(), first)
    assert 150 < synced.sampled().rows < 330
    assert synced.sync(rules={"1": RULE}) == ()
    assert synced.log.spans == []
    late = synced.flow.put(rows(START + 5 * HOUR, 2, seed=1))
    assert synced.sync(rules={"1": RULE}) == (START + 5 * HOUR, START + 6 * HOUR)
    assert same(synced.sampled(), first, late), "replaced, never doubled"
    DeltaTable(str(synced.flow.folder / "log" / "m")).optimize.compact()
    synced.sync(rules={"1": RULE})
    assert same(synced.sampled(), first, late)


def test_hours_whose_sample_is_missing_are_read_again_and_are_no_news(synced: Synced) -> None:
    table = synced.flow.put(rows())
    synced.judged(synced.sync())
    assert synced.sync(rules={"1": RULE}) == ()
    assert synced.log.spans == [(START, START + DAY)]
    assert same(synced.sampled(), table)
    assert synced.total() == direct(table)
    rarer = SampleRule(0.1)
    assert synced.sync(rules={"1": rarer}) == ()
    assert synced.log.spans == [(START, START + DAY)], "at another rate it is another sample"
    assert same(synced.sampled(rule=rarer), table, rule=rarer)
    assert synced.sampled().rows == 0
    # What came while nobody asked is read when somebody does.
    late = synced.flow.put(rows(START + 5 * HOUR, 1, seed=1))
    synced.judged(synced.sync())
    assert synced.sync(rules={"1": rarer}) == ()
    assert synced.log.spans == [(START + 5 * HOUR, START + 6 * HOUR)]
    assert same(synced.sampled(rule=rarer), table, late, rule=rarer)


def test_rows_put_together_otherwise_are_news_though_every_column_is_as_it_was(synced: Synced) -> None:
    table = synced.flow.put(rows())
    synced.judged(synced.sync(rules={"1": RULE}))
    path = str(synced.flow.folder / "log" / "m")
    whole = pa.table(DeltaTable(path).to_pyarrow_table())
    stamps = whole.column("ts").to_pylist()
    # The values of two neighbours, within one hour, change places.
    order = sorted(range(len(stamps)), key=lambda row: stamps[row])
    values = whole.column("x").to_pylist()
    for one, two in zip(order[::2], order[1::2], strict=True):
        values[one], values[two] = values[two], values[one]
    mended = with_column(whole, "x", pa.array(values))
    from deltalake import write_deltalake

    write_deltalake(path, mended, mode="overwrite")
    assert len(synced.sync(rules={"1": RULE})) == 24
    assert synced.total() == direct(table)
    assert same(synced.sampled(), mended)


def test_threads_sample_what_one_thread_does(synced: Synced) -> None:
    table = synced.flow.put(rows(per_hour=800))
    with ThreadPoolExecutor(2) as pool:
        sync(synced.store, synced.log, "m", synced.settings, {"1": GRID}, START, START + DAY, pool, {"1": RULE})
    hours = [take(GRID, between(table, START + h * HOUR, START + (h + 1) * HOUR), "id", RULE) for h in range(24)]
    assert synced.sampled().to_bytes() == sum(hours, Sample.empty(GRID)).to_bytes()
