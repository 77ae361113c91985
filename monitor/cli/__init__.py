"""The command line: `driftline`.

In: arguments, the environment, config files. Out: text or JSON lines, and an exit code (`monitor.errors`).
Kept: nothing.

A group of commands is one module of this package with a function `register(app)`; `_MODULES` below lists them in the
order of the help. What such a module imports at its top is loaded by every `driftline --help`, so everything heavy
(the settings, SQLAlchemy, pyarrow, …) is imported inside the commands.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from monitor.cli import (
    alerts,
    baseline,
    business,
    check,
    config,
    db,
    demo,
    incidents,
    init,
    log,
    outbox,
    past,
    replay,
    report,
    results,
    route,
    run,
    silence,
    trigger,
    version,
    versions,
)
from monitor.cli.common import Group, state

_MODULES = (
    demo,
    init,
    run,
    check,
    past,
    replay,
    report,
    log,
    baseline,
    incidents,
    silence,
    route,
    results,
    business,
    trigger,
    alerts,
    outbox,
    config,
    db,
    versions,
    version,
)

app = typer.Typer(
    name="driftline",
    cls=Group,
    help="Watches machine-learning models in production and tells the right people when one has drifted or degraded.",
    epilog="Exit codes: 0 fine, 1 breach found, 2 a mistake you can mend, 3 a fault of Driftline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")] = False,
) -> None:
    state.debug = debug


for module in _MODULES:
    module.register(app)


def main() -> None:
    """The console script."""
    # Columns are counted side by side already; a matrix of a few thousand numbers split between threads of its own
    # costs four times as much on cores that have other work. NumPy reads this when it is loaded, which is later.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app(prog_name="driftline")
