"""A real HTTP server that answers as it is told to, in order, and remembers what it was sent."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes out. `drop`: the connection is closed after reading, unanswered; `hang`: it stays open, unanswered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    hang: bool = False


class Server:
    """`url`, `requests`; `answer(...)` queues what comes next, `default` is what comes after that.

    `connections` counts them; with `keep` they stay open for further requests, as HTTP/1.1 has it.
    """

    def __init__(self, default: Callable[[Request], Answer], keep: bool = False) -> None:
        self.connections = 0
        self.requests: list[Request] = []
        self.default = default
        self._queue: deque[Answer] = deque()
        self._released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if keep else "HTTP/1.0"

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                server.requests.append(request)
                answer = server._queue.popleft() if server._queue else server.default(request)
                if answer.hang:
                    server._released.wait(30)
                if answer.hang or answer.drop:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def answer(self, *answers: Answer) -> None:
        """Queue what is answered next."""
        self._queue.extend(answers)

    def close(self) -> None:
        """Let hanging requests go and stop."""
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def http_server(default: Callable[[Request], Answer] = lambda _: Answer(), keep: bool = False) -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server(default, keep)
    try:
        yield server
    finally:
        server.close()
