"""What goes wrong with flights, from a given day on, and how long it takes to be seen.

In: a stream of flights with its rows, and what was learned from it. Out: the delay of each fault, in days: 1 is the
first day. Kept: nothing.

A fault counts as seen when a series of a column it touches is beyond; what else happens to be beyond does not count.
The oracle looks at the same series of the same columns over the same windows with the same threshold, but has been told
their true mean and variance from day to day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.policy import scan, sums_of
from benchmarks.streams import Stream, profiles_of, with_columns
from detectors.calibration import Calibration
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import FloatArray, IntArray

NEVER = 99.0
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Facts:
    """What a fault needs to know of a column as it was: mean and standard deviation."""

    mean: dict[str, float]
    deviation: dict[str, float]


Change = Callable[[pa.Table, int, np.random.Generator, Facts], Columns]


@dataclass(frozen=True)
class Fault:
    """`change` gives the columns it touches as they come on the fault's day `int` (1 is the first)."""

    name: str
    columns: tuple[str, ...]
    change: Change


def _values(table: pa.Table, name: str) -> np.ndarray:
    return table.column(name).to_numpy().astype(np.float64)


def _number(values: np.ndarray) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _shift(name: str, by: float) -> Change:
    return lambda t, day, rng, facts: {name: _number(_values(t, name) + by * facts.deviation[name])}


def _linear(name: str, factor: float, offset: float = 0.0) -> Change:
    return lambda t, day, rng, facts: {name: _number(_values(t, name) * factor + offset)}


