"""`driftline version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import typer

from monitor.cli.common import JsonOption, emit_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("version")(version)


def version(as_json: JsonOption = False) -> None:
    """Print the version of Driftline and of Python."""
    if as_json:
        emit_json({"type": "version", "driftline": installed("driftline"), "python": platform.python_version()})
    else:
        typer.echo(f"driftline {installed('driftline')} (Python {platform.python_version()})")
