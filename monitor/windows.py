"""Which windows are due, and when.

In: a model's horizons, time zone, settle time and cadence; two instants. Out: slots (hours) and due windows.
Kept: nothing. Everything is aware UTC; days follow the model's time zone, also over changes of its clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from detectors.result import Window
from monitor.settings import Cadence, ModelSettings

HOUR = timedelta(hours=1)
_DAYS = {"1d": 1, "7d": 7, "28d": 28}
# After its deadline a run is looked for this often in the time between two.
_LATE_LOOKS = 8
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Aspect(StrEnum):
    """What is judged: rows can be judged when the window has settled, performance once labels had time to come."""

    INPUTS = "inputs"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """One window that is to be judged once `at` has come."""

    at: datetime
    window: Window
    aspect: Aspect


@dataclass(frozen=True, slots=True, order=True)
class RunDue:
    """One look, at `at`, for the batch run due at `due`, whose rows lie in `[after, by)`; at `deadline` it is missed.

    A run belongs to the due time it is nearest to, so a late one is not taken for the next.
    """

    at: datetime
    after: datetime
    due: datetime
    by: datetime
    deadline: bool


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day (a clock that skips midnight begins its day later), in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The local day an instant falls on."""
    return moment.astimezone(zone).date()


def days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The local days that touch `[start, end)`, each as its own `[first instant, first of the next)`."""
    day = local_day(start, zone)
    while (first := midnight(day, zone)) < end:
        day += timedelta(days=1)
        last = midnight(day, zone)
        if first < last:  # Samoa left out a whole day
            yield first, last


def longest(settings: ModelSettings) -> str:
    """The longest of a model's horizons that is a day or more; empty where there is none."""
    return max((name for name in settings.horizons if name in _DAYS), key=lambda name: _DAYS[name], default="")


def earlier(moment: datetime, back: int, zone: ZoneInfo) -> datetime:
    """The same local time `back` days earlier, whatever the clock did in between."""
    day = local_day(moment, zone)
    return midnight(day - timedelta(days=back), zone) + (moment - midnight(day, zone))


def slots(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The hours that lie in `[start, end)`, counted from each local midnight so that days are whole sums of them.

    In zones off by half an hour they begin at half past (UTC); a day of 23.5 hours ends with a half slot.
    """
    for first, last in days(start, end, zone):
        begin = first
        while begin < last:
            finish = min(begin + HOUR, last)
            if begin >= start and finish <= end:
                yield begin, finish
            begin = finish


def due_between(settings: ModelSettings, after: datetime, until: datetime, labelled: bool) -> list[Due]:
    """Windows whose due time lies in `(after, until]`, earliest first; none for a batch model.

    Performance is due only for a model whose labels can come (`labelled`), and for no window shorter than a day:
    an hour holds too few labels to say anything about a metric.
    """
    if settings.cadence is not None:
        return []
    zone, found = settings.zone, []
    waits = {Aspect.INPUTS: settings.settle}
    if labelled:
        waits[Aspect.PERFORMANCE] = max(settings.settle, settings.label_wait)
    for aspect, wait in waits.items():
        for begin, finish in days(after - wait - timedelta(days=1), until - wait + timedelta(days=1), zone):
            for horizon in settings.horizons:
                if horizon == "1h":
                    if aspect is Aspect.PERFORMANCE:
                        continue
                    found += [Due(e + wait, Window("1h", s, e), aspect) for s, e in slots(begin, finish, zone)]
                else:
                    first = midnight(local_day(begin, zone) + timedelta(days=1 - _DAYS[horizon]), zone)
                    found.append(Due(finish + wait, Window(horizon, first, finish), aspect))
    return sorted(due for due in found if after < due.at <= until)


def latest_due(settings: ModelSettings, until: datetime, labelled: bool) -> list[Due]:
    """The newest due window of each horizon and aspect at `until`: what a first start looks at."""
    newest: dict[tuple[str, Aspect], Due] = {}
    reach = max(settings.settle, settings.label_wait) + timedelta(days=2)
    for due in due_between(settings, until - reach, until, labelled):
        newest[due.window.horizon, due.aspect] = due
    return sorted(newest.values())


def runs_between(cadence: Cadence, settle: timedelta, zone: ZoneInfo, after: datetime, until: datetime) -> list[RunDue]:
    """The looks for batch runs whose time lies in `(after, until]`.

    One when the run is due and has settled, one at the deadline, then some while it may still come late; the last of
    them when everything that can belong to the run has settled.
    """
    found: list[RunDue] = []
    begin = None
    dues = _run_dues(cadence, zone, after - settle, until)
    for due, following in pairwise(dues):
        step = _step(cadence)
        deadline = min(due + cadence.grace, following)
        by = min(max(deadline, due + step / 2), following)
        if begin is not None:
            early = [due + settle] if due + settle < deadline else []
            late = [deadline + count * step / _LATE_LOOKS for count in range(1, _LATE_LOOKS)]
            others = [*early, *(at for at in late if at < by), by + settle]
            looks = [RunDue(deadline, begin, due, by, deadline=True)]
            looks += [RunDue(at, begin, due, by, deadline=False) for at in others if at != deadline]
            found += [look for look in looks if after < look.at <= until]
        begin = by
    return sorted(found)


def _step(cadence: Cadence) -> timedelta:
    return timedelta(days=7 if " " in cadence.due else 1)


def _run_dues(cadence: Cadence, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """The due times around `[start, end]`: from two before it to one after it."""
    step = _step(cadence)
    word, clock = cadence.due.rsplit(" ", 1) if " " in cadence.due else ("", cadence.due)
    day = local_day(start, zone) - 3 * step
    if word:
        day += timedelta(days=(_WEEKDAYS.index(word) - day.weekday()) % 7)
    dues: list[datetime] = []
    while not dues or dues[-1] <= end:
        due = datetime.combine(day, time.fromisoformat(clock), tzinfo=zone).astimezone(UTC)
        if not dues or due > dues[-1]:  # the same instant twice on a day that was left out
            dues.append(due)
        day += step
    return dues


def ending_at(settings: ModelSettings, at: datetime, labelled: bool) -> list[Due]:
    """The newest window of each horizon and aspect that ends at or before `at`, each due when it ends."""
    zone = settings.zone
    day = local_day(at, zone)
    last_midnight = midnight(day, zone)
    found = []
    for horizon in settings.horizons:
        if horizon == "1h":
            begin, end = list(slots(midnight(day - timedelta(days=1), zone), at, zone))[-1]
            found.append(Due(end, Window("1h", begin, end), Aspect.INPUTS))
            continue
        first = midnight(day - timedelta(days=_DAYS[horizon]), zone)
        aspects = (Aspect.INPUTS, Aspect.PERFORMANCE) if labelled else (Aspect.INPUTS,)
        found += [Due(last_midnight, Window(horizon, first, last_midnight), aspect) for aspect in aspects]
    return found
