"""`driftline check --reference … --production …`: the report it saves, and what goes with what."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from tests.support.html_page import Page
from tests.support.tables import random_table

RUN = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    parquet.write_table(random_table(1, 2000), tmp_path / "may.parquet")
    parquet.write_table(random_table(2, 2000, 1.0), tmp_path / "june.parquet")
    return ["check", "--reference", str(tmp_path / "may.parquet"), "--production", str(tmp_path / "june.parquet")]


def test_the_report_is_saved_under_the_files_names_and_the_exit_code_stays(files: list[str], tmp_path: Path) -> None:
    done = RUN.invoke(app, [*files, "--save", str(tmp_path / "r.html"), "--json"])
    assert done.exit_code == 1
    assert "written:" in done.stderr
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.headings[0] == ("h1", "june.parquet against may.parquet")
    drifted = {one["subject"] for one in findings if one["status"] == "breach" and one["kind"] == "feature"}
    drawn = [text for level, text in page.headings if level == "h3"]
    assert drifted
    assert set(drawn[: len(drifted)]) == drifted


def test_columns_can_be_left_out_and_hidden(files: list[str], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    done = RUN.invoke(app, [*files, "--save", str(path), "--exclude", "many", "--private", "colour", "--json"])
    document = json.loads(path.read_text(encoding="utf-8"))
    assert {"column": "many", "reason": "excluded as asked"} in document["left_out"]
    assert document["findings"] == [json.loads(line) for line in done.stdout.splitlines()]
    colour = next(one for one in document["findings"] if (one["subject"], one["detector"]) == ("colour", "psi"))
    assert colour["status"] == "breach"
    assert not {"before", "after"} & set(colour.get("detail", {}))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--save", "r.docx"], "end the file's name in .html, .json or .csv"),
        (["--save", "gone/r.html"], "there is no folder gone"),
        (["--private", "colr"], "neither table has a column 'colr'; did you mean 'colour'?"),
    ],
)
def test_a_mistake_costs_no_comparison(files: list[str], arguments: list[str], says: str) -> None:
    done = RUN.invoke(app, [*files, *arguments])
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_save_goes_with_files_alone() -> None:
    done = RUN.invoke(app, ["check", "m", "--save", "r.html"])
    assert done.exit_code == 2
    assert "--save, --exclude and --private go with --reference and --production" in done.stderr
