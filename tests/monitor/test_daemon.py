"""The service as a real process: its pages, its signals, its config, its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from monitor import logs
from monitor.clock import SetClock
from monitor.config import load
from monitor.daemon import Daemon
from monitor.service.pulse import Pulse
from monitor.store import cursors, evaluations, leases
from tests.support.flow import DAY, HOUR, START, Flow, rows
from tests.support.service import ROOT, Service, free_port, until

END = START + 5 * DAY + HOUR
CLOCK = ("--clock-from", END.isoformat(), "--clock-to", (END + 40 * DAY).isoformat(), "--speed", "1")


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    made = Flow(tmp_path)
    yield made
    made.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Start services; whatever still runs at the end is killed."""
    started: list[Service] = []

    def start(flow: Flow, models: dict[str, Any] | None = None, clock: tuple[str, ...] = CLOCK, **top: Any) -> Service:
        port, metrics = free_port(), free_port()
        server = {"listen": f"127.0.0.1:{port}", "metrics": f"127.0.0.1:{metrics}"}
        flow.write(models, **{"server": server, **top})
        service = Service(flow.path, clock, port, metrics)
        started.append(service)
        return service.start()

    yield start
    for service in started:
        service.stop(signal.SIGKILL)


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """An installed service is compiled; compiling it while it starts would count as memory it holds."""
    names = ["alerts", "detectors", "monitor", "reports"]
    # Some of what others bring is loaded only when it is used.
    used = ("anyio", "apscheduler", "deltalake", "h11", "prometheus_client", "pydantic", "rich", "sqlalchemy",
            "starlette", "structlog", "typer", "uvicorn")  # fmt: skip
    names += [str(Path(spec.origin).parent) for name in used if (spec := find_spec(name)) and spec.origin]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *names], cwd=ROOT, check=True)
    loads = "from monitor.service.light import live_small; live_small(); import numpy.ma, numpy.random, numpy.linalg"
    for program in ("import monitor.daemon, monitor.store.migrate, alembic.command", f"{loads}; import monitor.daemon"):
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def plant(flow: Flow, models: dict[str, Any] | None = None) -> None:
    """Models that were judged up to START, with drift on the last of five days."""
    for model in models or {"m": {}}:
        flow.put(rows(hours=4 * 24), model)
        flow.put(rows(START + 4 * DAY, 24, shift=2.5, seed=1), model)
    flow.write(models)
    with flow.store().begin() as connection:
        for model in models or {"m": {}}:
            cursors.move(connection, model, START)


def metric(text: str, name: str) -> dict[str, float]:
    return {
        line.rsplit(" ", 1)[0].removeprefix(name): float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith((name + "{", name + " "))
    }


def test_a_service_catches_up_tells_what_it_found_and_ends_when_asked(
    flow: Flow, serve: Callable[..., Service]
) -> None:
    models = {name: {"horizons": ["1h", "1d", "7d"]} for name in ("a", "b")}
    plant(flow, models)
    service = serve(flow, models)
    service.wait_for("incident", model="b", change="opened")
    health = until(lambda: (found := service.get("/healthz"))[0] == 200 and found, "healthy")
    assert '"role":"evaluator"' in health[1]
    for model in models:
        service.wait_for("window judged", model=model, horizon="1h", end=(START + 5 * DAY).isoformat())
    until(lambda: _idle(service), "it has caught up")

    # What it tells Prometheus is bounded: names of models, channels and states.
    text = service.get("/metrics", service.metrics)[1]
    assert metric(text, "driftline_windows_total")['{model="a",status="done"}'] == len(
        service.events("window judged", model="a")
    )
    assert metric(text, "driftline_open_incidents") == {'{model="a"}': 1.0, '{model="b"}': 1.0}
    assert metric(text, "driftline_evaluated_through_seconds")['{model="a"}'] == pytest.approx(
        (END - timedelta(minutes=45)).timestamp()
    )
    assert metric(text, "driftline_evaluation_seconds_count")[""] > 200
    labels = {label.split("=")[0] for line in text.splitlines() if "{" in line and not line.startswith("#")
              for label in line.split("{")[1].split("}")[0].split(",")}  # fmt: skip
    assert labels <= {"model", "status", "event", "channel", "state", "verdict", "le"}
    assert len(text.splitlines()) < 120

    # It holds little while it waits.
    memory = psutil.Process(service.pid).memory_info().rss / 2**20
    assert memory < 200, f"{memory:.0f} MB while idle"

    begun = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begun < 10
    assert service.events("stopped")
    assert service.get("/healthz")[0] == 0
    with flow.store().read() as connection:
        row = connection.execute(leases.LEASES.select()).one()
        windows = [
            (one.model, one.version, one.window, one.aspect)
            for one in evaluations.find(connection, latest=False, findings=False)
        ]
    assert row.expires == 0, "a successor may begin at once"
    assert len(set(windows)) == len(windows)


