"""Run the HTTP servers beside the loops: health and pages on one address, metrics on another.

In: settings, a Pulse, Metrics. Out: a context in which both answer. Kept: their threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import start_http_server

from monitor.errors import UserError
from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.settings import Settings
from monitor.web.actions import Desk, action_routes
from monitor.web.app import make_app


class CannotListen(UserError):
    """An address in `server` cannot be listened on."""


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8787` as (host, port). Raises CannotListen."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise CannotListen(f"server: {text!r} is not host:port, such as 127.0.0.1:8787")
    return host.strip("[]"), int(port)


@contextmanager
def serving(
    settings: Settings,
    pulse: Pulse,
    metrics: Metrics,
    status: Callable[[], Mapping[str, object]],
    incident: Callable[[str], str | None],
    chart: Callable[[str], bytes | None],
    desk: Desk | None = None,
) -> Iterator[None]:
    """Answer /healthz, incidents, charts and reports, and /metrics, until the block ends.

    With a desk, actions are taken too. Raises CannotListen.
    """
    stops: list[Callable[[], None]] = []
    try:
        if settings.server.listen:
            stops.append(_pages(settings, pulse, status, incident, chart, desk))
        if settings.server.metrics:
            stops.append(_metrics(settings.server.metrics, metrics))
        yield
    finally:
        for stop in stops:
            stop()


def _pages(
    settings: Settings,
    pulse: Pulse,
    status: Callable[[], Mapping[str, object]],
    incident: Callable[[str], str | None],
    chart: Callable[[str], bytes | None],
    desk: Desk | None,
) -> Callable[[], None]:
    host, port = address(settings.server.listen or "")
    folders = {report.name: report.folder / report.name for report in settings.reports}
    app = make_app(pulse, status, incident, folders, chart, action_routes(desk) if desk else ())
    # The plain loop and parser: a health check needs no faster ones, and those that may be installed take megabytes.
    plain: dict[str, Any] = {"loop": "asyncio", "http": "h11", "ws": "none", "lifespan": "off"}
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, **plain)
    try:
        socket = config.bind_socket()
    except (OSError, SystemExit) as error:
        raise CannotListen(f"server.listen: {host}:{port} is in use or not ours to listen on") from error
    socket.listen()  # whoever asks while the loop starts waits instead of being refused
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, name="pages", daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(1)
        socket.close()

    return stop


def _metrics(listen: str, metrics: Metrics) -> Callable[[], None]:
    host, port = address(listen)
    try:
        server, thread = start_http_server(port, host, registry=metrics.registry)
    except OSError as error:
        raise CannotListen(f"server.metrics: {host}:{port}: {error.strerror}") from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(1)

    return stop
