"""The public face: what a notebook gets from two frames."""

from __future__ import annotations

import csv
import doctest
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

import driftline
from detectors.result import DetectorError
from reports.errors import ReportError
from tests.support.html_page import Page

SECRETS = ("10001-secret", "94110-secret")


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    before = pd.DataFrame({"a": rng.normal(size=4000), "b": rng.normal(size=4000), "c": rng.choice(["x", "y"], 4000)})
    after = before.assign(b=before["b"] + 0.7)
    return before, after


def test_compare_names_the_column_that_drifted() -> None:
    before, after = frames()
    assert driftline.compare(before, after).drifted == ("b",)
    assert driftline.compare(before, before).drifted == ()


def test_the_frame_holds_the_exact_figures() -> None:
    before, after = frames()
    frame = driftline.compare(before, after).to_frame().set_index(["column", "check"])
    for name in ("a", "b"):
        exact = ks_2samp(before[name], after[name]).statistic
        assert frame.loc[(name, "ks"), "statistic"] == pytest.approx(exact, abs=1 / 500)
    assert frame.loc[("b", "ks"), "status"] == "breach"


def test_a_column_that_is_not_there_has_vanished() -> None:
    before, after = frames()
    found = driftline.compare(before, after.drop(columns="a")).to_frame().set_index(["column", "check"])
    assert found.loc[("a", "vanished"), "status"] == "breach"


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(DetectorError):
        driftline.compare(pd.DataFrame({"a": []}), pd.DataFrame({"a": [1.0]}))


def test_the_example_holds() -> None:
    assert doctest.testmod(driftline).failed == 0


def private_frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    before, after = frames()
    rng = np.random.default_rng(4)
    before["zip"], after["zip"] = (rng.choice(SECRETS, 4000, p=p) for p in ([0.9, 0.1], [0.1, 0.9]))
    before["salary"] = np.round(rng.normal(123_456_789, 1000, 4000))
    after["salary"] = before["salary"] + 5000
    return before, after


