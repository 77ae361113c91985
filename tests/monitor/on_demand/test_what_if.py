"""Replay as the tool a budget is chosen with: figures side by side, equal to those of a replay of each alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.config import Config
from monitor.on_demand.replay import forget_judgements, replay, scratch_state
from monitor.on_demand.what_if import Count, Raised, with_budget, with_thresholds
from monitor.store import Store
from tests.support.flow import DAY, HOUR, START, Flow, rows, with_column

LAST = 13


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flow]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    made = Flow(tmp_path)
    for number in range(LAST):
        table = rows(START + number * DAY, seed=number, shift=1.0 if number in (9, 10) else 0.0)
        if number == 8:
            table = with_column(table, "amount", pa.nulls(table.num_rows, pa.float64()))
        made.put(table)
    made.write({"m": {"baseline": {"from": "2024-03-04", "to": "2024-03-11"}}})
    yield made
    made.close()


def driftline(*arguments: str) -> str:
    span = ["--from", "2024-03-11", "--to", "2024-03-17T01:00"]
    result = CliRunner().invoke(app, ["replay", *span, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def counted(config: Config, end: datetime, state: Store | None = None, models: Sequence[str] = ("m",)) -> list[Raised]:
    count = Count(START + 7 * DAY, end)
    for outcome in replay(config, models, START + 7 * DAY, end, state):
        count.add(outcome)
    return count.raised(models)


def test_what_was_read_for_one_is_not_read_for_the_next_and_changes_nothing(flow: Flow) -> None:
    first, end = flow.config({"m": {"baseline": {"from": "2024-03-04", "to": "2024-03-11"}}}), START + LAST * DAY + HOUR
    others = [with_budget(first, ["m"], "1 per 30d"), with_thresholds(first, ["m"], {"ks": 0.9, "psi": 9.0})]
    with scratch_state() as state:
        together = [counted(first, end, state)]
        for other in others:
            forget_judgements(state)
            together.append(counted(other, end, state))
    assert together == [counted(config, end) for config in (first, *others)]
    (plain,), (budget,), (deaf,) = together
    assert (plain.openings, plain.days_in_alarm > 4.0) == (2, True)
    assert set(plain.subjects) >= {"amount", "x"}
    assert plain.first == START + 9 * DAY + HOUR / 4
    assert set(budget.subjects) >= {"amount", "x"}, "days that are alike teach enough for a shift of a deviation"
    assert "x" not in deaf.subjects, "what is fixed high is not reached"
    assert plain.a_month is not None
    assert plain.a_month == pytest.approx(2 * 30 / (plain.days - plain.days_in_alarm))


def test_the_table_puts_them_side_by_side(flow: Flow) -> None:
    flow.path.with_name("other.yaml").write_text(
        flow.path.read_text().replace("horizons:", "severity: info\n    horizons:")
    )
    text = driftline(
        "--false-alarms", "4 per 30d", "--threshold", "ks=0.9", "--threshold", "psi=9", "--compare", "other.yaml"
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "m, 11 Mar 2024 to 17 Mar 2024, 6 days"
    assert lines[1] == "opened lasted severity what config.yaml 4 per 30d fixed ks 0.9, psi 9 other.yaml"
    assert any(line.startswith("13 Mar 2024 3 d critical data bug:") and line.endswith("● ● ● ●") for line in lines)
    assert "openings 2 2 2 2" in lines
    assert "first 13 Mar 2024 13 Mar 2024 13 Mar 2024 13 Mar 2024" in lines
    assert sum("2 columns" in line for line in lines) == 1, "with fixed thresholds only the outputs are named"


def test_json_ends_with_the_figures_of_each(flow: Flow) -> None:
    alone = [json.loads(line) for line in driftline("--json").splitlines()]
    assert {line["type"] for line in alone} == {"finding", "incident", "replay"}
    assert "config" not in alone[0]
    assert (alone[-1]["config"], alone[-1]["model"], alone[-1]["openings"]) == ("config.yaml", "m", 2)
    beside = [
        json.loads(line) for line in driftline("--json", "--threshold", "ks=0.9", "--threshold", "psi=9").splitlines()
    ]
    assert {line["config"] for line in beside} == {"config.yaml", "fixed ks 0.9, psi 9"}
    figures = [line for line in beside if line["type"] == "replay"]
    assert ["x" in line["subjects"] for line in figures] == [True, False]
    opened = [line["id"] for line in beside if line["config"] == "config.yaml" and line.get("event") == "opened"]
    assert figures[0]["incidents"] == opened


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--false-alarms", "none", "write `1 per 30d`"),
        ("--threshold", "ks", "such as ks=0.15"),
        ("--threshold", "kss=0.1", "there is no detector 'kss'"),
        ("--compare", "gone.yaml", "no such file"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_read(
    flow: Flow, option: str, value: str, said: str
) -> None:
    result = CliRunner().invoke(app, ["replay", "--from", "2024-03-11", "--to", "2024-03-17", option, value])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