def _idle(service: Service) -> bool:
    before = service.log.stat().st_size
    time.sleep(0.5)
    return service.log.stat().st_size == before


def change(flow: Flow, **changes: Any) -> None:
    text = yaml.safe_load(flow.path.read_text())
    for name, value in changes.items():
        text[name] = value
    flow.path.write_text(yaml.safe_dump(text))


def test_a_changed_config_is_taken_up_and_a_broken_one_refused(flow: Flow, serve: Callable[..., Service]) -> None:
    plant(flow)
    service = serve(flow)
    service.wait_for("window judged")
    good = flow.path.read_text()

    flow.put(rows(hours=4 * 24), "later")
    models = yaml.safe_load(good)["models"]
    change(flow, models={**models, "later": {**models["m"]}})
    service.wait_for("config reloaded")
    service.wait_for("window judged", model="later")

    flow.path.write_text("models: [this is\n  no: config")
    refused = service.wait_for("changed config refused; the old one runs on")
    assert "config.yaml" in refused["error"]
    assert metric(service.get("/metrics", service.metrics)[1], "driftline_config_refused") == {"": 1.0}
    assert service.get("/healthz")[0] == 200, "the old one runs on"

    # Fine to read, and impossible to work with.
    channels = {"channels": {"team": {"console": {}}}, "routes": [{"match": {"model": "~(["}, "to": ["team"]}]}
    flow.path.write_text(good)
    change(flow, alerts=channels)
    service.wait_for("changed config refused; the old one runs on", count=2)
    assert not service.ended()

    flow.path.write_text(good)
    service.wait_for("config reloaded", count=2)
    assert metric(service.get("/metrics", service.metrics)[1], "driftline_config_refused") == {"": 0.0}
    service.tell(signal.SIGHUP)
    service.wait_for("config reloaded", count=3)
    assert service.stop(signal.SIGINT) == 0


def test_a_folder_of_configs_is_read_again_when_a_file_joins_it(flow: Flow, serve: Callable[..., Service]) -> None:
    plant(flow)
    service = serve(flow)
    service.stop()
    folder = flow.folder / "configs"
    folder.mkdir()
    text = yaml.safe_load(flow.path.read_text())
    text["log"] = {"delta": str(flow.folder / "log")}
    (folder / "10-base.yaml").write_text(yaml.safe_dump(text))
    service = Service(folder, service.arguments, service.port, service.metrics)
    service.log = flow.folder / "second.log"
    service.start()
    try:
        service.wait_for("started")
        flow.put(rows(hours=4 * 24), "other")
        model = {**text["models"]["m"]}
        (folder / "20-more.yaml").write_text(yaml.safe_dump({"models": {"other": model}}))
        service.wait_for("config reloaded")
        service.wait_for("window judged", model="other")
    finally:
        service.stop(signal.SIGKILL)


def hung(flow: Flow) -> dict[str, Any]:
    """A model whose log never answers: a pipe nobody writes to."""
    os.mkfifo(flow.folder / "pipe.parquet")
    return {"m": {"log": {"parquet": str(flow.folder / "pipe.parquet")}}}


def test_asked_to_end_while_a_log_does_not_answer_it_ends_all_the_same(
    flow: Flow, serve: Callable[..., Service]
) -> None:
    service = serve(flow, hung(flow))
    service.wait_for("evaluating")
    time.sleep(0.5)
    begun = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begun < 10
    assert service.events("stopped with work in hand")
    again = serve(flow, {"m": {}})
    again.wait_for("evaluating", count=2)
    assert again.stop() == 0, "and the next one begins at once"


