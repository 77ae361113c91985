"""What the documentation shows works: its configs are valid, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from monitor.cli import app
from monitor.config import load
from monitor.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs" / "deploy" / "README.md"]
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://reader@host/db",
    "CRM_URL": "postgresql://reader@host/crm",
    "SHOP_URL": "postgresql://reader@host/shop",
    "SLACK_TOKEN": "xoxb-1",
    "SLACK_WEBHOOK": "https://hooks.slack.example/T/B/x",
    "PAGERDUTY_URL": "pagerduty://key@service",
    "TEAMS_URL": "msteams://a/b/c/d/",
    "SMTP": "smtp://user:password@host:587",
    "WEBHOOK_SECRET": "whsec_" + "A" * 43 + "=",
    "RETRAIN_SECRET": "whsec_" + "A" * 43 + "=",
    "ACTIONS_SECRET": "whsec_" + "A" * 43 + "=",
    "RUNBOOK_TOKEN": "r" * 40,
    "OPS_TOKEN": "o" * 40,
}
LOG = "log: {delta: ./prediction-log}\n"
MODEL = "models: {example: {columns: {score: score}}}\n"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def named(cases: list[tuple[Path, str]]) -> list[object]:
    return [pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}") for number, (page, text) in enumerate(cases)]


# Blocks that show a deeper part of a config begin with another key.
CONFIGS = [
    (page, block)
    for page in PAGES
    for block in blocks(page, "yaml")
    if next(iter(yaml.safe_load(block.partition("\nlog: ")[0]))) in Settings.model_fields
]
COMMANDS = [
    (page, line.strip())
    for page in PAGES
    for block in blocks(page, "sh")
    for line in block.splitlines()
    if line.strip().startswith("driftline ")
]


@pytest.mark.parametrize("text", named(CONFIGS))
def test_every_config_shown_is_valid(text: str, tmp_path: Path) -> None:
    for number, whole in enumerate(_alternatives(text)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(whole + _what_the_page_said_before(yaml.safe_load(whole)), encoding="utf-8")
        (tmp_path / "channels.yaml").write_text(yaml.safe_dump(_channels(yaml.safe_load(whole))), encoding="utf-8")
        assert load([tmp_path / "channels.yaml", path], ENVIRONMENT).settings.models


def _what_the_page_said_before(given: dict[str, Any]) -> str:
    """Where the log is, and that there is a model, for a fragment that shows something else."""
    return ("" if "models" in given else MODEL) + ("" if "log" in given else LOG)


def _channels(given: dict[str, Any]) -> dict[str, Any]:
    """The channels that a fragment's routes and reports go to, where it does not show them."""
    alerts = given.get("alerts", {})
    routes = alerts.get("routes", ())
    named = {name for route in routes for step in (route, *route.get("escalate", ())) for name in step["to"]}
    named |= {name for report in given.get("reports", ()) for name in report.get("to", ())}
    missing = named - set(alerts.get("channels", {}))
    return {"alerts": {"channels": {name: {"console": {}} for name in sorted(missing)}}}


def _alternatives(text: str) -> Iterator[str]:
    """A block that shows one key several times shows as many configs."""
    lines = text.splitlines()
    if lines and all(line.startswith("log: ") for line in lines if line.strip()):
        yield from (line + "\n" for line in lines if line.strip())
    else:
        yield text


@pytest.mark.parametrize("line", named(COMMANDS))
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_pages_show_configs_and_commands_at_all() -> None:
    assert len(CONFIGS) > 5
    assert len(COMMANDS) > 5


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_every_link_leads_to_a_file_that_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target.partition("#")[0]).exists(), target
