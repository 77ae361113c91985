"""Each routing behaviour as a story in simulated time: what happens, and the notifications expected, with their times.

How a story is written: tests/support/timeline.py.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

from alerts.hours import Digest, MuteTime
from alerts.routing import Escalation, Route, Timing
from detectors.result import Severity
from tests.alerts.conftest import Begin
from tests.support.timeline import expected, span, tell


def route(*to: str, go_on: bool = False, timing: Timing | None = None, **matchers: str) -> Route:
    return Route(to, {key: (value,) for key, value in matchers.items()}, go_on, timing or Timing())


def timed(**intervals: Any) -> Timing:
    """A timing with its intervals as a config has them."""
    return Timing(**{key: span(value) if type(value) is str else value for key, value in intervals.items()})


@pytest.mark.parametrize(
    ("routes", "wanted"),
    [
        ([route("oncall", severity="critical"), route("team")], "0:00 oncall opened A\n0:00 team opened B"),
        ([route("oncall", severity="critical", go_on=True), route("team")],
         "0:00 oncall opened A\n0:00 team opened A\n0:00 team opened B"),
        ([route("jfk", segment="origin=JFK"), route("team")], "0:00 jfk opened A\n0:00 team opened B"),
        ([route("risk", owner="~risk|credit")], "0:00 risk opened B"),
        ([route("team", model="~[AC]")], "0:00 team opened A"),
        ([route("team", kind="drift", diagnosis="~not enough .*")], "0:00 team opened A\n0:00 team opened B"),
        ([route("team", kind="data")], ""),
    ],
)  # fmt: skip
def test_who_hears(begin: Begin, routes: list[Route], wanted: str) -> None:
    story = """
        0:00 open A critical segment=origin=JFK
        0:00 open B owner=risk segment=origin=LGA
    """
    assert tell(begin, routes, story) == expected(wanted)


def test_news_is_told_and_the_end_too(either: Begin) -> None:
    routes = [route("team", timing=timed(group_interval="1h"))]
    story = """
        0:00 open A
        2:00 worse A critical
        4:00 ack A
        5:00 resolve A
        6:00 reopen A
        7:30 stand A
    """
    assert tell(either, routes, story, until="50:00") == expected("""
        0:00 team opened A
        2:00 team updated A
        4:00 team acknowledged A
        5:00 team resolved A
        6:00 team reopened A
        7:30 team standing A
    """)


def test_group_wait_lets_what_comes_meanwhile_be_one_message(begin: Begin) -> None:
    routes = [route("oncall", go_on=True), route("team", timing=timed(group_wait="5m"))]
    story = """
        0:00 open A
        0:02 worse A
        1:00 open B
        1:03 resolve B
    """
    assert tell(begin, routes, story, until="5:00") == expected("""
        0:00 oncall opened A
        0:05 team opened A
        1:00 oncall opened B
        1:03 oncall resolved B
        1:03 team resolved B
    """)


def test_group_interval_keeps_updates_apart_and_the_end_does_not_wait(begin: Begin) -> None:
    routes = [route("team", timing=timed(group_interval="6h"))]
    story = """
        0:00 open A
        1:00 worse A
        2:00 worse A
        3:00 worse A
        7:00 worse A
        8:00 resolve A
    """
    assert tell(begin, routes, story, until="20:00") == expected("""
        0:00 team opened A
        6:00 team updated A
        8:00 team resolved A
    """)


def test_repeat_interval_says_it_again_until_somebody_takes_it_on(either: Begin) -> None:
    routes = [route("oncall", timing=timed(repeat_interval="4h", group_interval="1h"))]
    story = """
        0:00 open A
        6:00 worse A
        11:00 ack A
        30:00 resolve A
        31:00 open B
    """
    assert tell(either, routes, story, until="40:00") == expected("""
        0:00 oncall opened A
        4:00 oncall reminded A
        6:00 oncall updated A
        10:00 oncall reminded A
        11:00 oncall acknowledged A
        30:00 oncall resolved A
        31:00 oncall opened B
        35:00 oncall reminded B
        39:00 oncall reminded B
    """)


def test_what_is_standing_is_not_repeated(begin: Begin) -> None:
    routes = [route("team", timing=timed(repeat_interval="24h"))]
    story = """
        0:00 open A
        40:00 stand A
        300:00 worse A
    """
    assert tell(begin, routes, story, until="400:00") == expected("""
        0:00 team opened A
        24:00 team reminded A
        40:00 team standing A
        300:00 team updated A
    """)


ESCALATED = timed(escalate=(Escalation(timedelta(minutes=30), ("boss",)), Escalation(timedelta(hours=2), ("cto",))))


@pytest.mark.parametrize(
    ("then", "wanted"),
    [
        ("0:10 worse A", "0:00 oncall opened A\n0:30 boss escalated A\n2:00 cto escalated A\n6:00 oncall updated A"),
        ("0:20 ack A", "0:00 oncall opened A\n0:20 oncall acknowledged A"),
        ("0:40 ack A",
         "0:00 oncall opened A\n0:30 boss escalated A\n0:40 boss acknowledged A\n0:40 oncall acknowledged A"),
        ("0:20 resolve A", "0:00 oncall opened A\n0:20 oncall resolved A"),
        ("1:00 resolve A", "0:00 oncall opened A\n0:30 boss escalated A\n1:00 boss resolved A\n1:00 oncall resolved A"),
    ],
)  # fmt: skip
def test_escalation_when_nobody_acknowledges(begin: Begin, then: str, wanted: str) -> None:
    assert tell(begin, [route("oncall", timing=ESCALATED)], f"0:00 open A critical\n{then}", until="9:00") == expected(
        wanted
    )


def test_what_comes_back_escalates_anew(begin: Begin) -> None:
    story = """
        0:00 open A
        0:10 ack A
        1:00 resolve A
        2:00 reopen A
        2:40 ack A
    """
    assert tell(begin, [route("oncall", timing=ESCALATED)], story, until="9:00")[3:] == expected("""
        2:00 oncall reopened A
        2:30 boss escalated A
        2:40 boss acknowledged A
        2:40 oncall acknowledged A
    """)


# 1 May 2013 is a Wednesday; Berlin is two hours ahead of UTC.
NIGHTS = MuteTime("nights", start=time(20), end=time(7), timezone="Europe/Berlin")
WEEKEND = MuteTime("weekend", days=frozenset({5, 6}), timezone="Europe/Berlin")


def test_mute_times_follow_their_clock_and_what_is_still_open_is_told_afterwards(begin: Begin) -> None:
    routes = [route("team", timing=timed(mute=(NIGHTS, WEEKEND), group_interval="1h"))]
    story = """
        1:00 open A
        17:59 open B
        18:00 worse B
        20:00 resolve B
        21:00 open C
        22:00 resolve C
        66:00 open D
    """
    assert tell(begin, routes, story, until="140:00") == expected("""
        5:00 team opened A
        17:59 team opened B
        29:00 team resolved B
        29:00 team resolved C
        125:00 team opened D
    """)


def test_reminders_and_escalations_wait_for_the_morning(begin: Begin) -> None:
    timing = timed(mute=(NIGHTS,), repeat_interval="12h", escalate=(Escalation(timedelta(hours=2), ("boss",)),))
    assert tell(begin, [route("team", timing=timing)], "17:00 open A", until="30:00") == expected("""
        17:00 team opened A
        19:00 boss escalated A
        29:00 team reminded A
    """)


def test_a_mute_time_may_be_days_of_the_calendar(begin: Begin) -> None:
    holiday = MuteTime("holiday", dates=((date(2013, 5, 1), date(2013, 5, 2)),))
    assert tell(begin, [route("team", timing=timed(mute=(holiday,)))], "10:00 open A", until="60:00") == expected(
        "48:00 team opened A"
    )


def test_a_silence_holds_back_and_what_is_still_open_is_told_when_it_ends(either: Begin) -> None:
    story = """
        0:00 open A
        1:00 silence 4h owner=flights
        2:00 open B
        2:30 worse A
        3:00 open C
        3:30 resolve C
        4:00 resolve A
    """
    assert tell(either, [route("team")], story, until="9:00") == expected("""
        0:00 team opened A
        4:30 team notice 1
        5:00 team opened B
        5:00 team resolved A
    """)


def test_a_silence_that_holds_back_nothing_ends_quietly(begin: Begin) -> None:
    assert tell(begin, [route("team")], "0:00 silence 4h model=A\n1:00 open B", until="9:00") == ["1:00 team opened B"]


def test_a_silence_ended_early_and_one_extended(begin: Begin) -> None:
    story = """
        0:00 silence 4h model=A
        0:00 silence 4h model=B
        1:00 open A
        1:00 open B
        2:00 end 1
        3:45 extend 2 4h
    """
    assert tell(begin, [route("team")], story, until="12:00") == expected("""
        2:00 team opened A
        3:30 team notice 2
        7:15 team notice 2
        7:45 team opened B
    """)


def test_a_silence_stops_reminders_and_escalations_while_it_lasts(begin: Begin) -> None:
    timing = timed(repeat_interval="2h", escalate=(Escalation(timedelta(hours=3), ("boss",)),))
    story = """
        0:00 open A
        1:00 silence 4h model=A
    """
    assert tell(begin, [route("team", timing=timing)], story, until="6:00") == expected("""
        0:00 team opened A
        5:00 boss escalated A
        5:00 team reminded A
    """)


DAILY = Digest(time(8), timezone="Europe/Berlin")


def test_a_digest_stands_in_for_single_messages_below_a_severity(either: Begin) -> None:
    routes = [route("team", timing=timed(digest=DAILY, digest_below=Severity.CRITICAL))]
    story = """
        1:00 open A
        2:00 open B critical
        3:00 open C
        4:00 resolve C
        5:00 worse B critical
        7:00 open D
        8:00 worse A
        31:00 resolve A
        60:00 resolve D
    """
    assert tell(either, routes, story, until="90:00") == expected("""
        2:00 team opened B
        6:00 team digest A over:C
        8:00 team updated B
        30:00 team digest A D
        54:00 team digest over:A
        78:00 team digest over:D
    """)


def test_what_becomes_severe_leaves_the_digest(begin: Begin) -> None:
    routes = [route("team", timing=timed(digest=DAILY))]
    story = """
        1:00 open A
        3:00 worse A critical
        10:00 resolve A
    """
    assert tell(begin, routes, story, until="40:00") == expected("""
        3:00 team opened A
        10:00 team resolved A
    """)


def test_a_weekly_digest_goes_out_on_its_day(begin: Begin) -> None:
    routes = [route("oncall", go_on=True), route("team", timing=timed(digest=Digest(time(9), weekday=0)))]
    assert tell(begin, routes, "1:00 open A\n30:00 open B", until="300:00") == expected("""
        1:00 oncall opened A
        30:00 oncall opened B
        129:00 team digest A B
    """)


def test_a_consequence_is_inhibited_and_told_when_it_stands_alone(begin: Begin) -> None:
    story = """
        0:00 open A
        0:00 open B cause=id-A
        1:00 worse B
        2:00 resolve B
    """
    assert tell(begin, [route("team")], story, until="9:00") == ["0:00 team opened A"]


def test_who_has_heard_hears_the_end_whatever_the_routes_say_by_then(begin: Begin) -> None:
    routes = [route("oncall", severity="critical"), route("team")]
    story = """
        0:00 open A
        1:00 worse A critical
        2:00 resolve A
    """
    assert tell(begin, routes, story) == expected("""
        0:00 team opened A
        1:00 oncall opened A
        2:00 oncall resolved A
        2:00 team resolved A
    """)


def test_the_same_in_several_models_is_one_message(either: Begin) -> None:
    story = """
        0:00 open A
        0:00 join B A
        0:00 join C A
        1:00 resolve B
        8:00 resolve A
        9:00 resolve C
    """
    assert tell(either, [route("team")], story, until="20:00") == expected("""
        0:00 team opened A B C
        6:00 team updated A B C
        9:00 team resolved A B C
    """)


def test_models_that_join_later_are_told_soon_and_not_one_by_one(begin: Begin) -> None:
    story = """
        0:00 open A
        0:01 join B A
        0:02 join C A
        0:30 join D A
    """
    assert tell(begin, [route("team")], story, until="9:00") == expected("""
        0:00 team opened A
        0:05 team updated A B C
        0:30 team updated A B C D
    """)


def test_a_fleet_is_told_to_each_owner_by_their_own_models(begin: Begin) -> None:
    routes = [route("risk", owner="risk"), route("team")]
    story = """
        0:00 open A
        0:00 join B A owner=risk
        0:00 join C A owner=risk
        2:00 resolve A
        3:00 resolve B
        3:00 resolve C
    """
    assert tell(begin, routes, story) == expected("""
        0:00 risk opened B C
        0:00 team opened A
        2:00 team resolved A
        3:00 risk resolved B C
    """)


def test_a_fleet_is_repeated_until_all_of_it_is_taken_on(begin: Begin) -> None:
    routes = [route("team", timing=timed(repeat_interval="2h", group_interval="1h"))]
    story = """
        0:00 open A
        0:00 join B A
        3:00 ack A
        5:00 ack B
    """
    assert tell(begin, routes, story, until="20:00") == expected("""
        0:00 team opened A B
        2:00 team reminded A B
        3:00 team updated A B
        5:00 team acknowledged A B
    """)
