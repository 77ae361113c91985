"""The implementations a contract suite runs over."""

from pathlib import Path

import pytest

from tests.support.logs import DeltaHarness, Harness, ParquetHarness, SqlHarness

_LOGS = ["delta", "parquet", "sqlite", "sqlite-query", "postgresql", "postgresql-schema", "postgresql-query"]


@pytest.fixture(params=_LOGS)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    """An empty log of each kind."""
    kind: str = request.param
    if kind == "delta":
        return DeltaHarness(tmp_path)
    if kind == "parquet":
        return ParquetHarness(tmp_path)
    query = kind.endswith("query")
    if kind.startswith("sqlite"):
        return SqlHarness(f"sqlite:///{tmp_path}/own.db", f"sqlite:///{tmp_path}/nowhere.db", query=query)
    url: str = request.getfixturevalue("postgres_url")
    bad = "postgresql://me:hunter2@127.0.0.1:1/none"
    return SqlHarness(url, bad, query=query, schema="ml" if kind.endswith("schema") else None)
