"""Work on the seeds of many streams side by side, in processes of their own, and tell how far it is.

In: a function that can be pickled, the names of streams, seeds, how many processes. Out: for each stream, in the order
given, what came of its seeds, in the order given; and what it cost. Kept: nothing.

Every seed runs in a spawned process with one thread of linear algebra, also where there is one process only: sums of
many threads are rounded in another order, so the numbers would depend on the machine.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Generic, TextIO, TypeVar

T = TypeVar("T")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# Seconds between two lines where there is no terminal to write over.
_SELDOM = 60.0


def cores() -> int:
    """How many processes can work at a time here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Done(Generic[T]):
    """What came of a stream's seeds, in their order, and the processor seconds all of them took."""

    results: list[T]
    seconds: float


def told_cost(seconds: float, jobs: int) -> str:
    """What some work took, in words."""
    return f"({seconds / 60.0:.1f} processor minutes, {jobs} at a time)"


def side_by_side(
    work: Callable[[str, int], T],
    streams: Mapping[str, float],
    seeds: Sequence[int],
    jobs: int,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Done[T]]]:
    """Call `work(stream, seed)` for all seeds of all streams, in `jobs` processes; each stream when it is whole.

    `streams` says of each how much work a seed of it is beside one of the others, for the time that is left.
    """
    progress = progress or Progress(sys.stderr)
    progress.begin(streams, len(seeds), jobs)
    with _one_thread(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        asked = {name: [pool.submit(_timed, work, name, seed) for seed in seeds] for name in streams}
        whose = {future: name for name, futures in asked.items() for future in futures}
        try:
            for name, futures in asked.items():
                done = _whole(futures, whose, progress)
                progress.clear()  # what is printed of a stream begins a line
                yield name, done
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _whole(
    futures: list[Future[tuple[T, float]]], whose: dict[Future[tuple[T, float]], str], progress: Progress
) -> Done[T]:
    missing = set(futures)
    while missing & whose.keys():
        # Whatever is done is told, also of streams that come later.
        for future in wait(whose, return_when=FIRST_COMPLETED).done:
            progress.one(whose.pop(future), future.result()[1])
    each = [future.result() for future in futures]
    return Done([result for result, _ in each], sum(seconds for _, seconds in each))


def _timed(work: Callable[[str, int], T], stream: str, seed: int) -> tuple[T, float]:
    start = time.process_time()
    found = work(stream, seed)
    return found, time.process_time() - start


@contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass
class Progress:
    """Tells `out` which stream is worked on, how many seeds are done and how many minutes are left.

    On a terminal the line is written over; elsewhere one is written a minute.
    """

    out: TextIO
    clock: Callable[[], float] = time.monotonic
    _weights: dict[str, float] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)
    _spent: dict[str, list[float]] = field(default_factory=dict)
    _jobs: int = 1
    _began: float = 0.0
    _told: float = 0.0

    def begin(self, streams: Mapping[str, float], seeds: int, jobs: int) -> None:
        """All is still to be done."""
        self._weights, self._jobs = dict(streams), jobs
        self._left = dict.fromkeys(streams, seeds)
        self._spent = {name: [] for name in streams}
        self._began = self._told = self.clock()

    def one(self, stream: str, seconds: float) -> None:
        """One more seed of a stream is done; it took so many processor seconds."""
        self._left[stream] -= 1
        self._spent[stream].append(seconds)
        terminal = self.out.isatty()
        if not any(self._left.values()):
            return
        if terminal or self.clock() - self._told >= _SELDOM:
            self._told = self.clock()
            self.out.write(f"\r\x1b[K{self.line()}" if terminal else f"{self.line()}\n")
            self.out.flush()

    def clear(self) -> None:
        """Leave the line empty for whoever writes next."""
        if self.out.isatty():
            self.out.write("\r\x1b[K")
            self.out.flush()

    def line(self) -> str:
        """Where the work is."""
        done = sum(map(len, self._spent.values()))
        whole = done + sum(self._left.values())
        now = next((name for name, left in self._left.items() if left), "")
        minutes = self.seconds_left / 60.0
        about = f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or less"
        return f"{now}: {done} of {whole} seeds done, {about} left" if now else f"{whole} seeds done"

    @property
    def seconds_left(self) -> float:
        """Seconds until all is done, as each stream's seeds have gone so far, else as its weight says."""
        spent = sum(map(sum, self._spent.values()))
        weight = sum(self._weights[name] * len(each) for name, each in self._spent.items())
        unit = spent / weight if weight else 0.0
        each = {
            name: sum(seconds) / len(seconds) if seconds else unit * self._weights[name]
            for name, seconds in self._spent.items()
        }
        # A busy machine gives less than a processor to each.
        given = (self.clock() - self._began) * self._jobs / spent if spent else 1.0
        return sum(each[name] * left for name, left in self._left.items()) / self._jobs * max(given, 1.0)
