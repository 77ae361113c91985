"""The HTTP face, served for real: health, an incident's page, the reports, the metrics."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.settings import Settings
from monitor.web.serve import CannotListen, serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def web(folder: Path, pulse: Pulse, metrics: Metrics | None = None) -> Iterator[tuple[int, int]]:
    pages, numbers = free_port(), free_port()
    settings = Settings.model_validate(
        {
            "server": {"listen": f"127.0.0.1:{pages}", "metrics": f"127.0.0.1:{numbers}"},
            "reports": [{"name": "weekly", "folder": str(folder)}],
        }
    )
    incidents, charts = {"m1": "<p>one</p>"}, {"abc": b"png"}
    with serving(settings, pulse, metrics or Metrics(), lambda: {"role": "evaluator"}, incidents.get, charts.get):
        yield pages, numbers


def get(port: int, path: str) -> tuple[int, str, http.client.HTTPMessage]:
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        except ConnectionRefusedError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("the server did not come up")


def test_health_is_ok_while_every_loop_gets_on(tmp_path: Path) -> None:
    with web(tmp_path, Pulse({"evaluation": 60.0})) as (port, _):
        status, body, _ = get(port, "/healthz")
    assert status == 200
    assert json.loads(body)["status"] == "ok"
    assert json.loads(body)["role"] == "evaluator"


def test_health_fails_when_a_loop_stalls_or_fails(tmp_path: Path) -> None:
    pulse = Pulse({"evaluation": 0.0, "delivery": 60.0})
    pulse.failed("delivery", "disk full")
    with web(tmp_path, pulse) as (port, _):
        status, body, _ = get(port, "/healthz")
    assert status == 503
    assert json.loads(body)["loops"]["evaluation"]["stalled"] is True
    assert json.loads(body)["loops"]["delivery"]["error"] == "disk full"


def test_an_incident_has_a_page_that_can_load_nothing(tmp_path: Path) -> None:
    with web(tmp_path, Pulse({})) as (port, _):
        status, body, headers = get(port, "/incidents/m1")
        missing, _, _ = get(port, "/incidents/%3Cscript%3E")
    assert (status, body, missing) == (200, "<p>one</p>", 404)
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_chart_is_served_by_its_name_for_ever(tmp_path: Path) -> None:
    with web(tmp_path, Pulse({})) as (pages, _):
        status, body, headers = get(pages, "/charts/abc.png")
        assert (status, body, headers["Content-Type"]) == (200, "png", "image/png")
        assert "immutable" in headers["Cache-Control"]
        assert get(pages, "/charts/abd.png")[0] == 404


def test_reports_are_served_from_their_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "weekly").mkdir()
    (tmp_path / "weekly" / "index.html").write_text("all reports", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    with web(tmp_path, Pulse({})) as (port, _):
        assert get(port, "/reports/weekly/")[1] == "all reports"
        for path in ("/reports/weekly/../secret.txt", "/reports/weekly/%2e%2e/secret.txt"):
            assert get(port, path)[0] == 404


def test_metrics_are_served_on_an_address_of_their_own(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.windows.labels(model="m", status="done").inc(3)
    with web(tmp_path, Pulse({}), metrics) as (_, port):
        status, body, _ = get(port, "/metrics")
    assert status == 200
    assert 'driftline_windows_total{model="m",status="done"} 3.0' in body


def test_an_address_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings.model_validate({"server": {"listen": None, "metrics": f"127.0.0.1:{port}"}})
        with (
            pytest.raises(CannotListen, match=rf"server\.metrics: 127\.0\.0\.1:{port}"),
            serving(settings, Pulse({}), Metrics(), dict, dict[str, str]().get, {}.get),
        ):
            pass
