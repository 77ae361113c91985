"""Keep every model evaluated up to now: what is due, in which order, and what to do after a gap.

In: a `World`, the time. Out: one `Outcome` for each evaluation. Kept: each model's cursor, in the store.
The daemon, replay, backfill, check and the demo all run this; they differ in the clock and the store they bring.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import structlog

from monitor import cycle, logs
from monitor.cycle import Outcome
from monitor.settings import LogSettings, ModelSettings
from monitor.store import cursors, evaluations
from monitor.store.errors import StoreError
from monitor.store.leases import Lease
from monitor.windows import Due, RunDue, due_between, latest_due, runs_between
from monitor.world import World

# After a failed read of a log, how long until it is tried again: doubling, up to the last.
_RETRY_FIRST, _RETRY_MOST = timedelta(minutes=1), timedelta(minutes=15)
_AHEAD = timedelta(days=8)

log = structlog.get_logger()


@dataclass
class Engine:
    """Evaluates the models of a config, oldest moment first over all of them.

    With `as_it_was`, each moment is judged with what was known then (replay, backfill, the demo): labels received
    later do not exist yet, and findings are dated with the moment itself.
    """

    world: World
    as_it_was: bool = False
    _blind: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict)
    _following: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def use_lease(self, lease: Lease) -> None:
        """Write under this lease from now on."""
        self.world = replace(self.world, lease=lease)

    def start(self, model: str, at: datetime) -> None:
        """Begin a model at a given instant (replay, backfill, the demo); no effect once it has been started."""
        with self.world.store.begin() as connection:
            if cursors.through(connection, model) is None:
                cursors.move(connection, model, at)

    def advance(self, now: datetime) -> Iterator[Outcome]:
        """Evaluate everything due up to `now`, one moment of one model at a time.

        A model seen for the first time begins here: its newest windows are judged at once, its past is left to
        replay and backfill. Windows missed for longer than `catch_up` are marked skipped. Between two outcomes the
        caller may stop; nothing is half-written.
        """
        heap: list[tuple[datetime, str, _Moment]] = []
        work = {model: iter(self._moments(model, now)) for model in sorted(self.behind(now))}
        for model, moments in work.items():
            _push(heap, model, moments)
        while heap:
            _, model, moment = heapq.heappop(heap)
            outcome = self._evaluate(model, moment, moment.at if self.as_it_was else now)
            yield outcome
            if outcome.blind is not None:
                self._hold(model, now)
                continue
            self._blind.pop(model, None)
            _push(heap, model, work[model])

    def _evaluate(self, model: str, moment: _Moment, now: datetime) -> Outcome:
        try:
            return cycle.evaluate(
                self.world, model, moment.at, moment.dues, now, runs=moment.runs, cursor=moment.cursor
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 -- one model's boundary: what fails for it must not stop the others
            log.error("evaluation failed", model=model, **logs.described(error))
            return cycle.blind(self.world, model, moment.at, now, f"internal error ({type(error).__name__})")

    def past(self, model: str, start: datetime, end: datetime) -> Iterator[Outcome]:
        """Evaluate the moments in `(start, end]` that have no ledger row yet, as they were; nothing is delivered.

        Moments before the model's cursor change no incident: what came after them has been judged already.
        """
        quiet = replace(self.world, deliver=False)
        for moment in self._due(model, start, end):
            with self.world.store.read() as connection:
                through = cursors.through(connection, model)
                done = evaluations.windows_done(connection, model, moment.at)
            dues = [due for due in moment.dues if (due.window, due.aspect) not in done]
            if not dues and not moment.runs:
                continue
            before = through is not None and moment.at <= through
            yield cycle.evaluate(
                quiet,
                model,
                moment.at,
                dues,
                moment.at,
                runs=moment.runs,
                cursor=through if before else moment.at,
                incidents_too=not before,
            )

    def models(self) -> list[str]:
        """The configured models that have a log, by name."""
        settings = self.world.config.settings
        return sorted(name for name in settings.models if name != "*" and settings.log_of(name) is not None)

    def behind(self, now: datetime) -> set[str]:
        """Models with a moment due that has not been evaluated: messages about them wait until they caught up."""
        return {model for model, due in self.next_dues(now).items() if due is not None and due <= now}

    def next_due(self, model: str, now: datetime) -> datetime | None:
        """When a model's next evaluation is due; None if nothing is due within a week."""
        with self.world.store.read() as connection:
            through = cursors.through(connection, model)
        return self._next(model, through, now)

    def next_dues(self, now: datetime) -> dict[str, datetime | None]:
        """`next_due` of every model."""
        with self.world.store.read() as connection:
            known = cursors.all_through(connection)
        return {model: self._next(model, known.get(model), now) for model in self.models()}

    def _next(self, model: str, through: datetime | None, now: datetime) -> datetime | None:
        held = self._blind.get(model)
        if through is None:
            return held[0] if held else now
        cached = self._following.get(model)
        if cached is None or cached[0] != through:
            # A daemon asks for every model every few seconds; the answer changes when the cursor does.
            moment = next(iter(self._due(model, through, max(now, through) + _AHEAD)), None)
            if moment is None:
                return None
            cached = self._following[model] = through, moment.at
        return max(cached[1], held[0]) if held else cached[1]

    def _hold(self, model: str, now: datetime) -> None:
        wait = min(self._blind[model][1] * 2, _RETRY_MOST) if model in self._blind else _RETRY_FIRST
        self._blind[model] = (now + wait, wait)

    def _moments(self, model: str, now: datetime) -> Iterator[_Moment]:
        held = self._blind.get(model)
        if held is not None and held[0] > now:
            return
        settings = self.world.config.settings.models[model]
        with self.world.store.read() as connection:
            through = cursors.through(connection, model)
        if through is None:
            yield _Moment(now, latest_due(settings, now, self._labelled(model)), (), now)
            return
        bound = now - self.world.config.settings.catch_up
        if through < bound:
            missed = due_between(settings, through, bound, self._labelled(model))
            reason = "missed during downtime, longer ago than catch_up"
            cycle.skip(self.world, model, missed, now, reason, bound)
            through = bound
        yield from self._due(model, through, now)

    def _due(self, model: str, after: datetime, until: datetime) -> list[_Moment]:
        settings = self.world.config.settings.models[model]
        if settings.cadence is not None:
            looks = runs_between(settings.cadence, settings.settle, settings.zone, after, until)
            return [_Moment(at, (), tuple(group), at) for at, group in groupby(looks, key=attrgetter("at"))]
        dues = due_between(settings, after, until, self._labelled(model))
        return [_Moment(at, tuple(group), (), at) for at, group in groupby(dues, key=attrgetter("at"))]

    def _labelled(self, model: str) -> bool:
        settings = self.world.config.settings
        # Business metrics are a day's outcome too, with labels or without.
        return has_labels(settings.models[model], settings.log_of(model)) or bool(settings.models[model].business)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Everything of one model that falls due at one instant, and where its cursor stands afterwards."""

    at: datetime
    dues: Sequence[Due]
    runs: Sequence[RunDue]
    cursor: datetime


def has_labels(settings: ModelSettings, log: LogSettings | None) -> bool:
    """Whether labels can come: there is an id to join by, something to judge, and a place they are in."""
    columns = settings.columns
    place = settings.labels is not None or columns.label is not None or (log is not None and log.delta is not None)
    return place and columns.id is not None and bool(columns.score or columns.prediction)


def _push(heap: list[tuple[datetime, str, _Moment]], model: str, moments: Iterator[_Moment]) -> None:
    moment = next(moments, None)
    if moment is not None:
        heapq.heappush(heap, (moment.at, model, moment))
