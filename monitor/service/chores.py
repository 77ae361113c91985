"""What the clock asks for beside windows: reports, scheduled retraining, keeping the house in order.

In: a `World`, a clock. Out: nothing. Kept: when each job is due next, moved in the transaction that records it, so
that a crash repeats a job rather than losing it; of a job missed several times the last is made up for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import structlog
from apscheduler.triggers.cron import CronTrigger

from alerts import outbox
from monitor import firing, logs, retraining
from monitor.clock import Clock
from monitor.prediction_log.base import LogError
from monitor.settings import ReportSettings
from monitor.store import evaluations, pictures, profiles, samples, schedule
from monitor.store.errors import StoreError
from monitor.world import World

log = structlog.get_logger()

# A job that failed is tried again after this long.
RETRY = timedelta(minutes=15)
REPORT, TRIGGER, UPKEEP = "report", "trigger", "upkeep"
_DAY = timedelta(days=1)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
HOURS_KEPT, DAYS_KEPT, SAID_KEPT = timedelta(days=35), timedelta(days=400), timedelta(days=90)
PICTURES_KEPT = timedelta(days=30)


def next_fire(cron: str, timezone: str, after: datetime) -> datetime:
    """The first time strictly after `after` that a five-field cron line names, on that clock."""
    whole = after.replace(microsecond=0) + timedelta(seconds=1)
    found: datetime | None = _trigger(cron, timezone).get_next_fire_time(None, whole)
    # The 30th of February: a day that never comes is as good as one that has not been waited for.
    return _NEVER if found is None else found.astimezone(UTC)


@lru_cache(maxsize=4096)
def _trigger(cron: str, timezone: str) -> CronTrigger:
    return CronTrigger.from_crontab(cron, timezone=timezone)


def run(
    world: World, clock: Clock, interrupted: Callable[[], bool] = lambda: False, *, apart: bool = False
) -> list[Path]:
    """Plan what is new, do what is due, forget what is no longer configured; the reports that were written.

    With `apart`, reports are written in a process of their own.
    """
    reports: list[Path] = []
    jobs = _jobs(world, apart)
    now = clock.now()
    with world.store.begin() as connection:
        for (kind, name), (cron, zone, _) in jobs.items():
            planned = schedule.next_at(connection, kind, name)
            # What is not due yet is planned anew: its line in the config may have changed.
            if (planned is None or planned > now) and planned != (following := next_fire(cron, zone, now)):
                schedule.plan(connection, kind, name, following)
        for kind in (REPORT, TRIGGER):
            for name in schedule.names(connection, kind):
                if (kind, name) not in jobs:
                    schedule.drop(connection, kind, name)
        due = schedule.due(connection, now, now - RETRY)
        if world.deliver:
            retraining.follow_up(connection, now)
    for kind, name, at in due:
        if interrupted():
            return reports
        if (kind, name) not in jobs:
            continue
        cron, zone, work = jobs[kind, name]
        first = at
        while (following := next_fire(cron, zone, at)) <= now:
            at = following
        try:
            reports += work(world, at, now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 -- one job's boundary: the others, and the models, must not wait for it
            log.error("job failed; it is tried again later", job=f"{kind} {name}", **logs.described(error))
            following = first
        with world.store.begin() as connection:
            schedule.plan(connection, kind, name, following, last_at=now)
    return reports


_Work = Callable[[World, datetime, datetime], list[Path]]
_Job = tuple[str, str, _Work]


def _jobs(world: World, apart: bool) -> dict[tuple[str, str], _Job]:
    jobs: dict[tuple[str, str], _Job] = {(UPKEEP, "daily"): ("17 3 * * *", "UTC", _upkeep)}
    for report in world.config.settings.reports:
        jobs[REPORT, report.name] = (report.cron, report.timezone, _reporter(report, apart))
    for model, settings in world.config.settings.models.items():
        for name, trigger in settings.triggers.items():
            if trigger.cron is not None:
                jobs[TRIGGER, f"{model}/{name}"] = (trigger.cron, settings.timezone, _firer(model, name))
    return jobs


def _reporter(report: ReportSettings, apart: bool) -> _Work:
    def work(world: World, at: datetime, now: datetime) -> list[Path]:
        # What a report needs is heavy (templates, charts): it comes with the first one.
        from monitor.reporting.apart import write_apart
        from monitor.reporting.write import announce, write

        written = (write_apart if apart else write)(world, report, at, now)
        log.info("report written", report=report.name, path=str(written.index))
        if world.deliver and report.to:
            with world.store.begin() as connection:
                announce(connection, report, written, at, now)
        return [written.index]

    return work


def _firer(model: str, name: str) -> _Work:
    def work(world: World, at: datetime, now: datetime) -> list[Path]:
        if not world.deliver:
            return []
        with world.store.begin() as connection:
            for decision in firing.by_clock(connection, model, name, world.config.settings, at, now):
                log.info(
                    "trigger", model=model, trigger=name, fired=decision.firing is not None, reason=decision.reason
                )
        return []

    return work


def _upkeep(world: World, _at: datetime, now: datetime) -> list[Path]:
    # What an evaluation reads reaches back from when its window is due, not from now.
    longer = max(
        (s.settle + (s.baseline.rolling or s.baseline.seasonal or _DAY) for s in world.config.settings.models.values()),
        default=_DAY,
    )
    with world.store.begin() as connection:
        profiles.forget(connection, now - HOURS_KEPT - longer - _DAY, now - DAYS_KEPT)
        samples.forget(connection, now - HOURS_KEPT - longer - _DAY)
        evaluations.forget(connection, now - DAYS_KEPT)
        outbox.prune(connection, now - SAID_KEPT)
        pictures.forget(connection, now - PICTURES_KEPT)
    for model in world.config.settings.models:
        source = world.config.settings.log_of(model)
        if source is None or source.delta is None:
            continue
        try:
            compact_closed_days(world.open_log(model), now.date())
        except LogError as error:
            log.warning("log not compacted", model=model, error=str(error))
    return []


def compact_closed_days(source: object, today: date) -> None:
    """Compact the closed days of a log that is ours."""
    compact = getattr(source, "compact_closed_days", None)
    if compact is not None:
        compact(today - timedelta(days=1))
