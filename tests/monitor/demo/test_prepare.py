"""The demo's log: the same however often it is prepared, and labels only when they could be known."""

from __future__ import annotations

import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from monitor import config
from monitor.demo.errors import DemoFolderForeign
from monitor.demo.flights import FEATURES, data_folder, load
from monitor.demo.model import DECISION_THRESHOLD
from monitor.demo.prepare import MODEL, label_rows, prediction_rows, prepare
from monitor.prediction_log.delta import DeltaLog

ROOT = Path(__file__).parents[3]
ALWAYS = datetime(2013, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def columns():
    return config.load(ROOT / "config.yaml", {}).settings.models[MODEL].columns


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The real files with every eighth flight: all months, carriers and endings, in a fraction of the time."""
    folder = tmp_path_factory.mktemp("flights")
    for name in ("weather.csv", "planes.csv", "airports.csv"):
        shutil.copy(data_folder() / name, folder)
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        head, *lines = archive.read("flights.csv").splitlines(keepends=True)
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", b"".join([head, *lines[::8]]))
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, columns, source):
    """The demo's folder and its log, prepared once for all of this module."""
    folder = tmp_path_factory.mktemp("demo")
    log = DeltaLog(str(folder / "prediction-log"), MODEL, columns)
    said: list[str] = []
    return folder, log, prepare(folder, log, said.append, source), said


def rows(log: DeltaLog, *names: str) -> pa.Table:
    return pa.Table.from_batches(list(log.batches(*ALWAYS, names)))


def test_the_log_holds_the_year_the_model_had_not_seen(prepared) -> None:
    _, log, facts, said = prepared
    assert facts.written
    assert len(said) == 4
    table = rows(log, "prediction_id", "ts", "model_version", "score", "prediction", *FEATURES)
    assert table.num_rows == facts.predictions == pytest.approx((336_776 - 27_004) / 8, rel=0.01)
    assert len(pc.unique(table["prediction_id"])) == table.num_rows
    # February begins at midnight in New York: nothing the model was trained on is in the log.
    assert pc.min(table["ts"]).as_py() >= datetime(2013, 2, 1, 5, tzinfo=UTC)
    assert pc.unique(table["model_version"]).to_pylist() == ["2013-01"]
    called = pc.cast(pc.greater(table["score"], DECISION_THRESHOLD), pa.int64())
    assert called.equals(table["prediction"])
    assert 0.5 < facts.auc_low < facts.auc_high < 0.8


def test_missing_values_are_null_and_never_nan(prepared) -> None:
    table = rows(prepared[1], "seats", "pressure", "plane_age", "temperature")
    assert table["seats"].null_count > 0
    assert pa.types.is_integer(table["seats"].type)
    for name in ("pressure", "temperature"):
        assert not pc.any(pc.is_nan(table[name])).as_py()


def test_labels_come_after_the_prediction_and_never_for_a_flight_that_did_not_land(prepared, source) -> None:
    from monitor.prediction_log.delta import DeltaRows, table_location

    folder, log, facts, _ = prepared
    received = DeltaRows(table_location(str(folder / "prediction-log"), MODEL, ".labels"), "received_at")
    labels = pa.Table.from_batches(list(received.batches(*ALWAYS, ["id", "label", "label_time", "received_at"])))
    assert labels.num_rows == facts.labels
    assert set(pc.unique(labels["label"]).to_pylist()) == {0, 1}
    joined = labels.join(rows(log, "prediction_id", "ts"), keys="id", right_keys="prediction_id")
    assert joined["ts"].null_count == 0
    assert pc.all(pc.greater(joined["received_at"], joined["ts"])).as_py()
    assert labels["received_at"].equals(labels["label_time"])
    flights = load(source)
    lost = set(flights.loc[flights["landed"].isna(), "prediction_id"])
    assert len(lost) > 1_000
    assert lost.isdisjoint(labels["id"].to_pylist())


def test_preparing_again_is_silent_and_changes_nothing(prepared, source) -> None:
    folder, log, facts, _ = prepared
    before, said = _contents(folder), []
    again = prepare(folder, log, said.append, source)
    assert not again.written
    assert not said
    assert (again.predictions, again.labels, again.auc_low) == (facts.predictions, facts.labels, facts.auc_low)
    assert _contents(folder) == before


def test_a_lost_marker_is_written_again_and_no_row_twice(prepared, source) -> None:
    folder, log, facts, _ = prepared
    (folder / "prepared.json").unlink()
    again = prepare(folder, log, lambda step: None, source)
    assert again == facts
    assert rows(log, "ts").num_rows == facts.predictions


@pytest.mark.parametrize("marker", ['{"recipe": 0}', "{", "[]", '{"recipe": 1, "unknown": 2}'])
def test_a_folder_of_another_version_is_refused(tmp_path, columns, marker: str) -> None:
    (tmp_path / "prepared.json").write_text(marker)
    log = DeltaLog(str(tmp_path / "prediction-log"), MODEL, columns)
    with pytest.raises(DemoFolderForeign, match="remove the folder"):
        prepare(tmp_path, log, lambda step: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prepared.json"]


def test_rows_have_the_columns_the_config_names(source, columns) -> None:
    some = load(source).head(50).assign(score=0.5)
    names = prediction_rows(some).column_names
    for part in (columns.timestamp, columns.id, columns.version, columns.score, columns.prediction):
        assert part in names
    assert label_rows(some[some["late"].notna()]).column_names == ["id", "label", "label_time", "received_at"]


def _contents(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
