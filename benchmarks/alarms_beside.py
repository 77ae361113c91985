"""How often other packages alarm, with their defaults, beside the learned rule: nothing happened, and the year.

In: the flights, and where the peers' environments are. Out: a printed table. Kept: nothing.

Each package gets 60 days of reference (the year: January and February) and judges each later day by itself, as it does
when it is left as it comes. NannyML: its univariate calculator, by day; an alarm is a column beyond its threshold.
Evidently: its drift preset for each day against the reference; an alarm is a column that drifts, and, beside it, half
of the columns, which it calls a drift of the data. It takes seconds a day, so it is given every fourth day (of the year
every seventh), in an order of chance until its time is over. What is run is in `contestants.py`. Days in alarm of all
become incidents in one way, Driftline's (`policy.py`), where all days were judged.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

REFERENCE, PRODUCTION = 60, 60
YEAR = "the year"
_QUIET = 0.05
# Seconds a package may take for one stream: all of them together end within ten minutes.
_MOST = 100.0


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


def report(flights: Flights, folder: Path, seeds: Sequence[int], targets: Callable[[str, bool], None]) -> None:
    """Print how often each package alarms on flights shuffled with each of `seeds`, and on the year."""
    shuffled = [flights.shuffled()(np.random.default_rng(seed), REFERENCE, PRODUCTION) for seed in seeds]
    print(
        f"\nAs they come, {len(flights.table.column_names)} columns, {len(seeds)} seeds shuffled: openings in 30 days "
        f"not in alarm, days with an alarm (by seed), columns of the season never named\n"
        f"{'':42}{'days':>10}{'openings':>10}{'alarmed':>9}"
    )
    quiet = _lines("shuffled", shuffled, folder, len(flights.table.column_names))
    _lines(YEAR, [flights.year(BASELINE)], folder, len(flights.table.column_names))
    targets("shuffled: at most 5% of the days with an alarm", quiet <= _QUIET)


def _lines(name: str, streams: Sequence[Stream], folder: Path, columns: int) -> float:
    """Print a line a package; the share of days with an alarm of Driftline's."""
    own = [_own(stream) for stream in streams]
    print(line(f"{name}: Driftline, budget 1", own, name == YEAR), flush=True)
    for asked in _ASKED:
        every = asked.every[name == YEAR]
        title = f"{name}: {PEERS[asked.peer].title}" + (f", each {every}th day" if every > 1 else "")
        told, trouble = [], ""
        for stream in streams:
            try:
                told.append(_said(asked, stream, folder, every))
            except Unavailable as problem:
                trouble = f"{problem}"
                break  # it would not be otherwise with another seed
        if not told:
            print(f"{title:42}  {trouble}", flush=True)
            continue
        print(line(title, told, name == YEAR) + (f"; {trouble}" if trouble else ""), flush=True)
        if asked.peer == "evidently":
            half = -(-columns // 2)
            print(f"{'  half of the columns':42}{'':20}{_shares([one.share(half) for one in told])}", flush=True)
    return float(np.mean([told.share() for told in own]))


def line(title: str, told: Sequence[_Told], seasonal: bool) -> str:
    """A row of the table: what one package said of some streams of one kind."""
    judged, of = sum(len(one.days) for one in told), sum(one.of for one in told)
    rates = [rate for one in told if (rate := one.rate) is not None]
    opened = f"{np.mean(rates):.2f}" if len(rates) == len(told) else "-"
    days = f"{judged}" if judged == of else f"{judged}/{of}"
    row = f"{title:42}{days:>10}{opened:>10}{_shares([one.share() for one in told])}"
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


def _said(asked: _Asked, stream: Stream, folder: Path, every: int) -> _Told:
    python = python_of(asked.peer, folder)
    with _rows(stream, every) as place:
        arguments = [str(stream.reference), *([str(_MOST)] if asked.stops else [])]
        # One that stops by itself ends with the day it is at.
        answer = ask(asked.peer, python, asked.what, place, *arguments, timeout=_MOST * (1.5 if asked.stops else 1.0))
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
