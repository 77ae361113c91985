"""Saying it again, and to others, while nobody has acknowledged it.

In: a write transaction, what is planned, silences in force. Out: intents of their own for what is due.
Kept: reminders to come. Silences and mute times put them off; an end or an acknowledgement drops them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from alerts import deliveries, intents, reminders
from alerts.freezing import Post
from alerts.hours import audible
from alerts.incident import Change, Incident, IncidentEvent, State
from alerts.outbox import event_of
from alerts.routing import NEW, Reason, Silence, Timing, decide
from alerts.wording import duration_text
from detectors.result import iso


def awaits(incident: Incident) -> bool:
    """Whether it waits for somebody to take it on: nobody has, it is no consequence, and it is not over."""
    return incident.state is State.OPEN and incident.cause is None


def plan(post: Post, stream: str, channel: str, timing: Timing, event: IncidentEvent) -> None:
    """What follows on a message if nobody acknowledges it: the same again, and word to others."""
    if timing.repeat_interval is not None:
        _plan(post, stream, channel, Change.REMINDED, timing.repeat_interval)
    if event.event in NEW:
        for step in timing.escalate:
            for other in step.to:
                _plan(post, stream, other, Change.ESCALATED, step.after)


def forget(post: Post, stream: str, members: Iterable[Incident]) -> None:
    """Drop what is planned where nothing waits for anybody any more."""
    if not any(awaits(incident) for incident in members):
        reminders.drop(post.conn, stream)


def remind(post: Post, muting: Sequence[Silence], limit: int) -> None:
    """Write what is due to be said again, or to others, as intents of its own."""
    for reminder in reminders.due(post.conn, post.now, limit):
        members = intents.members(post.conn, reminder.stream).values()
        unattended = [event for one in members if awaits((event := event_of(one.newest.payload)).incident)]
        if not unattended:
            reminders.drop(post.conn, reminder.stream)
            continue
        incident = unattended[0].incident
        told = list(deliveries.heard(post.conn, reminder.stream))
        decision = decide(incident, post.outlet.routes, muting, post.now, told)
        timing = decision.channels.get(reminder.channel, Timing())
        later, muted = audible(post.now, timing.mute)
        if decision.reason is Reason.SILENCED and decision.until is not None:
            reminders.postpone(post.conn, reminder, decision.until)
        elif muted:
            reminders.postpone(post.conn, reminder, later)
        else:
            reminders.done(post.conn, reminder)
            _write(post, reminder, incident, timing)


def _plan(post: Post, stream: str, channel: str, event: Change, after: timedelta) -> None:
    reminders.plan(post.conn, stream, channel, event, int(after.total_seconds()), post.now + after)


def _write(post: Post, reminder: reminders.Reminder, incident: Incident, timing: Timing) -> None:
    waited = duration_text(timedelta(seconds=reminder.after))
    payload = {
        "event": reminder.event.value,
        "at": iso(post.now),
        "reason": f"nobody has acknowledged it for {waited}",
        "incident": incident.to_json(),
    }
    intents.add(
        post.conn, kind="incident", stream=reminder.stream, model=incident.model, payload=payload, at=post.now,
        channels=[reminder.channel], key=f"{reminder.event}:{reminder.id}:{iso(reminder.due_at)}",
    )  # fmt: skip
    if reminder.event is Change.REMINDED and timing.repeat_interval is not None:
        _plan(post, reminder.stream, reminder.channel, Change.REMINDED, timing.repeat_interval)
