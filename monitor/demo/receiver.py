"""The demo's end of the retraining webhook: a server on a port of this machine that takes signed requests.

In: HTTP requests. Out: what was asked for, each once. Kept: in memory, the keys that have been seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from alerts.errors import AlertError
from alerts.signing import TOLERANCE, secrets_of, verify

HOST = "127.0.0.1"


class Receiver:
    """Listens on `port` (0: any free one). `clock` tells the demo's time; by it, signatures hold for `tolerance`.

    Raises OSError where the port is taken, SigningError for a secret that is none.
    """

    def __init__(self, port: int, secret: str, clock: Callable[[], datetime], tolerance: timedelta = TOLERANCE) -> None:
        self._clock, self._tolerance = clock, tolerance
        self._keys = secrets_of(secret)
        self._seen: set[str] = set()
        self._asked: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(receiver._take(dict(self.headers.items()), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the demo tells itself what was retrained."""

        self._server = HTTPServer((HOST, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def asked(self) -> list[dict[str, Any]]:
        """What has been asked for since this was called last."""
        asked, self._asked = self._asked, []
        return asked

    def _take(self, headers: dict[str, str], body: bytes) -> int:
        """The status to answer with. What nobody signed is refused, what was sent again is done once."""
        try:
            verify(self._keys, headers, body, self._clock(), self._tolerance)
            data = json.loads(body)["data"]
            if data["key"] not in self._seen:
                self._seen.add(data["key"])
                self._asked.append(data)
        except (AlertError, ValueError, KeyError, TypeError):
            return 401
        return 202

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
