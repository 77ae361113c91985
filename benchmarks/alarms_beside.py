"""How often other packages alarm, with their defaults, beside the learned rule: nothing happened, and the year.

In: the flights, and where the peers' environments are. Out: a printed table. Kept: nothing.

Each package gets 60 days of reference (the year: January and February) and judges each later day by itself, as it does
when it is left as it comes. NannyML: its univariate calculator, by day; an alarm is a column beyond its threshold.
Evidently: its drift preset for each day against the reference; an alarm is a column that drifts, and, beside it, half
of the columns, which it calls a drift of the data. What is run is in `contestants.py`. Days in alarm of all become
incidents in one way, Driftline's (`policy.py`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.environments import PEERS, Unavailable, ask, python_of
from benchmarks.policy import incidents, scan
from benchmarks.streams import Flights, Stream
from benchmarks.year import BASELINE, SEASONAL
from detectors.calibration import HORIZONS, Calibration

REFERENCE, PRODUCTION = 60, 60
# Evidently takes a second or more a day: of the year it is given every so many days.
_SPARSE = 7
_QUIET = 0.05
_ASKED = {"nannyml": "nannyml_days", "evidently": "evidently_days"}


@dataclass(frozen=True)
class _Told:
    """What one package said of a stream: columns in alarm on each day judged; `every` so many days were."""

    days: list[set[str]]
    every: int = 1

    @property
    def bad(self) -> np.ndarray:
        return np.array([bool(day) for day in self.days])


def report(flights: Flights, folder: Path, seeds: Sequence[int], targets: Callable[[str, bool], None]) -> None:
    """Print how often each package alarms on flights shuffled with each of `seeds`, and on the year."""
    shuffled = [flights.shuffled()(np.random.default_rng(seed), REFERENCE, PRODUCTION) for seed in seeds]
    print(
        f"\nAs they come, {len(seeds)} seeds shuffled: openings in 30 days not in alarm, days with an alarm, "
        f"columns of the season never named\n{'':42}{'days':>6}{'openings':>10}{'alarmed':>9}  never"
    )
    quiet = _lines("shuffled", shuffled, folder, len(flights.table.column_names))
    _lines("the year", [flights.year(BASELINE)], folder, len(flights.table.column_names))
    targets("shuffled: at most 5% of the days with an alarm", quiet <= _QUIET)


def _lines(name: str, streams: Sequence[Stream], folder: Path, columns: int) -> float:
    """Print a line a package; the share of days with an alarm of Driftline's."""
    every = _SPARSE if name == "the year" else 1
    own = [_own(stream) for stream in streams]
    _line(f"{name}: Driftline, budget 1", own, [told.bad for told in own], name)
    for peer, what in _ASKED.items():
        title = f"{name}: {PEERS[peer].title}"
        try:
            told = [_asked(peer, what, stream, folder, every if peer == "evidently" else 1) for stream in streams]
        except Unavailable as trouble:
            print(f"{title:42}  {trouble}")
            continue
        _line(title, told, [one.bad for one in told], name)
        if peer == "evidently":
            half = [np.array([2 * len(day) >= columns for day in one.days]) for one in told]
            _line("  half of the columns", told, half, "")
    return float(np.mean([told.bad.mean() for told in own]))


def _line(title: str, told: Sequence[_Told], bad: Sequence[np.ndarray], stream: str) -> None:
    days = sum(len(one.days) for one in told)
    share = float(np.mean([each.mean() for each in bad]))
    openings = "-"
    if told[0].every == 1:
        openings = f"{np.mean([incidents({1: each[:, None]}).rate for each in bad]):.2f}"
    named = set().union(*(day for one in told for day in one.days))
    missed = ", ".join(column for column in SEASONAL if column not in named) or "none"
    print(f"{title:42}{days:>6}{openings:>10}{share:>9.0%}  {missed if stream == 'the year' else ''}", flush=True)


def _own(stream: Stream) -> _Told:
    learned = Calibration.learn(stream.grid, stream.days[: stream.reference], 1.0)
    later = stream.days[stream.reference :]
    sums = np.array([learned.views.sums(profile) for _, profile in later])
    found = scan(learned, sums, np.array([day.weekday() for day, _ in later]), HORIZONS)
    beyond = np.any(list(found.values()), axis=0)
    names = ["(rows)", *stream.grid.names]
    return _Told([{names[1 + int(learned.views.column[each])] for each in np.flatnonzero(day)} for day in beyond])


def _asked(peer: str, what: str, stream: Stream, folder: Path, every: int) -> _Told:
    assert stream.rows is not None
    python = python_of(peer, folder)
    place = Path(tempfile.mkdtemp(prefix="driftline-bench-"))
    try:
        kept = [
            (day, table)
            for day, table in enumerate(stream.rows)
            if day < stream.reference or (day - stream.reference) % every == 0
        ]
        whole = pa.concat_tables([table.append_column("day", pa.repeat(day, table.num_rows)) for day, table in kept])
        pq.write_table(whole, place / "days.parquet")
        answer: dict[str, Any] = ask(peer, python, what, place, str(stream.reference))
        return _Told([set(day) for day in answer["alarms"]], every)
    finally:
        shutil.rmtree(place)
