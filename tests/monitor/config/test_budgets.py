"""A route's budget is shared by the models it reaches, and a model keeps to the strictest of those it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Config, load
from monitor.config.budgets import reached
from monitor.config.errors import ConfigError
from monitor.settings.types import format_budget, parse_budget


def config(folder: Path, models: str, routes: str) -> Config:
    (folder / "c.yaml").write_text(
        f"log: {{delta: log}}\nmodels: {{'*': {{columns: {{score: s}}}}, {models}}}\n"
        f"alerts:\n  channels: {{a: {{console: {{}}}}, b: {{console: {{}}}}}}\n  routes: [{routes}]\n"
    )
    return load(folder / "c.yaml", {})


def budgets(loaded: Config) -> dict[str, str | None]:
    return {name: model.false_alarms for name, model in loaded.settings.models.items()}


def test_a_route_is_shared_by_its_models_and_the_strictest_holds(tmp_path: Path) -> None:
    loaded = config(
        tmp_path,
        "one: {}, two: {false_alarms: 4 per 30d}, three: {false_alarms: 0.1 per 30d}, four: {owner: x}",
        "{match: {owner: x}, to: [b]}, {to: [a], false_alarms: 3 per 30d}",
    )
    assert budgets(loaded) == {"one": "1 per 30d", "two": "1 per 30d", "three": "0.1 per 30d", "four": None}
    said = {value.path[-1]: (value.value, str(value.origin)) for value in loaded.values("two")}["false_alarms"]
    assert said == (
        "1 per 30d",
        f"{tmp_path / 'c.yaml'}:5, alerts.routes[1].false_alarms: 3 per 30d, shared by 3 models; "
        f"stricter than 4 per 30d ({tmp_path / 'c.yaml'}:2)",
    )
    own = {value.path[-1]: str(value.origin) for value in loaded.values("three")}["false_alarms"]
    assert own == f"{tmp_path / 'c.yaml'}:2"
    before = config(tmp_path, "one: {}", "{to: [a]}").hash("one")
    assert loaded.hash("one") != before, "another budget is another judgement"


@pytest.mark.parametrize(
    ("routes", "names"),
    [
        ("{to: [a]}, {to: [b]}", [["m", "n", "quiet"], []]),
        ("{to: [a], continue: true}, {to: [b]}", [["m", "n", "quiet"], ["m", "n", "quiet"]]),
        ("{match: {model: m}, to: [a]}, {to: [b]}", [["m"], ["n", "quiet"]]),
        ("{match: {model: '~m|n'}, to: [a]}, {to: [b]}", [["m", "n"], ["quiet"]]),
        # What else an incident will be is not known beforehand: the routes below hear of the rest.
        ("{match: {severity: critical}, to: [a]}, {to: [b]}", [["m", "n"], ["m", "n", "quiet"]]),
        ("{match: {kind: drift, model: m}, to: [a]}, {to: [b]}", [["m"], ["m", "n", "quiet"]]),
    ],
)
def test_whom_a_route_reaches(tmp_path: Path, routes: str, names: list[list[str]]) -> None:
    assert reached(config(tmp_path, "m: {}, n: {}, quiet: {severity: warning}", routes).settings) == names


def test_a_budget_nobody_can_keep_is_warned_of(tmp_path: Path) -> None:
    loaded = config(
        tmp_path,
        "f: {baseline: {file: t.parquet}}, b: {cadence: {run: r, due: '07:00'}, false_alarms: 1 per 30d}",
        "{to: [a], false_alarms: 2 per 30d}, {to: [b], false_alarms: 1 per 30d}",
    )
    said = [(problem.path, problem.message) for problem in loaded.warnings]
    assert ("models.b.false_alarms", "a batch model has no days to learn from: fixed thresholds hold, and no budget is "
            "kept") in said  # fmt: skip
    why = {"b": "a batch model has no days to learn from", "f": "a baseline from a file has no days to learn from"}
    assert [message for path, message in said if path == "alerts.routes[0].false_alarms"] == [
        f"it reaches {name} ({reason}), whose alarms no budget can hold" for name, reason in why.items()
    ]
    assert ("alerts.routes[1].false_alarms", "this route reaches no model: there is nothing to keep") in said


@pytest.mark.parametrize("text", ["0 per 30d", "0.0 per 4w", "1 per 0d", "1 a month", "-1 per 30d"])
def test_what_is_no_budget_is_refused_with_one_that_is(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"`(1|0\.1) per 30d`"):
        config(tmp_path, "m: {}", f"{{to: [a], false_alarms: '{text}'}}")


@pytest.mark.parametrize("value", [4.0, 1.0, 0.5, 1 / 3, 0.0125, 123.0, 3e-7])
def test_a_budget_is_written_as_it_is_read(value: float) -> None:
    assert parse_budget(format_budget(value)) == pytest.approx(value, rel=1e-3)
