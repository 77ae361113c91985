"""Why an incident's news went where it went, and what comes next: the decisions of routing, in words.

In: an incident, routes, silences, what each channel has heard, reminders planned, `now`. Out: `Step`s. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.deliveries import Told
from alerts.hours import audible
from alerts.incident import Change, Incident
from alerts.matching import facts, matches, mismatch
from alerts.reminders import Reminder
from alerts.reminding import awaits
from alerts.routing import Decision, Reason, Route, Silence, Timing, decide
from detectors.result import iso


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at: what (`route 2`, a channel's name), the named reason, and more in words."""

    what: str
    reason: str
    note: str = ""


def explain(
    incident: Incident,
    routes: Sequence[Route],
    silences: Sequence[Silence],
    heard: Mapping[str, Told],
    planned: Sequence[Reminder],
    now: datetime,
) -> list[Step]:
    """Everything routing looks at for one incident, in its order, and what each channel may expect."""
    told = [channel for channel, what in heard.items() if what.told]
    decision = decide(incident, routes, silences, now, told)
    return [
        Step("incident", incident.state.value, ", ".join(_facts(incident))),
        *_silences(incident, silences, now),
        *_cause(incident),
        *_routes(incident, routes),
        Step("decision", decision.reason.value, decision.note),
        *_channels(incident, decision, heard, planned, now),
    ]


def _facts(incident: Incident) -> Iterator[str]:
    for key, values in facts(incident).items():
        yield from (f"{key}={value}" for value in values if value)


def _silences(incident: Incident, silences: Sequence[Silence], now: datetime) -> Iterator[Step]:
    for silence in silences:
        if silence.active(now):
            other = mismatch(silence.matchers, incident)
            by = f"of {silence.author} ({silence.reason}) until {iso(silence.ends_at)}"
            yield Step(f"silence {silence.id}", "does not match" if other else "matches", other or by)


def _cause(incident: Incident) -> Iterator[Step]:
    if incident.cause is not None:
        yield Step("cause", Reason.INHIBITED.value, f"incident {incident.cause} explains it")


def _routes(incident: Incident, routes: Sequence[Route]) -> Iterator[Step]:
    over = False
    for number, route in enumerate(routes, start=1):
        if over:
            yield Step(f"route {number}", "not looked at", "an earlier one matched and does not continue")
            continue
        other = mismatch(route.matchers, incident)
        to = f"to {', '.join(route.to)}{', continue' if route.go_on else ''}"
        yield Step(f"route {number}", "does not match" if other else "matches", other or to)
        over = matches(route.matchers, incident) and not route.go_on


def _channels(
    incident: Incident, decision: Decision, heard: Mapping[str, Told], planned: Sequence[Reminder], now: datetime
) -> Iterator[Step]:
    for channel, timing in decision.channels.items():
        known = heard.get(channel)
        notes = list(_timing(incident, timing, known if known and known.told else None, now))
        notes += [
            f"said again at {iso(one.due_at)} unless acknowledged (repeat_interval)"
            for one in planned
            if one.channel == channel and one.event is Change.REMINDED
        ]
        yield Step(channel, _heard(known), "; ".join(notes))
    for one in planned:
        if one.event is Change.ESCALATED and awaits(incident):
            yield Step(one.channel, "escalation", f"told at {iso(one.due_at)} unless acknowledged")


def _heard(known: Told | None) -> str:
    if known is None:
        return "not told"
    return f"told {iso(known.at)}" if known.told else "told in vain: every message to it is dead"


def _timing(incident: Incident, timing: Timing, known: Told | None, now: datetime) -> Iterator[str]:
    if known is None and timing.in_digest(incident.severity):
        assert timing.digest is not None
        yield f"{Reason.DIGEST.value} {timing.digest}, next {iso(timing.digest.after(now))}"
    elif known is None and timing.group_wait:
        yield f"a new incident {Reason.GROUP_WAIT.value} for {timing.group_wait} (group_wait)"
    elif known is not None and not incident.resolved and known.at + timing.group_interval > now:
        yield f"{Reason.GROUP_INTERVAL.value}: the next update not before {iso(known.at + timing.group_interval)}"
    later, by = audible(now, timing.mute)
    if by:
        yield f"{Reason.MUTE_TIME.value} {by} until {iso(later)}"
