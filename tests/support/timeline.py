"""Routing in simulated time, written as a story: what happens when, and which notification is expected when.

    0:00 open A                 an incident (severity `warning`; `open A critical owner=risk segment=origin=JFK`)
    0:10 worse A | better A     news of it
    0:20 ack A | stand A | resolve A | reopen A
    0:30 silence 4h model=A     by ada, for "storm"; `end 1`, `extend 1 4h`
    0:40 join B A               the same in model B: a fleet whose first incident is A's

Expected, one line a notification: `0:05 team opened A` (several models: `opened A B`; digests: `digest A over:B`).
Hours count from Wednesday, 1 May 2013, 00:00 UTC. The clock jumps from one thing that is due to the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts import silences
from alerts.by_hand import acknowledge, back
from alerts.channels.base import Delivery, Letter
from alerts.incident import Change, Incident, IncidentEvent, State
from alerts.message import Message
from alerts.routing import Route
from detectors.result import Severity
from tests.support.incidents import opened
from tests.support.post import Begin, Post

ZERO = datetime(2013, 5, 1, tzinfo=UTC)
_NAMES = {"worse": Change.UPDATED, "better": Change.UPDATED, "stand": Change.STANDING}


def clock(text: str) -> datetime:
    """`26:30` as an instant."""
    hours, minutes = text.split(":")
    return ZERO + timedelta(hours=int(hours), minutes=int(minutes))


def span(text: str) -> timedelta:
    """`5m`, `4h`, `2d`."""
    return timedelta(minutes=int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]])


@dataclass
class Recorder:
    """A channel that keeps what it is sent, in the words of a story."""

    name: str
    sent: list[tuple[datetime, str, str]]
    kind: str = "recorder"
    endpoint: str = "recorder"

    def render(self, message: Message, letter: Letter) -> bytes:
        data = message.data
        if message.kind == "digest":
            incidents = [("over:" if i["event"] == "resolved" else "") + i["model"] for i in data["incidents"]]
            return json.dumps(f"digest {' '.join(incidents)}").encode()
        if message.kind == "notice":
            return json.dumps(f"notice {data['silence']}").encode()
        fleet = [one["model"] for one in data["detail"].get("fleet", [])] or [data["model"]]
        return json.dumps(f"{message.event} {' '.join(fleet)}").encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        self.sent.append((delivery.at, self.name, json.loads(delivery.body)))
        return {}


@dataclass
class Story:
    """Incidents by name, moved on by the lines of a story."""

    begin: Begin
    post: Post
    incidents: dict[str, Incident] = field(default_factory=dict)

    def do(self, at: datetime, verb: str, words: list[str]) -> None:
        if verb == "silence":
            keys = dict(word.split("=", 1) for word in words[1:])
            with self.begin() as conn:
                silences.add(
                    conn, matchers={key: (value,) for key, value in keys.items()}, author="ada", reason="storm",
                    starts_at=at, ends_at=at + span(words[0]),
                )  # fmt: skip
        elif verb == "end":
            with self.begin() as conn:
                silences.end(conn, int(words[0]), at)
        elif verb == "extend":
            with self.begin() as conn:
                silences.extend(conn, int(words[0]), at + span(words[1]), at)
        else:
            event = self._event(at, verb, words[0], words[1:])
            self.incidents[words[0]] = event.incident
            self.post.say(event)

    def _event(self, at: datetime, verb: str, name: str, words: list[str]) -> IncidentEvent:
        if verb in ("open", "join"):
            incident = replace(opened(now=at).incident, id=f"id-{name}", model=name, timezone="UTC")
            if verb == "join":
                incident = replace(incident, lead=f"id-{words.pop(0)}")
            for word in words:
                key, _, value = word.partition("=")
                if word in set(Severity):
                    incident = replace(incident, severity=Severity(word))
                elif key == "segment":
                    incident = replace(incident, evidence=({**incident.evidence[0], "segment": value},))
                else:
                    incident = replace(incident, **{key: value})
            return IncidentEvent(Change.OPENED, incident, at, "opened")
        incident = self.incidents[name]
        if words:
            incident = replace(incident, severity=Severity(words[0]))
        if verb == "ack":
            return acknowledge(incident, "bob", at)
        if verb == "reopen":
            return IncidentEvent(Change.REOPENED, back(incident, at, at), at, "back")
        if verb == "resolve":
            done = replace(incident, state=State.RESOLVED, resolved_at=at)
            return IncidentEvent(Change.RESOLVED, done, at, "clean")
        state = State.STANDING if verb == "stand" else incident.state
        return IncidentEvent(_NAMES[verb], replace(incident, state=state), at, verb)


def tell(begin: Begin, routes: Sequence[Route], story: str, until: str = "") -> list[str]:
    """Play a story to its last line, or to `until`; every notification as `H:MM channel what`, in order."""
    sent: list[tuple[datetime, str, str]] = []
    wanted = {name for route in routes for name in route.to}
    wanted |= {name for route in routes for step in route.timing.escalate for name in step.to}
    post = Post(begin, {name: Recorder(name, sent) for name in sorted(wanted)}, routes)
    played = Story(begin, post)
    for line in filter(None, map(str.strip, story.strip().splitlines())):
        when, verb, *words = re.split(r"\s+", line)
        # Lines of the same minute are one flush, as one evaluation is.
        _run_before(post, clock(when))
        played.do(clock(when), verb, words)
    _run_before(post, clock(until or when) + timedelta(minutes=1))
    return [f"{_hours(at)} {channel} {what}" for at, channel, what in sorted(sent)]


def expected(text: str) -> list[str]:
    """The lines of what is expected, in order."""
    return [" ".join(line.split()) for line in text.strip().splitlines() if line.strip()]


def _run_before(post: Post, end: datetime) -> None:
    """Everything that falls due before `end`, each at its own time."""
    for _ in range(1000):
        due = post.deliverer.next_due()
        if due is None or due >= end:
            return
        post.run(due)
    raise AssertionError(f"still something due at {due} after a thousand rounds")


def _hours(at: datetime) -> str:
    minutes = int((at - ZERO).total_seconds() // 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
