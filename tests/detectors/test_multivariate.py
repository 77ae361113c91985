"""The model of the joint distribution: what it takes, that fitting is reproducible, and that bytes come back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detectors import DetectorError
from detectors.domain_classifier import domain_classifier
from detectors.multivariate import JointModel
from detectors.pca_reconstruction import pca_reconstruction
from tests.support.days import day, days, grid_of, sample_of, shuffled


@pytest.fixture(scope="module")
def reference():
    tables = days(np.random.default_rng(11), 12, 400)
    grid = grid_of(tables)
    return grid, [sample_of(grid, table) for table in tables]


def test_the_same_days_give_the_same_model_in_any_order_of_their_rows(reference) -> None:
    grid, samples = reference
    first = JointModel.fit(grid, samples).to_bytes()
    halves = [type(each)(grid.id, each.hashes[::2], each.cells[::2]) for each in samples]
    rest = [type(each)(grid.id, each.hashes[1::2], each.cells[1::2]) for each in samples]
    assert JointModel.fit(grid, [b + a for a, b in zip(halves, rest, strict=True)]).to_bytes() == first


def test_bytes_come_back_to_the_last_bit_and_say_the_same(reference) -> None:
    grid, samples = reference
    rng = np.random.default_rng(12)
    model = JointModel.fit(grid, samples)
    back = JointModel.from_bytes(grid, model.to_bytes())
    assert back.to_bytes() == model.to_bytes()
    window = sample_of(grid, shuffled(day(rng, 400), "damp", rng))
    assert domain_classifier(back, window) == domain_classifier(model, window)
    assert pca_reconstruction(back, window) == pca_reconstruction(model, window)


def test_damaged_bytes_and_other_grids_are_refused(reference) -> None:
    grid, samples = reference
    model = JointModel.fit(grid, samples)
    other = grid_of([day(np.random.default_rng(13), 400)])
    data = model.to_bytes()
    for broken in (b"", data[:-20], b"DLS\x01" + data[4:], data[:12]):
        with pytest.raises(DetectorError):
            JointModel.from_bytes(grid, broken)
    with pytest.raises(DetectorError, match="another grid"):
        JointModel.from_bytes(other, data)
    with pytest.raises(DetectorError, match="another grid"):
        JointModel.fit(other, samples)
    with pytest.raises(DetectorError, match="another grid"):
        domain_classifier(model, sample_of(other, day(np.random.default_rng(14), 400)))


def test_few_and_thin_days_are_not_learned_from(reference) -> None:
    grid, samples = reference
    with pytest.raises(DetectorError, match="7 days of 200 sampled rows or more"):
        JointModel.fit(grid, samples[:7] + [each.lowest(150) for each in samples[7:]])
    with pytest.raises(DetectorError, match="takes 8"):
        JointModel.fit(grid, [])
    assert JointModel.fit(grid, samples[:10] + [each.lowest(150) for each in samples[10:]]).same.shape == (10, 6)


def test_a_small_window_and_a_single_column_are_insufficient(reference) -> None:
    grid, samples = reference
    model = JointModel.fit(grid, samples)
    alone = pa.table({"x": np.random.default_rng(15).normal(size=4000), "id": np.arange(4000)})
    single = grid_of([alone])
    parts = [sample_of(single, alone.slice(400 * i, 400)) for i in range(10)]
    for detector in (domain_classifier, pca_reconstruction):
        found = detector(model, samples[0].lowest(199))
        assert found.status(0.0, 1.0) == "insufficient"
        assert "fewer than 200 sampled rows" in found.reason
        assert found.n == 199
        assert np.isnan([found.value, found.pvalue]).all()
        found = detector(JointModel.fit(single, parts), parts[0])
        assert "one column" in found.reason
        assert np.isnan([found.value, found.pvalue]).all()
