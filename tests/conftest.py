"""Fixtures every room's tests may use."""

import pytest

from tests.support.postgres import postgres, postgres_url

__all__ = ["postgres", "postgres_url", "pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How hard `make chaos` tries."""
    parser.addoption("--kills", type=int, default=50, help="how often tests/chaos kills the service")
