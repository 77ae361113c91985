"""References: where they come from, when they are ready, and what a new version is compared with."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from detectors import Grid
from monitor.prediction_log.base import LogMismatch, LogUnreachable
from monitor.prediction_log.open import open_labels
from monitor.reference.baseline import ACCEPTED, Learning, ensure
from monitor.reference.rows import watched
from monitor.settings import ModelSettings
from monitor.store import Store, baselines, open_store, versions
from monitor.store.baselines import Baseline
from tests.support.flow import COLUMNS, DAY, HOUR, START, Flow, labels_for, rows, with_column

FEATURES = ["x", "amount", "colour", "score", "pred"]


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)


def settings_of(flow: Flow, baseline: dict[str, object], **more: object) -> ModelSettings:
    given = {"columns": COLUMNS, "log": {"delta": str(flow.folder / "log")}, "baseline": baseline, **more}
    return ModelSettings.model_validate(given)


def make(
    flow: Flow,
    store: Store,
    baseline: dict[str, object],
    now: datetime,
    version: str = "1",
    seen: tuple[datetime, datetime] | None = (START, START + 30 * DAY),
    **more: object,
) -> Baseline | Learning:
    settings = settings_of(flow, baseline, **more)
    if seen is not None:
        with store.begin() as connection:
            versions.seen(connection, "m", version, *seen)
    return ensure(store, flow.log(), open_labels(settings, settings.log, "m"), "m", settings, version, now)


def ready(found: Baseline | Learning) -> Baseline:
    assert isinstance(found, Baseline)
    return found


def kept(store: Store, version: str = "1") -> Baseline | None:
    with store.read() as connection:
        return baselines.current(connection, "m", version)


INTERVAL = {"from": "2024-03-04", "to": "2024-03-06"}


def test_an_interval_is_the_versions_own_rows_of_it(flow: Flow, store: Store) -> None:
    mine = flow.put(rows(hours=96))
    flow.put(rows(hours=96, version="2", shift=3.0, seed=1))
    found = ready(make(flow, store, INTERVAL, START + 4 * DAY))
    assert found.profile == found.grid.profile(mine.slice(0, 960).select(FEATURES))
    assert (found.rows, found.start, found.end) == (960, START, START + 2 * DAY)
    assert found.origin == "4 March 2024 to 5 March 2024"
    assert not found.provisional
    assert kept(store) == found
    assert make(flow, store, INTERVAL, START + 9 * DAY) == found, "made once"


def test_the_days_of_an_interval_are_the_models_own(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=96))
    found = ready(make(flow, store, INTERVAL, START + 4 * DAY, timezone="America/New_York"))
    assert (found.start, found.end) == (START + 5 * HOUR, START + 2 * DAY + 5 * HOUR)
    exact = {"from": "2024-03-04T06:00:00Z", "to": "2024-03-04T08:00:00+01:00"}
    found = ready(make(flow, store, exact, START + 4 * DAY, timezone="America/New_York"))
    assert (found.start, found.end, found.rows) == (START + 6 * HOUR, START + 7 * HOUR, 20)


def test_the_performance_of_an_interval_is_kept_where_labels_have_come(flow: Flow, store: Store) -> None:
    table = flow.put(rows(hours=96, per_hour=40))
    flow.put_labels(labels_for(table, START + 3 * DAY))
    without = ready(make(flow, store, INTERVAL, START + 2 * DAY + HOUR))
    assert without.performance == {}, "they had not been received by then"
    again = {**INTERVAL, "to": "2024-03-07"}
    found = ready(make(flow, store, again, START + 9 * DAY))
    assert {"auc", "log_loss", "accuracy", "rate_bias"} <= set(found.performance)
    assert found.performance["auc"].n == 72 * 40
    assert 0.6 < found.performance["auc"].value < 0.9


def test_an_interval_without_rows_makes_no_baseline_and_says_so(flow: Flow, store: Store) -> None:
    flow.put(rows(START + 10 * DAY, 24))
    found = make(flow, store, INTERVAL, START + 12 * DAY, seen=(START + 10 * DAY, START + 11 * DAY))
    assert found == Learning(None, "no rows of version 1 between 4 March 2024 and 6 March 2024")
    assert kept(store) is None


def test_an_interval_older_than_the_version_is_what_it_would_have_inherited(flow: Flow, store: Store) -> None:
    old = flow.put(rows(hours=48, version="1"))
    flow.put(rows(START + 10 * DAY, 24, version="2", seed=1))
    found = ready(make(flow, store, INTERVAL, START + 12 * DAY, version="2", seen=(START + 10 * DAY, START + 11 * DAY)))
    assert found.profile == found.grid.profile(old.select(FEATURES))
    assert found.performance == {}


def test_an_interval_that_has_not_ended_is_learned(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=30))
    found = ready(make(flow, store, {"from": "2024-03-04", "to": "2024-03-18"}, START + 30 * HOUR))
    assert found.provisional
    assert found.origin == "learning, ready 18 March 2024"
    assert found.rows == 480, "the first day"


def test_learning_goes_from_nothing_to_provisional_to_ready_on_the_very_day(flow: Flow, store: Store) -> None:
    table = flow.put(rows(START + 9 * HOUR, 100))
    seen = (START + 9 * HOUR, START + 9 * HOUR)
    spec = {"learn": "3d"}
    first = make(flow, store, spec, START + 20 * HOUR, seen=seen)
    assert first == Learning(START + 9 * HOUR + 3 * DAY, "learning, ready 7 March 2024")
    early = ready(make(flow, store, spec, START + DAY + 9 * HOUR, seen=seen))
    assert early.provisional
    assert early.rows == 480
    assert early.origin == "learning, ready 7 March 2024"
    assert ready(make(flow, store, spec, START + 3 * DAY + 8 * HOUR, seen=seen)) == early
    done = ready(make(flow, store, spec, START + 3 * DAY + 9 * HOUR, seen=seen))
    assert not done.provisional
    assert done.profile == done.grid.profile(table.slice(0, 72 * 20).select(FEATURES))
    assert ready(make(flow, store, spec, START + 20 * DAY, seen=seen)) == done, "frozen"
    with store.read() as connection:
        assert [one["provisional"] for one in baselines.listing(connection, "m")] == [True, False]


def test_nothing_seen_nothing_learned(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=1))
    assert make(flow, store, {"learn": "3d"}, START, seen=None) == Learning(None, "no rows yet")


@pytest.mark.parametrize("spec", [{"rolling": "2d"}, {"seasonal": "2d"}])
def test_moving_references_keep_the_first_days_as_anchor(flow: Flow, store: Store, spec: dict[str, object]) -> None:
    flow.put(rows(hours=96))
    found = ready(make(flow, store, spec, START + 4 * DAY))
    assert (found.rows, found.start, found.end) == (960, START, START + 2 * DAY)


def test_a_changed_config_makes_another_baseline_and_an_accepted_one_stays(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=96))
    first = ready(make(flow, store, INTERVAL, START + 4 * DAY))
    second = ready(make(flow, store, {"learn": "3d"}, START + 5 * DAY))
    assert second.id != first.id
    assert kept(store) == second
    from dataclasses import replace

    accepted = replace(first, id="accepted", spec=ACCEPTED, created_at=START + 6 * DAY)
    with store.begin() as connection:
        baselines.save(connection, accepted)
    assert make(flow, store, {"learn": "2d"}, START + 7 * DAY) == accepted


# New versions


def elder(flow: Flow, store: Store, **more: object) -> Baseline:
    flow.put(rows(hours=72))
    return ready(make(flow, store, {"learn": "2d", **more}, START + 3 * DAY, seen=(START, START + 3 * DAY)))


NEW = (START + 5 * DAY, START + 8 * DAY)


def test_a_new_version_inherits(flow: Flow, store: Store) -> None:
    old = elder(flow, store)
    flow.put(rows(START + 5 * DAY, 72, version="2", shift=2.0, seed=1))
    found = ready(make(flow, store, {"learn": "2d"}, START + 6 * DAY, version="2", seen=NEW))
    assert (found.version, found.profile, found.rows) == ("2", old.profile, old.rows)
    assert found.origin == "inherited from version 1 (4 March 2024 to 5 March 2024)"
    assert found.id != old.id
    assert kept(store, "1") == old
    third = ready(make(flow, store, {"learn": "2d"}, START + 7 * DAY, version="3", seen=NEW))
    assert third.origin == found.origin, "however often it is handed on"


def test_a_new_version_with_rows_of_its_own_in_the_interval_uses_them(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=48))
    flow.put(rows(hours=48, version="2", shift=1.0, seed=1))
    make(flow, store, INTERVAL, START + 4 * DAY)
    found = ready(make(flow, store, INTERVAL, START + 4 * DAY, version="2"))
    assert found.rows == 960
    assert "inherited" not in found.origin


def test_a_new_version_learns_where_it_is_told_to(flow: Flow, store: Store) -> None:
    elder(flow, store, new_version="learn")
    fresh = flow.put(rows(START + 5 * DAY, 72, version="2", shift=2.0, seed=1))
    spec = {"learn": "2d", "new_version": "learn"}
    early = ready(make(flow, store, spec, START + 6 * DAY, version="2", seen=NEW))
    assert early.provisional
    found = ready(make(flow, store, spec, START + 7 * DAY, version="2", seen=NEW))
    assert found.profile == found.grid.profile(fresh.slice(0, 960).select(FEATURES))


def test_a_new_version_comes_with_its_own_file(flow: Flow, store: Store) -> None:
    for version, shift in (("1", 0.0), ("2", 2.0)):
        pq.write_table(rows(shift=shift).select(FEATURES), flow.folder / f"train-{version}.parquet")
    flow.put(rows())
    spec = {"file": str(flow.folder / "train-{version}.parquet"), "new_version": "file"}
    first = ready(make(flow, store, spec, START + DAY))
    second = ready(make(flow, store, spec, START + DAY, version="2"))
    assert first.origin == "file train-1.parquet"
    assert second.origin == "file train-2.parquet"
    assert first.grid != second.grid
    with pytest.raises(LogMismatch, match=r"train-3\.parquet"):
        make(flow, store, spec, START + DAY, version="3")


# Training files


def training(folder: Path, kind: str) -> Path:
    table = rows().select(FEATURES)
    path = folder / f"train.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind.startswith("csv"):
        csv.write_csv(table, folder / "train.csv")
        if kind == "csv.gz":
            path.write_bytes(gzip.compress((folder / "train.csv").read_bytes(), mtime=0))
    else:
        import json

        path.write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    return path


@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz", "ndjson"])
def test_a_training_file_is_the_reference_at_once(flow: Flow, store: Store, kind: str) -> None:
    path = training(flow.folder, kind)
    flow.put(rows())
    found = ready(make(flow, store, {"file": str(path)}, START + HOUR))
    expected = rows().select(FEATURES)
    assert (found.rows, found.start, found.provisional) == (480, None, False)
    assert found.profile.rows == 480
    assert found.grid.names == tuple(FEATURES)
    if kind == "parquet":
        assert found.profile == found.grid.profile(expected)


def test_labels_and_ids_in_a_training_file_are_no_features(flow: Flow, store: Store) -> None:
    table = rows()
    table = with_column(table, "late", [0, 1] * 240)
    pq.write_table(table, flow.folder / "train.parquet")
    flow.put(rows())
    columns = {**COLUMNS, "label": "late"}
    found = ready(make(flow, store, {"file": str(flow.folder / "train.parquet")}, START + HOUR, columns=columns))
    assert found.grid.names == tuple(FEATURES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.parquet", b"PAR1 or so", "train.parquet"),
        ("train.csv", b"", "Empty CSV"),
        ("train.csv", b"other,columns\n1,2\n", "none of the watched columns"),
        ("train.csv", b"x,y\n", "no rows"),
        ("train.csv.gz", b"not gzipped", "gzip"),
        ("train.csv.gz", gzip.compress(b"x\n1\n" * 1000, mtime=0)[:40], "train.csv.gz"),
        ("train.ndjson", b'{"x": 1}\n{"x": ', "JSON"),
        ("train.xlsx", b"PK", "not a .parquet, .csv or .ndjson file"),
    ],
)
def test_a_training_file_of_no_use_is_the_owners_mistake(
    flow: Flow, store: Store, name: str, content: bytes, message: str
) -> None:
    flow.put(rows(hours=1))
    (flow.folder / name).write_bytes(content)
    with pytest.raises(LogMismatch) as caught:
        make(
            flow, store, {"file": str(flow.folder / name)}, START, features={"auto": False, "include": ["x"]},
            columns={"timestamp": "ts"},
        )  # fmt: skip
    assert message in str(caught.value)
    assert kept(store) is None


def test_a_missing_training_file_is_named(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=1))
    with pytest.raises(LogMismatch, match=r"nowhere\.parquet"):
        make(flow, store, {"file": "nowhere.parquet"}, START)


# What is watched


def test_features_are_what_plays_no_other_part() -> None:
    schema = rows(hours=1).schema.append(pa.field("late", pa.int64())).append(pa.field("run", pa.string()))
    columns = {**COLUMNS, "label": "late"}

    def names(**more: object) -> list[str]:
        return watched(ModelSettings.model_validate({"columns": columns, **more}), schema)

    assert names() == [*FEATURES, "run"]
    assert names(cadence={"run": "run", "due": "07:00"}) == FEATURES
    assert names(features={"exclude": ["amount", "run"]}) == ["x", "colour", "score", "pred"]
    chosen = names(features={"auto": False, "include": ["colour", "x"], "exclude": ["x"]})
    assert sorted(chosen) == ["colour", "pred", "score"]
    assert names(features={"auto": False, "include": ["late", "colour"]})[0] == "colour", "a label is no feature"


def test_a_log_without_any_column_to_watch_is_the_owners_mistake(flow: Flow, store: Store) -> None:
    flow.put(rows(hours=48).select(["ts", "id", "version"]))
    with pytest.raises(LogMismatch, match="no column can be watched"):
        make(flow, store, INTERVAL, START + 4 * DAY)


def test_a_log_that_is_not_there_is_unreachable(flow: Flow, store: Store) -> None:
    with pytest.raises(LogUnreachable):
        make(flow, store, INTERVAL, START + 4 * DAY)


def test_a_column_of_two_types_is_cut_by_the_one_most_rows_have(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    many, few = rows(hours=36), rows(START + 36 * HOUR, 12)
    broken = with_column(few, "x", pa.array(["n/a"] * few.num_rows))
    pq.write_table(many, folder / "1.parquet")
    pq.write_table(broken, folder / "2.parquet")
    from monitor.prediction_log.open import open_log

    settings = ModelSettings.model_validate({"columns": COLUMNS, "log": {"parquet": str(folder)}, "baseline": INTERVAL})
    with store.begin() as connection:
        versions.seen(connection, "m", "1", START, START + 2 * DAY)
    found = ready(ensure(store, open_log(settings, None, "m"), None, "m", settings, "1", START + 4 * DAY))
    column = found.profile.column("x")
    assert column.mismatch == few.num_rows
    column = found.grid.columns[found.grid.index("x")]
    assert column.edges[column.span[1]] == max(many.column("x").to_pylist())
    assert found.rows == 960


def test_a_large_interval_is_cut_from_a_sample_and_counted_whole(
    flow: Flow, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = flow.put(rows(hours=48, per_hour=100))
    monkeypatch.setattr("monitor.reference.rows.MOST_VALUES", 6000)
    found = ready(make(flow, store, INTERVAL, START + 4 * DAY))
    assert found.rows == 4800
    assert found.profile == found.grid.profile(table.select(FEATURES))
    whole = Grid.fit(table.select(FEATURES))
    assert found.grid != whole
    middle = found.profile.column("x").quantile(0.5)
    assert abs(middle - found.grid.profile(table.select(FEATURES)).column("x").quantile(0.5)) < 1e-9
