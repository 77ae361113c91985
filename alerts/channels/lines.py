"""Connections kept open from one message to the next: a long queue goes over a few of them instead of one a message.

In: connections whose answer was read whole. Out: one of them for the next message, if it is still good.
Kept: those not in use, for `IDLE` seconds. Each leads to the very peer that was judged when it was made (`guard.py`).
"""

from __future__ import annotations

import http.client
import select
import socket
import threading

from alerts.channels.cutoff import later

# Shorter than any receiver keeps its end open, so that what is sent next meets an open one.
IDLE = 2.0


class Lines:
    """The idle connections to one receiver; used from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []

    def take(self) -> http.client.HTTPConnection | None:
        """A connection to use, now the caller's; None where one has to be made."""
        while True:
            with self._guard:
                if not self._idle:
                    return None
                line = self._idle.pop()
            if line.sock is not None and _quiet(line.sock):
                return line
            line.close()

    def give(self, line: http.client.HTTPConnection) -> None:
        """Keep a connection for the next message; it is closed if there is none soon."""
        with self._guard:
            self._idle.append(line)
        later(IDLE, lambda: self._expire(line))

    def _expire(self, line: http.client.HTTPConnection) -> None:
        with self._guard:
            if line not in self._idle:
                return
            self._idle.remove(line)
        line.close()


def _quiet(sock: socket.socket) -> bool:
    """Whether the other end neither closed it nor said something nobody asked for."""
    try:
        return not select.select([sock], [], [], 0)[0]
    except (OSError, ValueError):
        return False