def test_importing_it_loads_nothing() -> None:
    heavy = (
        "('numpy', 'pandas', 'pyarrow', 'scipy', 'jinja2', 'altair', 'vl_convert', 'sqlalchemy', 'monitor', 'reports')"
    )
    program = f"import driftline, sys; print([name for name in {heavy} if name in sys.modules])"
    where = Path(driftline.__file__).parent
    done = subprocess.run([sys.executable, "-c", program], cwd=where, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_notebook_and_a_terminal_do_not_start_the_chart_engine() -> None:
    program = """
import sys, pyarrow as pa, numpy as np, driftline
x = np.arange(1000.0)
found = driftline.compare(pa.table({"x": x}), pa.table({"x": x + 200}))
assert "<svg" in found._repr_html_() and "x (" in repr(found)
print([name for name in ("altair", "vl_convert", "evidently") if name in sys.modules])
"""
    where = Path(driftline.__file__).parent
    done = subprocess.run([sys.executable, "-c", program], cwd=where, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_says_in_words_what_it_found() -> None:
    before, after = frames()
    found = driftline.compare(before, after)
    assert str(found) == repr(found)
    assert str(found).startswith("1 of 3 columns drifted: b (")
    assert "reference 4,000 rows · production 4,000 rows" in str(found)
    page = Page(found._repr_html_())
    assert "1 of 3 columns drifted: b (" in page.text
    assert [tag for tag, _ in page.elements].count("svg") == 1


def test_what_is_saved_says_the_same_in_every_form(tmp_path: Path) -> None:
    before, after = frames()
    found = driftline.compare(before, after.drop(columns="a"))
    for name in ("report.html", "figures.json", "figures.CSV"):
        found.save(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "figures.json", "figures.CSV"}
    frame = found.to_frame()
    document = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [one["statistic"] for one in document["findings"]] == [one.statistic for one in found.findings]
    assert (document["broken"], document["drifted"], document["state"]) == (["a"], ["b"], "breach")
    assert document["verdict"] == str(found).splitlines()[0]
    with (tmp_path / "figures.CSV").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(frame.columns)
    assert [row["column"] for row in rows] == list(frame["column"])
    stored = [float(row["statistic"]) if row["statistic"] else float("nan") for row in rows]
    np.testing.assert_array_equal(stored, frame["statistic"].astype(float))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.headings[0] == ("h1", "Production against reference")
    assert document["verdict"] in page.text
    assert next(text for level, text in page.headings if level == "h3") == "b"


def test_a_saved_file_is_replaced_whole_and_a_wrong_name_writes_nothing(tmp_path: Path) -> None:
    found = driftline.compare(*frames())
    (tmp_path / "a.csv").write_text("old", encoding="utf-8")
    found.save(str(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").startswith("column,")
    (tmp_path / "folder.html").mkdir()
    for path, says in (
        (tmp_path / "a.pdf", r"end the file's name in \.html, \.json or \.csv"),
        (tmp_path / "gone" / "a.html", "there is no folder"),
        (tmp_path / "folder.html", "is a folder"),
    ):
        with pytest.raises(ReportError, match=says):
            found.save(path)
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "folder.html"}


def test_a_spreadsheet_runs_nothing_of_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    before = pd.DataFrame({"=1+1": rng.choice(["=2+2", "b"], 1000, p=[0.9, 0.1]), "x\ny": rng.normal(size=1000)})
    after = pd.DataFrame({"=1+1": rng.choice(["=2+2", "b"], 1000, p=[0.1, 0.9]), "x\ny": rng.normal(size=1000)})
    driftline.compare(before, after).save(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["column"] for row in rows} == {"'=1+1", "x\ny"}
    assert any(row["before"].startswith("'=2+2: ") for row in rows)


def test_values_of_private_columns_are_nowhere(tmp_path: Path) -> None:
    before, after = private_frames()
    shown = driftline.compare(before, after)
    assert SECRETS[0] in shown._repr_html_()  # what is looked for would be found
    found = driftline.compare(before, after, private=["zip", "salary"])
    assert {"zip", "salary"} <= set(found.drifted)
    for kind in ("html", "json", "csv"):
        found.save(tmp_path / f"a.{kind}")
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    texts += [found._repr_html_(), str(found), found.to_frame().to_csv()]
    assert len(texts) == 6
    for text in texts:
        assert "zip" in text
        assert not any(secret in text for secret in (*SECRETS, "1234", "123,4", "123.4"))


def test_options_change_what_is_compared_and_how() -> None:
    before, after = frames()
    found = driftline.compare(before, after, detectors={"psi": 100, "ks": False}, exclude=["a"])
    assert {one.subject for one in found.findings} == {"b", "c"}
    thresholds = {one.detector: one.threshold for one in found.findings}
    assert "ks" not in thresholds
    assert thresholds["psi"] == 100
    assert found.drifted == ()
    only = driftline.compare(before, after, detectors=["ks"], resolution=10)
    assert {one.detector for one in only.findings} == {"ks"}
    exact = ks_2samp(before["b"], after["b"]).statistic
    statistic = next(one.statistic for one in only.findings if one.subject == "b")
    assert statistic is not None
    assert 0 < exact - statistic <= 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"detectors": {"psii": 0.1}}, "did you mean 'psi'"),
        ({"private": ["zp"]}, "neither table has a column 'zp'"),
        ({"exclude": ["a", "b", "c"]}, "no column can be watched"),
        ({"resolution": 3}, "too coarse"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_value_error(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        driftline.compare(*frames(), **options)


@pytest.mark.parametrize("given", [3, "train.parquet", [1, 2], pd.DataFrame({"a": [1, "x"]})])
def test_what_is_no_table_is_refused_in_words(given: Any) -> None:
    with pytest.raises(DetectorError, match=r"table of columns|columns of one type"):
        driftline.compare(given, frames()[0])


def test_columns_only_one_table_has_are_told(tmp_path: Path) -> None:
    before, after = frames()
    found = driftline.compare(before.assign(id=[f"i{n}" for n in range(4000)]), after.assign(new=1), exclude=["a"])
    found.save(tmp_path / "a.json")
    left_out = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["left_out"]
    assert {one["column"]: one["reason"].partition(":")[0] for one in left_out} == {
        "id": "near-unique",
        "a": "excluded as asked",
        "new": "the reference has no such column",
    }


def test_no_rows_in_production_is_too_little_and_not_fine() -> None:
    before, _ = frames()
    found = driftline.compare(before, before.head(0))
    assert str(found).startswith("Too little data to judge: 0 rows in production")
    assert "Too little data" in found._repr_html_()
