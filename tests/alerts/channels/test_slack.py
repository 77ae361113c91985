"""Slack, against a server that behaves as Slack does."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from alerts import deliveries
from alerts.channels import markup
from alerts.channels.base import Letter
from alerts.channels.slack import Slack as Channel
from alerts.delivery import LEASE
from alerts.errors import ChannelError
from alerts.incident import Change, Incident, IncidentEvent, State
from alerts.message import Figure, Line, Link, Message, Picture, Tone, incident_message
from alerts.routing import Route, Timing
from detectors.result import Severity
from tests.alerts.conftest import Begin
from tests.support.http_server import Answer
from tests.support.incidents import DAY0, HOSTILE, opened
from tests.support.post import Post
from tests.support.slack_limits import problems
from tests.support.slack_server import Slack, slack_server

LATER = [DAY0 + timedelta(minutes=minutes) for minutes in (1, 10, 60, 240)]


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_server() as server:
        yield server


def bot(slack: Slack, **changes: Any) -> Channel:
    return Channel(**({"token": "xoxb-test", "channel": "C1", "api_url": slack.url, "timeout": 1} | changes))


def make(begin: Begin, channel: Channel, worker: str = "worker-1") -> Post:
    return Post(begin, {"oncall": channel}, [Route(("oncall",), timing=Timing(group_interval=timedelta(0)))], worker)


def event(change: Change = Change.OPENED, severity: Severity = Severity.CRITICAL, **changes: Any) -> IncidentEvent:
    incident = replace(opened(now=DAY0).incident, severity=severity, **changes)
    if change is Change.RESOLVED:
        incident = replace(incident, state=State.RESOLVED, resolved_at=DAY0)
    return IncidentEvent(change, incident, DAY0, f"reason of {change.value}")


def test_a_parent_a_thread_and_a_parent_that_turns_green(begin: Begin, slack: Slack) -> None:
    post = make(begin, bot(slack, mention="<!here>"))
    for change, at in zip((Change.OPENED, Change.UPDATED, Change.RESOLVED), LATER, strict=False):
        post.say(event(change))
        assert post.run(at) == 1
        if change is Change.OPENED:
            assert slack.parents[0]["text"] == "<!here> 🔴 *Critical: drift in flight-delay*"
            assert slack.parents[0]["attachments"][0]["color"] == "#d1242f"
    (parent,) = slack.parents
    assert parent["text"] == "🟢 *Resolved: drift in flight-delay*"
    assert parent["attachments"][0]["color"] == "#1f9d55"
    replies = [reply["text"] for reply in slack.replies(parent["ts"])]
    assert replies == ["🔴 *Updated*: reason of updated", "🟢 *Resolved*: reason of resolved"]
    assert parent["metadata"]["event_payload"]["key"] == post.deliveries()[0]["key"]


PICTURE = Picture(b"png", 368, 392, "KS of a & b: last 0.3", "https://drift.example/charts/one.png")


def images(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in message["attachments"][0]["blocks"] if block["type"] == "image"]


@pytest.mark.parametrize("kind", ["bot", "webhook"])
def test_a_chart_is_shown_where_slack_can_fetch_it_and_never_costs_the_message(
    begin: Begin, slack: Slack, kind: str
) -> None:
    channel = bot(slack) if kind == "bot" else Channel(webhook=slack.webhook, timeout=1)
    post = make(begin, channel)
    post.say(event())
    assert post.run(LATER[0], {event().incident.id: PICTURE}) == 1
    (message,) = slack.parents if kind == "bot" else slack.hooked
    image = {"type": "image", "image_url": PICTURE.url, "alt_text": "KS of a &amp; b: last 0.3"}
    assert images(message) == [image]
    slack.fetches = False
    post.say(event(Change.UPDATED))
    assert post.run(LATER[1], {event().incident.id: PICTURE}) == 1
    shown = slack.parents if kind == "bot" else slack.hooked
    assert images(shown[-1]) == []


def test_a_chart_nobody_serves_is_left_out(begin: Begin, slack: Slack) -> None:
    post = make(begin, bot(slack))
    post.say(event())
    post.run(LATER[0], {event().incident.id: replace(PICTURE, url=None)})
    assert images(slack.parents[0]) == []


def actions(change: Change, **changes: Any) -> tuple[list[str], str]:
    """The buttons of a message, and its last line."""
    links = [
        Link("Open the incident", "https://d.example/1"),
        Link("Acknowledge, mute or close", "https://d.example/2"),
    ]
    channel = Channel("xoxb-test", "C1", buttons=True)
    body = channel.render(incident_message(event(change, **changes), links=links), Letter("k", "s", 1, "c", first=True))
    parent = json.loads(body)["parent"]
    assert problems({**parent, "channel": "C1"}) == []
    blocks = parent["attachments"][0]["blocks"]
    rows = [block for block in blocks if block["type"] == "actions"]
    assert all(row["block_id"] == f"driftline:{event().incident.id}" for row in rows)
    return [one["action_id"] for row in rows for one in row["elements"]], blocks[-1]["elements"][0]["text"]


def test_buttons_offer_what_can_still_be_done() -> None:
    shown, last = actions(Change.OPENED)
    assert shown == ["driftline_acknowledge", "driftline_mute", "driftline_close"]
    assert last == "<https://d.example/1|Open the incident>"
    shown, last = actions(Change.ACKNOWLEDGED, state=State.ACKNOWLEDGED)
    assert shown == ["driftline_mute", "driftline_close"]
    assert last == "reason of acknowledged · <https://d.example/1|Open the incident>"
    shown, last = actions(Change.RESOLVED)
    assert shown == []
    assert "https://d.example/2" in last


def test_only_what_is_new_and_critical_mentions(begin: Begin, slack: Slack) -> None:
    post = make(begin, bot(slack, mention="<!here>"))
    post.say(event(severity=Severity.WARNING))
    post.run(DAY0)
    post.say(event(Change.UPDATED))
    post.run(LATER[0])
    assert not any("<!here>" in json.dumps(payload) for payload in slack.payloads)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1", 1.0), ("1.5", 1.5), (format_datetime(DAY0 + timedelta(seconds=90), usegmt=True), 90.0)],
)
def test_429_is_obeyed(begin: Begin, slack: Slack, header: str, seconds: float) -> None:
    body = json.dumps({"ok": False, "error": "ratelimited"}).encode()
    slack.fail("chat.postMessage", Answer(429, {"Retry-After": header}, body))
    post = make(begin, bot(slack))
    post.say(event())
    assert post.run(DAY0) == 0
    assert slack.calls == ["chat.postMessage"]
    assert post.deliverer.next_due() == DAY0 + timedelta(seconds=seconds)
    assert post.run(DAY0 + timedelta(seconds=seconds)) == 1
    assert len(slack.parents) == 1
    # Slack had said no: there was nothing to look for.
    assert "conversations.history" not in slack.calls


@pytest.mark.parametrize(
    "lost",
    [Answer(drop=True), Answer(hang=True), Answer(500, {"X-Posted": "1"}), Answer(200, {"X-Posted": "1"}, b"<html>")],
    ids=["dropped", "hanging", "500", "no JSON"],
)
def test_after_a_lost_answer_there_is_still_one_parent_and_one_reply(begin: Begin, slack: Slack, lost: Answer) -> None:
    post = make(begin, bot(slack))
    slack.fail("chat.postMessage", lost)
    post.say(event())
    assert post.run(DAY0) == 0
    assert post.run(LATER[0]) == 1
    assert slack.calls == ["chat.postMessage", "conversations.history"]
    assert len(slack.parents) == 1
    slack.fail("chat.postMessage", lost)
    post.say(event(Change.UPDATED))
    assert post.run(LATER[1]) == 0
    assert post.run(LATER[2]) == 1
    assert len(slack.parents) == 1
    assert len(slack.replies(slack.parents[0]["ts"])) == 1


def test_killed_between_sending_and_recording_there_is_still_one_parent(begin: Begin, slack: Slack) -> None:
    first = make(begin, bot(slack))
    first.say(event())
    first.deliverer.flush(DAY0)
    with begin() as conn:
        (claimed,) = deliveries.claim(conn, "oncall", DAY0, worker="worker-1", lease=LEASE, limit=1)
    bot(slack).send(claimed)
    second = make(begin, bot(slack), "worker-2")
    assert second.run(DAY0 + LEASE) == 1
    assert len(slack.parents) == 1
    # And the incident goes on in the thread of the parent that was found.
    second.say(event(Change.RESOLVED))
    assert second.run(DAY0 + 2 * LEASE) == 1
    assert len(slack.replies(slack.parents[0]["ts"])) == 1


def test_our_message_is_found_behind_pages_of_others(begin: Begin, slack: Slack) -> None:
    slack.fail("chat.postMessage", Answer(drop=True))
    post = make(begin, bot(slack))
    post.say(event())
    post.run(DAY0)
    for number in range(250):
        slack.messages[f"1700000001.{number:06d}"] = {"ts": f"1700000001.{number:06d}", "text": "chat"}
    assert post.run(LATER[0]) == 1
    assert slack.calls.count("conversations.history") == 3
    assert len([m for m in slack.parents if "metadata" in m]) == 1


def test_without_the_right_to_look_it_is_sent_at_least_once(begin: Begin, slack: Slack) -> None:
    slack.scopes.clear()
    slack.fail("chat.postMessage", Answer(drop=True))
    post = make(begin, bot(slack))
    post.say(event())
    post.run(DAY0)
    assert post.run(LATER[0]) == 1
    keys = [message["metadata"]["event_payload"]["key"] for message in slack.parents]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_parent_someone_deleted_is_posted_anew(begin: Begin, slack: Slack) -> None:
    post = make(begin, bot(slack))
    post.say(event())
    post.run(DAY0)
    slack.messages.clear()
    post.say(event(Change.UPDATED))
    assert post.run(LATER[0]) == 1
    assert len(slack.parents) == 1
    post.say(event(Change.RESOLVED))
    assert post.run(LATER[1]) == 1
    assert len(slack.replies(slack.parents[0]["ts"])) == 1


def test_what_someone_can_mend_is_tried_again_and_bad_blocks_are_not(begin: Begin, slack: Slack) -> None:
    post = make(begin, bot(slack, token="xoxb-revoked"))
    post.say(event())
    post.run(DAY0)
    assert post.deliveries()[0]["state"] == "pending"
    assert "invalid_auth" in post.deliveries()[0]["error"]
    mended = make(begin, bot(slack))
    slack.fail("chat.postMessage", Answer(200, {}, b'{"ok": false, "error": "invalid_blocks"}'))
    mended.run(LATER[0])
    assert mended.outcomes()[0][1] == "dead"


def test_a_server_that_refuses_connections(begin: Begin) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/"
        post = make(begin, Channel(token="xoxb-test", channel="C1", api_url=url, timeout=1))
        post.say(event())
        assert post.run(DAY0) == 0
    assert post.deliveries()[0]["state"] == "pending"
    assert "refused" in post.deliveries()[0]["error"]


def test_an_incoming_webhook_posts_each_change(begin: Begin, slack: Slack) -> None:
    post = make(begin, Channel(webhook=slack.webhook, timeout=1))
    slack.fail("secret", Answer(429, {"Retry-After": "1.5"}), Answer(500), Answer(404, {}, b"no_service"))
    post.say(event())
    assert post.run(DAY0) == 0
    assert post.deliverer.next_due() == DAY0 + timedelta(seconds=1.5)
    assert [post.run(at) for at in LATER] == [0, 0, 1, 0]
    post.say(event(Change.RESOLVED))
    assert post.run(LATER[3]) == 1
    assert [hooked["text"] for hooked in slack.hooked] == [
        "🔴 *Critical: drift in flight-delay*", "🟢 *Resolved: drift in flight-delay*",
    ]  # fmt: skip


def worst() -> Message:
    names = tuple(f"{HOSTILE}{'&<>' * 1000}{n}" for n in range(300))
    incident: Incident = replace(
        opened(subject=names[0]).incident, model=HOSTILE * 40, owner="<@U1>" * 300, subjects=names,
        summary=HOSTILE * 200, action="<https://evil.example|click> " * 300, diagnosis="*" * 3000,
    )  # fmt: skip
    message = incident_message(
        IncidentEvent(Change.UPDATED, incident, DAY0, HOSTILE * 300),
        links=[Link("Open the incident", "https://d.example/incidents/1")],
    )
    return replace(
        message,
        figures=tuple(Figure(name, "`KS`", "9" * 500, "<1>", "&" * 900, "*" * 900, "<seg>") for name in names[:3]),
    )


def test_the_worst_case_keeps_to_slacks_limits_and_formats_nothing() -> None:
    body = json.loads(Channel(token="t", channel="C").render(worst(), Letter("k", "s", 1, "c", first=True)))
    total = 0
    for payload in (body["parent"], body["reply"]):
        attachments = payload.get("attachments", [])
        blocks = [block for attachment in attachments for block in attachment["blocks"]]
        assert len(blocks) <= 50
        texts = [payload["text"]]
        for block in blocks:
            texts += [block["text"]["text"]] if "text" in block else [e["text"] for e in block["elements"]]
            assert all(part.get("verbatim") for part in [block.get("text"), *block.get("elements", [])] if part)
        assert all(0 < len(text) <= 3000 for text in texts)
        total = sum(map(len, texts))
        assert total <= 13_000
        for text in texts:
            ours = re.sub(r"<https://d\.example/incidents/\w+\|Open the incident>", "", text)
            assert not re.search("[<>]", ours)
            assert not re.search(r"&(?!amp;|lt;|gt;)", ours)
            assert "\x1b" not in text
            assert "\r" not in text
            assert text.count("`") % 2 == 0
    assert "…" in body["parent"]["text"]


def test_the_worst_case_is_accepted_as_slack_publishes_its_limits(begin: Begin, slack: Slack) -> None:
    """300 features with 3,000-character names, mark-up in categories: opened, spread, resolved, in either way."""
    names = tuple(f"<!channel> *{'&<>`' * 750}{n}" for n in range(300))
    incident = replace(
        opened(subject=names[0]).incident, model="<@U1>" * 40, owner="|" * 300, subjects=names,
        severity=Severity.CRITICAL,
        evidence=tuple(
            {
                "subject": name, "kind": "quality", "detector": "new_values", "segment": "<!here>&" * 400,
                "statistic": 0.4,
                "threshold": 0.1, "pvalue": None, "effect": None, "before": "</script>*_~`" * 300,
                "after": "<https://evil.example|ok>" * 200, "n": 900, "horizon": "1d", "start": "2013-05-01T04:00:00Z",
                "end": "2013-05-02T04:00:00Z",
            }
            for name in names[:12]
        ),
    )  # fmt: skip
    post = Post(
        begin,
        {"bot": bot(slack, mention="<!here>"), "hook": Channel(webhook=slack.webhook, timeout=1)},
        [Route(("bot", "hook"), timing=Timing(group_interval=timedelta(0)))],
    )
    for change, at in zip((Change.OPENED, Change.UPDATED, Change.RESOLVED), LATER, strict=False):
        over = DAY0 if change is Change.RESOLVED else None
        state = State.RESOLVED if over else State.OPEN
        post.say(IncidentEvent(change, replace(incident, state=state, resolved_at=over), DAY0, "&" * 5000))
        assert post.run(at) == 2
    assert [problems(payload) for payload in (*slack.payloads, *slack.hooked)] == [[]] * 8
    assert "…" in json.dumps(slack.payloads[0], ensure_ascii=False)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"text": ""}, "0 characters"),
        ({"text": "a & b"}, "not escaped"),
        ({"text": "<!everybody>"}, "not escaped"),
        ({"text": "a", "blocks": [markup.section("b")] * 51}, "more than 50"),
        ({"text": "a", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "b" * 151}}]}, "1 to 150"),
        ({"text": "a", "blocks": [markup.section("b" * 2900)] * 5}, "13000 allowed"),
    ],
)
def test_the_validator_refuses_what_slack_refuses(wrong: dict[str, Any], complaint: str) -> None:
    assert any(complaint in problem for problem in problems(wrong))


def test_ten_lines_at_most() -> None:
    body = json.loads(Channel(token="t", channel="C").render(worst(), Letter("k", "s", 1, "c", first=True)))
    blocks = body["parent"]["attachments"][0]["blocks"]
    text = [body["parent"]["text"], *(b["text"]["text"] if "text" in b else b["elements"][0]["text"] for b in blocks)]
    assert sum(part.count("\n") + 1 for part in text) <= 10


@pytest.mark.parametrize("text", ["a&b" * 2000, "<" * 5000, "&amp;" * 900, "x" * 2999 + "&"])
def test_cutting_never_leaves_half_an_entity(text: str) -> None:
    for limit in range(2990, 3001):
        shown = markup.cut(markup.escape(text), limit)
        assert len(shown) <= limit
        assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


def test_other_messages_look_right_too() -> None:
    message = Message(
        "report", "ready", Tone.INFO, "Week 18", "2 models need you", "Week 18", DAY0,
        lines=(Line("", "57 healthy"),), links=(Link("Open the report", "https://d.example/r"),),
    )  # fmt: skip
    body = json.loads(Channel(webhook="https://hooks.example/x").render(message, Letter("k", "s", 1, "c", first=True)))
    assert body["parent"]["text"] == "🔵 *Week 18*"
    assert [block["type"] for block in body["parent"]["attachments"][0]["blocks"]] == ["section", "section", "context"]


@pytest.mark.parametrize("wrong", [{}, {"token": "t"}, {"token": "t", "channel": "C", "webhook": "https://x"}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ChannelError):
        Channel(**wrong)  # type: ignore[arg-type]
