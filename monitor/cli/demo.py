"""`driftline demo`: a real model on real flights, watched for a year in a few minutes.

In: nothing but the `demo` extra. Out: incidents as they open and resolve, weekly reports. Kept: the folder `demo/`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import console, load_config
from monitor.errors import UserError

if TYPE_CHECKING:
    from monitor.clock import Clock
    from monitor.config import Config
    from monitor.demo.prepare import Prepared
    from monitor.demo.receiver import Receiver
    from monitor.prediction_log.delta import DeltaLog

_CONFIG = Path("config.yaml")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Stop the year here.", show_default="its end")
    ] = None,
    daemon: Annotated[
        bool, typer.Option("--daemon", help="Run the service itself on the demo's log, with a simulated clock.")
    ] = False,
    speed: Annotated[
        float, typer.Option("--speed", min=1.0, help="With --daemon: simulated seconds a real second.")
    ] = 7200.0,
) -> None:
    """Watch a flight-delay model through the year 2013: real incidents, real reports, no server, no account."""
    config = _config()
    prepared = _prepare(config)
    if daemon:
        raise typer.Exit(_serve(config, speed))
    _watch(config, prepared, until)


def _config() -> Config:
    """The demo's config, written to ./config.yaml where there is none."""
    from importlib.resources import files

    from monitor.demo.prepare import MODEL

    if not _CONFIG.exists():
        _CONFIG.write_text(files("monitor.demo").joinpath("config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        console().print(f"wrote {_CONFIG}, the config of this demo")
    config = load_config([_CONFIG])
    if MODEL not in config.settings.models:
        raise UserError(f"{_CONFIG} is another project's (it has no model {MODEL}); run the demo in an empty folder")
    return config


def _folder(config: Config) -> Path:
    return config.folder / "demo"


def _log(config: Config) -> DeltaLog:
    from monitor.demo.prepare import MODEL
    from monitor.prediction_log.delta import DeltaLog
    from monitor.prediction_log.open import open_log

    log = open_log(config.settings.models[MODEL], config.settings.log_of(MODEL), MODEL)
    if not isinstance(log, DeltaLog):
        raise UserError("the demo writes its own log: give the model a log of the form {delta: FOLDER}")
    return log


def _prepare(config: Config) -> Prepared:
    from monitor.demo.prepare import prepare

    log = _log(config)
    out = console()
    try:
        with out.status("Preparing the demo") as status:
            return prepare(_folder(config), log, lambda text: status.update(f"{text} …"))
    finally:
        log.close()


def _receiver(config: Config, clock: Clock, speed: float = 1.0) -> Receiver | None:
    """The training job's end of the demo's own trigger, where its URL is a port of this machine; None without one.

    At `speed` a request that was signed a moment ago may be hours old by the demo's clock.
    """
    from urllib.parse import urlsplit

    from alerts.signing import TOLERANCE
    from monitor.demo.prepare import MODEL
    from monitor.demo.receiver import HOST, Receiver

    for trigger in config.settings.models[MODEL].triggers.values():
        where = urlsplit(trigger.url or "")
        if where.hostname == HOST and where.port and trigger.secret and not trigger.dry_run:
            try:
                return Receiver(where.port, trigger.secret, clock.now, TOLERANCE * speed)
            except OSError:
                told = f"Port {where.port} is taken: nobody will answer the retraining webhook."
                console().print(told, style="yellow")
    return None


def _watch(config: Config, prepared: Prepared, until: str | None) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from typing import TextIO, cast
    from zoneinfo import ZoneInfo

    from monitor import logs
    from monitor.cli.common import parse_time
    from monitor.clock import SetClock
    from monitor.demo.driver import END, START, AboveBar, conclude, drive, introduce, printed
    from monitor.demo.flights import ZONE
    from monitor.demo.service import DemoService
    from monitor.reporting.models import few_collections
    from monitor.service import wiring
    from monitor.store import open_store
    from monitor.store.engine import hasten

    out = console()
    end = min(END, parse_time(until, ZoneInfo(ZONE))) if until else END
    store = open_store(config.settings.state)
    hasten(store)
    away = printed(config.settings)
    introduce(prepared, away, out)
    deliverer = wiring.make_deliverer(config.settings, store.begin, cast("TextIO", AboveBar()))
    journal = (_folder(config) / "demo.log").open("a", encoding="utf-8")
    with few_collections(), ThreadPoolExecutor(2) as pool, journal:
        logs.configure(journal, pretty=False)
        clock = SetClock(START)
        receiver = _receiver(config, clock)
        service = DemoService(config, store, deliverer, clock, pool, receiver)
        tally = drive(service, out, start=START, end=end, telling=not away)
        if tally.reports:
            with out.status("Evidently looks at a sample of the last week …"):
                service.dive(tally.reports[-1])
        service.close()
        if receiver is not None:
            receiver.close()
    deliverer.close()
    store.close()
    conclude(tally, _folder(config), config.sources[0], out)


def _serve(config: Config, speed: float) -> int:
    from contextlib import ExitStack
    from dataclasses import replace

    from monitor import logs
    from monitor.clock import SimulatedClock
    from monitor.config import find_config
    from monitor.daemon import Daemon
    from monitor.demo.driver import END, START
    from monitor.demo.job import Attending
    from monitor.demo.prepare import MODEL
    from monitor.prediction_log.open import open_labels
    from monitor.store import cursors, open_store

    # Its own state: the year that `driftline demo` has led through lies in the future of this clock.
    state = f"sqlite:///{_folder(config) / 'daemon.db'}"
    settings = config.settings.model_copy(update={"state": state})
    store = open_store(state)
    with store.read() as connection:
        start = max(cursors.all_through(connection).values(), default=START)

    logs.configure()
    console().print(
        f"The clock starts at {start:%d %B %Y} and runs {speed:,.0f} times as fast, until the data ends. "
        f"Health: http://{config.settings.server.listen}/healthz. Stop it with Ctrl-C."
    )
    clock = SimulatedClock(min(start, END), END, speed)
    receiver, log = _receiver(config, clock, speed), _log(config)
    labels = open_labels(settings.models[MODEL], settings.log_of(MODEL), MODEL)
    with ExitStack() as stack:
        stack.callback(store.close)
        if receiver is not None and labels is not None:
            stack.callback(receiver.close)
            stack.enter_context(Attending(receiver, store, log, labels, clock.now))
        return Daemon(find_config([_CONFIG]), replace(config, settings=settings), clock, os.environ).run()
