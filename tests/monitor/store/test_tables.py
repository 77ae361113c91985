"""The small tables: cursors, versions, the schedule."""

from __future__ import annotations

from datetime import timedelta

from monitor.store import Store, cursors, schedule, versions
from tests.support.flow import DAY, HOUR, START


def test_a_cursor_moves_where_it_is_put(store: Store) -> None:
    with store.begin() as connection:
        assert cursors.through(connection, "m") is None
        cursors.move(connection, "m", START)
        cursors.move(connection, "m", START + timedelta(microseconds=1))
        cursors.move(connection, "other", START)
    with store.read() as connection:
        assert cursors.all_through(connection) == {"m": START + timedelta(microseconds=1), "other": START}


def test_what_is_known_of_a_version_only_widens(store: Store) -> None:
    with store.begin() as connection:
        versions.seen(connection, "m", "2", START + DAY, START + 2 * DAY)
        versions.seen(connection, "m", "1", START, START + DAY)
        versions.seen(connection, "m", "2", START + DAY + HOUR, START + DAY + 2 * HOUR)
        assert versions.versions(connection, "m") == {"1": (START, START + DAY), "2": (START + DAY, START + 2 * DAY)}
        versions.seen(connection, "m", "2", START - DAY, START + 3 * DAY)
        assert list(versions.versions(connection, "m").items()) == [
            ("2", (START - DAY, START + 3 * DAY)),
            ("1", (START, START + DAY)),
        ]
        assert versions.versions(connection, "other") == {}


def test_jobs_are_due_at_their_time_and_forgotten_when_dropped(store: Store) -> None:
    with store.begin() as connection:
        schedule.plan(connection, "report", "weekly", START)
        schedule.plan(connection, "report", "daily", START - HOUR)
        schedule.plan(connection, "trigger", "weekly", START + HOUR)
        assert schedule.due(connection, START - 2 * HOUR, START) == []
        assert schedule.due(connection, START, START) == [
            ("report", "daily", START - HOUR),
            ("report", "weekly", START),
        ]
        schedule.plan(connection, "report", "daily", START + DAY, last_at=START)
        assert schedule.due(connection, START, START) == [("report", "weekly", START)]
        assert schedule.next_at(connection, "report", "daily") == START + DAY
        assert schedule.next_at(connection, "report", "monthly") is None
        schedule.drop(connection, "report", "weekly")
        assert schedule.names(connection, "report") == ["daily"]
        assert schedule.names(connection, "trigger") == ["weekly"]


def test_a_job_that_was_tried_in_vain_comes_again_after_a_while(store: Store) -> None:
    with store.begin() as connection:
        schedule.plan(connection, "report", "weekly", START)
        schedule.plan(connection, "report", "weekly", START, last_at=START + HOUR)
        assert schedule.due(connection, START + 2 * HOUR, START + HOUR) == []
        assert schedule.due(connection, START + 2 * HOUR, START + 2 * HOUR) == [("report", "weekly", START)]
        schedule.plan(connection, "report", "weekly", START + 2 * HOUR)
        assert schedule.due(connection, START + 2 * HOUR, START) != [], "tried for another day, not for this one"
