"""The machine-readable twin: it follows its published schema and says what the pages say."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports import machine
from reports.context import State
from reports.render import ReportWriter
from tests.support.incident_page import bare, evil, incident
from tests.support.report_context import HOSTILE, figure, flight_delay, hostile, learning, taxi_out, weekly
from tests.support.report_parts import full

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas" / "report.schema.json"


@pytest.fixture(scope="module")
def valid() -> Any:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_that_of_this_version() -> None:
    """To publish a change: `python -m reports.machine > docs/schemas/report.schema.json`."""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == machine.schema()


@pytest.mark.parametrize("model", [full(), hostile(), learning(), taxi_out()], ids=lambda model: model.name[:9])
def test_a_models_document_follows_the_schema(valid: Any, model: Any) -> None:
    document = json.loads(json.dumps(machine.model_document(weekly(), model), allow_nan=False))
    assert list(valid.iter_errors(document)) == []


def test_the_reports_document_follows_the_schema_and_a_wrong_one_does_not(valid: Any) -> None:
    document = json.loads(json.dumps(machine.report_document(weekly()), allow_nan=False))
    assert list(valid.iter_errors(document)) == []
    assert document["models"][0]["page"] == "model-flight-delay.html"
    del document["models"][0]["verdict"]
    assert list(valid.iter_errors(document))


@pytest.mark.parametrize("page", [incident(), evil(), bare()], ids=["all", "hostile", "bare"])
def test_an_incidents_document_follows_the_schema(valid: Any, page: Any) -> None:
    document = json.loads(json.dumps(machine.incident_document(page), allow_nan=False))
    assert list(valid.iter_errors(document)) == []
    assert document["record"]["id"] == "INC-41" or page == bare()


def test_a_figure_that_went_wrong_is_null_and_times_are_utc(valid: Any) -> None:
    page = flight_delay()
    broken = replace(page.findings[0], figure=figure("KS", float("nan"), 0.1, State.INSUFFICIENT))
    document = machine.model_document(weekly(), replace(page, findings=(broken,)))
    assert document["findings"][0]["figure"]["value"] is None
    assert document["report"]["period"] == {"start": "2013-04-29T04:00:00Z", "end": "2013-05-06T04:00:00Z"}
    assert list(valid.iter_errors(document)) == []


def test_the_findings_are_a_table_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    writer = ReportWriter(replace(weekly(), models=()), tmp_path)
    writer.add(flight_delay())
    writer.add(hostile())
    writer.finish()
    text = (tmp_path / "findings.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(flight_delay().findings) + len(hostile().findings)
    assert rows[0]["model"] == "flight-delay"
    assert float(rows[0]["value"]) == flight_delay().findings[0].figure.value
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "@"))]
    assert f"'{HOSTILE[4]}" in {row["subject"] for row in rows}
