"""Routing, silencing and grouping in simulated time: what is expected to be sent, and when."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts import outbox, silences
from alerts.channels.base import Letter
from alerts.channels.console import Console
from alerts.incident import Change, IncidentEvent, State
from alerts.intents import INTENTS
from alerts.message import Message
from alerts.routing import Route, Timing
from tests.alerts.conftest import Begin
from tests.support.incidents import DAY0, opened
from tests.support.post import Post

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def event(change: Change, at: datetime, reason: str = "", subject: str = "wind_speed") -> IncidentEvent:
    incident = opened(now=DAY0, subject=subject).incident
    if change is Change.RESOLVED:
        incident = replace(incident, state=State.RESOLVED, resolved_at=at)
    return IncidentEvent(change, incident, at, reason or change.value)


def sent(post: Post) -> list[tuple[str, str]]:
    return [(delivery["channel"], delivery["event"]) for delivery in post.deliveries()]


def make(begin: Begin, *routes: Route, names: tuple[str, ...] = ("team", "oncall")) -> Post:
    return Post(begin, {name: Console(io.StringIO()) for name in names}, list(routes))


def test_each_change_goes_to_each_channel_once(either: Begin) -> None:
    post = make(either, Route(("team", "oncall"), timing=Timing(group_interval=timedelta(0))))
    for change in (Change.OPENED, Change.UPDATED, Change.RESOLVED):
        post.say(event(change, DAY0))
        assert post.run(DAY0) == 2
        assert post.run(DAY0) == 0
    assert sorted(sent(post)) == sorted(
        (channel, change) for channel in ("team", "oncall") for change in ("opened", "updated", "resolved")
    )
    assert post.outcomes() == [("done", "delivered", "delivered")] * 3
    assert len({delivery["key"] for delivery in post.deliveries()}) == 6


def test_changes_that_piled_up_are_one_message(begin: Begin) -> None:
    post = make(begin, Route(("team",)))
    post.say(
        event(Change.OPENED, DAY0), event(Change.UPDATED, DAY0, "spread to a"), event(Change.UPDATED, DAY0, "worse")
    )
    assert post.run(DAY0) == 1
    assert sent(post) == [("team", "opened")]
    assert [outcome for _, outcome, _ in post.outcomes()] == ["coalesced", "coalesced", "delivered"]
    assert post.outcomes()[0][2] == "told with intent 3"


def test_opened_and_resolved_meanwhile_is_one_message_that_says_so(begin: Begin) -> None:
    post = make(begin, Route(("team",), timing=Timing(group_wait=HOUR)))
    post.say(event(Change.OPENED, DAY0), event(Change.RESOLVED, DAY0 + MINUTE))
    assert post.run(DAY0 + MINUTE) == 1
    assert sent(post) == [("team", "resolved")]


def test_a_new_incident_waits_for_company_as_each_route_says(begin: Begin) -> None:
    post = make(begin, Route(("oncall",), go_on=True), Route(("team",), timing=Timing(group_wait=5 * MINUTE)))
    post.say(event(Change.OPENED, DAY0))
    post.run(DAY0)
    assert sent(post) == [("oncall", "opened")]
    assert post.outcomes()[0][0] == "pending"
    assert post.deliverer.next_due() == DAY0 + 5 * MINUTE
    post.say(event(Change.UPDATED, DAY0 + 2 * MINUTE))
    post.run(DAY0 + 2 * MINUTE)
    assert sent(post) == [("oncall", "opened")]
    post.run(DAY0 + 5 * MINUTE)
    assert sent(post) == [("oncall", "opened"), ("team", "opened")]
    post.run(DAY0 + 6 * HOUR)
    assert sent(post)[2:] == [("oncall", "updated")]
    assert [state for state, _, _ in post.outcomes()] == ["done", "done"]
    assert post.deliverer.next_due() is None


def test_updates_keep_their_distance_and_the_end_does_not_wait(begin: Begin) -> None:
    post = make(begin, Route(("team",), timing=Timing(group_interval=6 * HOUR)))
    post.say(event(Change.OPENED, DAY0))
    post.run(DAY0)
    for hour in (1, 2, 3):
        post.say(event(Change.UPDATED, DAY0 + hour * HOUR, f"worse {hour}"))
        assert post.run(DAY0 + hour * HOUR) == 0
    assert post.run(DAY0 + 6 * HOUR - MINUTE) == 0
    assert post.run(DAY0 + 6 * HOUR) == 1
    post.say(event(Change.UPDATED, DAY0 + 7 * HOUR))
    assert post.run(DAY0 + 7 * HOUR) == 0
    post.say(event(Change.RESOLVED, DAY0 + 8 * HOUR))
    assert post.run(DAY0 + 8 * HOUR) == 1
    assert [change for _, change in sent(post)] == ["opened", "updated", "resolved"]
    assert [state for state, _, _ in post.outcomes()] == ["done"] * 6


def test_a_silence_suppresses_by_name_and_what_was_never_told_is_never_resolved(begin: Begin) -> None:
    post = make(begin, Route(("team",)))
    with begin() as conn:
        silences.add(
            conn,
            matchers={"model": ("flight-delay",)},
            author="ada",
            reason="snow",
            starts_at=DAY0,
            ends_at=DAY0 + HOUR,
        )
    post.say(event(Change.OPENED, DAY0))
    post.run(DAY0)
    assert post.outcomes() == [("pending", None, "silenced: by silence 1 of ada (snow)")]
    post.say(event(Change.RESOLVED, DAY0 + 2 * HOUR))
    post.run(DAY0 + 2 * HOUR)
    assert sent(post) == []
    assert post.outcomes() == [
        ("done", "suppressed", "silenced: by silence 1 of ada (snow)"),
        ("done", "suppressed", "over or taken on before this channel was told of it"),
    ]


def test_news_after_a_silence_is_an_opening_to_those_who_never_heard(begin: Begin) -> None:
    post = make(begin, Route(("team",)))
    with begin() as conn:
        silences.add(
            conn, matchers={"kind": ("drift",)}, author="ada", reason="snow", starts_at=DAY0, ends_at=DAY0 + HOUR
        )
    post.say(event(Change.OPENED, DAY0))
    post.run(DAY0)
    post.say(event(Change.UPDATED, DAY0 + 2 * HOUR))
    post.run(DAY0 + 2 * HOUR)
    assert sent(post) == [("team", "opened")]


def test_no_route_suppresses_by_name(begin: Begin) -> None:
    post = make(begin, Route(("team",), {"model": ("other",)}))
    post.say(event(Change.OPENED, DAY0))
    post.run(DAY0)
    assert post.outcomes() == [("done", "suppressed", "no route matches")]


def test_a_channel_that_is_gone_is_a_dead_letter_and_the_others_hear(begin: Begin) -> None:
    post = make(begin, Route(("removed", "team")))
    post.say(event(Change.OPENED, DAY0))
    assert post.run(DAY0) == 1
    assert [(d["channel"], d["state"]) for d in post.deliveries()] == [("removed", "dead"), ("team", "delivered")]
    assert post.outcomes() == [("done", "delivered", "not to all: removed: there is no channel removed (any more)")]


def test_a_message_that_cannot_be_rendered_holds_up_nothing(begin: Begin) -> None:
    class Broken(Console):
        def render(self, message: Message, letter: Letter) -> bytes:
            raise ZeroDivisionError("no rows")

    post = Post(begin, {"bad": Broken(io.StringIO()), "team": Console(io.StringIO())})
    post.say(event(Change.OPENED, DAY0))
    assert post.run(DAY0) == 1
    assert post.deliveries()[0]["error"] == "could not be rendered: ZeroDivisionError: no rows"


def test_models_that_catch_up_are_held(begin: Begin) -> None:
    post = make(begin, Route(("team",)))
    post.say(event(Change.OPENED, DAY0))
    assert post.deliverer.flush(DAY0, hold=frozenset({"flight-delay"})) == 0
    assert post.deliverer.flush(DAY0, hold=frozenset({"other"})) == 1


def test_a_report_goes_to_the_channels_it_names_once(begin: Begin, tmp_path: Path) -> None:
    page = tmp_path / "weekly.html"
    page.write_text("<h1>Week 18</h1>")
    post = make(begin)
    for _ in range(2):
        with begin() as conn:
            outbox.add_report_intent(
                conn, name="weekly", title="Week 18", summary="2 models need you", channels=["team"], at=DAY0,
                key="weekly:2013-05-06", lines=["57 healthy"], attachments=[page, tmp_path / "gone.html"],
            )  # fmt: skip
    assert post.run(DAY0) == 1
    assert sent(post) == [("team", "ready")]
    assert post.outcomes() == [("done", "delivered", "delivered")]


def test_intents_vanish_with_a_transaction_that_fails(begin: Begin) -> None:
    post = make(begin, Route(("team",)))

    def fails() -> None:
        with begin() as conn:
            outbox.add_incident_intents(conn, [event(Change.OPENED, DAY0)], DAY0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert post.run(DAY0) == 0
    assert post.outcomes() == []


def test_pruning_takes_whole_stories_and_leaves_what_goes_on(either: Begin) -> None:
    post = make(either, Route(("team",), timing=Timing(group_interval=timedelta(0))))
    old, new = event(Change.OPENED, DAY0), event(Change.UPDATED, DAY0 + 50 * HOUR)
    other = replace(old, incident=replace(old.incident, id="other00000"))
    post.say(old, other)
    post.run(DAY0)
    post.say(new)
    post.run(new.at)
    with either() as conn:
        assert outbox.prune(conn, DAY0 + 24 * HOUR) == 1
    assert [delivery["stream"] for delivery in post.deliveries()] == [old.incident.id] * 2


def test_hostile_names_pass_through_the_database(either: Begin) -> None:
    name = "naïve \N{SNOWMAN} ' \" \\ ; DROP TABLE intents; --"
    post = make(either, Route(("team",)))
    post.say(opened(now=DAY0, subject=name))
    assert post.run(DAY0) == 1
    assert outbox.event_of(_payload(either)).incident.subjects == (name,)


def _payload(begin: Begin) -> dict[str, object]:
    with begin() as conn:
        payload: dict[str, object] = conn.execute(outbox.INTENTS.select()).one().payload
        return payload


def test_each_report_is_a_message_of_its_own(begin: Begin) -> None:
    """In one conversation, Slack's would replace last week's."""
    with begin() as conn:
        for week in ("2013-05-06", "2013-05-13"):
            outbox.add_report_intent(
                conn, name="weekly", title="t", summary="s", channels=["team"], at=DAY0, key=f"weekly:{week}"
            )
        streams = [row.stream for row in conn.execute(INTENTS.select())]
    assert len(set(streams)) == 2
