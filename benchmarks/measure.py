"""Run a function in a process of its own and tell what it cost.

In: a function that can be pickled, its arguments. Out: seconds and peak memory. Kept: nothing.
A process of its own, because two variants in one process disturb each other's allocator; spawned, because
deltalake does not survive a fork.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Seconds of the work itself (imports and warm-up left out) and the peak of resident memory in MB.

    `least`: the smallest seconds of several rounds, which a busy machine raises less than their median.
    """

    seconds: float
    peak_mb: float
    result: Any = None
    least: float = float("nan")


def run(function: Callable[..., Any], *arguments: Any) -> Cost:
    """Call `function(*arguments)` in a fresh process; it returns (seconds, anything)."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        cost: Cost = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{function.__name__} died") from None
    finally:
        process.join()
    return cost


def _call(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    seconds, result = function(*arguments)
    sender.send(Cost(seconds, peak_mb(), result))
    sender.close()


def peak_mb() -> float:
    """Peak resident memory of this process, mapped pages of files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def interleaved(variants: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]], rounds: int) -> dict[str, Cost]:
    """Every variant once a round, `rounds` rounds, each in a fresh process; see `in_rounds`."""
    return in_rounds(
        {name: (partial(run, function, *arguments), rounds) for name, (function, arguments) in variants.items()}
    )


def in_rounds(variants: Mapping[str, tuple[Callable[[], Cost], int]]) -> dict[str, Cost]:
    """Every variant once a round, as many rounds as it asks for, so that a busy minute hits all alike.

    The median and the least of the seconds, the largest of the peaks, the last result.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for done in range(max((rounds for _, rounds in variants.values()), default=0)):
        for name, (measured, rounds) in variants.items():
            if done < rounds:
                costs[name].append(measured())
    return {
        name: Cost(
            median(c.seconds for c in found),
            max(c.peak_mb for c in found),
            found[-1].result,
            min(c.seconds for c in found),
        )
        for name, found in costs.items()
    }


class Stopwatch:
    """`with Stopwatch() as watch: …` then `watch.seconds`."""

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
