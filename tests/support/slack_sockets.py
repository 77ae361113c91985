"""Slack's Socket Mode, as far as Driftline uses it: `apps.connections.open`, and websockets that carry envelopes."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.support.http_server import Answer, Request, http_server

APP_TOKEN = "xapp-test"


class Sockets:
    """`press(...)` sends an envelope and waits for its answer; `answers` holds what was told to one person alone."""

    def __init__(self) -> None:
        self.opened = 0
        self.refuse: str | None = None
        self.connections: list[ServerConnection] = []
        self.answers: list[dict[str, Any]] = []
        self.url = ""
        self._acks: queue.Queue[str] = queue.Queue()
        self._sockets = serve(self._talk, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._sockets.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        server: Server = self._sockets
        port: int = server.socket.getsockname()[1]
        return port

    def answer(self, request: Request) -> Answer:
        """Slack's HTTP side."""
        if request.path.endswith("/answer"):
            self.answers.append(json.loads(request.body))
            return Answer(body=b"ok")
        self.opened += 1
        if self.refuse or request.headers.get("authorization") != f"Bearer {APP_TOKEN}":
            said: dict[str, Any] = {"ok": False, "error": self.refuse or "invalid_auth"}
        else:
            said = {"ok": True, "url": f"ws://127.0.0.1:{self.port}/link?ticket={self.opened}"}
        return Answer(body=json.dumps(said).encode(), headers={"Content-Type": "application/json"})

    def _talk(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        self.connections.append(connection)
        try:
            for message in connection:
                self._acks.put(json.loads(message)["envelope_id"])
        except ConnectionClosed:
            pass

    def send(self, **envelope: Any) -> None:
        """Anything Slack says over the newest connection."""
        self.connections[-1].send(json.dumps(envelope))

    def press(
        self, incident: str, act: str, *, chosen: str | None = None, envelope: str = "env-1", stamp: str = "1700.1"
    ) -> float:
        """Somebody presses a button; how many seconds the envelope's answer took."""
        action: dict[str, Any] = {"action_id": act, "block_id": f"driftline:{incident}", "action_ts": stamp}
        if chosen is not None:
            action["selected_option"] = {"value": chosen}
        payload = {
            "type": "block_actions",
            "user": {"id": "U7", "username": "maria", "name": "maria"},
            "channel": {"id": "C1", "name": "oncall"},
            "response_url": f"{self.url}/answer",
            "actions": [action],
        }
        begun = time.monotonic()
        self.send(type="interactive", envelope_id=envelope, payload=payload, accepts_response_payload=False)
        assert self._acks.get(timeout=10) == envelope
        return time.monotonic() - begun

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        self._sockets.shutdown()
        self._thread.join()


@contextmanager
def slack_sockets() -> Iterator[Sockets]:
    """Slack for the length of a block."""
    sockets = Sockets()
    try:
        with http_server(sockets.answer) as http:
            sockets.url = http.url
            yield sockets
    finally:
        sockets.close()
