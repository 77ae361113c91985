"""Cut a connection off that takes too long in all, however busily it drips; and do other things at their time.

In: seconds, and the socket to shut or what to do. Out: whether it was shut. Kept: one thread for the whole process, and
a heap of what it is to do when; a thread for each would cost more than the request it watches.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator


class CutOff:
    """One watched connection; `socket` may be replaced while it is watched (TLS wraps it). `late`: it was shut."""

    def __init__(self, watched: socket.socket) -> None:
        self.socket = watched
        self.late = False
        self.over = False

    def end(self) -> None:
        """Make every read and write on it fail from now on, unless the block it was watched in has ended."""
        if not self.over:
            self.late = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


_guard = threading.Condition()
_heap: list[tuple[float, int, Callable[[], None]]] = []
_numbers = itertools.count()
_thread: threading.Thread | None = None


@contextlib.contextmanager
def cut_off(watched: socket.socket, seconds: float) -> Iterator[CutOff]:
    """Shut the socket if the block has not ended after so many seconds."""
    watch = CutOff(watched)
    later(seconds, watch.end)
    try:
        yield watch
    finally:
        # What has ended stays in the heap until its time: it is looked at once, and nothing is done.
        watch.over = True


def later(seconds: float, action: Callable[[], None]) -> None:
    """Do something short, that raises nothing, in so many seconds."""
    global _thread
    with _guard:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_watch, name="cut-off", daemon=True)
            _thread.start()
        mine = (time.monotonic() + seconds, next(_numbers), action)
        heapq.heappush(_heap, mine)
        if _heap[0] is mine:
            _guard.notify()


def _watch() -> None:
    while True:
        with _guard:
            while not _heap or (wait := _heap[0][0] - time.monotonic()) > 0:
                _guard.wait(wait if _heap else None)
            action = heapq.heappop(_heap)[2]
        action()
