"""From intents to frozen deliveries: remind, route, silence, group, render.

In: a write transaction, channels, routes, `now`, charts. Out: how many intents were looked at.
Kept: deliveries with their bytes; every intent's outcome. After this nothing is judged again: retries resend.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import deliveries, digest, disabled, intents, reminders, reminding, silences
from alerts.announcement import notice_message, report_message, trigger_message
from alerts.conversation import worst
from alerts.freezing import Outlet, Post
from alerts.incident import Incident
from alerts.intents import Intent, Outcome
from alerts.message import Attachment, Message, Picture, incident_message
from alerts.noticing import announce
from alerts.outbox import event_of
from alerts.stream import flush_stream

# One flusher at a time on PostgreSQL (two would number deliveries twice); SQLite's write transaction sees to it.
_LOCK = 0x64726966746C696E
# Conversations looked at in one transaction.
STREAMS = 200

__all__ = ["STREAMS", "Outlet", "due_incidents", "flush"]


def due_incidents(conn: Connection, now: datetime, hold: Collection[str], most: int) -> list[Incident]:
    """The incidents that what is due now will show, as they now stand: one for each conversation, `most` of them."""
    found = {
        one.pending[0].stream: one.members
        for one in intents.due(conn, now, most, hold)
        if one.pending[0].kind == "incident"
    }
    for reminder in reminders.due(conn, now, most):
        if reminder.stream not in found:
            found[reminder.stream] = intents.members(conn, reminder.stream)
    shown = [[event_of(one.newest.payload).incident for one in members.values()] for members in found.values()]
    return [worst(incidents) for incidents in shown if incidents][:most]


def flush(
    conn: Connection,
    outlet: Outlet,
    now: datetime,
    hold: Collection[str] = (),
    pictures: Mapping[str, Picture] | None = None,
) -> int:
    """Route and freeze what is due; how many intents were looked at (0 also when another process is at it).

    What is to be said about models in `hold` waits: they are catching up, and it is not yet the last word.
    `pictures` are charts by incident: drawn before, for this transaction waits for nothing.
    """
    if conn.dialect.name == "postgresql" and not conn.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
        return 0
    muting = silences.active(conn, now)
    post = Post(conn, outlet, now, disabled.reasons(conn), pictures or {})
    reminding.remind(post, muting, STREAMS)
    announce(post)
    conversations = intents.due(conn, now, STREAMS, hold)
    entries: list[digest.Entry] = []
    heard = deliveries.heard_of(conn, [one.pending[0].stream for one in conversations])
    for one in conversations:
        if one.pending[0].kind == "incident":
            entries += flush_stream(post, one, muting, heard.get(one.pending[0].stream, {}))
        else:
            _direct(post, one.pending)
    if entries:
        digest.write(post, entries)
        for one in intents.due(conn, now + timedelta(microseconds=1), STREAMS, hold):
            if one.pending[0].kind == "digest":
                _direct(post, one.pending)
    post.write()
    return sum(len(one.pending) for one in conversations)


def _direct(post: Post, group: Sequence[Intent]) -> None:
    """Reports, triggers, digests, notices and dead channels name their channels themselves."""
    for intent in group:
        message = _message(post, intent)
        channels = intent.channels or ()
        # Several may be of one stream: each is numbered after the one before.
        post.write()
        for channel in channels:
            post.freeze(intent, channel, message, deliveries.told(post.conn, intent.stream, channel))
        post.end(intent, channels, Outcome.SUPPRESSED, "no channels are named")


def _message(post: Post, intent: Intent) -> Message:
    if intent.kind == "trigger":
        return trigger_message(intent.payload, intent.created_at)
    if intent.kind == "report":
        return _report(intent)
    if intent.kind == "channel":
        event = event_of(intent.payload)
        # Told to several at once: nobody's own link.
        return incident_message(event, links=replace(post.outlet.site, secret=None).links(event.incident, "", post.now))
    return notice_message("digest" if intent.kind == "digest" else "notice", intent.payload, intent.created_at)


def _report(intent: Intent) -> Message:
    payload = intent.payload
    lines, files = list(payload["lines"]), []
    for name in payload["attachments"]:
        try:
            files.append(Attachment(Path(name).name, Path(name).read_bytes()))
        except OSError as error:
            lines.append(f"{Path(name).name} could not be attached: {error.strerror}")
    return report_message(
        name=payload["name"],
        title=payload["title"],
        summary=payload["summary"],
        at=intent.created_at,
        lines=lines,
        html=payload["html"],
        attachments=files,
        url=payload["url"],
    )
