"""The daemon as a real process: start it, read its log, ask its servers, end it.

In: a config file. Out: `Service`. Kept: its log in a file beside the config; nothing outlives `stop`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait for something to become true; what it became. Fails with `what` after a minute."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


@dataclass
class Service:
    """`driftline run` with a config."""

    config: Path
    arguments: tuple[str, ...] = ()
    port: int | None = None
    metrics: int | None = None
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.config.parent / "service.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Service:
        """Start it (again); its log goes on."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor.cli", "run", "-c", str(self.config), *self.arguments],
                cwd=self.config.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        return self

    def lines(self) -> list[dict[str, Any]]:
        """The structured lines of its log so far; what is none comes as `{"event": text}`."""
        found = []
        for text in self.log.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
                found.append(line if isinstance(line, dict) else {"event": text})
            except ValueError:
                found.append({"event": text})
        return found

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """The lines of one event with these fields."""
        return [
            line
            for line in self.lines()
            if line.get("event") == name and all(line.get(key) == value for key, value in fields.items())
        ]

    def wait_for(self, name: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The `count`-th line of this event, once it is there."""
        try:
            found: list[dict[str, Any]] = until(
                lambda: self.ended() or (len(self.events(name, **fields)) >= count and self.events(name, **fields)),
                f"{name} {fields}",
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from error
        if self.ended() and len(self.events(name, **fields)) < count:
            raise AssertionError(f"ended with {self.ended()} before {name} {fields}\n{self.tail()}")
        return found[count - 1] if isinstance(found, list) else self.events(name, **fields)[count - 1]

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def ended(self) -> str:
        """Its exit code as text, empty while it runs."""
        assert self.process is not None
        code = self.process.poll()
        return "" if code is None else f"exit code {code}"

    def get(self, path: str, port: int | None = None) -> tuple[int, str]:
        """(status, body) of a page; (0, reason) if nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for its end; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