def test_a_second_process_waits_and_takes_over_when_the_first_is_killed(
    flow: Flow, serve: Callable[..., Service]
) -> None:
    plant(flow)
    first = serve(flow)
    first.wait_for("evaluating")
    second = Service(flow.path, first.arguments)
    second.log = flow.folder / "second.log"
    change(flow, server={"listen": None, "metrics": None})
    second.start()
    try:
        second.wait_for("started")
        time.sleep(1.0)
        assert not second.events("evaluating")
        first.stop(signal.SIGKILL)
        assert second.wait_for("evaluating")["epoch"] == 2
        assert second.stop() == 0
    finally:
        second.stop(signal.SIGKILL)


@pytest.mark.parametrize(
    ("change_of", "says"),
    [
        ({"server": {"listen": "taken", "metrics": None}}, "in use"),
        ({"server": {"listen": None, "metrics": "taken"}}, "in use"),
        ({"state": "sqlite:////proc/nowhere/state.db"}, "nowhere"),
    ],
)
def test_what_cannot_be_served_is_said_at_the_start(flow: Flow, change_of: dict[str, Any], says: str) -> None:
    import socket

    flow.write()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        change(flow, **yaml.safe_load(yaml.safe_dump(change_of).replace("taken", address)))
        service = Service(flow.path).start()
        assert service.process is not None
        assert service.process.wait(60) == 2
    assert says in service.tail()
    assert "Traceback" not in service.tail()


# In this process: what needs a shorter patience than an operator would want


@pytest.fixture
def running(flow: Flow) -> Iterator[Callable[[dict[str, Any] | None, dict[str, float]], Daemon]]:
    started: list[tuple[Daemon, threading.Thread]] = []

    def run(models: dict[str, Any] | None, limits: dict[str, float]) -> Daemon:
        port = free_port()
        flow.write(models, server={"listen": f"127.0.0.1:{port}", "metrics": None})
        daemon = Daemon([flow.path], load(flow.path, {}), SetClock(END), {})
        daemon.pulse = Pulse(limits)
        thread = threading.Thread(target=daemon.run)
        thread.start()
        started.append((daemon, thread))
        return daemon

    yield run
    for daemon, thread in started:
        daemon.stop()
        thread.join(30)
        assert not thread.is_alive()


def page(daemon: Daemon, path: str = "/healthz") -> tuple[int, str]:
    listen = daemon.config.settings.server.listen or ""
    return Service(daemon.paths[0]).get(path, int(listen.rpartition(":")[2]))


def test_health_fails_when_a_loop_stands_still(
    flow: Flow, running: Callable[[dict[str, Any] | None, dict[str, float]], Daemon]
) -> None:
    logs.configure(pretty=False)
    plant(flow)
    daemon = running(None, {"evaluation": 60.0, "delivery": 60.0})
    until(lambda: page(daemon)[0] == 200, "it is up")
    until(lambda: daemon.pulse.rounds()["evaluation"] > 1, "it gets on")
    daemon.pulse._limits["evaluation"] = 0.0
    status, body = page(daemon)
    assert status == 503
    assert '"status":"stalled"' in body
    assert '"stalled":true' in body
    daemon.pulse._limits["evaluation"] = 60.0
    assert page(daemon)[0] == 200


def test_health_fails_while_the_state_cannot_be_used_and_the_service_lives_on(
    flow: Flow, running: Callable[[dict[str, Any] | None, dict[str, float]], Daemon]
) -> None:
    plant(flow)
    daemon = running(None, {"evaluation": 60.0, "delivery": 60.0})
    until(lambda: daemon.pulse.rounds()["evaluation"] > 1, "it gets on")
    with flow.store().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO away")
    _, body = until(lambda: (found := page(daemon))[0] == 503 and found, "it notices")
    assert "deliveries" in body
    with flow.store().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO deliveries")
    until(lambda: page(daemon)[0] == 200, "it has recovered")
