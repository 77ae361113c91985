"""What a comparison may be asked for: forms that mean the same, and mistakes that say what to write."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.registry import DETECTORS
from detectors.result import DetectorError
from monitor.on_demand.adhoc_options import Options, read_options
from monitor.settings import DetectorSettings

COLUMNS = ("age", "zip code", "income")


def read(detectors: Any = None, exclude: Any = (), private: Any = (), resolution: Any = 500) -> Options:
    return read_options(detectors, exclude, private, resolution, COLUMNS)


def test_nothing_said_is_the_default() -> None:
    assert read() == Options()


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ({"psi": {"threshold": 0.1}}, {"psi": DetectorSettings(threshold=0.1)}),
        ({"psi": 0.1, "ks": False}, {"psi": DetectorSettings(threshold=0.1), "ks": DetectorSettings(enabled=False)}),
        ({"psi": {}, "ks": None}, {"psi": DetectorSettings(), "ks": DetectorSettings()}),
        ({"psi": DetectorSettings(threshold=1)}, {"psi": DetectorSettings(threshold=1)}),
        ({}, {}),
    ],
)
def test_a_map_is_that_of_the_config_or_shorter(given: Any, means: Any) -> None:
    assert read(given).detectors == means


@pytest.mark.parametrize("given", ["ks", ["ks"], ("ks",), {"ks"}])
def test_a_list_names_the_only_ones(given: Any) -> None:
    assert {name for name, one in read(given).detectors.items() if one.enabled} == {"ks"}
    assert set(read(given).detectors) == set(DETECTORS)


@pytest.mark.parametrize("given", ["age", ["age"], (name for name in ["age"])])
def test_columns_may_come_in_any_list(given: Any) -> None:
    assert read(exclude=given).exclude == ("age",)


def test_a_column_named_by_a_number_is_found_under_its_text() -> None:
    assert read_options(None, [0], (), 500, ("0", "1")).exclude == ("0",)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"detectors": {"pis": 0.1}}, r"unknown detector 'pis'; did you mean 'psi'\?"),
        ({"detectors": ["auc"]}, "auc needs labels or time"),
        ({"detectors": ["zzzz"]}, r"unknown detector 'zzzz'; there are ks, psi"),
        ({"detectors": []}, "name at least one"),
        ({"detectors": 3}, "detectors is a list of names, not 3"),
        ({"detectors": {"psi": {"treshold": 0.1}}}, "detectors: psi: treshold: extra inputs"),
        ({"detectors": {"psi": -1}}, "detectors: psi: threshold: input should be greater than 0, not -1"),
        ({"detectors": {"psi": "much"}}, "detectors: psi: threshold: .* not 'much'"),
        ({"exclude": ["agee"]}, r"exclude: neither table has a column 'agee'; did you mean 'age'\?"),
        ({"private": "zipcode"}, r"private: neither table has a column 'zipcode'; did you mean 'zip code'\?"),
        ({"private": 7}, "private is a list of names, not 7"),
        ({"resolution": 0.5}, "resolution is .* a whole number, not 0.5"),
        ({"resolution": True}, "a whole number, not True"),
    ],
)
def test_a_mistake_says_what_to_write(given: dict[str, Any], says: str) -> None:
    with pytest.raises(DetectorError, match=says):
        read(**given)
