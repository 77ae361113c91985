"""The detectors by name: each is documented, applies where it says, and says nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detectors import DETECTOR_NAMES, DETECTORS, MEASURES, Grid, Kind, Role, Unit
from detectors.values import Family

DOC = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text(encoding="utf-8")
TABLE = pa.table({"x": [1.0, 2.0] * 60, "c": ["a", "b"] * 60, "score": [0.1, 0.7] * 60, "pred": ["no", "yes"] * 60})
GRID = Grid.fit(TABLE, roles={"score": Role.SCORE, "pred": Role.PREDICTION})


@pytest.mark.parametrize("name", sorted(DETECTOR_NAMES))
def test_every_name_is_documented(name: str) -> None:
    assert f"`{name}`" in DOC


@pytest.mark.parametrize("family", list(Family))
def test_every_family_of_values_is_documented(family: Family) -> None:
    assert f"`{family.value}`" in DOC


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_an_entry_is_whole(name: str) -> None:
    detector = DETECTORS[name]
    assert detector.name == name
    assert detector.threshold > 0
    assert detector.help
    assert f"| {detector.threshold:g} |" in DOC.split(f"| `{name}`", 1)[1].split("\n", 1)[0]


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measures_entry_is_whole(name: str) -> None:
    assert MEASURES[name].name == name
    assert f"| {MEASURES[name].tolerance:g}" in DOC.split(f"| `{name}`", 1)[1].split("\n", 1)[0]


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_a_detector_speaks_exactly_where_it_applies(name: str) -> None:
    detector = DETECTORS[name]
    profile = GRID.profile(TABLE)
    found = detector.function(profile, profile)
    applies = np.array([detector.applies(column) for column in GRID.columns])
    assert found.value.shape == (4,)
    assert (~np.isnan(found.value) == applies).all()
    for part in (found.pvalue, found.effect, found.bound):
        assert part is None or part.shape == (4,)


def test_what_is_measured_without_being_asked() -> None:
    on = {name for name, detector in DETECTORS.items() if detector.default}
    quality = {name for name, detector in DETECTORS.items() if detector.kind is Kind.QUALITY}
    assert on == {"ks", "psi", "class_rate", "mean_shift"} | quality
    x, _, score, _ = GRID.columns
    assert DETECTORS["ks"].applies(x, asked=False)
    assert not DETECTORS["js"].applies(x, asked=False)
    assert DETECTORS["js"].applies(x)
    assert not DETECTORS["near_threshold"].applies(x)
    assert DETECTORS["near_threshold"].applies(score)


def test_the_kind_of_a_finding_follows_the_role_unless_the_detector_says() -> None:
    x, _, score, pred = GRID.columns
    assert DETECTORS["ks"].kind_of(x) is Kind.FEATURE
    assert DETECTORS["ks"].kind_of(score) is Kind.PREDICTION
    assert DETECTORS["psi"].kind_of(pred) is Kind.PREDICTION
    assert DETECTORS["missing"].kind_of(score) is Kind.QUALITY


def test_values_are_written_in_their_unit() -> None:
    assert Unit.NUMBER.show(0.614) == "0.61"
    assert Unit.SHARE.show(1.0) == "100%"
    assert Unit.SHARE.show(0.0) == "0%"
    assert Unit.SHARE.show(0.0345) == "3.5%"
    assert Unit.SHARE.show(0.0996) == "10%"
    assert Unit.SHARE.show(0.9999) == ">99%"
    assert Unit.SHARE.show(1e-9) == "<0.01%"
    assert Unit.DEVIATIONS.show(-0.52) == "-0.52 sd"
    assert Unit.SHARE.show(float("nan")) == "n/a"
