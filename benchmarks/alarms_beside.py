"""How often other packages alarm, with their defaults, beside the learned rule: nothing happened, and the year.

In: the flights, and where the peers' environments are. Out: a printed table. Kept: nothing.

Each package gets 60 days of reference (the year: January and February) and judges each later day by itself, as it does
when it is left as it comes. NannyML: its univariate calculator, by day; an alarm is a column beyond its threshold.
Evidently: its drift preset for each day against the reference; an alarm is a column that drifts, and, beside it, half
of the columns, which it calls a drift of the data. It takes seconds a day, so it is given every fourth day (of the year
every seventh), in an order of chance until its time is over. What is run is in `contestants.py`. Days in alarm of all
become incidents in one way, Driftline's (`policy.py`), where all days were judged.

Shuffled flights come twice: as the other benchmarks have them, and with the tail number besides, a category of four
thousand values of which most come up a few times: many a log has such a column.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.environments import PEERS, Unavailable, ask, python_of
from benchmarks.policy import openings, scan
from benchmarks.streams import Flights, Stream
from benchmarks.year import BASELINE, SEASONAL
from detectors.calibration import HORIZONS, Calibration
from monitor.demo.flights import data_folder, load

REFERENCE, PRODUCTION = 60, 60
YEAR = "the year"
_QUIET = 0.05
# Seconds a package may take for one kind of streams: three kinds and two packages end within ten minutes.
_MOST = 100.0
# When a package that stops by itself is to stop, as a part of its time: its last day may take longer than the others.
_STOP = 0.8
TAIL = "tail_number"


@dataclass(frozen=True)
class _Asked:
    """A package, what it is made to do, and every how many days of nothing, and of the year, it is given."""

    peer: str
    what: str
    every: tuple[int, int] = (1, 1)
    stops: bool = False  # when its time is over, with what it has by then


_ASKED = (_Asked("nannyml", "nannyml_days"), _Asked("evidently", "evidently_days", (4, 7), stops=True))


@dataclass(frozen=True)
class _Told:
    """What one package said of a stream: the columns in alarm on each day it judged, of so many days there are."""

    days: list[set[str]]
    of: int

    def share(self, least: int = 1) -> float:
        """Share of the judged days on which so many columns were in alarm."""
        return float(self.bad(least).mean())

    def bad(self, least: int = 1) -> NDArray[np.bool_]:
        """Whether so many columns were in alarm, of each judged day."""
        return np.array([len(day) >= least for day in self.days])

    @property
    def rate(self) -> float | None:
        """Openings in 30 days not in alarm; None where not every day was judged."""
        return openings(self.bad()).rate if len(self.days) == self.of else None


def report(
    flights: Flights, folder: Path, seeds: Sequence[int], jobs: int, targets: Callable[[str, bool], None]
) -> None:
    """Print how often each package alarms on flights shuffled with each of `seeds`, and on the year."""
    print(
        f"\nAs they come, {len(flights.table.column_names)} columns, {len(seeds)} seeds shuffled: openings in 30 days "
        f"not in alarm, days with an alarm (by seed), columns of the season never named\n"
        f"{'':48}{'days':>10}{'openings':>10}{'alarmed':>9}"
    )
    quiet = {}
    for name, source in (("shuffled", flights), ("with tail numbers", _with_tail_numbers(flights))):
        shuffled = [source.shuffled()(np.random.default_rng(seed), REFERENCE, PRODUCTION) for seed in seeds]
        quiet[name] = _lines(name, shuffled, folder, jobs)
    _lines(YEAR, [flights.year(BASELINE)], folder, jobs)
    for name, share in quiet.items():
        targets(f"{name}: at most 5% of the days with an alarm", share <= _QUIET)


def _with_tail_numbers(flights: Flights) -> Flights:
    numbers = load(data_folder())["tailnum"].astype("string").fillna("")
    more = copy(flights)
    more.table = flights.table.append_column(TAIL, pa.array(numbers.tolist(), pa.string())).combine_chunks()
    return more


def _lines(name: str, streams: Sequence[Stream], folder: Path, jobs: int) -> float:
    """Print a line a package; the share of days with an alarm of Driftline's."""
    own = [_own(stream) for stream in streams]
    print(line(f"{name}: Driftline, budget 1", own, name == YEAR), flush=True)
    for asked in _ASKED:
        every = asked.every[name == YEAR]
        title = f"{name}: {PEERS[asked.peer].title}" + (f", each {every}th day" if every > 1 else "")
        told, troubles = _all_said(asked, streams, folder, every, jobs)
        if not told:
            print(f"{title:48}  {troubles[0]}", flush=True)
            continue
        missing = f"  {len(troubles)} of {len(streams)} {troubles[0]}" if troubles else ""
        print(line(title, told, name == YEAR) + missing, flush=True)
        if asked.peer == "evidently":
            half = -(-len(streams[0].grid) // 2)
            print(f"{'  half of the columns':48}{'':20}{_shares([one.share(half) for one in told])}", flush=True)
    return float(np.mean([told.share() for told in own]))


def _all_said(
    asked: _Asked, streams: Sequence[Stream], folder: Path, every: int, jobs: int
) -> tuple[list[_Told], list[str]]:
    """What a package says of each stream, and why it says nothing of others; some of them at a time."""
    try:
        python = python_of(asked.peer, folder)
    except Unavailable as trouble:
        return [], [str(trouble)]
    end = time.monotonic() + _MOST
    each = _MOST / -(-len(streams) // jobs)

    def one(stream: Stream) -> _Told | str:
        left = min(end - time.monotonic(), each if asked.stops else _MOST)
        try:
            return _said(asked, python, stream, every, max(left, 1.0))
        except Unavailable as trouble:
            return str(trouble)

    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(one, streams))
    return [one for one in found if isinstance(one, _Told)], [one for one in found if isinstance(one, str)]


def line(title: str, told: Sequence[_Told], seasonal: bool) -> str:
    """A row of the table: what one package said of some streams of one kind."""
    judged, of = sum(len(one.days) for one in told), sum(one.of for one in told)
    rates = [rate for one in told if (rate := one.rate) is not None]
    opened = f"{np.mean(rates):.2f}" if len(rates) == len(told) else "-"
    days = f"{judged}" if judged == of else f"{judged}/{of}"
    row = f"{title:48}{days:>10}{opened:>10}{_shares([one.share() for one in told])}"
    if seasonal:
        named = set().union(*(day for one in told for day in one.days))
        row += f"  never {', '.join(column for column in SEASONAL if column not in named) or 'none'}"
    return row


def _shares(each: Sequence[float]) -> str:
    by_seed = f" ({', '.join(f'{share:.0%}' for share in each)})" if len(each) > 1 else ""
    return f"{np.mean(each):>9.0%}{by_seed}"


def _own(stream: Stream) -> _Told:
    learned = Calibration.learn(stream.grid, stream.days[: stream.reference], 1.0)
    later = stream.days[stream.reference :]
    sums = np.array([learned.views.sums(profile) for _, profile in later])
    found = scan(learned, sums, np.array([day.weekday() for day, _ in later]), HORIZONS)
    beyond = np.any(list(found.values()), axis=0)
    names = ["(rows)", *stream.grid.names]
    named = [{names[1 + int(learned.views.column[each])] for each in np.flatnonzero(day)} for day in beyond]
    return _Told(named, len(later))


def _said(asked: _Asked, python: Path, stream: Stream, every: int, seconds: float) -> _Told:
    with _rows(stream, every) as place:
        arguments = [str(stream.reference), *([str(seconds * _STOP)] if asked.stops else [])]
        answer = ask(asked.peer, python, asked.what, place, *arguments, timeout=seconds)
    return _Told([set(day) for day in answer["alarms"]], len(stream.days) - stream.reference)


@contextmanager
def _rows(stream: Stream, every: int) -> Iterator[Path]:
    """A folder with the rows of the reference's days and of some of those after them, each with its `day`."""
    assert stream.rows is not None
    kept = [
        (day, table)
        for day, table in enumerate(stream.rows)
        if day < stream.reference or (day - stream.reference) % every == 0
    ]
    whole = pa.concat_tables([table.append_column("day", pa.repeat(day, table.num_rows)) for day, table in kept])
    place = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        pq.write_table(whole, place / "days.parquet")
        yield place
    finally:
        shutil.rmtree(place)
