"""From intents to frozen deliveries: route, silence, group, render.

In: a write transaction, channels, routes, `now`. Out: how many intents were looked at.
Kept: deliveries with their bytes; every intent's outcome. After this nothing is judged again: retries resend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import deliveries, disabled, intents, silences
from alerts.channels.base import Channel, Letter
from alerts.deliveries import Told
from alerts.incident import Change
from alerts.intents import Intent, Outcome
from alerts.message import Attachment, Message, incident_message, report_message, trigger_message
from alerts.outbox import event_of
from alerts.routing import Reason, Route, Silence, Timing, decide

# One flusher at a time on PostgreSQL (two would number deliveries twice); SQLite's write transaction sees to it.
_LOCK = 0x64726966746C696E
_STREAMS = 200
_NEVER_TOLD = "over or taken on before this channel was told of it"


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where things may go, and by which rules."""

    channels: Mapping[str, Channel]
    routes: Sequence[Route]
    public_url: str | None = None


def flush(conn: Connection, outlet: Outlet, now: datetime, hold: Collection[str] = ()) -> int:
    """Route and freeze what is due; how many intents were looked at (0 also when another process is at it).

    What is to be said about models in `hold` waits: they are catching up, and it is not yet the last word.
    """
    if conn.dialect.name == "postgresql" and not conn.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
        return 0
    groups = intents.due(conn, now, _STREAMS, hold)
    if not groups:
        return 0
    muting = silences.active(conn, now)
    post = _Post(conn, outlet, now, disabled.reasons(conn))
    for group in groups:
        if group[0].kind == "incident":
            _flush_incident(post, group, muting)
        else:
            for intent in group:
                _flush_direct(post, intent)
    return sum(len(group) for group in groups)


@dataclass(frozen=True, slots=True)
class _Post:
    """One flush at work."""

    conn: Connection
    outlet: Outlet
    now: datetime
    gone: Mapping[str, tuple[str, str]]

    def freeze(self, intent: Intent, channel: str, message: Message, told: Told | None) -> None:
        """Number, render and keep one delivery; what cannot be sent at all is dead from the start, with its reason."""
        seq = told.seq + 1 if told else 1
        key = _key(intent, channel, seq)
        body, problem = b"", None
        target = self.outlet.channels.get(channel)
        if target is None:
            problem = f"there is no channel {channel} (any more)"
        elif self.gone.get(channel, ("", ""))[0] == target.endpoint:
            problem = self.gone[channel][1]
        else:
            letter = Letter(key, intent.stream, seq, channel, first=told is None or not told.told)
            try:
                body = target.render(message, letter)
            except Exception as error:  # noqa: BLE001 -- one message that cannot be rendered must not hold up the rest
                problem = f"could not be rendered: {type(error).__name__}: {error}"
        deliveries.add(
            self.conn, key=key, intent=intent.id, stream=intent.stream, channel=channel, seq=seq, event=message.event,
            body=body, at=self.now, dead=problem,
        )  # fmt: skip


def _flush_incident(post: _Post, group: Sequence[Intent], muting: Sequence[Silence]) -> None:
    conn, newest = post.conn, group[-1]
    decision = decide(event_of(newest.payload).incident, post.outlet.routes, muting, post.now)
    if decision.reason is not Reason.ROUTED:
        for intent in group:
            _end(conn, intent, intent.served, Outcome.SUPPRESSED, str(decision))
        return
    served = {intent.id: set(intent.served) for intent in group}
    due: list[datetime] = []
    frozen = False
    for channel, timing in decision.channels.items():
        waiting = [intent for intent in group if channel not in served[intent.id]]
        if not waiting:
            continue
        told = deliveries.told(conn, newest.stream, channel)
        known = told is not None and told.told
        changes = {Change(intent.payload["event"]) for intent in waiting}
        if known or changes & {Change.OPENED, Change.REOPENED, Change.UPDATED}:
            until = _until(waiting, timing, told if known else None)
            if until > post.now:
                due.append(until)
                continue
            post.freeze(waiting[-1], channel, _incident_message(post, waiting, known), told)
            frozen = True
        for intent in waiting:
            served[intent.id].add(channel)
    for intent in group:
        done = sorted(served[intent.id])
        if set(decision.channels) <= served[intent.id]:
            if frozen:
                _end(conn, intent, done, Outcome.COALESCED, f"told with intent {newest.id}")
            else:
                _end(conn, intent, done, Outcome.SUPPRESSED, _NEVER_TOLD)
        else:
            intents.defer(conn, intent.id, min(due), done)


def _flush_direct(post: _Post, intent: Intent) -> None:
    """Reports, triggers and dead channels name their channels themselves."""
    message = _direct_message(post, intent)
    channels = intent.channels or ()
    for channel in channels:
        post.freeze(intent, channel, message, deliveries.told(post.conn, intent.stream, channel))
    _end(post.conn, intent, channels, Outcome.SUPPRESSED, "no channels are named")


def _direct_message(post: _Post, intent: Intent) -> Message:
    if intent.kind == "channel":
        return incident_message(event_of(intent.payload), public_url=post.outlet.public_url)
    return _report(intent) if intent.kind == "report" else trigger_message(intent.payload, intent.created_at)


def _end(conn: Connection, intent: Intent, served: Sequence[str], outcome: Outcome, reason: str) -> None:
    """End an intent as its own deliveries say, or, where it has none, with this outcome."""
    if deliveries.of_intent(conn, intent.id):
        intents.queue(conn, intent.id, served)
        deliveries.settle(conn, intent.id)
    else:
        intents.finish(conn, [intent.id], outcome, reason)


def _until(waiting: Sequence[Intent], timing: Timing, told: Told | None) -> datetime:
    """When this channel is to hear of it: new ones wait for company, updates for their turn, an end for nobody."""
    changes = [Change(intent.payload["event"]) for intent in waiting]
    if changes[-1] is Change.RESOLVED:
        return waiting[0].created_at
    if told is None:
        return waiting[0].created_at + timing.group_wait
    if all(change is Change.UPDATED for change in changes):
        return max(waiting[0].created_at, told.at + timing.group_interval)
    return waiting[0].created_at


def _incident_message(post: _Post, waiting: Sequence[Intent], known: bool) -> Message:
    """One message for everything this channel has not heard: the newest state, named after the weightiest change."""
    events = [event_of(intent.payload) for intent in waiting]
    newest = events[-1]
    name = newest.event
    if name in (Change.UPDATED, Change.ACKNOWLEDGED):
        openings = [event.event for event in events if event.event in (Change.OPENED, Change.REOPENED)]
        name = openings[-1] if openings else (name if known else Change.OPENED)
    missed = [event.reason for event in events[:-1]]
    return incident_message(replace(newest, event=name), public_url=post.outlet.public_url, missed=missed)


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


def _key(intent: Intent, channel: str, seq: int) -> str:
    if intent.kind == "trigger":
        return str(intent.payload["key"])
    text = "\0".join((intent.stream, channel, str(seq), str(intent.id), intent.created_at.isoformat()))
    return "msg_" + hashlib.sha256(text.encode()).hexdigest()[:32]
