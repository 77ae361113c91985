"""docs/config.md tells every key there is, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from monitor.config import load
from monitor.config.docs import documented, rewrite, tables
from monitor.config.schema import keys
from monitor.settings import LogSettings

PAGE = Path(__file__).parents[3] / "docs" / "config.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_section_has_its_table() -> None:
    assert documented(TEXT) == set(tables())


def test_tables_are_up_to_date() -> None:
    assert rewrite(TEXT) == TEXT, "settings have changed: run `python -m monitor.config.docs docs/config.md`"


def test_every_field_is_in_a_table_with_a_meaning() -> None:
    """Walks the pydantic models, not the tables' own list of sections."""
    rows = {match[1]: match[2] for match in re.finditer(r"^\| `(\w+)` \| .* \| (.*) \|$", TEXT, re.MULTILINE)}
    found = {key.path[-1] for key in keys()}
    assert found - set(rows) == set()
    assert [name for name in found if not rows[name].strip()] == []


def test_examples_load(tmp_path: Path) -> None:
    whole, logs = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "config.yaml").write_text(whole)
    assert list(load(tmp_path / "config.yaml", {}).settings.models) == ["flight-delay"]
    for line in logs.splitlines():
        assert LogSettings.model_validate(yaml.safe_load(line)["log"])