def _wider(name: str) -> Change:
    def change(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
        mean = facts.mean[name]
        return {name: _number(mean + (_values(t, name) - mean) * np.sqrt(1.5))}

    return change


def _some(name: str, share: float, value: float) -> Change:
    def change(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
        return {name: _number(np.where(rng.random(t.num_rows) < share, value, _values(t, name)))}

    return change


def _unseen(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
    hit = rng.random(t.num_rows) < 0.05
    return {"carrier": pa.array(np.where(hit, "ZZ", t.column("carrier").to_numpy().astype(str)))}


def _swapped(first: str, second: str) -> Change:
    return lambda t, day, rng, facts: {first: t.column(second), second: t.column(first)}


def _slow(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
    return {"distance": _number(_values(t, "distance") + 0.02 * day * facts.deviation["distance"])}


def _segment(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
    hit = t.column("origin").to_numpy() == "LGA"
    return {"distance": _number(_values(t, "distance") + hit * 0.25 * facts.deviation["distance"])}


def _stuck(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
    return {"distance": _number(np.full(t.num_rows, 1089.0))}


def _nothing(t: pa.Table, day: int, rng: np.random.Generator, facts: Facts) -> Columns:
    return {"distance": pa.nulls(t.num_rows, pa.float64())}


_TIMES = ("departure_minute", "arrival_minute")
FAULTS: tuple[Fault, ...] = (
    Fault("+0.25 sd, distance", ("distance",), _shift("distance", 0.25)),
    Fault("°F to °C, temperature", ("temperature",), _linear("temperature", 5 / 9, -160 / 9)),
    Fault("20% nulls, wind speed", ("wind_speed",), _some("wind_speed", 0.2, np.nan)),
    Fault("-999 in 5%, seats", ("seats",), _some("seats", 0.05, -999.0)),
    Fault("unseen in 5%, carrier", ("carrier",), _unseen),
    Fault("variance x 1.5, departure", ("departure_minute",), _wider("departure_minute")),
    Fault("miles to km, distance", ("distance",), _linear("distance", 1.609344)),
    Fault("humidity / 100", ("humidity",), _linear("humidity", 0.01)),
    Fault("swapped departure, arrival", _TIMES, _swapped(*_TIMES)),
    Fault("vanished, distance", ("distance",), lambda t, day, rng, facts: {}),
    Fault("all null, distance", ("distance",), _nothing),
    Fault("stuck, distance", ("distance",), _stuck),
    Fault("volume halved", (), lambda t, day, rng, facts: {}),
    Fault("+0.1 sd, score", ("score",), _shift("score", 0.1)),
    Fault("variance x 1.5, humidity", ("humidity",), _wider("humidity")),
    Fault("+0.25 sd in LGA, distance", ("distance",), _segment),
    Fault("+0.02 sd a day, distance", ("distance",), _slow),
)  # fmt: skip
FIRST_DAY = tuple(fault.name for fault in FAULTS[:13])
TOGETHER = "seven at once, all seen"
_AT_ONCE = (0, 1, 2, 3, 4, 5, 7)  # of FAULTS, each on columns of its own


def delays(
    stream: Stream,
    learned: LearnedParts,
    horizons: tuple[int, ...],
    rng: np.random.Generator,
    after: int = 28,
    days: int = 21,
) -> dict[str, tuple[float, float]]:
    """Delay of each fault that begins `after` days into production, and the oracle's; NEVER beyond `days`."""
    first = stream.reference
    start = first + after
    stop = min(start + days, len(stream.days))
    clean = sums_of(learned, [profile for _, profile in stream.days])
    weekdays = np.array([day.weekday() for day, _ in stream.days])
    truths = []
    for (_, one), sums in zip(learned.each(), clean, strict=True):
        values = one.views.values(sums)[0]
        truths.append((np.nanmean(values, axis=0), np.nanvar(values, axis=0)))

    def seen(some: Sequence[Fault], faulty: list[Profile]) -> list[tuple[float, float]]:
        found = [_certain(stream, fault, faulty) for fault in some]
        told = [bad.copy() for bad in found]
        now = sums_of(learned, faulty)
        for (_, one), before, later, truth in zip(learned.each(), clean, now, truths, strict=True):
            sums = np.vstack((before[first:start], later))
            beyond = np.any(list(scan(one, sums, weekdays[first:stop], horizons, after).values()), axis=0)
            values = one.views.values(sums)[0]
            for fault, bad, oracle in zip(some, found, told, strict=True):
                places = _series(one, stream, fault)
                bad |= beyond[after:, places].any(axis=1)
                oracle |= _oracle(one.threshold, values, truth, places, horizons)[after:]
        return [(_first(bad), _first(oracle)) for bad, oracle in zip(found, told, strict=True)]

    alone = with_faults(stream, start, stop, rng)
    delay = {fault.name: seen([fault], faulty)[0] for fault, faulty in alone.items()}
    some = [FAULTS[place] for place in _AT_ONCE]
    together = [profile for _, profile in stream.days[start:stop]]
    for fault in some:
        together = [
            with_columns(profile, faulty, [stream.grid.index(name) for name in fault.columns])
            for profile, faulty in zip(together, alone[fault], strict=True)
        ]
    own, oracle = zip(*seen(some, together), strict=True)
    return delay | {TOGETHER: (max(own), max(oracle))}


def with_faults(stream: Stream, start: int, stop: int, rng: np.random.Generator) -> dict[Fault, list[Profile]]:
    """The days `start` to `stop` with each fault, which begins on the first of them."""
    assert stream.rows is not None
    facts, days = _facts(stream), range(start, stop)
    found = {}
    for fault in FAULTS:
        if not fault.columns:
            kept = [stream.rows[day].take(pa.array(np.flatnonzero(_half(stream.rows[day], rng)))) for day in days]
            found[fault] = profiles_of(stream.grid, kept)
            continue
        # Only the touched columns are counted again; the others are as they were.
        changed = []
        for day in days:
            rows = stream.rows[day]
            by = {part.name: rows.column(part.name) for part in stream.grid.segments}
            now = fault.change(rows, day - start + 1, rng, facts)
            changed.append(pa.table({**by, **now, "(rows)": pa.nulls(rows.num_rows)}))
        places = [stream.grid.index(name) for name in fault.columns]
        counted = profiles_of(stream.grid, changed, places)
        found[fault] = [
            with_columns(stream.days[day][1], faulty, places) for day, faulty in zip(days, counted, strict=True)
        ]
    return found


def _half(rows: pa.Table, rng: np.random.Generator) -> NDArray[np.bool_]:
    half: NDArray[np.bool_] = rng.random(rows.num_rows) < 0.5
    return half


def _first(bad: np.ndarray) -> float:
    return float(np.argmax(bad) + 1) if bad.any() else NEVER


def _facts(stream: Stream) -> Facts:
    assert stream.rows is not None
    table = pa.concat_tables(stream.rows[: stream.reference])
    names = [
        name
        for name in table.column_names
        if pa.types.is_floating(table.schema.field(name).type) or pa.types.is_integer(table.schema.field(name).type)
    ]
    seen: dict[str, Any] = {name: _values(table, name) for name in names}
    return Facts(
        {name: float(np.nanmean(value)) for name, value in seen.items()},
        {name: float(np.nanstd(value)) for name, value in seen.items()},
    )


def _series(calibration: Calibration, stream: Stream, fault: Fault) -> np.ndarray:
    columns = [stream.grid.index(name) for name in fault.columns] or [-1]
    return np.flatnonzero(np.isin(calibration.views.column, columns) & calibration.active)


def _certain(stream: Stream, fault: Fault, days: Sequence[Profile]) -> NDArray[np.bool_]:
    """What needs no calibration: a column that is not there, or has no value in any row."""
    columns = [stream.grid.index(name) for name in fault.columns]
    return np.array([bool((day.null + day.nan >= day.present)[columns].any()) for day in days])


def _oracle(
    threshold: float,
    values: FloatArray,
    truth: tuple[FloatArray, FloatArray],
    places: IntArray,
    horizons: tuple[int, ...],
) -> NDArray[np.bool_]:
    values = values[:, places]
    mean, deviation = truth[0][places], np.sqrt(np.maximum(truth[1][places], 1e-12))
    bad = np.zeros(len(values), np.bool_)
    for horizon in horizons:
        total = np.cumsum(np.vstack((np.zeros(len(places)), np.nan_to_num(values - mean))), axis=0)
        score = (total[horizon:] - total[:-horizon]) / deviation / np.sqrt(horizon)
        bad[horizon - 1 :] |= (np.abs(score) > threshold).any(axis=1)
    return bad
