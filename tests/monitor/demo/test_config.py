"""The config newcomers learn from says what the demo does, with and without secrets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from monitor.config import load
from monitor.demo.flights import FEATURES
from monitor.demo.model import DECISION_THRESHOLD
from monitor.demo.prepare import MODEL

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "config.yaml"


def test_without_any_secret_it_is_valid_and_everything_is_printed() -> None:
    config = load(DEMO, {})
    assert config.warnings == ()
    assert {name: channel.printed for name, channel in config.settings.alerts.channels.items()} == {
        "oncall": True,
        "team": True,
        "hook": True,
    }


def test_a_secret_takes_its_channel_off_the_console() -> None:
    config = load(
        DEMO, {"SLACK_TOKEN": "xoxb-1", "SMTP": "smtp://mail.example:587", "WEBHOOK_URL": "https://a.example/x"}
    )
    assert not any(channel.printed for channel in config.settings.alerts.channels.values())


def test_it_says_what_the_demo_does() -> None:
    settings = load(DEMO, {}).settings
    model = settings.models[MODEL]
    assert model.decision_threshold == DECISION_THRESHOLD
    assert (model.baseline.start, model.baseline.end) == (date(2013, 2, 1), date(2013, 3, 1))
    assert model.timezone == "America/New_York"
    assert set(model.features.exclude) & set(FEATURES) == {"pressure"}


def test_everything_the_demo_writes_lies_in_one_ignored_folder() -> None:
    settings = load(DEMO, {}).settings
    folder = ROOT / "demo"
    assert settings.state == f"sqlite:///{folder}/driftline.db"
    assert settings.log is not None
    assert Path(str(settings.log.delta)).is_relative_to(folder)
    assert all(report.folder.is_relative_to(folder) for report in settings.reports)
    assert "/demo/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_package_carries_the_same_file() -> None:
    assert (ROOT / "monitor" / "demo" / "config.yaml").read_text() == DEMO.read_text()


@pytest.mark.parametrize("missing", ["POSTGRES_PASSWORD"])
def test_the_config_for_containers_is_valid(missing: str) -> None:
    config = load(ROOT / "docs" / "deploy" / "config.yaml", {missing: "secret"})
    assert config.warnings == ()
    assert config.settings.server.listen == "0.0.0.0:8787"


def test_compose_mounts_it_and_health_is_asked_where_it_listens() -> None:
    compose = yaml.safe_load((ROOT / "docs" / "deploy" / "compose.yaml").read_text())
    assert "./config.yaml:/etc/driftline/config.yaml:ro" in compose["services"]["driftline"]["volumes"]
    container = (ROOT / "docs" / "deploy" / "Containerfile").read_text()
    assert "http://127.0.0.1:8787/healthz" in container
    assert 'CMD ["run", "-c", "/etc/driftline/config.yaml"]' in container
