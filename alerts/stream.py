"""One conversation at flush: who hears of what waits in it, and when; frozen for those whose turn it is.

In: a write transaction, the intents of one stream, routes and silences in force. Out: deliveries; for digests, entries.
Kept: every intent's outcome, or when it is looked at again and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts import intents, reminding
from alerts.conversation import said
from alerts.deliveries import Told
from alerts.digest import Entry
from alerts.freezing import Post
from alerts.incident import Change, Incident, IncidentEvent
from alerts.intents import Conversation, Intent, Outcome
from alerts.message import incident_message
from alerts.outbox import event_of
from alerts.routing import NEW, Decision, Reason, Silence, Timing, Turn, decide, turn


@dataclass(slots=True)
class _Waiting:
    """One intent on its way through a flush: who wants it, who has it, whose turn comes later, how it was told."""

    intent: Intent
    event: IncidentEvent
    wants: Mapping[str, Timing]
    served: set[str]
    turns: dict[str, Turn]
    told: str = ""


def flush_stream(
    post: Post,
    conversation: Conversation,
    muting: Sequence[Silence],
    heard: Mapping[str, Told],
) -> list[Entry]:
    """Tell what waits in one stream to those whose turn it is; what goes into digests is returned.

    `heard` is what each channel has had of the stream.
    """
    group, found = conversation.pending, conversation.members
    stream = group[0].stream
    reached = {channel for channel, what in heard.items() if what.told}
    events = {intent.id: event_of(intent.payload) for intent in group}
    members = {
        name: (events.get(one.newest.id) or event_of(one.newest.payload)).incident for name, one in found.items()
    }
    told = {name: sorted(one.served & reached) for name, one in found.items()}
    decisions = {
        name: decide(incident, post.outlet.routes, muting, post.now, told[name]) for name, incident in members.items()
    }
    considered = (_considered(post, intent, events[intent.id], members, decisions, told) for intent in group)
    waiting = [one for one in considered if one is not None]
    entries: list[Entry] = []
    for channel in dict.fromkeys(channel for one in waiting for channel in one.wants):
        ours = [one for one in waiting if channel in one.wants and channel not in one.served]
        if ours:
            theirs = {one.event.incident.id for one in ours}
            visible = {n: i for n, i in members.items() if channel in decisions[n].channels or n in theirs}
            entries += _tell(post, channel, ours, visible, heard.get(channel))
        if any(_asked(one) for one in ours):
            # A reminder says how things stand: what else waits has been told with it.
            for one in waiting:
                one.served.add(channel)
    for one in waiting:
        _settle(post, one)
    reminding.forget(post, stream, members.values())
    return entries


def _considered(
    post: Post,
    intent: Intent,
    event: IncidentEvent,
    members: Mapping[str, Incident],
    decisions: Mapping[str, Decision],
    told: Mapping[str, Sequence[str]],
) -> _Waiting | None:
    """An intent with who wants it; None where it has ended, or waits for a silence to end."""
    if intent.channels is not None:
        return _Waiting(intent, event, dict.fromkeys(intent.channels, Timing()), set(intent.served), {})
    decision = decisions[event.incident.id]
    unheard = members[event.incident.id].resolved and not told[event.incident.id]
    if unheard and intent.silence is not None and decision.reason is Reason.ROUTED:
        # It was over before its silence was: nobody is told of it afterwards.
        post.end(intent, intent.served, Outcome.SUPPRESSED, intent.reason)
        return None
    if decision.until is not None and not unheard:
        intents.defer(post.conn, intent.id, decision.until, intent.served, str(decision), decision.silence)
        return None
    if decision.reason is not Reason.ROUTED:
        post.end(intent, intent.served, Outcome.SUPPRESSED, str(decision))
        return None
    return _Waiting(intent, event, decision.channels, set(intent.served), {})


def _tell(
    post: Post, channel: str, ours: Sequence[_Waiting], visible: Mapping[str, Incident], told: Told | None
) -> list[Entry]:
    """Freeze one message for all that waits for this channel, if it is its turn; else note when that is."""
    known = told if told is not None and told.told else None
    newest = ours[-1].intent
    timing = ours[0].wants[channel]
    when = _turn(post, ours, visible, timing, known)
    if when is not None and when.at > post.now:
        for one in ours:
            one.turns[channel] = when
        return []
    for one in ours:
        one.served.add(channel)
    if when is None:
        return []
    message = said([one.event for one in ours], visible, known is not None)
    in_digest = when.reason is Reason.DIGEST
    for one in ours:
        one.told = f"told in the digest of {channel}" if in_digest else f"told with intent {newest.id}"
    if in_digest:
        return [Entry(channel, message.event, len(message.fleet))]
    links = post.outlet.site.links(message.event.incident, channel, post.now)
    picture = post.pictures.get(message.event.incident.id)
    shown = incident_message(message.event, links=links, missed=message.missed, fleet=message.fleet, picture=picture)
    post.freeze(newest, channel, shown, told)
    reminding.plan(post, newest.stream, channel, timing, message.event)
    return []


def _turn(
    post: Post, ours: Sequence[_Waiting], visible: Mapping[str, Incident], timing: Timing, known: Told | None
) -> Turn | None:
    if any(_asked(one) for one in ours):
        return Turn(post.now, Reason.AT_ONCE)
    changes = [one.event.event for one in ours]
    if any(not incident.resolved for incident in visible.values()):
        # One model of several is over: an update of what goes on.
        changes = [Change.UPDATED if change is Change.RESOLVED else change for change in changes]
    return turn(
        changes,
        ours[0].intent.created_at,
        timing,
        known.at if known else None,
        max((incident.severity for incident in visible.values()), key=lambda one: one.rank),
        joining=known is not None and len(visible) > 1 and bool(NEW & set(changes)),
    )


def _asked(one: _Waiting) -> bool:
    """Whether it names its channels itself: a reminder, or word that something escalated."""
    return one.intent.channels is not None


def _settle(post: Post, one: _Waiting) -> None:
    """End an intent that everyone who is to hear of it has, or say when it is looked at again and why."""
    done = sorted(one.served)
    if one.turns:
        until = min(found.at for found in one.turns.values())
        why = "; ".join(f"{channel}: {found}" for channel, found in one.turns.items())
        intents.defer(post.conn, one.intent.id, until, done, why)
    elif one.told:
        post.end(one.intent, done, Outcome.COALESCED, one.told)
    else:
        post.end(one.intent, done, Outcome.SUPPRESSED, Reason.NEVER_TOLD.value)
