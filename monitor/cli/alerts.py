"""`driftline alerts test CHANNEL`: prove that a channel gets through.

In: a channel's name. Out: one test message, sent once, and what became of it. Kept: a channel that had been switched
off because its receiver was gone is switched on again when the message gets through.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, emit_json, load_config, pick
from monitor.errors import Exit, UserError


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True)
    # Without a callback Typer would make a group of one command that very command.
    group.callback()(_alerts)
    group.command("test")(send)
    app.add_typer(group, name="alerts", help="Try the channels.")


def _alerts() -> None:
    """Try the channels."""


def send(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel of the config.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one test message through a channel, at once and without retries."""
    from alerts.channels.base import DeliveryError
    from alerts.delivery import send_test
    from monitor.masking import mask_text
    from monitor.service.wiring import make_channel
    from monitor.store import open_store

    settings = load_config(config).settings
    pick(channel, settings.alerts.channels, "channel")
    # What the console channel prints is for people; with --json standard output is for machines alone.
    stream = sys.stderr if as_json else sys.stdout
    target = make_channel(channel, settings.alerts.channels[channel], settings.server.public_url, stream)
    store = open_store(settings.state)
    problem = None
    try:
        send_test(store.begin, channel, target, datetime.now(UTC), public_url=settings.server.public_url)
    except DeliveryError as error:
        problem = mask_text(str(error))
    finally:
        store.close()
    if as_json:
        sent = problem is None
        emit_json({"type": "alert_test", "channel": channel, "kind": target.kind, "sent": sent, "error": problem})
        raise typer.Exit(int(Exit.FINE if sent else Exit.MISTAKE))
    if problem is not None:
        raise UserError(f"channel {channel} ({target.kind}) does not get through: {problem}")
    console().print(f"sent through channel {channel} ({target.kind}); did it arrive?", markup=False)
