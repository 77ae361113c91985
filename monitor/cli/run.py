"""`driftline run`: the service.

In: a config; for a simulation a start, an end and a speed. Out: structured log lines. Kept: the state database.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from monitor.cli.common import ConfigOption, load_config, parse_time
from monitor.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    config: ConfigOption = None,
    clock_from: Annotated[
        str | None,
        typer.Option("--clock-from", metavar="TIME", help="Simulate: the clock starts here.", show_default=False),
    ] = None,
    clock_to: Annotated[
        str | None,
        typer.Option("--clock-to", metavar="TIME", help="Simulate: the clock stands still here.", show_default=False),
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", min=1.0, help="Simulate: clock seconds a real second.", show_default=True)
    ] = 3600.0,
) -> None:
    """Watch every model of the config until stopped: evaluate, alert, report.

    SIGTERM finishes or rolls back the window in hand and ends the service; SIGHUP or a changed file reloads the
    config at the next window.
    """
    from monitor.service.light import live_small

    live_small()  # before whatever is loaded next loads more than it needs

    from datetime import UTC

    from monitor import logs
    from monitor.clock import Clock, SimulatedClock, WallClock
    from monitor.config import find_config
    from monitor.daemon import Daemon

    if (clock_from is None) != (clock_to is None):
        raise UserError("a simulated clock needs both --clock-from and --clock-to")
    loaded = load_config(config)
    clock: Clock = WallClock()
    if clock_from is not None and clock_to is not None:
        start, end = parse_time(clock_from, UTC), parse_time(clock_to, UTC)
        if end <= start:
            raise UserError("--clock-to must come after --clock-from")
        clock = SimulatedClock(start, end, speed)
    logs.configure()
    raise typer.Exit(Daemon(find_config(config), loaded, clock, os.environ).run())
